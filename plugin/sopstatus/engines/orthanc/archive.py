"""What Orthanc holds: statements of its instances, asked of it within the process."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sopstatus import log, writing
from sopstatus.codecs.dicom import DICOMCodec
from sopstatus.codecs.dicom.context import DataSet
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.codecs.shared.context import IMPERSONAL, PERSONAL, SEQUENCES, Context, collect
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.engines.orthanc.settings import Settings
from sopstatus.model import DocumentError, Result, SOPInstance
from sopstatus.profile import STATUS

_NEW_INSTANCE = "NewInstance"  # of Orthanc's changes
_LATEST = 10_000  # statements that are remembered
_KEY = "metadata.key"
_LONGEST = 1024  # characters of a value; beyond it Orthanc returns none


class Held(NamedTuple):
    """The UUID of the file that Orthanc holds of an instance, what it states and what it says beside."""

    file: str
    statement: SOPInstance
    context: Context


class Archive:
    """Orthanc, as far as statements are concerned; ``host`` is its module ``orthanc``.

    The file that Orthanc holds is what counts. What it states is kept as metadata of its instance,
    so that a study of many instances is read without their files: a cache, believed only where it
    is about the very file that Orthanc holds now, and sealed with a key that no client has. Beside
    it stands the status alone, for people; nothing here reads that.
    """

    def __init__(self, host: Any, settings: Settings) -> None:
        self._host, self._set = host, settings
        self._dicom = DICOMCodec(settings.tables, beside=(*IMPERSONAL, *PERSONAL, *SEQUENCES))
        self._json = DICOMJSONCodec(settings.tables)
        self._fhir = FHIRCodec(settings.tables)
        self._latest: dict[str, Held] = {}
        self._key = _key(settings.folder)

    def said(self, data: bytes) -> SOPInstance | None:
        """Return what a data set states, also where that is nothing; ``None``: it is unreadable."""
        found = self.of("", data)
        return found.statement if found else None

    def held(self, instance: str) -> Held | None:
        """Read which file Orthanc holds of an instance, and what it states.

        ``None``: there is none, or it is unreadable. A file that is replaced meanwhile comes back
        under the UUID of the one before it, which nothing will be found under any more.
        """
        file = self._file_of(instance)
        data = self._get(f"/instances/{instance}/file")
        return self.of(file, data) if data else None

    def of(self, file: str, data: bytes) -> Held | None:
        """Return what Orthanc holds under this UUID; ``None``: it is unreadable."""
        try:
            said, elements = self._dicom.copy(data, holder=self._set.holder)
        except DocumentError as error:
            log.report(error)
            return None
        beside = collect(DataSet(elements), self._set.tables.site.context, Issues())
        return Held(file, replace(said.value, holder=self._set.holder), beside)

    def stated(self, instance: str, *, renew: bool = False) -> Held | None:
        """Return the same, from metadata where they are to be believed.

        ``renew``: write them again where they are not.
        """
        kept = self._get(f"/instances/{instance}/metadata/{self._set.statement}")
        if kept and (believed := self._believed(instance, kept)) is not None:
            return believed
        found = self.held(instance)
        if found is not None and renew:
            self.keep(instance, found)
        return found

    def statement(self, instance: str, *, renew: bool = False) -> SOPInstance | None:
        """Return what an instance states; ``None`` where Orthanc has none of this identifier."""
        found = self.stated(instance, renew=renew)
        return found.statement if found else None

    def keep(self, instance: str, held: Held) -> None:
        """Write the metadata of an instance; one that is gone by now is passed over."""
        file, statement, context = held
        self._latest[instance] = held
        if len(self._latest) > _LATEST:
            self._latest.pop(next(iter(self._latest)), None)
        whole = self._json.encode([statement], self._json.blank([statement])).value
        kept = {"file": file, "statement": whole, "context": context}
        kept["seal"] = self._seal(instance, kept)
        values = {self._set.statement: _packed(kept)}
        if any(keyword == STATUS for keyword, _ in statement.attributes):
            values[self._set.status] = word([statement]).encode("utf-8")
        for number, value in values.items():
            self._put(f"/instances/{instance}/metadata/{number}", value)

    def holding(self, uid: str) -> dict[str, SOPInstance]:
        """Return what instances of this SOP Instance UID state, by Orthanc's identifier.

        They are several where patient, study or series differ. An unreadable one states nothing.
        """
        found: list[dict[str, str]] = json.loads(self._host.RestApiPost("/tools/lookup", uid))
        ids = [one["ID"] for one in found if one["Type"] == "Instance"]
        return {one: self.statement(one) or SOPInstance() for one in ids}

    def as_orthanc_reads(self, data: bytes) -> dict[str, Any]:
        """Return a data set as Orthanc itself (DCMTK) reads it: by ``gggg,eeee``, without pixels.

        Raise Orthanc's exception where it cannot.
        """
        form, flags = self._host.DicomToJsonFormat.SHORT, self._host.DicomToJsonFlags.NONE
        found: dict[str, Any] = json.loads(
            self._host.DicomBufferToJson(data, form, flags, _LONGEST), strict=False
        )
        return found

    def is_ours(self, uri: str) -> bool:
        """Tell whether a path is that of metadata of ours, by number or name."""
        parts = [part for part in uri.split("/") if part]
        if len(parts) < 4 or parts[2].lower() != "metadata":
            return False
        name = parts[3].strip().lower()
        try:
            return int(name) in (self._set.status, self._set.statement)
        except ValueError:
            return name in self._set.metadata

    def _file_of(self, instance: str) -> str:
        """Return the UUID of the file that Orthanc holds of an instance; empty where it has none."""
        found = self._json_of(f"/instances/{instance}/attachments/dicom/info") or {}
        return str(found.get("Uuid", ""))

    def _believed(self, instance: str, kept: bytes) -> Held | None:
        """Return what metadata state; ``None``: they are not ours, or of another file."""
        try:
            found = json.loads(kept.decode("utf-8", "surrogatepass"))
            file, seal = found["file"], found.pop("seal")
            own = self._seal(instance, found)
            if not file or file != self._file_of(instance) or not hmac.compare_digest(own, seal):
                return None
            (said,) = self._json.copies(_packed(found["statement"]))
            return Held(file, replace(said, holder=self._set.holder), found["context"])
        except (ValueError, TypeError, LookupError, RecursionError, DocumentError):
            return None

    def _seal(self, instance: str, kept: dict[str, Any]) -> str:
        text = b"\n".join((instance.encode(), _packed(kept)))
        return hmac.new(self._key, text, "sha256").hexdigest()

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

    def whole(self, level: str, identifier: str, *, renew: bool = False) -> list[Held] | None:
        """Return what is held of the instances of a study, a series or an instance, silent ones too."""
        found = self.members(level, identifier)
        if found is None:
            return None
        return [held for one in found if (held := self.stated(one, renew=renew)) is not None]

    def study_of(self, instance: str) -> str:
        """Return the identifier of the study that an instance is in; empty where it is gone."""
        found = self._json_of(f"/instances/{instance}/study")
        return str(found["ID"]) if found else ""

    def imaging_study(self, study: str) -> dict[str, Any] | None:
        """Make the FHIR resource of a study, with the study's identifier as its id.

        What was kept lately is not asked for again: an instance that has been stored again since
        brings a resource of its own.
        """
        known = ((one, self._latest.get(one)) for one in self.members("studies", study) or ())
        asked = (latest or self.stated(one, renew=True) for one, latest in known)
        held = [one for one in asked if one is not None]
        if not held:
            return None
        made = written(self._fhir, held)
        return {"resourceType": "ImagingStudy", "id": study, **made.value}

    def sum_up(self, study: str) -> None:
        """Write the one status of all instances of a study as its metadata, else ``mixed``."""
        found = self.whole("studies", study, renew=True) or []
        if said := word(one.statement for one in found):
            self._put(f"/studies/{study}/metadata/{self._set.status}", said.encode("utf-8"))

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


def written(codec: FHIRCodec | HL7Codec, held: list[Held]) -> Result[Any]:
    """Make a document of what is held; what states nothing is named where the format names instances."""
    stated = [one.statement for one in held if one.statement.attributes]
    contexts = [one.context for one in held]
    return codec.encode(stated, known=[one.statement for one in held], contexts=contexts)


def word(found: Iterable[SOPInstance]) -> str:
    """Return the one status of all instances, else ``mixed``; ``""`` in quotes is one emptied.

    The empty text: none of them states any.
    """
    status = {dict(one.attributes).get(STATUS, "-") for one in found} or {"-"}
    if len(status) > 1:
        return "mixed"
    (only,) = status
    return "" if only == "-" else only or '""'


def _packed(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _key(folder: Path) -> bytes:
    """Return the key that seals metadata, made where there is none.

    Where the disk takes none it lasts as long as the process: then files are read again after it.
    """
    file = folder / _KEY
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(DocumentError):  # it is there, or the disk takes none
            key = secrets.token_bytes(32)
            writing.write(file, key, at="", mode=writing.PRIVATE, new=True)
        key = file.read_bytes()
    except OSError:
        key = b""
    return key if len(key) == 32 else secrets.token_bytes(32)
