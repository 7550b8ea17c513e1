"""FHIR R4, R4B and R5: statements in extensions of ImagingStudy and ImagingSelection.

A document is JSON, parsed or not, or a model of fhir.resources: a resource, or a Bundle of any number.
``encode`` copies only the path to what changes, so the new document shares every untouched part
with the old one; neither is to be edited in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.fhir import extension as ext
from sopstatus.codecs.fhir import simple
from sopstatus.codecs.fhir.blank import imaging_study, release_of
from sopstatus.codecs.fhir.elements import Element, Withdrawal, elements, level_of
from sopstatus.codecs.fhir.fast import plan
from sopstatus.codecs.fhir.missing import completed, with_origin
from sopstatus.codecs.fhir.stray import is_clean, report
from sopstatus.codecs.fhir.text import load
from sopstatus.codecs.shared.context import Context
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.json_document import dump_json, edited
from sopstatus.codecs.shared.library import comes_from
from sopstatus.codecs.shared.statements import (
    Found,
    Near,
    Reading,
    compatible,
    contradicting,
    identities,
    merge,
    not_carried,
    pair,
    restrict,
    unmapped,
    unsettled,
)
from sopstatus.codecs.shared.taken import check_text, content_of
from sopstatus.holder import resolve
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import Attribute, Group, MappingTable

Path = tuple[str | int, ...]
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Place:
    element: Element
    index: int  # in the element's list of extensions


_NO_COUNTERPART = "fhir/no-counterpart"
_NO_BINDING = "its row has no fhir"
_NOTHING_UNREAD: frozenset[str] = frozenset()


_ACCEPTED = "FHIR: a dict, JSON as bytes or str, a model of fhir.resources, a pathlib.Path or a binary file object"


@dataclass(frozen=True, slots=True)
class FHIRCodec:
    """Statements in FHIR resources. ``validate`` runs fhir.resources over what goes in and out."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(
        self, document: Any, *, release: str = "", validate: bool = False
    ) -> Result[tuple[SOPInstance, ...]]:
        """Read what the extensions say; raise `DocumentError` for what is no imaging resource."""
        data, _ = self._opened(document)
        issues = Issues(self.limits)
        said = self._said(data, elements(data, issues, ()), issues)
        issues += self._validated(data, release, validate)
        return Result(said, issues.told())

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List the SOP Instances that the resources name, said about or not."""
        data, _ = self._opened(document)
        found = elements(data, Issues(self.limits), None)
        return identities(e.identity() for e in found if e.sop_instance_uid)

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        issues, (data, _) = Issues(self.limits), self._opened(document)
        found = elements(data, issues, None)
        known = identities(e.identity() for e in found if e.sop_instance_uid)
        return Result(self._said(data, found, issues), issues.told()), known

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        contexts: Sequence[Context] = (),
        release: str = "",
        validate: bool = False,
        add_missing: bool = False,
    ) -> Result[Any]:
        """Write statements onto the elements that they are about and return the new document.

        Of a text that is a text, of bytes they are bytes. ``contexts`` are what the data sets that
        are spoken of say, for a new document. A series or an instance that an
        ImagingStudy of our own making (its ``meta.tag`` says so) does not list is added to it, with
        ``add_missing`` to anybody's. Raise `DocumentError` where what a statement is about has been
        taken back: nothing is stated there.
        """
        given = self.tables.settled(instances)
        if into is None:
            into = self.blank((*known, *given), release, contexts)
        data, back = self._opened(into)
        found, edits, issues = self._edits(data, given)
        if any(told.code == _NO_COUNTERPART for told in issues):
            whole = completed(data, found, given, self.tables, everywhere=add_missing)
            if whole is not data:
                data = whole
                _, edits, issues = self._edits(data, given)
        if not edits and isinstance(into, str | bytes):  # as it stands
            return Result(into, (*issues.told(), *self._validated(data, release, validate)))
        data = edited(data, {at: {"extension": left or ...} for at, left in edits.items()})
        issues += self._validated(data, release, validate)
        return Result(back(data), issues.told())

    def _edits(
        self, data: dict[str, Any], given: tuple[SOPInstance, ...]
    ) -> tuple[list[Element], dict[Path, list[Any]], Issues]:
        """Return the elements, their new lists of extensions by path, and the issues."""
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        wanted = {instance.sop_instance_uid for instance in given}
        found = elements(data, issues, wanted)
        gone = [element for element in found if element.withdrawal]
        places = [element for element in found if not element.withdrawal] if gone else found
        edits: dict[Path, list[Any]] = {}
        removed: dict[Path, set[int]] = {}  # not before all groups are done: their places count on
        for group in self.tables.complex:
            self._write(group, places, given, edits, removed, issues, gone)
        for row in self.tables.simple:
            self._write_simple(row, places, given, edits, removed, issues, gone)
        issues += not_carried(given, self.tables, "slice", "fhir/not-carried", reason=_NO_BINDING)
        for path, indexes in removed.items():
            edits[path] = [e for index, e in enumerate(edits[path]) if index not in indexes]
        return found, edits, issues

    def blank(
        self, known: Iterable[SOPInstance], release: str = "", contexts: Sequence[Context] = ()
    ) -> dict[str, Any]:
        """Return the smallest ImagingStudy that names these instances (a Bundle for many studies)."""
        site = self.tables.site
        release = release or site.fhir_release
        made = imaging_study(known, release=release, contexts=contexts, site=site)
        return with_origin(made, self.tables)

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that the resources name."""
        data, _ = self._opened(document)
        found = elements(data, Issues(self.limits), None)
        return list(dict.fromkeys(e.study_instance_uid for e in found if e.study_instance_uid))

    def _write(
        self,
        group: Group,
        places: list[Element],
        given: tuple[SOPInstance, ...],
        edits: dict[Path, list[Any]],
        removed: dict[Path, set[int]],
        issues: Issues,
        gone: list[Element],
    ) -> None:
        old = self._read(places, group, Issues(self.limits))
        wanted = restrict(given, group.slices)
        pairs, added = pair(old, wanted, self.limits)
        for found in unsettled(old, wanted):
            where = f"{found.place.element.location}.extension[{found.place.index}]"
            issues.at(where).add("holder/compatible")
        site_offset = self.tables.site.offset
        for found, new in pairs:
            if found.says(new):
                continue
            element, index = found.place.element, found.place.index
            if not ext.names(new.holder):
                issues.at(element.location).add("fhir/holder-lost")
                continue
            extensions = _editable(element, edits)
            stays = new.attributes or found.unread or ext.says_more(extensions[index], group)
            if not stays:
                removed.setdefault(element.path, set()).add(index)
                continue
            extensions[index] = ext.rewrite(
                extensions[index], group, found, new, site_offset, issues.at(element.location)
            )
        made: dict[tuple[Any, str], Any] = {}  # one may stand in many places
        for new, target in _targets(added, places, gone, group.contexts, issues):
            same = (new.attributes, new.holder)
            if (extension := made.get(same)) is None:
                told = len(issues)
                if not ext.names(new.holder):
                    issues.at(target.location).add("fhir/holder-lost")
                    continue
                extension = ext.make(group, new, site_offset, issues.at(target.location))
                if len(issues) == told:
                    made[same] = extension
            _editable(target, edits).append(extension)

    def _write_simple(
        self,
        row: Attribute,
        places: list[Element],
        given: tuple[SOPInstance, ...],
        edits: dict[Path, list[Any]],
        removed: dict[Path, set[int]],
        issues: Issues,
        gone: list[Element],
    ) -> None:
        old = simple.read(places, row, self.tables, Issues(self.limits))
        offset = self.tables.site.offset
        wanted = simple.sayable(row, restrict(given, (row,)), offset, issues)
        pairs, added = pair(old, wanted, self.limits)
        for found, new in pairs:
            if found.says(new) or (found.unread and not new.attributes):
                continue
            element = found.place.element
            made = simple.slices(row, new, offset) if new.attributes else []
            over = removed.setdefault(element.path, set())
            simple.rewritten(_editable(element, edits), found.place.indexes, made, over)
        for new, target in _targets(added, places, gone, row.contexts, issues):
            _editable(target, edits).extend(simple.slices(row, new, offset))

    def _said(
        self, data: dict[str, Any], found: list[Element], issues: Issues
    ) -> tuple[SOPInstance, ...]:
        left = self._standing(data, found, issues)
        groups = [self._read(left, group, issues) for group in self.tables.complex]
        rows = [simple.read(left, row, self.tables, issues) for row in self.tables.simple]
        for one in chain.from_iterable(map(contradicting, groups)):
            where = f"{one.place.element.location}.extension[{one.place.index}]"
            issues.at(where).add("document/contradiction")
        said = [[one.instance for one in some] for some in groups]
        return merge([*said, *([one.instance for one in some] for some in rows)])

    def _standing(
        self, data: dict[str, Any], found: list[Element], issues: Issues
    ) -> list[Element]:
        """Return the elements that make statements; report what cannot be read as one of ours."""
        ours, left, count = self.tables.extensions, [], 0
        withdrawn: dict[Withdrawal, None] = {}
        for element in found:
            extensions = element.node.get("extension")
            if type(extensions) is not list:
                if "extension" in element.node:
                    issues.at(f"{element.location}.extension").add("fhir/malformed")
                continue
            before = count
            for index, extension in enumerate(extensions):
                if type(extension) is not dict:
                    issues.at(f"{element.location}.extension[{index}]").add("fhir/malformed")
                elif type(url := extension.get("url")) is str and url in ours:
                    count += 1
            if count == before:
                continue
            if back := element.withdrawal:
                withdrawn[back] = None
            else:
                left.append(element)
        for where, reason in withdrawn:
            issues.at(where).add("fhir/withdrawn", reason=reason)
        if not is_clean(data, ours, count):
            places = {
                (*element.path, "extension", index)
                for element in found
                for index in range(len(element.extensions()))
            }
            report(data, ours, places, issues)
        return left

    def _read(self, places: Iterable[Element], group: Group, issues: Issues) -> list[Found[_Place]]:
        statements: list[Found[_Place]] = []
        quick, limits, holders = plan(group), self.limits, self.tables.holders
        for element in places:
            if "extension" not in element.node:
                continue
            for index, extension in enumerate(element.extensions()):
                if not isinstance(extension, dict) or extension.get("url") != group.extension:
                    continue
                unread = _NOTHING_UNREAD
                if (said := quick.read(extension)) is not None:
                    attributes, holder = said
                else:
                    here = issues.at(f"{element.location}.extension[{index}]")
                    if ext.is_crowded(extension, limits.repetitions):
                        here.add("fhir/too-many-slices", limit=limits.repetitions)
                        continue
                    told = ext.read(extension, group, here)
                    unread, holder = told.unread, told.holder
                    attributes = tuple(sorted((k, v or None) for k, v in told.attributes))
                place = _Place(element, index)
                if holders:
                    holder = resolve(holder, holders)
                statements.append(Found(element.stated(holder, attributes), place, unread))
            if len(statements) > limits.statements:
                raise document_error(
                    "document/too-many-statements", element.location, limit=limits.statements
                )
        return statements

    def _opened(self, document: Any) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]:
        """Return the document as parsed JSON, and the way back to what it was."""
        if isinstance(document, dict):
            return document, lambda data: data
        if isinstance(document, str | bytes | bytearray | memoryview):
            if isinstance(document, str):
                check_text(document, ("{", "[", "\ufeff"))
            text = document if isinstance(document, str) else bytes(document)
            data = load(text, limits=self.limits)
            if not isinstance(data, dict):
                raise document_error("fhir/not-fhir", "")
            if isinstance(document, str):
                return data, lambda new: dump_json(new).decode()
            return data, dump_json
        if comes_from(document, "fhir", "fhir_core"):
            from sopstatus.codecs.fhir import models as fhir_models

            return fhir_models.as_dict(document)
        return self._opened(content_of(document, _ACCEPTED))

    def _validated(self, data: dict[str, Any], release: str, validate: bool) -> list[Issue]:
        if not validate:
            return []
        from sopstatus.codecs.fhir import models as fhir_models

        return fhir_models.validate(data, release or release_of(data))


