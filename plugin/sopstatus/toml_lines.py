"""Where a key of a TOML file stands: tomllib tells no positions, and an analyst needs the line."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]\s](?:[^\]]*[^\]\s])?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r'\s*((?:"[^"]*"|\'[^\']*\'|[A-Za-z0-9_-]+)(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=')
_INLINE = re.compile(r'[{,]\s*("[^"]*"|[A-Za-z0-9_-]+)\s*=')
_PART = re.compile(r'"([^"]*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)')


def key_lines(text: str) -> dict[Path, int]:
    """Map the path of every key and table to its line, counted from 1.

    Elements of an array of tables are numbered from 0: ``("attribute", 2, "hl7", "field")``.
    """
    lines: dict[Path, int] = {(): 1}
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
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key.group(1)))
            lines.setdefault(path, number)
            for inline in _INLINE.finditer(line, key.end()):
                lines.setdefault((*path, *_parts(inline.group(1))), number)
            for quotes in ('"""', "'''"):
                closing = quotes if line.count(quotes) % 2 else closing
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of the key, or of the nearest table around it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _parts(dotted: str) -> list[str]:
    return ["".join(groups) for groups in _PART.findall(dotted)]


def _numbered(names: list[str], counts: dict[str, int]) -> Path:
    first = names[0]
    return (first, counts[first], *names[1:]) if first in counts else tuple(names)
