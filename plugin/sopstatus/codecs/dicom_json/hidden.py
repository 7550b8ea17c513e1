"""Places where a status may stand in DICOM JSON without stating anything: told, and never read.

Copies inside sequences and Hitachi's private twins are looked for only where the data set itself
states nothing, for then somebody wonders where the status went; the others are not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs.shared.data_set import TWIN_CREATOR, TWINS
from sopstatus.codecs.shared.json_text import spelt
from sopstatus.model import Issue
from sopstatus.table import Attribute
from sopstatus.values import tag_text

_RESERVING = re.compile(r"002900[1-9A-F][0-9A-F]")  # PS3.5 7.8.1
_ESCAPED_LETTER = re.compile(rb"\\u00[3-7]")


def of_node(node: dict[str, Any], at: str, rows: Iterable[Attribute], depth: int) -> list[Issue]:
    """Look for private twins and nested copies in one data set; ``at`` is its place.

    Sequences nested more than ``depth`` deep are not looked into.
    """
    rows, before = tuple(rows), f"{at}." if at else ""
    issues = list(_twins(node, before, {row.tag: row for row in rows}))
    nested = _nested(node, before, frozenset(f"{row.tag:08X}" for row in rows), depth)
    issues += [
        issue("dicom/nested", nested[name], keyword=row.keyword)
        for row in rows
        if (name := f"{row.tag:08X}") in nested
    ]
    return issues


def _twins(node: dict[str, Any], before: str, rows: dict[int, Attribute]) -> Iterator[Issue]:
    for name in filter(_RESERVING.fullmatch, node):
        values = node[name].get("Value") if isinstance(node[name], dict) else None
        creator = spelt(values[0]) if isinstance(values, list) and values else None
        if (creator or "").strip(" \0") != TWIN_CREATOR:
            continue
        for low, tag in TWINS.items():
            twin = f"0029{name[6:]}{low:02X}"
            if twin in node and tag in rows:
                facts = {
                    "keyword": rows[tag].keyword,
                    "tag": tag_text(tag),
                }
                yield issue("dicom/private-twin", f"{before}{twin}", **facts)


def _nested(node: dict[str, Any], before: str, names: frozenset[str], depth: int) -> dict[str, str]:
    """Return the first place of each of these names in the items of sequences."""
    found: dict[str, str] = {}
    work = [(node, before, depth)]
    while work:
        here, before, left = work.pop()
        for name in names & here.keys():
            found.setdefault(name, f"{before}{name}")
        items = []
        for name, attribute in here.items() if left else ():
            values = attribute.get("Value") if isinstance(attribute, dict) else None
            for number, item in enumerate(values) if isinstance(values, list) else ():
                if isinstance(item, dict):
                    items.append((item, f"{before}{name}.Value[{number}].", left - 1))
        work += reversed(items)
    return found


def marks(rows: Iterable[Attribute]) -> tuple[bytes, ...]:
    """Return what a text must hold, one at least, to have a nested copy or a private twin."""
    starts: dict[str, list[str]] = {}
    for row in rows:  # one search for all that differ in their last two digits
        name = f'"{row.tag:08X}"'
        starts.setdefault(name[:7], []).append(name)
    found = (names[0] if len(names) == 1 else start for start, names in starts.items())
    return (TWIN_CREATOR.encode(), *(text.encode() for text in found))


def may_have(text: bytes, looked_for: Iterable[bytes]) -> bool:
    """Tell whether a text may hold one of the marks, however its letters are spelt."""
    return any(mark in text for mark in looked_for) or (
        b"\\" in text and b"\\u00" in text and _ESCAPED_LETTER.search(text) is not None
    )
