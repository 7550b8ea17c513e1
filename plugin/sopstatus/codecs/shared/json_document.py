"""A JSON document as a tree: loaded and printed again, every number as it was spelt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from json.encoder import encode_basestring
from typing import Any, NoReturn, TypeVar

from sopstatus.catalogue import document_error
from sopstatus.codecs.shared.json_text import Edits, Repeated, bad, bound, is_deeper
from sopstatus.limits import DEFAULT, Limits

P = TypeVar("P", bound=tuple[str | int, ...])
_UTF_16 = re.compile(
    rb"(?:\xff\xfe|(?:\0\0)?\xfe\xff)?[\0\t\n\r ]*[{\[]\0|(?:\0\0)?(?:\xfe\xff)?[\0\t\n\r ]*\0[{\[]"
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|(-?Infinity|NaN)', re.DOTALL)
_KINDS = ("Bundle", "ImagingSelection", "ImagingStudy")
_STEPS = frozenset(
    (
        *("contained", "entry", "extension", "instance", "meta", "modifierExtension"),
        *("parameter", "resource", "series"),
    )
)
"""The members that a location may name: any other could be a patient's."""


# a number that is not an integer, or -0, as a value; what looks like one in a text does no harm.
# Each pattern begins with what is looked for byte by byte.
_SPELT = [re.compile(start + rb"(?:-?\d+[.eE]|-0|-?I)") for start in (b'":', rb"\[", b",")]


class _NoNumberError(Exception):
    """NaN or Infinity, which JSON has not."""


class _Number(float):
    """A JSON number that remembers its spelling: FHIR decimals are as precise as written."""

    text: str


def load_json(data: bytes | str, *, limits: Limits = DEFAULT) -> Any:
    """Parse JSON; numbers keep their spelling.

    Raise `DocumentError` with line and column for what is not JSON (RFC 8259), and with the place of
    an object in which a name stands twice: each parser takes the one that it likes.
    """
    if len(data) > limits.document:
        raise document_error("document/too-large", "", limit=limits.document)
    if isinstance(data, bytes) and is_utf_16(data):
        raise document_error("document/utf-16", "")
    twice: list[Repeated] = []

    def node(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            found = Repeated(found)
            twice.append(found)
        return found

    text = ""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        bound(text)
        document = json.loads(
            text.removeprefix("\ufeff"),
            parse_float=number,
            parse_int=number,
            parse_constant=_refused,
            object_pairs_hook=node,
        )
    except json.JSONDecodeError as error:
        facts = {"line": error.lineno, "column": error.colno}
        raise document_error("document/not-json", "", **facts) from None
    except RecursionError:
        raise document_error("document/too-deep", "", limit=limits.depth) from None
    except _NoNumberError:
        constants = (token.start(1) for token in _TOKEN.finditer(text) if token[1])
        raise bad(
            text.removeprefix("\ufeff"), next(constants) - text.startswith("\ufeff")
        ) from None
    except (UnicodeDecodeError, ValueError):
        raise document_error("document/not-json", "", line=1, column=1) from None
    if is_deeper(document, limits.depth):
        raise document_error("document/too-deep", "", limit=limits.depth)
    if twice:
        raise document_error("document/repeated-member", _place(document))
    return document


def is_utf_16(data: bytes) -> bool:
    """Tell whether JSON begins in UTF-16 or UTF-32, which RFC 8259 8.1 has no more."""
    return _UTF_16.match(data) is not None


def _refused(_: str) -> NoReturn:
    raise _NoNumberError


def _place(document: Any) -> str:
    """Return where the first object with a repeated member is, as FHIR writes it."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    level = [(kind if kind in _KINDS else "", document)]
    for where, node in level:  # grows while it is gone through
        if isinstance(node, Repeated):
            return where
        if isinstance(node, dict):
            level += [
                (f"{where}.{name}".lstrip(".") if name in _STEPS else where, inner)
                for name, inner in node.items()
            ]
        elif isinstance(node, list):
            level += [(f"{where}[{index}]", inner) for index, inner in enumerate(node)]
    return ""  # in what another member of its name has replaced


def number(text: str) -> int | _Number:
    """Return a JSON number that is printed as this text; an integer by any printer."""
    if text != "-0" and text.removeprefix("-").isdigit():
        return int(text)
    made = _Number(text)
    made.text = text
    return made


def edited(document: dict[str, Any], edits: Mapping[P, Edits]) -> dict[str, Any]:
    """Return the document with members of some objects changed, copying only the way to them."""
    root = document.copy()
    copies: dict[tuple[str | int, ...], Any] = {(): root}

    def copied(path: tuple[str | int, ...]) -> Any:
        if path not in copies:
            parent = copied(path[:-1])
            parent[path[-1]] = copies[path] = parent[path[-1]].copy()
        return copies[path]

    for path, members in edits.items():
        node = copied(path)
        for name, value in members.items():
            if value is ...:
                node.pop(name, None)
            else:
                node[name] = value
    return root


def dump_line(document: Any) -> bytes:
    """Print JSON without blanks, every number as it was spelt."""
    with suppress(UnicodeEncodeError):  # half of a surrogate pair
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        if not any(spelt.search(line) for spelt in _SPELT):
            return line  # the library's printer is ten times as quick
    out: list[str] = []
    _write(document, "", out)
    return "".join(out).encode("utf-8")


def dump_json(document: Any) -> bytes:
    """Print JSON with two blanks of indentation, every number as it was spelt."""
    out: list[str] = []
    _write(document, "\n", out)
    return "".join([*out, "\n"]).encode("utf-8")


def _write(node: Any, newline: str, out: list[str]) -> None:
    inner, colon = (newline + "  ", ": ") if newline else ("", ":")
    if isinstance(node, dict) and node:
        for index, (key, value) in enumerate(node.items()):
            out += "," if index else "{", inner, _text(key), colon
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
