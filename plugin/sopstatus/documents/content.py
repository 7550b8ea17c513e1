"""Documents as files hold them: told apart by their content, read and written without loss."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs import Format
from sopstatus.codecs.fhir.text import is_xml
from sopstatus.codecs.shared import gzipped
from sopstatus.codecs.shared.json_document import dump_json, dump_line, is_utf_16, load_json
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError

__all__ = [
    "dump_json",
    "dump_line",
    "is_packed",
    "load",
    "load_json",
    "load_lines",
    "recognise",
    "recognise_parsed",
    "unpacked",
]

_TAG = r"\(?[0-9A-Fa-f]{4},?[0-9A-Fa-f]{4}\)?"
# the first member: a tag, or whatever else has an attribute object as its value
_DATA_SET = re.compile(rb'\s*\{\s*"(?:%s"|[^"]*"\s*:\s*\{\s*"vr")' % _TAG.encode())
_IMAGE_SET = re.compile(rb'\s*\{\s*"(?:SchemaVersion|DatastoreID|ImageSetID|Patient|Study)"')
_HL7_STARTS = (b"MSH", b"FHS", b"BHS")
_LINE = re.compile(rb"\s*\{.*\}\s*")
_XML = re.compile(rb"<[A-Za-z_?!]")
_DICOM_XML = re.compile(  # Mirth's; and others', which its codec names
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:dicom|(?:[\w.-]+:)?NativeDicomModel|file-format|data-set)[\s/>]",
    re.DOTALL,
)


def recognise(data: bytes) -> Format:
    """Return the name of the format, one of `FORMATS`; raise `DocumentError` for anything else.

    JSON is recognised by how it begins: a list or a tag is DICOM JSON, HealthImaging's own names (or
    gzip) are its metadata, any other object is FHIR. FHIR XML and JSON in UTF-16 are named; any other
    XML is taken for Mirth's, whose codecs tell it from others.
    """
    if not data.strip():
        raise document_error("document/empty", "")
    if data[128:132] == b"DICM":
        return "dicom"
    plain = data[:4096].removeprefix(b"\xef\xbb\xbf")
    start = (
        data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n").removeprefix(b"\xef\xbb\xbf")
    )
    if start.startswith(_HL7_STARTS):
        return "hl7"
    if start.startswith(b"[") or _DATA_SET.match(plain):
        return "dicom-json"
    if _IMAGE_SET.match(plain) or data.startswith(gzipped.MAGIC):
        return "healthimaging"
    if start.startswith(b"{"):
        return "fhir"
    if is_xml(plain):
        raise document_error("fhir/xml", "")
    if is_utf_16(data):
        raise document_error("document/utf-16", "")
    if _XML.match(start):
        return "dicom-xml" if _DICOM_XML.match(plain) else "hl7-xml"
    raise document_error("document/unknown-format", "")


def recognise_parsed(document: Any) -> Format:
    """Return the name of the format of parsed JSON: as `recognise`, by all that it holds."""
    if isinstance(document, list):
        return "dicom-json"
    if "resourceType" in document:
        return "fhir"
    if isinstance(document.get("Study"), dict):
        return "healthimaging"
    has_vr = any(isinstance(node, dict) and "vr" in node for node in document.values())
    return "dicom-json" if has_vr or any(map(_is_tag, document)) else "fhir"


def _is_tag(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(_TAG, name) is not None


def unpacked(data: bytes, *, limits: Limits = DEFAULT) -> bytes:
    """Return what gzip has packed; any other content, and HealthImaging's metadata, as it is.

    Raise `DocumentError` where it cannot be unpacked, or to more than the limit.
    """
    if not is_packed(data):
        return data
    return gzipped.inflated(data, limits)


def is_packed(data: bytes) -> bool:
    """Tell whether a document is packed by gzip, and not of the format that is always packed so."""
    return data.startswith(gzipped.MAGIC) and not _IMAGE_SET.match(gzipped.start(data))


def load(data: bytes, *, limits: Limits = DEFAULT) -> tuple[Format, Any]:
    """Return the format of a file's content, and the document as its codec takes it."""
    data = unpacked(data, limits=limits)
    name = recognise(data)
    return (name, load_json(data, limits=limits)) if name == "fhir" else (name, data)


def load_lines(data: bytes, *, limits: Limits = DEFAULT) -> tuple[Format, Any] | None:
    """Return the resources of FHIR NDJSON, one a line, as a Bundle; ``None`` for anything else.

    Raise `DocumentError` that names the line where one is not JSON: none is left out.
    """
    data = unpacked(data, limits=limits)
    if len(data) > limits.document:
        return None  # reported by whoever reads it as one
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    if len(lines) < 2 or not all(_LINE.fullmatch(line) for line in lines[:2]):
        return None
    if any(recognise(line) != "fhir" for line in lines[:2]):
        return None
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append({"resource": load_json(line, limits=limits)})
        except DocumentError as error:
            where = f"line[{number}]"
            raise DocumentError(*(replace(one, location=where) for one in error.issues)) from None
    return "fhir", {"resourceType": "Bundle", "type": "collection", "entry": entries}
