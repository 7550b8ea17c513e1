"""FHIR R4, R4B and R5: statements in extensions of ImagingStudy and ImagingSelection.

A document is the parsed JSON, or a model of fhir.resources: a resource, or a Bundle of any number.
``encode`` copies only the path to what changes, so the new document shares every untouched part
with the old one; neither is to be edited in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import fhir_extension as ext
from sopstatus.codecs.fhir_elements import Element, elements
from sopstatus.codecs.fhir_make import imaging_study, release_of
from sopstatus.codecs.fhir_plan import plan
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.library import comes_from
from sopstatus.codecs.statement import (
    Found,
    Reading,
    compatible,
    identities,
    merge,
    pair,
    restrict,
    unmapped,
)
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import Group, MappingTable

__all__ = ["FHIRCodec", "imaging_study", "release_of"]

Path = tuple[str | int, ...]


@dataclass(slots=True)
class _Place:
    element: Element
    index: int  # in the element's list of extensions


_NOTHING_UNREAD: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FHIRCodec:
    """Statements in FHIR resources. ``validate`` runs fhir.resources over what goes in and out."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(
        self, document: Any, *, release: str = "", validate: bool = False
    ) -> Result[tuple[SOPInstance, ...]]:
        """Read what the extensions say; raise `DocumentError` for what is no imaging resource."""
        data, _ = _as_dict(document)
        issues = Issues(self.limits)
        said = self._said(elements(data, issues, (), self.limits), issues)
        issues += self._validated(data, release, validate)
        return Result(said, issues.told())

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List the SOP Instances that the resources name, said about or not."""
        data, _ = _as_dict(document)
        found = elements(data, Issues(self.limits), None, self.limits)
        return identities(e.identity() for e in found if e.sop_instance_uid)

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        issues = Issues(self.limits)
        found = elements(_as_dict(document)[0], issues, None, self.limits)
        known = identities(e.identity() for e in found if e.sop_instance_uid)
        return Result(self._said(found, issues), issues.told()), known

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        release: str = "",
        validate: bool = False,
    ) -> Result[Any]:
        """Write statements onto the elements that they are about and return the new document."""
        given = tuple(instances)
        if into is None:
            into = self.blank((*known, *given), release)
        data, back = _as_dict(into)
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        wanted = {instance.sop_instance_uid for instance in given}
        places = elements(data, issues, wanted, self.limits)
        edits: dict[Path, list[Any]] = {}
        removed: dict[Path, set[int]] = {}  # not before all groups are done: their places count on
        for group in self.tables.groups:
            self._write(group, places, given, edits, removed, issues)
        for path, indexes in removed.items():
            edits[path] = [e for index, e in enumerate(edits[path]) if index not in indexes]
        data = _put(data, edits)
        issues += self._validated(data, release, validate)
        return Result(back(data), issues.told())

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> dict[str, Any]:
        """Return the smallest ImagingStudy that names these instances (a Bundle for many studies)."""
        return imaging_study(known, release=release or self.tables.site.fhir_release)

    def _write(
        self,
        group: Group,
        places: list[Element],
        given: tuple[SOPInstance, ...],
        edits: dict[Path, list[Any]],
        removed: dict[Path, set[int]],
        issues: list[Issue],
    ) -> None:
        old = self._read(places, group, Issues(self.limits))
        pairs, added = pair(old, restrict(given, group.attributes))
        site_offset = self.tables.site.offset
        for found, new in pairs:
            if found.says(new):
                continue
            element, index = found.place.element, found.place.index
            extensions = _editable(element, edits)
            stays = new.attributes or found.unread or ext.says_more(extensions[index], group)
            if not stays:
                removed.setdefault(element.path, set()).add(index)
                continue
            extensions[index] = ext.rewrite(
                extensions[index], group, found, new, site_offset, element.location, issues
            )
        lookup: dict[tuple[str, str, str], list[Element]] = {}
        for element in places if added else ():
            lookup.setdefault(element.key(), []).append(element)
        for new in added:
            if (target := _counterpart(lookup, new)) is None:
                issues.append(issue("fhir/no-counterpart", _level(new)))
            elif target.context not in group.contexts:
                issues.append(issue("fhir/context", target.location, context=target.context))
            elif not isinstance(target.node.get("extension", []), list):
                issues.append(issue("fhir/malformed", f"{target.location}.extension"))
            else:
                made = ext.make(group, new, site_offset, target.location, issues)
                _editable(target, edits).append(made)

    def _said(self, found: list[Element], issues: list[Issue]) -> tuple[SOPInstance, ...]:
        groups = (self._read(found, group, issues) for group in self.tables.groups)
        return merge([place.instance for place in places] for places in groups)

    def _read(
        self, places: Iterable[Element], group: Group, issues: list[Issue]
    ) -> list[Found[_Place]]:
        statements: list[Found[_Place]] = []
        quick, limits = plan(group), self.limits
        for element in places:
            for index, extension in enumerate(element.extensions()):
                if not isinstance(extension, dict) or extension.get("url") != group.extension:
                    continue
                place, unread = _Place(element, index), _NOTHING_UNREAD
                if (said := quick.read(extension)) is not None:
                    instance = element.stated(said[1], said[0])
                else:
                    where = f"{element.location}.extension[{index}]"
                    if ext.is_crowded(extension, limits.repetitions):
                        limit = limits.repetitions
                        issues.append(issue("fhir/too-many-slices", where, limit=limit))
                        continue
                    told = ext.read(extension, group, where, issues)
                    unread = told.unread
                    instance = replace(
                        element.identity(), holder=told.holder, attributes=told.attributes
                    )
                statements.append(Found(instance, place, unread))
            if len(statements) > limits.statements:
                raise document_error(
                    "document/too-many-statements", element.location, limit=limits.statements
                )
        return statements

    def _validated(self, data: dict[str, Any], release: str, validate: bool) -> list[Issue]:
        if not validate:
            return []
        from sopstatus.codecs import fhir_models

        return fhir_models.validate(data, release or release_of(data))


def _as_dict(document: Any) -> tuple[dict[str, Any], Any]:
    """Return the document as parsed JSON, and the way back to what it was."""
    if isinstance(document, dict):
        return document, lambda data: data
    if comes_from(document, "fhir", "fhir_core"):
        from sopstatus.codecs import fhir_models

        return fhir_models.as_dict(document)
    raise document_error("document/unknown-type", "", type=type(document).__name__)


def _counterpart(
    lookup: dict[tuple[str, str, str], list[Element]], new: SOPInstance
) -> Element | None:
    key = (new.study_instance_uid, new.series_instance_uid, "")
    if new.sop_instance_uid:
        key = ("", "", new.sop_instance_uid)
    return next((e for e in lookup.get(key, ()) if compatible(e.identity(), new)), None)


def _level(instance: SOPInstance) -> str:
    if instance.sop_instance_uid:
        return "ImagingStudy.series.instance"
    return "ImagingStudy.series" if instance.series_instance_uid else "ImagingStudy"


def _editable(element: Element, edits: dict[Path, list[Any]]) -> list[Any]:
    if element.path not in edits:
        edits[element.path] = list(element.extensions())
    return edits[element.path]


def _put(document: dict[str, Any], edits: dict[Path, list[Any]]) -> dict[str, Any]:
    """Return the document with new lists of extensions, copying only the way to them."""
    root: dict[str, Any] = dict(document)
    copies: dict[Path, Any] = {(): root}

    def copied(path: Path) -> Any:
        if path not in copies:
            parent = copied(path[:-1])
            parent[path[-1]] = copies[path] = parent[path[-1]].copy()
        return copies[path]

    for path, extensions in edits.items():
        node = copied(path)
        if extensions:
            node["extension"] = extensions
        else:
            del node["extension"]
    return root
