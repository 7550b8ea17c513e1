"""Simple extensions that others have published: one for each value of a row, on the element itself.

Such an extension speaks of the instance and not of a copy: it is read as a statement without holder
and written from one. It has no place for an exact text or for a value that was emptied, so what it
cannot say exactly is not written, and reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.codecs.fhir import extension as ext
from sopstatus.codecs.fhir.elements import Element, level_of
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Found
from sopstatus.holder import NOBODY
from sopstatus.model import SOPInstance
from sopstatus.table import Attribute, MappingTable

_CODE = "fhir/not-carried"


@dataclass(slots=True)
class Place:
    """Where the extensions of a row stand in the list of an element."""

    element: Element
    indexes: list[int]


def read(
    places: Iterable[Element], row: Attribute, tables: MappingTable, issues: Issues
) -> list[Found[Place]]:
    """Read what the extensions of a row say, element by element."""
    statements = []
    group = tables.extensions[row.extension]
    for element in places:
        if element.context not in row.contexts:
            continue
        indexes = [
            index
            for index, one in enumerate(element.extensions())
            if isinstance(one, dict) and one.get("url") == row.extension
        ]
        if not indexes:
            continue
        found = [
            (issues.at(f"{element.location}.extension[{index}]"), element.extensions()[index])
            for index in indexes
        ]
        value = ext.read_row(row, found, {}, issues, group)
        unread = frozenset((row.keyword,)) if value is ext.UNREAD else frozenset()
        said = () if unread or not value else ((row.keyword, value),)
        place = Place(element, indexes)
        statements.append(Found(element.stated(NOBODY, said), place, unread))
    return statements


def sayable(
    row: Attribute, wanted: Iterable[SOPInstance], offset: str, issues: Issues
) -> Iterator[SOPInstance]:
    """Yield the statements without holder, emptied of what the row cannot say; report the rest."""
    for new in wanted:
        if new.holder:
            if new.attributes:
                issues.at(level_of(new)).add(
                    _CODE, keyword=row.keyword, reason="the statement is about a holder's copy"
                )
            continue
        if new.attributes and not slices(row, new, offset):
            ((_, value),) = new.attributes
            reason = "it was emptied" if value is None else "the type cannot say the value exactly"
            issues.at(level_of(new)).add(_CODE, keyword=row.keyword, reason=reason)
            new = replace(new, attributes=())
        yield new


def slices(row: Attribute, new: SOPInstance, offset: str) -> list[dict[str, Any]]:
    """Return the extensions that say what a statement says of the row; none if they cannot."""
    ((_, value),) = new.attributes
    made = ext.slices(row, value, offset, Issues())
    return made if all(one["url"] == row.extension for one in made) else []


def rewritten(
    old: list[Any], indexes: list[int], made: list[dict[str, Any]], gone: set[int]
) -> None:
    """Put the new extensions of a row in place of the old ones; ``gone`` gets those that are too many."""
    for index, one in zip(indexes, made, strict=False):
        old[index] = {**old[index], **one} if _same_members(old[index], one) else one
    old += made[len(indexes) :]
    gone.update(indexes[len(made) :])


def _same_members(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return {name for name in old if name.startswith("value")} <= new.keys()
