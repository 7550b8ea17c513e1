"""Documents as files hold them: told apart by their content, read and written without loss."""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.json_text import is_deeper
from sopstatus.limits import DEFAULT, Limits

_GZIP = b"\x1f\x8b"
_TAG = r"\(?[0-9A-Fa-f]{4},?[0-9A-Fa-f]{4}\)?"
# the first member: a tag, or whatever else has an attribute object as its value
_DATA_SET = re.compile(rb'\s*\{\s*"(?:%s"|[^"]*"\s*:\s*\{\s*"vr")' % _TAG.encode())
_IMAGE_SET = re.compile(rb'\s*\{\s*"(?:SchemaVersion|DatastoreID|ImageSetID|Patient|Study)"')
_HL7_STARTS = (b"MSH", b"FHS", b"BHS")
_XML = re.compile(rb"<[A-Za-z_?!]")
_DICOM_XML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<dicom[\s/>]")


class _Number(float):
    """A JSON number that remembers its spelling: FHIR decimals are as precise as written."""

    text: str


def recognise(data: bytes) -> str:
    """Return the name of the format, one of `FORMATS`; raise `DocumentError` for anything else.

    JSON is told by how it begins: a list or a tag is DICOM JSON, HealthImaging's own names (or
    gzip) are its metadata, any other object is FHIR. Any XML is taken for Mirth's, whose
    codecs tell it from others.
    """
    if not data.strip():
        raise document_error("document/empty", "")
    if data[128:132] == b"DICM":
        return "dicom"
    plain = data[:4096].removeprefix(b"\xef\xbb\xbf")
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n")
    if start.startswith(_HL7_STARTS):
        return "hl7"
    if start.startswith(b"[") or _DATA_SET.match(plain):
        return "dicom-json"
    if _IMAGE_SET.match(plain) or data.startswith(_GZIP):
        return "healthimaging"
    if start.startswith(b"{"):
        return "fhir"
    if _XML.match(start):
        return "dicom-xml" if _DICOM_XML.match(plain) else "hl7-xml"
    raise document_error("document/unknown-format", "")


def recognise_parsed(document: Any) -> str:
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


def load(data: bytes, *, limits: Limits = DEFAULT) -> tuple[str, Any]:
    """Return the format of a file's content, and the document as its codec takes it."""
    name = recognise(data)
    return (name, load_json(data, limits=limits)) if name == "fhir" else (name, data)


def load_json(data: bytes, *, limits: Limits = DEFAULT) -> Any:
    """Parse JSON; numbers keep their spelling. Raise `DocumentError` with line and column."""
    if len(data) > limits.document:
        raise document_error("document/too-large", "", limit=limits.document)
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_float=_number, parse_int=_integer)
    except json.JSONDecodeError as error:
        facts = {"line": error.lineno, "column": error.colno}
        raise document_error("document/not-json", "", **facts) from None
    except RecursionError:
        raise document_error("document/too-deep", "", limit=limits.depth) from None
    except (UnicodeDecodeError, ValueError):
        raise document_error("document/not-json", "", line=1, column=1) from None
    if is_deeper(document, limits.depth):
        raise document_error("document/too-deep", "", limit=limits.depth)
    return document


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _integer(text: str) -> int | _Number:
    return _number(text) if text == "-0" else int(text)


def dump_json(document: Any) -> bytes:
    """Print JSON with two blanks of indentation, every number as it was spelt."""
    out: list[str] = []
    _write(document, "\n", out)
    return "".join([*out, "\n"]).encode("utf-8")


def _write(node: Any, newline: str, out: list[str]) -> None:
    inner = newline + "  "
    if isinstance(node, dict) and node:
        for index, (key, value) in enumerate(node.items()):
            out += "," if index else "{", inner, _text(key), ": "
            _write(value, inner, out)
        out += newline, "}"
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            out += "," if index else "[", inner
            _write(value, inner, out)
        out += newline, "]"
    elif isinstance(node, str):
        out.append(_text(node))
    else:
        out.append(node.text if isinstance(node, _Number) else json.dumps(node))


def _text(text: str) -> str:
    plain = encode_basestring(text)
    if not plain.isascii():
        try:
            plain.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair
            return json.dumps(text)
    return plain
