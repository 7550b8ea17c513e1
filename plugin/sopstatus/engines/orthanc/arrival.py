"""The Security Profile over what arrives at Orthanc, by C-STORE, STOW-RS and REST (PS3.15 A.1.1 f).

Orthanc lets a plugin change a data set before it tells by whom it was sent over DICOM, and tells by
whom when it can only be refused any more. So what can be known of the port decides first: where
the DICOM port shows no certificate of every caller, no caller is trusted, and NS is written. Where
it does, the calling AE Title decides: a caller that is not known to conform is refused unless its
data set says already what the profile would write.

Over HTTP, the request that a data set came in is the one that its thread works on.

What was decided and could not be written is refused, and so is what Orthanc itself reads otherwise
than was decided. A callback that fails would let the data set in as it came: nothing leaves here
but a decision.

No callback here stores anything: Orthanc's plugin holds Python's lock while it calls Orthanc, and
two callbacks would wait for each other for ever. Asking what is held takes no lock that waits for
Python's.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sopstatus import log
from sopstatus.audit.record import now
from sopstatus.catalogue import issue
from sopstatus.engines.orthanc.archive import Archive
from sopstatus.engines.orthanc.settings import Settings
from sopstatus.model import AuditRecord, DocumentError, Issue, SOPInstance
from sopstatus.profile import UNKNOWN, Circumstances, Copy, Link, overwrite, status_of
from sopstatus.profile.language import ABSENT, INVALID, shown
from sopstatus.transform import transformer

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics

ACCEPTED = 0x0000
CANNOT_UNDERSTAND = 0xC000  # PS3.4 table B.2-1
NOT_AUTHORIZED = 0x0124  # PS3.7 C.5.22
PROCESSING_FAILURE = 0x0110  # PS3.7 C.5.15
DICOM_PROTOCOL, REST_API, PLUGIN = 2, 3, 4  # OrthancPluginInstanceOrigin; STOW-RS is a plugin
_LOCATION = "(0100,0410)"
_STATUS, *_COMPANIONS = ("0100,0410", "0100,0420", "0100,0424", "0100,0426")
_UIDS = ("0010,0020", "0020,000d", "0020,000e", "0008,0018")  # what Orthanc's identifier is made of
_BETTER = ("AC", "OR", "AO")
_HELD = ("profile/better-held", "profile/copy-held", "profile/conflict")


class Refused(Exception):
    """A data set may not be stored; ``status`` is what a C-STORE-RSP says."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Arrival:
    """What has to be remembered between Orthanc's callbacks; each of its threads has one arrival."""

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        keep: Callable[[tuple[AuditRecord, ...]], None],
        run: Callable[..., bytes] = lambda work, *given: work(*given),
        metrics: Metrics | None = None,
    ) -> None:
        self._set, self._archive, self._write = settings, archive, keep
        self._run = run  # on a thread that has room
        self._metrics = metrics
        self._over = transformer("dicom", "dicom", tables=settings.tables)
        self._requests: dict[int, str] = {}  # a thread of the HTTP server: the caller's address
        self._refused: dict[int, int] = {}  # a thread whose data set must not be stored: why
        # where every caller has shown a certificate, the AE Title decides
        dicom = settings.dicom
        self._by_title = bool(settings.apply_profile and dicom.secure and dicom.authenticated)

    def warm_up(self) -> None:
        """Do what the first data set would wait for: import libraries, compile patterns."""
        sample = (
            files("sopstatus.samples").joinpath("authorized-original", "image.dcm").read_bytes()
        )
        self._over(sample)
        self._archive.of("", sample)

    def request(self, address: str, headers: Mapping[str, str]) -> None:
        """Note whose request this thread works on; a proxy before Orthanc says for whom it calls."""
        if self._set.proxy:
            address = headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
        self._requests[threading.get_ident()] = address

    def received(self, data: bytes, origin: int) -> bytes:
        """Return the data set as it may be stored: as it came, or changed; raise `Refused`.

        What came over DICOM and may not be stored is returned, and refused by `stored_by`.
        """
        thread = threading.get_ident()
        if origin != DICOM_PROTOCOL:
            address = self._requests.get(thread) if origin in (REST_API, PLUGIN) else None
            link = self._set.client(address) if address else UNKNOWN
            return self._run(self._admitted, data, link, "")
        self._refused.pop(thread, None)
        if self._by_title:
            return data
        try:
            return self._admitted(data, self._set.modality(""), "")
        except Refused as refused:
            self._refused[thread] = refused.status
            return data

    def stored_by(self, title: str, data: Callable[[], bytes]) -> int:
        """Return the status of a C-STORE-RSP; what is not accepted is not stored."""
        status = self._refused.pop(threading.get_ident(), ACCEPTED)
        if status != ACCEPTED or not self._by_title:
            return status
        try:
            self._admitted(data(), self._set.modality(title), title, change=False)
        except Refused as refused:
            return refused.status
        return ACCEPTED

    def _admitted(self, data: bytes, link: Link, peer: str, *, change: bool = True) -> bytes:
        """Return what may be stored, count and time it; raise `Refused`.

        Without ``change``, what the profile would change is refused.
        """
        begun, status = time.perf_counter(), PROCESSING_FAILURE
        try:
            made = self._examined(data, link, peer, change=change)
            status = ACCEPTED
        except Refused as refused:
            status = refused.status
            raise
        finally:
            if self._metrics:
                self._metrics.message(f"{status:04X}", time.perf_counter() - begun)
        if self._metrics and made != data:
            self._metrics.transformation("profile")
        return made

    def _examined(self, data: bytes, link: Link, peer: str, *, change: bool) -> bytes:
        """Return what may be stored, and report it; raise `Refused`."""
        try:
            if not self._set.apply_profile:
                said = self._archive.said(data) if self._set.refuse_unknown else None
                if said is not None and status_of(said) == INVALID:
                    raise DocumentError(_unknown_term())
                return data
            made, records = self._decided(data, link, peer)
        except DocumentError as error:
            self._report(error)
            self._keep(error.records)
            held = any(one.code in _HELD for one in error.issues)
            raise Refused(NOT_AUTHORIZED if held else CANNOT_UNDERSTAND) from None
        except Exception as fault:  # whatever it was: Orthanc would store the data set as it came
            log.failure(fault, "orthanc-arrival")
            raise Refused(PROCESSING_FAILURE) from None
        if made != data and not change:
            log.event("orthanc-not-authorized", "warning", peer=peer)
            self._keep(_refusals(records, "link/untrusted"))
            raise Refused(NOT_AUTHORIZED)
        self._keep(records)
        return made

    def _keep(self, records: tuple[AuditRecord, ...]) -> None:
        """Write audit records; raise `Refused` where the disk does not take them."""
        try:
            self._write(records)
        except DocumentError as error:
            self._report(error)
            log.event("audit-not-written", "error", records=len(records))
            raise Refused(PROCESSING_FAILURE) from None
        except Exception as fault:
            log.failure(fault, "orthanc-arrival")
            raise Refused(PROCESSING_FAILURE) from None

    def _report(self, error: DocumentError) -> None:
        log.report(error)
        if self._metrics:
            self._metrics.issues(error.issues)

    def _decided(self, data: bytes, link: Link, peer: str) -> tuple[bytes, tuple[AuditRecord, ...]]:
        """Return what the profile makes of a data set; raise `DocumentError` where it refuses."""
        done = self._over(data, link=link, holder=self._set.holder, peer=peer)
        made, records = bytes(done.value), done.records
        if self._set.refuse_unknown and any(one.received == INVALID for one in records):
            code = "profile/invalid-value"
            raise DocumentError(_unknown_term(), records=_refusals(records, code))
        tags = self._archive.as_orthanc_reads(made)
        compare(tags, records)
        return made, self._beside_held(data, tags, records, link, peer)

    def _beside_held(
        self,
        data: bytes,
        tags: Mapping[str, Any],
        records: tuple[AuditRecord, ...],
        link: Link,
        peer: str,
    ) -> tuple[AuditRecord, ...]:
        """Return the records, which say what was held before; raise `DocumentError` for a better one."""
        held = self._archive.holding(_text(tags, _UIDS[-1]))
        if not held:
            return records
        own = held.get(_identifier(tags))
        if (
            own is not None and not self._set.overwrites
        ):  # Orthanc will say that it is stored already
            state = Copy.of(own).state
            records = tuple(replace(one, before=state) for one in records)
            return _refusals(records, "profile/already-held")
        best = max(held.values(), key=_rank)
        state, arrived = Copy.of(best).state, self._archive.said(data)
        if arrived is not None and not (link.trusted and status_of(arrived) == state):
            decided = overwrite(Copy.of(best), arrived, at=self._at(link, peer))
            if not decided.done:
                raise DocumentError(*decided.issues, records=(decided.record,))
        return tuple(replace(one, before=state) for one in records)

    def _at(self, link: Link, peer: str) -> Circumstances:
        tables = self._set.tables
        return Circumstances(
            link=link,
            holder=self._set.holder,
            peer=peer,
            policy=tables.site.link_policy,
            on_held=tables.site.on_held,
            time=now(),
            mappings="; ".join(map(str, tables.versions)),
        )


