"""The Security Profile over what arrives at Orthanc, by C-STORE, STOW-RS and REST (PS3.15 A.1.1 f).

Orthanc lets a plugin change a data set before it tells by whom it was sent over DICOM, and tells by
whom when it can only be refused any more. So what can be known of the port decides first: where
the DICOM port shows no certificate of every caller, no caller is trusted, and NS is written. Where
it does, the calling AE Title decides: a caller that is not known to conform is refused unless its
data set says already what the profile would write.

Over HTTP, the request that a data set came in is the one that its thread works on.

No callback here stores anything: Orthanc's plugin holds Python's lock while it calls Orthanc, and
two callbacks would wait for each other for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from sopstatus import log
from sopstatus.audit import AuditRecord
from sopstatus.engines.orthanc_settings import Settings
from sopstatus.link import UNKNOWN, Link
from sopstatus.model import DocumentError
from sopstatus.transform import transformer

ACCEPTED = 0x0000
CANNOT_UNDERSTAND = 0xC000  # PS3.4 table B.2-1
NOT_AUTHORIZED = 0x0124  # PS3.7 C.5.22
DICOM_PROTOCOL = 2  # OrthancPluginInstanceOrigin_DicomProtocol


class Arrival:
    """What has to be remembered between Orthanc's callbacks; each of its threads has one arrival."""

    def __init__(self, settings: Settings, told: Callable[[Iterable[AuditRecord]], None]) -> None:
        self._set, self._told = settings, told
        self._over = transformer("dicom", "dicom", tables=settings.tables)
        self._requests: dict[int, str] = {}  # a thread of the HTTP server: the caller's address
        self._refused: set[int] = set()  # a thread whose data set must not be stored
        # where every caller has shown a certificate, the AE Title decides
        self._by_title = bool(settings.dicom.secure and settings.dicom.authenticated)

    def request(self, address: str, headers: Mapping[str, str]) -> None:
        """Note whose request this thread works on; a proxy before Orthanc says for whom it calls."""
        if self._set.proxy:
            address = headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
        self._requests[threading.get_ident()] = address

    def received(self, data: bytes, origin: int) -> bytes | None:
        """Return the data set as it may be stored: as it came, changed, or ``None``: not at all."""
        thread = threading.get_ident()
        if origin != DICOM_PROTOCOL:
            address = self._requests.get(thread)
            return self._crossed(data, self._set.client(address) if address else UNKNOWN, "")
        self._refused.discard(thread)
        if self._by_title:
            return data
        made = self._crossed(data, self._set.modality(""), "")
        if made is None:
            self._refused.add(thread)  # C-STORE gets a status from the filter, and none from here
        return data if made is None else made

    def stored_by(self, title: str, data: Callable[[], bytes]) -> int:
        """Return the status of a C-STORE-RSP; what is not accepted is not stored."""
        thread = threading.get_ident()
        if thread in self._refused:
            self._refused.discard(thread)
            return CANNOT_UNDERSTAND
        if not self._by_title:
            return ACCEPTED
        given, link = data(), self._set.modality(title)
        made = self._crossed(given, link, title)
        if made is None:
            return CANNOT_UNDERSTAND
        if made != given:
            log.event("orthanc-not-authorized", "warning", peer=title)
            return NOT_AUTHORIZED
        return ACCEPTED

    def _crossed(self, data: bytes, link: Link, peer: str) -> bytes | None:
        try:
            done = self._over(data, link=link, holder=self._set.holder, peer=peer)
        except DocumentError as error:
            log.report(error)
            return data if link.trusted and _unreadable(error) else None
        if done.records:
            self._told(done.records)
        return bytes(done.value)


def _unreadable(error: DocumentError) -> bool:
    """Tell whether we cannot read it (Orthanc may), and not: whether the profile refuses it."""
    return all(issue.code.startswith(("dicom/", "document/")) for issue in error.issues)
