"""What Orthanc holds: statements of its instances, asked of it within the process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sopstatus import log
from sopstatus.codecs.dicom import DICOMCodec
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.engines.orthanc_settings import Settings
from sopstatus.model import DocumentError, SOPInstance
from sopstatus.profile import STATUS

_NEW_INSTANCE = "NewInstance"  # of Orthanc's changes
_LATEST = 10_000  # statements that are remembered


class Archive:
    """Orthanc, as far as statements are concerned; ``host`` is its module ``orthanc``.

    A statement is kept as metadata of its instance, as DICOM JSON, so that a study of many
    instances is read without their files; beside it the status alone, for people.
    """

    def __init__(self, host: Any, settings: Settings) -> None:
        self._host, self._set = host, settings
        self._dicom = DICOMCodec(settings.tables)
        self._json = DICOMJSONCodec(settings.tables)
        self._fhir = FHIRCodec(settings.tables)
        self._latest: dict[str, SOPInstance] = {}

    def said(self, data: bytes) -> SOPInstance | None:
        """Return what a data set states, also where that is nothing; ``None``: it is unreadable."""
        try:
            found = self._dicom.decode(data, holder=self._set.holder).value
            own = found[0] if found else self._dicom.copies(data)[0]
        except DocumentError as error:
            log.report(error)
            return None
        return replace(own, holder=self._set.holder)

    def statement(self, instance: str) -> SOPInstance | None:
        """Return what an instance states; ``None`` where Orthanc has none of this identifier."""
        kept = self._get(f"/instances/{instance}/metadata/{self._set.statement}")
        if kept:
            copies = self._json.copies(kept)
            return replace(copies[0], holder=self._set.holder)
        data = self._get(f"/instances/{instance}/file")
        return self.said(data) if data else None

    def keep(self, instance: str, statement: SOPInstance) -> None:
        """Write the metadata of an instance; one that is gone by now is passed over."""
        self._latest[instance] = statement
        if len(self._latest) > _LATEST:
            self._latest.pop(next(iter(self._latest)), None)
        blank = self._json.blank([statement])
        whole = self._json.encode([statement], blank).value
        status = dict(statement.attributes).get(STATUS, "")
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        kept = {self._set.statement: text.encode("utf-8", "surrogatepass")}
        if any(keyword == STATUS for keyword, _ in statement.attributes):
            kept[self._set.status] = (status or '""').encode("utf-8")
        for number, value in kept.items():
            self._put(f"/instances/{instance}/metadata/{number}", value)

    def members(self, level: str, identifier: str) -> list[str] | None:
        """Return the identifiers of the instances of a study, a series or an instance."""
        found = self._json_of(f"/{level}/{identifier}")
        if found is None:
            return None
        if level == "instances":
            return [identifier]
        if level == "series":
            return list(found["Instances"])
        return [i for one in found["Series"] for i in self.members("series", one) or ()]

    def statements(self, level: str, identifier: str) -> list[SOPInstance] | None:
        """Return what the instances of a study, a series or an instance state, silent ones too."""
        found = self.members(level, identifier)
        if found is None:
            return None
        return [said for one in found if (said := self.statement(one)) is not None]

    def study_of(self, instance: str) -> str:
        """Return the identifier of the study that an instance is in; empty where it is gone."""
        found = self._json_of(f"/instances/{instance}/study")
        return str(found["ID"]) if found else ""

    def received(self, instance: str) -> str:
        """Return when an instance was stored, as Orthanc writes it (seconds)."""
        return self._get(f"/instances/{instance}/metadata/ReceptionDate").decode("ascii", "replace")

    def imaging_study(self, study: str) -> dict[str, Any] | None:
        """Make the FHIR resource of a study, with the study's identifier as its id.

        What was kept lately is not asked for again: an instance that has been stored anew since
        brings a resource of its own.
        """
        known = ((one, self._latest.get(one)) for one in self.members("studies", study) or ())
        asked = (latest or self.statement(one) for one, latest in known)
        found = [said for said in asked if said is not None]
        if not found:
            return None
        blank = self._fhir.blank(found)
        made = self._fhir.encode([one for one in found if one.attributes], blank, known=found)
        return {"resourceType": "ImagingStudy", "id": study, **made.value}

    def sum_up(self, study: str) -> None:
        """Write the one status of all instances of a study as its metadata, else ``mixed``."""
        found = self.statements("studies", study) or ()
        status = {dict(one.attributes).get(STATUS, "-") for one in found}
        if status and status != {"-"}:
            word = (status.pop() or '""') if len(status) == 1 else "mixed"
            self._put(f"/studies/{study}/metadata/{self._set.status}", word.encode("utf-8"))

    def last_change(self) -> int:
        """Return the number of the last change."""
        return int((self._json_of("/changes?last") or {}).get("Last", 0))

    def new_instances(self, since: int) -> tuple[list[tuple[int, str]], int]:
        """Return new instances of the next changes, with their numbers, and the last number."""
        found = self._json_of(f"/changes?since={since}&limit=100") or {}
        changes: Iterable[dict[str, Any]] = found.get("Changes", ())
        new = [(int(c["Seq"]), str(c["ID"])) for c in changes if c["ChangeType"] == _NEW_INSTANCE]
        return new, int(found.get("Last", since))

    def changes_before(self, time: str) -> int:
        """Return the number behind which all changes are of this time (UTC) or later."""
        low, high = 0, self.last_change()
        while low < high:
            middle = (low + high) // 2
            found = self._json_of(f"/changes?since={middle}&limit=1") or {}
            following: list[dict[str, Any]] = found.get("Changes", [])
            if not following or str(following[0]["Date"]) >= time:
                high = middle
            else:
                low = middle + 1
        return low

    def _json_of(self, uri: str) -> dict[str, Any] | None:
        found = self._get(uri)
        return json.loads(found) if found else None

    def _get(self, uri: str) -> bytes:
        try:
            found: bytes = self._host.RestApiGet(uri)
        except self._host.OrthancException:  # there is no such resource
            return b""
        return found

    def _put(self, uri: str, value: bytes) -> None:
        try:
            self._host.RestApiPut(uri, value)
        except self._host.OrthancException:
            log.event("orthanc-metadata-not-written", "warning")
