"""One destination of Orthanc's statements: its spool, its delivery, and how far it has looked.

Orthanc's own list of changes is what nothing is missing from. The quick way queues a statement as
soon as its instance is stored; the sweep goes through the changes behind it and queues what is not
there: what was killed on the way, or found the queue or the disk full.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sopstatus import log, writing
from sopstatus.codecs.hl7 import HL7Codec, message
from sopstatus.engines.delivery.fhir import FHIRSender
from sopstatus.engines.delivery.forwarder import Forwarder, Sender
from sopstatus.engines.delivery.spool import KNOWN, WAITING, Spool
from sopstatus.engines.delivery.writer import SpoolWriter
from sopstatus.engines.orthanc.archive import Archive, Held
from sopstatus.engines.orthanc.settings import Post, Settings
from sopstatus.engines.watched import Watched
from sopstatus.model import DocumentError

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics

_MARK = "changes"
_TIME = "%Y%m%dT%H%M%S"  # as Orthanc dates its changes, in UTC


class Outlet:
    """Queues and delivers for one destination; all of it in one thread's loop."""

    def __init__(
        self, post: Post, settings: Settings, archive: Archive, metrics: Metrics | None = None
    ) -> None:
        folder = settings.folder / post.name
        self._archive, self._fhir, self._limit = archive, bool(post.base), settings.limit
        self._codec = HL7Codec(settings.tables)
        self._writer = SpoolWriter(Spool(folder))
        self._mark_file = folder / _MARK
        # of the changes; -1 = never looked, then what is stored since then is the destination's
        self._mark, self._since = _mark(self._mark_file)
        self._seen = -1  # the last change at the look before
        self._written: set[str] = set()  # queued by the quick way, and not swept yet
        self._watched = Watched(f"destination-{post.name}", post.files, self._take)
        self._secrets = post.secrets
        tls, token = post.secrets()  # they may have changed since the start
        self._sender: Sender | FHIRSender = Sender(replace(post.to, tls=tls))
        if post.base:
            self._sender = FHIRSender(
                post.base,
                archive.imaging_study,
                transaction=post.transaction,
                token=token,
                tls=tls,
                seconds=post.to.answer,
            )
        self.forwarder = Forwarder(self._writer, post.to, self._sender, metrics)

    def renew(self) -> None:
        """Take certificates and the token that have changed into use, for what goes out next."""
        if self._watched.has_changed:
            self._watched.reload()

    def _take(self) -> None:
        tls, token = self._secrets()
        if isinstance(self._sender, FHIRSender):
            self._sender.use(tls, token)
        else:
            self._sender.use_tls(tls)

    def begin(self) -> None:
        """Find where a new destination begins: with what was stored since `announce`."""
        last = self._archive.last_change()
        if 0 <= self._mark <= last:
            return
        # a number beyond the last is of another archive, which is gone through from its first change
        self._mark = 0 if self._mark >= 0 else self._archive.changes_before(self._since)
        self._save()

    async def queue(self, given: list[tuple[str, Held]]) -> None:
        """Queue what instances state; what finds no room, or no disk, is left to the sweep."""
        ids = {instance for instance, _ in given}
        self._written -= ids  # one that is stored again has a change of its own, and no other
        if not await self._room():
            return
        waits = [put for one in given if (put := self._put(*one)) is not None]
        done = await asyncio.gather(*waits, return_exceptions=True)
        faults = [fault for fault in done if isinstance(fault, BaseException)]
        for fault in faults[:1]:
            _told(fault)
        if not faults:
            self._written |= ids

    def forget(self) -> None:
        """Leave all that came lately to the sweep: something was passed over."""
        self._written.clear()

    async def sweep(self) -> None:
        """Queue what the changes list and the quick way has not queued.

        Only changes of before the last look: what came since may be on its way.
        """
        last, upto = self._archive.last_change(), self._seen
        self._seen = last
        upto = last if upto < 0 else min(upto, last)
        while self._mark < upto:
            found, end = self._archive.new_instances(self._mark)
            for number, instance in found:
                if number > upto:
                    break
                if instance in self._written:
                    self._written.discard(instance)
                    continue
                if not await self._swept(instance):
                    return
            self._mark = min(max(end, self._mark + 1), upto)
            self._save()

    def check(self) -> None:
        """Raise where nothing could be queued now."""
        self._writer.ask(self._writer.spool.check)

    async def close(self) -> None:
        """Close the spool, when delivery has ended."""
        await self._writer.close()

    async def _swept(self, instance: str) -> bool:
        found = self._archive.stated(instance, renew=True)
        if found is None:
            return True
        if not await self._room():
            return False
        try:
            if (queued := self._put(instance, found)) is not None:
                await queued
        except DocumentError as error:
            log.report(error)
            return False
        return True

    async def _room(self) -> bool:
        try:
            return await self._writer.run(self._writer.spool.backlog) < self._limit
        except DocumentError as error:
            log.report(error)
            return False

    def _put(self, instance: str, held: Held) -> asyncio.Future[int] | None:
        """Start queueing a statement; ``None`` where there is nothing to send."""
        if self._fhir:
            study = self._archive.study_of(instance).encode("ascii")
            return self._writer.put(study, 0, study, WAITING) if study else None
        file, statement, context = held
        if not statement.attributes:
            return None
        # the same data set stored again is another file, and is announced again
        parts = (instance, file, repr(statement))
        name = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]
        site = self._codec.tables.site
        blank = message([statement], contexts=[context], site=site, control_id=name.upper())
        made = self._codec.encode([statement], blank)
        return self._writer.put(made.value, 0, name.upper().encode("ascii"), KNOWN)

    def _save(self) -> None:
        data = str(self._mark).encode("ascii")
        writing.write(self._mark_file, data, at="", mode=writing.PRIVATE)


def _told(fault: BaseException) -> None:
    """Tell that the disk takes nothing; anything else is a fault of ours."""
    if not isinstance(fault, DocumentError):
        raise fault
    log.report(fault)


def announce(folder: Path) -> None:
    """Keep when a new destination began, before Orthanc takes the first data set.

    A kill before the first look would else leave nothing to go by.
    """
    file = folder / _MARK
    if not file.exists():
        data = time.strftime(_TIME, time.gmtime()).encode("ascii")
        with contextlib.suppress(OSError, DocumentError):  # delivery reports the disk
            folder.mkdir(parents=True, exist_ok=True)
            writing.write(file, data, at="", mode=writing.PRIVATE)


def _mark(file: Path) -> tuple[int, str]:
    try:
        text = file.read_text("ascii")
    except (OSError, ValueError):
        return -1, time.strftime(_TIME, time.gmtime())
    return (int(text), "") if text.isdecimal() else (-1, text)
