"""AWS HealthImaging's image set metadata: values by DICOM Keyword, instance by instance.

``Study.Series[uid].Instances[uid].DICOM`` holds a scalar where the dictionary has VM 1 and a list
elsewhere, with the padding that the file had; zero length is ``null``. A document is the parsed
JSON, its text, its bytes, or those compressed by gzip as ``GetImageSetMetadata`` sends them; what
comes out is of the same kind. Each instance is a copy of its own, so it names no holder.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from sopstatus.catalogue import document_error
from sopstatus.codecs.healthimaging import document as healthimaging_map
from sopstatus.codecs.healthimaging.document import Instance, instances_of, value_of
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.context import Context, Keywords, collect
from sopstatus.codecs.shared.data_set import Changes, DataSets
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import by_uid
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.table import load_tables

LONGEST_UPDATE = 30_000
"""Bytes that each half of ``DICOMUpdates`` may have (the service's model)."""


class HealthImagingCodec(DataSets[Instance]):
    """The statements that the instances of an image set make about themselves."""

    __slots__ = ()
    image_set: ClassVar[bool] = True
    """A JSON object is an image set, and no data set of the DICOM JSON Model."""

    def contexts(self, document: Any, issues: Issues) -> list[Context]:
        """Return what each data set says beside its statement: see `sopstatus.codecs.shared.context`."""
        wanted, opened = self.tables.site.context, healthimaging_map.opened(document, self.limits)
        whole = healthimaging_map.levels(opened.parsed)
        return [collect(Keywords(*levels), wanted, issues) for levels in whole]

    def _written(
        self,
        given: tuple[SOPInstance, ...],
        into: Any,
        holder: str,
        issues: Issues,
        exactly: Collection[str],
    ) -> Any:
        opened, found = self._target(into)
        edits = {
            one.path: {
                r.keyword: ... if isinstance(v, bool) else value_of(r, v) for r, v in new.items()
            }
            for one, new in self._changes(given, found, holder, issues, exactly)
        }
        return opened.edited(edits) if edits else into

    def update(
        self,
        instances: Iterable[SOPInstance],
        document: Any,
        *,
        holder: str = "",
        exactly: Collection[str] = (),
    ) -> Result[dict[str, bytes]]:
        """Return ``DICOMUpdates`` for ``UpdateImageSetMetadata``: only what differs, no more.

        The value has ``updatableAttributes``, ``removableAttributes``, both or, where nothing
        differs, neither. An issue tells where one is longer than the service takes. ``exactly`` as
        for `encode`.
        """
        given, document, holder, issues = self._begun(instances, document, (), holder)
        _, found = self._target(document)
        halves: dict[str, dict[str, Any]] = {"updatableAttributes": {}, "removableAttributes": {}}
        for one, new in self._changes(given, found, holder, issues, exactly):
            for row, value in new.items():
                half = "removableAttributes" if value is False else "updatableAttributes"
                text = one.node[row.keyword] if isinstance(value, bool) else value_of(row, value)
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
                    issues.at(name).add("healthimaging/update-too-long", **facts)
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

    def _found(self, document: Any, issues: Issues) -> list[Instance]:
        return self._read(document, issues, [])[1]

    def _read(
        self, document: Any, issues: Issues, faults: list[Issue]
    ) -> tuple[healthimaging_map.Document, list[Instance]]:
        opened = healthimaging_map.opened(document, self.limits)
        rows = self.tables.attributes.values()
        return opened, instances_of(opened.parsed, rows, issues, faults)

    def _target(self, document: Any) -> tuple[healthimaging_map.Document, list[Instance]]:
        """Read what is written onto; raise `DocumentError` where it is not clear what it says."""
        faults: list[Issue] = []
        read = self._read(document, Issues(self.limits), faults)
        if faults:
            raise DocumentError(*faults[: self.limits.issues])
        return read

    def _changes(
        self,
        given: tuple[SOPInstance, ...],
        found: list[Instance],
        holder: str,
        issues: Issues,
        exactly: Collection[str],
    ) -> list[tuple[Instance, Changes]]:
        rows = self.tables.attributes.values()
        changes, left = data_set.changed(rows, given, found, holder, issues, exactly)
        if left:
            issues.at("Study.Series").add("healthimaging/no-counterpart", count=left)
        return [(one, changed) for one, changed in changes if changed]


def update(instances: Iterable[SOPInstance], document: Any) -> Result[dict[str, bytes]]:
    """Return ``DICOMUpdates`` with the shipped tables; see `HealthImagingCodec.update`."""
    return HealthImagingCodec(load_tables()).update(instances, document)
