"""What carrying the statements onto a target would do: the transformer's own result, compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter
from typing import Any

from sopstatus.codecs import DATA_SETS, Codec, codec
from sopstatus.codecs.shared.statements import Near
from sopstatus.documents.opened import Opened
from sopstatus.explain.document import Place, Slot
from sopstatus.explain.model import Change, Counterpart, Into
from sopstatus.explain.read import read
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.profile import Link
from sopstatus.profile.crossing import admit
from sopstatus.table import MappingTable
from sopstatus.transform import transformer
from sopstatus.values import tag_text

_ALONE = 20  # refused statements that are written once more each, to see why


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
    carry = transformer(source.format, name, tables=tables)
    try:
        result = carry(source.document, target.document, link=link)
        issues = result.issues[len(reader.decode(source.document).issues) :]
    except DocumentError as error:
        if not error.records:
            raise
        result, issues = Result(target.document), error.issues  # refused: it stays as it is
    known = reader.instances(source.document)
    before = _Places(read(target, tables).places, name)
    after = _Places(read(Opened(name, result.value, _bytes(result.value)), tables).places, name)
    counterparts = []
    left = _ALONE
    for number, statement in enumerate(statements):
        wanted = admit([statement], link).value[0] if name in DATA_SETS else statement
        place = after.find(wanted)
        changes = _changes(before.find(wanted, place), place, wanted, tables, name)
        refused = place is None or any(change.outcome == "refused" for change in changes)
        left -= refused
        alone = (wanted,) if left >= 0 else ()
        counterparts.append(
            Counterpart(
                number,
                place.path if place else "",
                changes,
                _why(writer, alone, target, known, issues) if refused else (),
            )
        )
    return Into(name, tuple(counterparts), issues)


def _bytes(document: Any) -> bytes | None:
    return document if isinstance(document, bytes) else None


class _Places:
    """The places of a document, to be found by what is stated there."""

    def __init__(self, places: Iterable[Place], name: str) -> None:
        self.of_data_sets = name in DATA_SETS
        self.found: dict[tuple[object, ...], Near[Place]] = {}
        for number, place in enumerate(places):
            one = place.instance
            keys = ((*_about(one), one.holder), (*_about(one), one.holder, one.attributes))
            for key in (*keys, (bool(one.sop_instance_uid), one.holder, one.attributes)):
                self.found.setdefault(key, Near()).add(one, place, number)

    def find(self, wanted: SOPInstance, after: Place | None = None) -> Place | None:
        """Return the place of this statement: of its own, else one about the series or study.

        ``after`` is the place that was found in the new document, for the search in the old one.
        """
        if after:  # the same identity: a statement may have been rolled up
            wanted = replace(after.instance, attributes=wanted.attributes)
        holders = {"", wanted.holder} if self.of_data_sets else {wanted.holder}
        about, said = _about(wanted), wanted.attributes
        own = self._first(wanted, [(*about, holder, said) for holder in holders])
        own = own or self._first(wanted, [(*about, holder) for holder in holders])
        if own or after:
            return own
        levels = (False,) if wanted.sop_instance_uid else (False, True)
        return self._first(wanted, [(level, h, said) for level in levels for h in holders])

    def _first(self, wanted: SOPInstance, keys: Iterable[tuple[object, ...]]) -> Place | None:
        firsts = (next(self.found[key].numbered(wanted), None) for key in keys if key in self.found)
        found = min(filter(None, firsts), key=itemgetter(0), default=None)
        return found[1] if found else None


def _about(one: SOPInstance) -> tuple[str, str]:
    """Return what has to be the same: the instance, or that it is about a series or a study."""
    return ("", one.sop_instance_uid) if one.sop_instance_uid else (one.series_instance_uid, "")


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
    writer: Codec,
    alone: tuple[SOPInstance, ...],
    target: Opened,
    known: tuple[SOPInstance, ...],
    issues: tuple[Issue, ...],
) -> tuple[Issue, ...]:
    """Return the issues of writing this statement alone; else those of writing all of them."""
    if not alone:
        return issues
    try:
        found: tuple[Issue, ...] = writer.encode(alone, target.document, known=known).issues
    except DocumentError as error:
        found = error.issues
    return found or issues
