"""Carry DICOM SOP Instance Status (0100,0410) between DICOM, HL7 v2 and FHIR without loss."""

from sopstatus._lazily import TYPE_CHECKING, exports

if TYPE_CHECKING:
    from sopstatus import samples  # type: ignore[attr-defined]  # samples/ of the checkout
    from sopstatus.archive.scan import scan
    from sopstatus.codecs import FORMATS, Codec, Format, codec
    from sopstatus.codecs.shared.statements import expand, rollup
    from sopstatus.documents.opened import read
    from sopstatus.documents.scanned import Scanned
    from sopstatus.holder import Holder
    from sopstatus.limits import Limits
    from sopstatus.model import AuditRecord, DocumentError, Issue, Result, SOPInstance, TableError
    from sopstatus.profile import Link
    from sopstatus.table import MappingTable, load_tables
    from sopstatus.transform import Transformer, transformer

__all__ = [
    "FORMATS", "AuditRecord", "Codec", "DocumentError", "Format", "Holder", "Issue", "Limits", "Link",
    "MappingTable", "Result", "SOPInstance", "Scanned", "TableError", "Transformer", "codec",
    "expand", "load_tables", "read", "rollup", "samples", "scan", "transformer",
]  # fmt: skip

__version__ = "0.1.0"

exports(
    __name__,
    "holder",
    "model",
    "limits",
    "table",
    "codecs",
    "codecs.shared.statements",
    "profile",
    "transform",
    "documents.scanned",
    "documents.opened",
    "archive.scan",
    "samples",
)
