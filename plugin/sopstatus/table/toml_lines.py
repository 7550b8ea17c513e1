"""Where a key of a TOML file stands: tomllib tells no positions, and an analyst needs the line."""

from __future__ import annotations

import re
from typing import NamedTuple

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """Where a key stands: line and column, counted from 1, and its length in characters."""

    line: int
    column: int = 1
    length: int = 0


Places = dict[Path, Place]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]\s](?:[^\]]*[^\]\s])?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r'\s*((?:"[^"]*"|\'[^\']*\'|[A-Za-z0-9_-]+)(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=')
_INLINE = re.compile(r'[{,]\s*("[^"]*"|[A-Za-z0-9_-]+)\s*=')
_PART = re.compile(r'"([^"]*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)')


def key_places(text: str) -> Places:
    """Map the path of every key and table to its place.

    Elements of an array of tables are numbered from 0: ``("attribute", 2, "hl7", "field")``.
    """
    places: Places = {(): Place(1)}
    table: Path = ()
    counts: dict[str, int] = {}
    closing = ""  # the quotes that end a multi-line string
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = _HEADER.match(line)
        # an array of arrays over several lines has lines like [{}], which name nothing
        if header and (names := _parts(header.group(2))):
            if header.group(1) == "[[":
                counts[names[0]] = counts.get(names[0], -1) + 1
            table = _numbered(names, counts)
            places.setdefault(table, _place(number, header, 2))
        elif key := _KEY.match(line):
            path = (*table, *_parts(key.group(1)))
            places.setdefault(path, _place(number, key, 1))
            for inline in _INLINE.finditer(line, key.end()):
                within = (*path, *_parts(inline.group(1)))
                places.setdefault(within, _place(number, inline, 1))
            for quotes in ('"""', "'''"):
                closing = quotes if line.count(quotes) % 2 else closing
    return places


def place_of(places: Places, path: Path) -> Place:
    """Return the place of the key, or of the nearest table around it."""
    while path not in places:
        path = path[:-1]
    return places[path]


def _place(line: int, found: re.Match[str], group: int) -> Place:
    return Place(line, found.start(group) + 1, found.end(group) - found.start(group))


def _parts(dotted: str) -> list[str]:
    return ["".join(groups) for groups in _PART.findall(dotted)]


def _numbered(names: list[str], counts: dict[str, int]) -> Path:
    first = names[0]
    return (first, counts[first], *names[1:]) if first in counts else tuple(names)
