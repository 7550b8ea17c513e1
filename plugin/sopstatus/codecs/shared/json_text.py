"""JSON as text: parsed with every number as it is spelt, and edited where it stands.

Nothing is printed again but the members that change (the law of the frame).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import pairwise
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from sopstatus.catalogue import document_error
from sopstatus.limits import DEFAULT
from sopstatus.model import DocumentError

Path = tuple[str, ...]
Edits = dict[str, Any]
"""Members to set, by name, and (``...``) to remove."""

MARK = b"\xef\xbb\xbf"  # of byte order
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_STACK = 256  # levels of brackets
_BLANK = re.compile(r"[ \t\n\r]*")
_NESTED = (dict, list)  # a union would be made at each look


class Number(str):
    """A JSON number as it is spelt."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object in which a name stands more than once: readers disagree which one counts.

    The last one is what it holds; ``names`` are those that stand more than once.
    """

    names: frozenset[str] = frozenset()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    node = dict(pairs)
    if len(node) == len(pairs):
        return node
    names = (name for name, _ in pairs)
    found = Repeated(node)
    found.names = frozenset(name for name, count in Counter(names).items() if count > 1)
    return found


def repeated(node: object) -> frozenset[str]:
    """Return the names that stand more than once in an object that was parsed from text."""
    return node.names if isinstance(node, Repeated) else frozenset()


DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_object
)


class Member(NamedTuple):
    """One member of an object in the text: offsets of its name, and of its value's two ends."""

    name: str
    start: int
    value: int
    end: int


def spelt(node: object) -> str | None:
    """Return the text of a JSON string, number or boolean; ``None`` of anything else."""
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, int | float):
        text: object = getattr(node, "text", None)  # a number that remembers its spelling
        return text if isinstance(text, str) else repr(node)
    return None


def text_of_bytes(data: bytes) -> str:
    """Decode a text, or a piece of one; raise `DocumentError` where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise document_error("document/not-json", "", line=line, column=column) from None


def is_nested(text: str, depth: int) -> bool:
    """Tell whether brackets that stand in no string are nested more than ``depth`` deep."""
    open_now = 0
    for bracket in _BRACKET.finditer(text):
        open_now += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if open_now > depth:
            return True
    return False


def bound(text: str | bytes) -> None:
    """Raise `DocumentError` for what would end a browser's Python: a parser that uses up its stack does."""
    if sys.platform == "emscripten" and is_nested(
        text if isinstance(text, str) else text.decode("latin-1"), _STACK
    ):
        raise document_error("document/too-deep", "", limit=_STACK)


def parse(text: str, depth: int = DEFAULT.depth) -> Any:
    """Parse a whole text; raise `DocumentError` with line and column, or where it is too deep."""
    bound(text)
    node, end = scan(text, blank(text, text.startswith("\ufeff")))
    if (end := blank(text, end)) != len(text):
        raise bad(text, end)
    if is_deeper(node, depth):
        raise document_error("document/too-deep", "", limit=depth)
    return node


def is_deeper(node: Any, depth: int) -> bool:
    """Tell whether objects and lists are nested more than ``depth`` deep."""
    level = [node] if isinstance(node, _NESTED) else []
    while level and depth:
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _NESTED)
        ]
        depth -= 1
    return bool(level)


def scan(text: str, start: int) -> tuple[Any, int]:
    """Parse the value that starts here and return it with its end."""
    try:
        found: tuple[Any, int] = DECODER.raw_decode(text, start)
        return found
    except json.JSONDecodeError as error:
        raise bad(text, error.pos) from None
    except RecursionError:
        raise document_error("document/too-deep", "", limit=sys.getrecursionlimit()) from None


def bad(text: str, at: int) -> DocumentError:
    """Make the exception for a text that is no JSON from here on."""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return document_error("document/not-json", "", line=line, column=column)


def blank(text: str, at: int) -> int:
    """Return where the blanks from here on end."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def members(text: str, start: int) -> Iterator[Member]:
    """Yield the members of the object that starts here, in a text that has been parsed."""
    at = blank(text, start + 1)
    while text[at] != "}":
        name, end = scanstring(text, at + 1)
        value = blank(text, blank(text, end) + 1)
        _, end = scan(text, value)
        yield Member(name, at, value, end)
        at = blank(text, end)
        if text[at] == ",":
            at = blank(text, at + 1)


def objects(text: str, wanted: Collection[Path]) -> list[tuple[Path, int, int]]:
    """Return the ends of the objects at these paths of names, in the order of the text.

    The text has been parsed. Where a name stands twice the last one counts, as for `parse`.
    """
    ways = {path[:depth] for path in wanted for depth in range(len(path) + 1)}
    found: dict[Path, tuple[int, int]] = {}
    last: dict[Path, int] = {}  # where what counts of each name begins

    def descend(start: int, path: Path) -> int:
        at = blank(text, start + 1)
        while text[at] != "}":
            name, end = scanstring(text, at + 1)
            value, inner = blank(text, blank(text, end) + 1), (*path, name)
            if inner in ways:
                last[inner] = value
            if inner in ways and text[value] == "{":
                end = descend(value, inner)
            else:
                _, end = scan(text, value)
            at = blank(text, end)
            at = blank(text, at + 1) if text[at] == "," else at
        if path in wanted:
            found[path] = (start, at + 1)
        return at + 1

    descend(blank(text, text.startswith("\ufeff")), ())
    counted = (
        (path, *ends)
        for path, ends in found.items()
        if all(ends[0] >= last[path[:depth]] for depth in range(1, len(path) + 1))
    )
    return sorted(counted, key=lambda place: place[1])


def edited(text: str, start: int, edits: Edits, *, sort: bool = False) -> str:
    """Return the object that starts here with members set, added and removed.

    A new member goes before the first greater name where ``sort`` is true, else to the end.
    """
    have = list(members(text, start))
    last = {member.name: member for member in have}
    kept = [
        (index, m)
        for index, m in enumerate(have)
        if m.name not in edits or (last[m.name] is m and edits[m.name] is not ...)
    ]
    between = text[have[0].end : have[1].start] if len(have) > 1 else ","
    colon = text[have[0].start : have[0].value].rpartition('"')[2] if have else ":"
    spaced = (", ", ": ") if colon[-1:].isspace() else (",", ":")
    pieces = []  # name, what stands before it unless it is the first, itself
    before = [between, *(text[n.end : m.start] for n, m in pairwise(have))]
    for index, m in kept:
        whole = text[m.start : m.end]
        if m.name in edits:
            whole = text[m.start : m.value] + dumped(edits[m.name], spaced)
        pieces.append((m.name, before[index], whole))
    for name, node in edits.items():
        if name not in last and node is not ...:
            greater = (i for i, (other, *_) in enumerate(pieces) if sort and other > name)
            whole = f"{dumped(name, spaced)}{colon}{dumped(node, spaced)}"
            pieces.insert(next(greater, len(pieces)), (name, between, whole))
    head = text[start : have[0].start] if have else "{"
    tail = text[have[-1].end : blank(text, have[-1].end) + 1] if have else "}"
    return head + "".join(b * (i > 0) + whole for i, (_, b, whole) in enumerate(pieces)) + tail


def dumped(node: Any, separators: tuple[str, str]) -> str:
    """Print a new value; non-ASCII text as it is, unless it is half of a surrogate pair."""
    plain = json.dumps(node, ensure_ascii=False, separators=separators)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(node, separators=separators)
    return plain
