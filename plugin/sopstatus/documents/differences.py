"""Compare two documents place by place: only what differs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Pair = tuple[str, str]
_NOTHING = "(nothing)"
_WIDEST = 44


class Difference(NamedTuple):
    """One place where two documents differ; ``None`` = nothing stands there."""

    place: str
    expected: str | None
    found: str | None


def differences(expected: Iterable[Pair], found: Iterable[Pair]) -> list[Difference]:
    """Return the places that differ: those of the first document in its order, then new ones."""
    left, right = dict(expected), dict(found)
    order = dict.fromkeys([*left, *right])
    every = (Difference(place, left.get(place), right.get(place)) for place in order)
    return [one for one in every if one.expected != one.found]


def table(rows: Iterable[Difference], heads: tuple[str, str, str]) -> str:
    """Return the rows as three columns, wrapped where a text is long."""
    cells = [heads, *((r.place, _shown(r.expected), _shown(r.found)) for r in rows)]
    widths = [min(_WIDEST, max(len(cell[i]) for cell in cells)) for i in range(3)]
    widths[0] = max(len(line) for cell in cells for line in _place_lines(cell[0], _WIDEST))
    lines = [line for cell in cells for line in _lines(cell, widths)]
    head = len(list(_lines(heads, widths)))
    rule = "-+-".join("-" * width for width in widths)
    return "\n".join([*lines[:head], rule, *lines[head:]])


def _shown(text: str | None) -> str:
    if text is None:
        return _NOTHING
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return plain or '""'


def _lines(cells: tuple[str, str, str], widths: list[int]) -> Iterator[str]:
    columns = [
        _place_lines(cells[0], widths[0]),
        *(
            textwrap.wrap(cell, width, break_on_hyphens=False, drop_whitespace=False) or [""]
            for cell, width in zip(cells[1:], widths[1:], strict=True)
        ),
    ]
    for number in range(max(map(len, columns))):
        parts = (c[number] if number < len(c) else "" for c in columns)
        padded = (f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
        yield " | ".join(padded).rstrip()


def _place_lines(place: str, width: int) -> list[str]:
    """Break a long place before a dot or a word, not within a name."""
    lines = [""]
    for part in re.split(r"(?=[. ])", place):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("  ")
        lines[-1] += part
    return lines