def _targets(
    added: list[SOPInstance],
    places: list[Element],
    gone: list[Element],
    contexts: tuple[str, ...],
    issues: Issues,
) -> Iterator[tuple[SOPInstance, Element]]:
    """Pair each new statement with the element that may carry it; report those without one.

    ``gone`` are the elements that have been taken back.
    """
    if not added:
        return
    keys = list(map(_key, added))
    lookup: dict[_Key, list[Element]] = {key: [] for key in keys}
    withdrawn: dict[_Key, list[Element]] = {}
    for element in gone:
        withdrawn.setdefault(element.key(), []).append(element)
    for element in places:
        if (same := lookup.get(element.key())) is not None:
            same.append(element)
    several: dict[_Key, Near[Element]] = {}
    for key, new in zip(keys, added, strict=True):
        if len(same := lookup[key]) > 1:
            if key not in several:
                near: Near[Element] = Near()
                several[key] = near
                for element in same:
                    near.add(element.identity(), element)
            same = list(islice(several[key].to(new), 1))
        elif same and not compatible(same[0], new):
            same = []
        if not same:
            _check_withdrawn(new, withdrawn.get(key, ()))
            issues.at(level_of(new)).add(_NO_COUNTERPART)
            continue
        (target,) = same
        if target.context not in contexts:
            issues.at(target.location).add("fhir/context", context=target.context)
        elif not isinstance(target.node.get("extension", []), list):
            issues.at(f"{target.location}.extension").add("fhir/malformed")
        else:
            yield new, target


def _check_withdrawn(new: SOPInstance, withdrawn: Iterable[Element]) -> None:
    """Raise `DocumentError` where what a statement is about stands, and has been taken back."""
    for element in withdrawn:
        back = element.withdrawal
        if back and compatible(element, new):
            raise document_error("fhir/withdrawn", back.location, reason=back.reason)


def _key(new: SOPInstance) -> _Key:
    """Return the key of the elements that a statement may be about, as `Element.key` has it."""
    if new.sop_instance_uid:
        return ("", "", new.sop_instance_uid)
    return (new.study_instance_uid, new.series_instance_uid, "")


def _editable(element: Element, edits: dict[Path, list[Any]]) -> list[Any]:
    if (path := element.path) not in edits:
        edits[path] = list(element.extensions())
    return edits[path]
