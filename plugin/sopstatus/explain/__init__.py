"""How a document was read, value by value: place, row, canonical value, targets, and the rest.

It reads with the codecs' own code and writes with their own ``encode``, so that it cannot tell
another story than they do. ``python -m sopstatus explain`` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sopstatus.codecs import codec
from sopstatus.documents.opened import opened
from sopstatus.explain.document import Slot, row_of
from sopstatus.explain.into import into as carried
from sopstatus.explain.model import (
    Change,
    Counterpart,
    Explained,
    Explanation,
    Into,
    Note,
    Row,
    Source,
    Target,
    Untouched,
)
from sopstatus.explain.read import numbered, read
from sopstatus.explain.targets import Targets
from sopstatus.model import Issue
from sopstatus.profile import Link
from sopstatus.table import MappingTable, load_tables

__all__ = [
    "Change",
    "Counterpart",
    "Explained",
    "Explanation",
    "Into",
    "Note",
    "Row",
    "Source",
    "Target",
    "Untouched",
    "explain",
]


def explain(
    document: Any,
    *,
    tables: MappingTable | None = None,
    into: Any = None,
    link: Link | None = None,
) -> Explanation:
    """Explain how a document is read, and what carrying it ``into`` another would do.

    ``document`` is what any codec takes; bytes and text are told apart by their content, and text
    that is neither a message nor JSON is a path. Spans count in it: bytes, or characters of a
    ``str``. ``link`` is what is known of the way it came (PS3.15 A.1.1), for a data set as target.
    Raise `DocumentError` where a document is not what it claims to be.
    """
    tables = tables or load_tables()
    source = opened(document)
    result = codec(source.format, tables=tables).decode(source.document)
    reading = read(source, tables)
    targets = Targets(tables, source.format)
    explained = []
    at = _by_location(result.issues)
    for place, number, repeats in numbered(reading.places, result.value):
        for slot in place.slots:
            written = targets.of(result.value[number], slot.row, slot.value)
            explained.append(
                Explained(
                    number,
                    repeats,
                    row_of(slot.row, tables),
                    slot.source,
                    slot.text,
                    slot.verbatim_source,
                    slot.value,
                    slot.row.displays.get(slot.value or "", ""),
                    tuple(slot.notes),
                    written,
                    _about(slot, at),
                )
            )
    there = None
    if into is not None:
        there = carried(source, opened(into), result.value, tables, link)
    return Explanation(
        source.format,
        result.value,
        tuple(explained),
        tuple(sorted(reading.untouched, key=_offset)),
        result.issues,
        there,
        tables.versions,
    )


def _offset(left: Untouched) -> tuple[bool, int]:
    return left.source.start is None, left.source.start or 0


def _by_location(issues: Iterable[Issue]) -> dict[str, list[Issue]]:
    found: dict[str, list[Issue]] = {}
    for issue in issues:
        found.setdefault(issue.location, []).append(issue)
    return found


def _about(slot: Slot, at: dict[str, list[Issue]]) -> tuple[Issue, ...]:
    """Return the issues about a value: at its place, or by its name where its exact text stands."""
    named = re.compile(rf"\b{slot.row.keyword}\b").search
    own = at.get(slot.path, ())
    kept = slot.verbatim_source.path.rpartition("[")[0] if slot.verbatim_source else ""
    beside = at.get(kept, ()) if kept and kept != slot.path else ()
    return (
        *(i for i in own if slot.source is not None or named(i.diagnostics)),
        *(i for i in beside if named(i.diagnostics)),
    )
