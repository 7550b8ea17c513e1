"""Carry DICOM SOP Instance Status (0100,0410) between DICOM, HL7 v2 and FHIR without loss."""

from sopstatus.codecs.statement import expand, rollup
from sopstatus.limits import Limits
from sopstatus.model import DocumentError, Issue, Result, SOPInstance, TableError
from sopstatus.profile import Link
from sopstatus.scan import Scanned, scan
from sopstatus.table import load_tables
from sopstatus.transform import codec, transformer

__all__ = [
    "DocumentError",
    "Issue",
    "Limits",
    "Link",
    "Result",
    "SOPInstance",
    "Scanned",
    "TableError",
    "codec",
    "expand",
    "load_tables",
    "rollup",
    "scan",
    "transformer",
]

__version__ = "0.1.0"
