"""A document of any format, recognised as the command line does: by its content or its library."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from sopstatus import codecs
from sopstatus.catalogue import document_error, reason_of
from sopstatus.codecs import Format, codec
from sopstatus.codecs.hl7.objects import is_message
from sopstatus.codecs.shared.library import comes_from
from sopstatus.documents import content
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Result, SOPInstance
from sopstatus.table import MappingTable

_SKIPPED = "\ufeff\x0b \t\r\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as its codec takes it; ``data`` are the bytes that spans count in, if any.

    ``is_text``: it was given as ``str``, so spans count characters of it.
    """

    format: Format
    document: Any
    data: bytes | None = None
    is_text: bool = False


def opened(document: Any) -> Opened:
    """Tell the format of a document: bytes and text by content, objects by their library.

    Text that begins neither as a message nor as JSON is a path. Raise `DocumentError` for anything
    that is not a document.
    """
    if isinstance(document, Opened):
        return document
    if is_message(document):  # python-hl7's messages are lists
        return Opened("hl7", document)
    if isinstance(document, dict | list):
        return Opened(content.recognise_parsed(document), document)
    if comes_from(document, "fhir", "fhir_core"):
        return Opened("fhir", document)
    if comes_from(document, "pydicom"):
        return Opened("dicom", document)
    if isinstance(document, bytes | bytearray | memoryview):
        data = content.unpacked(bytes(document))
        name, inner = content.load_lines(data) or content.load(data)
        return Opened(name, inner, data)
    if isinstance(document, str):
        start = document.lstrip(_SKIPPED)
        if start.startswith(("MSH", "FHS", "BHS")):
            data = document.encode("utf-8", "surrogatepass")
            return Opened("hl7", document, data, is_text=True)
        if start.startswith("<"):
            name, _ = content.load(document.encode("utf-8", "surrogatepass"))
            return Opened(name, document, is_text=True)
        if start.startswith(("{", "[")):
            data = document.encode("utf-8", "surrogatepass")
            name, inner = content.load(data)
            return Opened(name, inner, data, is_text=True)
    if isinstance(document, str | PathLike):
        try:  # an issue never names a path: it may hold a patient's name
            return opened(Path(document).read_bytes())
        except (OSError, ValueError) as error:
            reason = reason_of(error)
            raise document_error("document/unreadable", "", reason=reason) from error
    if hasattr(document, "read") and hasattr(document, "seek"):
        document.seek(0)
        inner = document.read()
        document.seek(0)
        return opened(inner)
    accepted = "a path, bytes, text, a binary file object, or a document as a library has it"
    raise document_error(
        "document/unknown-type", "", type=type(document).__name__, accepted=accepted
    )


def read(
    document: Any,
    *,
    holder: str = "",
    tables: MappingTable | None = None,
    limits: Limits = DEFAULT,
) -> Result[tuple[SOPInstance, ...]]:
    """Read what a document of any format says.

    It is a path, bytes, text, a file object, or what a library makes of such a document. ``holder``
    is who holds it, if it is a data set. Raise `DocumentError` for anything else.
    """
    found = opened(document)
    under = codec(found.format, tables=tables, limits=limits)
    return codecs.reading(under, found.document, under.tables.whose(holder))[0]
