"""Documents as files hold them: told apart by their content, read and written without loss."""

from __future__ import annotations

import json
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.limits import DEFAULT, Limits

_HL7_STARTS = (b"MSH", b"FHS", b"BHS")


class _Number(float):
    """A JSON number that remembers its spelling: FHIR decimals are as precise as written."""

    text: str


def recognise(data: bytes) -> str:
    """Return ``"dicom"``, ``"hl7"`` or ``"fhir"``; raise `DocumentError` for anything else."""
    if not data or data.isspace():
        raise document_error("document/empty", "")
    if data[128:132] == b"DICM":
        return "dicom"
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n")
    if start.startswith(_HL7_STARTS):
        return "hl7"
    if start.startswith(b"{"):
        return "fhir"
    raise document_error("document/unknown-format", "")


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
    if _is_deeper(document, limits.depth):
        raise document_error("document/too-deep", "", limit=limits.depth)
    return document


def _is_deeper(document: Any, depth: int) -> bool:
    level = [document] if isinstance(document, dict | list) else []
    while level and depth:
        level = [
            inner
            for node in level
            for inner in (node.values() if type(node) is dict else node)
            if type(inner) is dict or type(inner) is list
        ]
        depth -= 1
    return bool(level)


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
    plain = json.dumps(text, ensure_ascii=False)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(text)
    return plain
