"""What carrying the statements onto a target would do: the transformer's own result, compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sopstatus.codecs.statement import compatible
from sopstatus.crossing import admit
from sopstatus.explain.document import Opened, Place, Slot, tag_text
from sopstatus.explain.model import Change, Counterpart, Into
from sopstatus.explain.read import read
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.profile import Link
from sopstatus.table import MappingTable
from sopstatus.transform import DATA_SETS, codec, transformer


def into(
    source: Opened,
    target: Opened,
    statements: tuple[SOPInstance, ...],
    tables: MappingTable,
    link: Link | None,
) -> Into:
    """Carry the statements onto the target as ``convert`` does, and tell what becomes of each."""
    name = target.format
    reader, writer = codec(source.format, tables=tables), codec(name, tables=tables)
    result = transformer(source.format, name, tables=tables)(
        source.document, target.document, link=link
    )
    known = reader.instances(source.document)
    issues = result.issues[len(reader.decode(source.document).issues) :]
    before = read(target, tables).places
    after = read(Opened(name, result.value, _bytes(result.value)), tables).places
    counterparts = []
    for number, statement in enumerate(statements):
        wanted = admit([statement], link).value[0] if name in DATA_SETS else statement
        place = _find(after, wanted, name)
        changes = _changes(_find(before, wanted, name, place), place, wanted, tables, name)
        refused = place is None or any(change.outcome == "refused" for change in changes)
        counterparts.append(
            Counterpart(
                number,
                place.path if place else "",
                changes,
                _why(writer, wanted, target, known, issues) if refused else (),
            )
        )
    return Into(name, tuple(counterparts), issues)


def _bytes(document: Any) -> bytes | None:
    return document if isinstance(document, bytes) else None


def _find(
    places: Iterable[Place], wanted: SOPInstance, name: str, after: Place | None = None
) -> Place | None:
    """Return the place of this statement: of its own, else one about the series or study.

    ``after`` is the place that was found in the new document, for the search in the old one.
    """
    if after:  # the same identity: a statement may have been rolled up
        wanted = replace(after.instance, attributes=wanted.attributes)
    holders = ("", wanted.holder) if name in DATA_SETS else (wanted.holder,)
    same = [
        place
        for place in places
        if place.instance.holder in holders
        and compatible(place.instance, wanted)
        and place.instance.sop_instance_uid == wanted.sop_instance_uid
        and (
            wanted.sop_instance_uid
            or place.instance.series_instance_uid == wanted.series_instance_uid
        )
    ]
    exact = [place for place in same if place.instance.attributes == wanted.attributes]
    if exact or same or after:
        return next(iter(exact or same), None)
    wider = (
        place
        for place in places
        if place.instance.holder in holders
        and compatible(place.instance, wanted)
        and place.instance.attributes == wanted.attributes
        and (not place.instance.sop_instance_uid or not wanted.sop_instance_uid)
    )
    return next(wider, None)


def _changes(
    old: Place | None, new: Place | None, wanted: SOPInstance, tables: MappingTable, name: str
) -> tuple[Change, ...]:
    said = dict(wanted.attributes)
    had, has = _slots(old), _slots(new)
    changes = []
    for row in tables.attributes.values():
        keyword = row.keyword
        before, after = had.get(keyword), has.get(keyword)
        if keyword not in said and before is None:
            continue
        reached = after is not None and keyword in said and after.value == said[keyword]
        outcome = "refused"
        if keyword not in said:
            outcome = "unchanged" if after else "removed"
        elif reached and before is None:
            outcome = "added"
        elif reached and before:
            outcome = "unchanged" if before.value == said[keyword] else "changed"
        path = after.path if after else before.path if before else ""
        if not path:
            path = tag_text(row.tag) if name == "dicom" else new.path if new else ""
        changes.append(Change(keyword, path, outcome, _shown(before), _shown(after)))
    return tuple(changes)


def _slots(place: Place | None) -> dict[str, Slot]:
    return {slot.row.keyword: slot for slot in place.slots} if place else {}


def _shown(slot: Slot | None) -> str | None:
    if slot is None:
        return None
    return slot.text if slot.text else slot.verbatim


def _why(
    writer: Any,
    wanted: SOPInstance,
    target: Opened,
    known: tuple[SOPInstance, ...],
    issues: tuple[Issue, ...],
) -> tuple[Issue, ...]:
    """Return the issues of writing this statement alone; else those of writing all of them."""
    try:
        found: tuple[Issue, ...] = writer.encode([wanted], target.document, known=known).issues
    except DocumentError as error:
        found = error.issues
    return found or issues