def compare(tags: Mapping[str, Any], records: tuple[AuditRecord, ...]) -> None:
    """Raise `DocumentError` where Orthanc reads otherwise than the one record of a copy says.

    ``tags`` are the data set as Orthanc reads it. What it does not read as text it does not read.
    """
    record = records[-1] if records else None
    written = shown(record.after) if record else ABSENT
    found = _text(tags, _STATUS)
    other = found != ("" if written == ABSENT else written)
    if record is not None:
        other = other or _text(tags, _UIDS[-1]) != record.sop_instance_uid
        if written == "NS" and not (record.secure and record.authenticated and record.conforms):
            other = other or any(tag in tags for tag in _COMPANIONS)
    if other:
        facts = {"written": written, "found": found if found in (*_BETTER, "NS") else "another"}
        refused = issue("orthanc/read-otherwise", _LOCATION, **facts)
        raise DocumentError(refused, records=_refusals(records, refused.code))


def _text(tags: Mapping[str, Any], tag: str) -> str:
    value = tags.get(tag, "")
    return value.strip(" \0") if isinstance(value, str) else str(value)


def _identifier(tags: Mapping[str, Any]) -> str:
    """Return Orthanc's identifier of an instance: SHA-1 of what it is known by, in five parts."""
    whole = "|".join(_text(tags, tag) for tag in _UIDS)
    made = hashlib.sha1(whole.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return "-".join(made[i : i + 8] for i in range(0, 40, 8))


def _rank(statement: SOPInstance) -> int:
    state = status_of(statement)
    return _BETTER.index(state) + 1 if state in _BETTER else 0


def _unknown_term() -> Issue:
    return issue("profile/invalid-value", _LOCATION, rule="a site's setting")


def _refusals(records: Iterable[AuditRecord], code: str) -> tuple[AuditRecord, ...]:
    """Return the records of a copy that was not stored after all."""
    return tuple(replace(r, after=r.before, outcome="refused", code=code) for r in records)
