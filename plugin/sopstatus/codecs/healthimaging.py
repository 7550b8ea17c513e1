"""AWS HealthImaging's image set metadata: values by DICOM Keyword, instance by instance.

``Study.Series[uid].Instances[uid].DICOM`` holds a scalar where the dictionary has VM 1 and a list
elsewhere, with the padding that the file had; zero length is ``null``. A document is the parsed
JSON, its text, its bytes, or those compressed by gzip as ``GetImageSetMetadata`` sends them; what
comes out is of the same kind. Each instance is a copy of its own, so it names no holder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import data_set, healthimaging_map
from sopstatus.codecs.data_set import Changes
from sopstatus.codecs.healthimaging_map import Instance, instances_of
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.statement import Reading, by_uid, identities, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import MappingTable, load_tables

LONGEST_UPDATE = 30_000
"""Bytes that each half of ``DICOMUpdates`` may have (the service's model)."""


@dataclass(frozen=True, slots=True)
class HealthImagingCodec:
    """The statements that the instances of an image set make about themselves."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any, *, holder: str = "") -> Result[tuple[SOPInstance, ...]]:
        """Read one statement for each instance that makes one; ``holder`` is who holds them all."""
        return self._said(document, holder)[0]

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return what each instance states, also where that is nothing."""
        return tuple(one.instance for one in self.data_sets(document))

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List the identities of the instances, said about or not."""
        return identities(self.copies(document))

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        said, found = self._said(document, holder)
        return said, identities(found)

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
    ) -> Result[Any]:
        """Write each statement into the instance that it is about and return the new document."""
        given = tuple(instances)
        if into is None:
            into = self.blank((*known, *given))
        opened, found = self._read(into, Issues(self.limits))
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        edits = {
            one.path: {row.keyword: ... if value is False else value for row, value in new.items()}
            for one, new in self._changes(given, found, holder, issues)
        }
        return Result(opened.edited(edits) if edits else into, issues.told())

    def update(
        self, instances: Iterable[SOPInstance], document: Any, *, holder: str = ""
    ) -> Result[dict[str, bytes]]:
        """Return ``DICOMUpdates`` for ``UpdateImageSetMetadata``: only what differs, no more.

        The value has ``updatableAttributes``, ``removableAttributes``, both or, where nothing
        differs, neither. An issue tells where one is longer than the service takes.
        """
        given = tuple(instances)
        _, found = self._read(document, Issues(self.limits))
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        halves: dict[str, dict[str, Any]] = {"updatableAttributes": {}, "removableAttributes": {}}
        for one, new in self._changes(given, found, holder, issues):
            for row, value in new.items():
                half = "removableAttributes" if value is False else "updatableAttributes"
                text = one.node[row.keyword] if value is False else value
                series, sop = one.path[2], one.path[4]
                instances_of_series = halves[half].setdefault(series, {"Instances": {}})
                dicom = instances_of_series["Instances"].setdefault(sop, {"DICOM": {}})["DICOM"]
                dicom[row.keyword] = text
        payload = {}
        for name, series_map in halves.items():
            if series_map:
                whole = {"SchemaVersion": 1.1, "Study": {"Series": series_map}}
                payload[name] = json.dumps(whole, separators=(",", ":")).encode()
                if (length := len(payload[name])) > LONGEST_UPDATE:
                    facts = {"length": length, "longest": LONGEST_UPDATE}
                    issues.append(issue("healthimaging/update-too-long", name, **facts))
        return Result(payload, issues.told())

    def blank(self, known: Iterable[SOPInstance]) -> dict[str, Any]:
        """Return the smallest metadata of an image set with these instances, all of one study."""
        about = by_uid(known)
        studies = {i.study_instance_uid for i in about.values()}
        if len(studies) != 1:
            raise document_error("healthimaging/not-one-study", "", count=len(studies))
        series: dict[str, Any] = {}
        for one in about.values():
            uid = one.series_instance_uid
            place = {"DICOM": {"SeriesInstanceUID": uid}, "Instances": {}}
            dicom = {"SOPClassUID": one.sop_class_uid, "SOPInstanceUID": one.sop_instance_uid}
            members = series.setdefault(uid, place)["Instances"]
            members[one.sop_instance_uid] = {"DICOM": {k: v for k, v in dicom.items() if v}}
        study = {"DICOM": {"StudyInstanceUID": studies.pop()}, "Series": series}
        return {"SchemaVersion": "1.1", "Study": study}

    def data_sets(self, document: Any) -> list[Instance]:
        """Return every instance with the places of its attributes."""
        return self._read(document, Issues(self.limits))[1]

    def _said(
        self, document: Any, holder: str
    ) -> tuple[Result[tuple[SOPInstance, ...]], list[SOPInstance]]:
        issues = Issues(self.limits)
        found = [one.instance for one in self._read(document, issues)[1]]
        stated = (replace(one, holder=holder) for one in found if one.attributes)
        return Result(tuple(stated), issues.told()), found

    def _read(
        self, document: Any, issues: list[Issue]
    ) -> tuple[healthimaging_map.Document, list[Instance]]:
        opened = healthimaging_map.opened(document, self.limits)
        rows = self.tables.attributes.values()
        return opened, instances_of(opened.parsed, rows, self.limits, issues)

    def _changes(
        self,
        given: tuple[SOPInstance, ...],
        found: list[Instance],
        holder: str,
        issues: list[Issue],
    ) -> list[tuple[Instance, Changes]]:
        rows = self.tables.attributes.values()
        changed = []
        news, left = data_set.shared_out(
            given, [(one.instance, one.where) for one in found], holder, issues
        )
        for one, new in zip(found, news, strict=True):
            if new:
                changes = data_set.changes(
                    rows, one.instance, new, one.offset, one.place_of, issues
                )
                changed += [(one, changes)] if changes else []
        if left:
            issues.append(issue("healthimaging/no-counterpart", "Study.Series", count=left))
        return changed


def update(instances: Iterable[SOPInstance], document: Any) -> Result[dict[str, bytes]]:
    """Return ``DICOMUpdates`` with the shipped tables; see `HealthImagingCodec.update`."""
    return HealthImagingCodec(load_tables()).update(instances, document)
