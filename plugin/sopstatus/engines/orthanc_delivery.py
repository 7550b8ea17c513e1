"""The thread beside Orthanc's own: metadata, audit records, queues and their delivery.

Orthanc's threads only leave here what they have read, so that no store waits for a disk of ours or a
destination. What is left here and not yet queued when the process is killed, the sweep finds again
in Orthanc's changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Iterable

from sopstatus import audit_log, log
from sopstatus.audit import AuditRecord
from sopstatus.engines.orthanc_archive import Archive
from sopstatus.engines.orthanc_outlet import Outlet, announce
from sopstatus.engines.orthanc_settings import Settings
from sopstatus.engines.spool_folder import owned
from sopstatus.model import DocumentError, SOPInstance

_AT_A_TIME = 200
_MOST = 20_000  # statements in memory; beyond it the sweep finds them


class Delivery:
    """What waits, and the thread that works on it."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._set, self._archive = settings, archive
        self._stored: deque[tuple[str, SOPInstance]] = deque()
        self._studies: deque[str] = deque()
        self._records: deque[AuditRecord] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._ending = self._passed_over = False
        for post in settings.posts:
            announce(settings.folder / post.name)
        self._thread = threading.Thread(target=self._run, name="sopstatus", daemon=True)

    def stored(self, instance: str, statement: SOPInstance) -> None:
        """Take what a stored instance states; called by any thread, and quick."""
        if len(self._stored) < _MOST:
            self._stored.append((instance, statement))
            self._call()
        else:
            self._passed_over = True

    def stable(self, study: str) -> None:
        """Take a study that has not changed for a while."""
        self._studies.append(study)
        self._call()

    def told(self, records: Iterable[AuditRecord]) -> None:
        """Take audit records."""
        if self._set.audit:
            self._records.extend(records)
            self._call()

    def start(self) -> None:
        """Start to work; Orthanc must be up."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop after what is under way."""
        self._ending = True
        self._call()
        self._thread.join(seconds)

    def _call(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._wake.set)

    def _run(self) -> None:
        while not self._ending:
            try:
                with owned(self._set.folder):
                    asyncio.run(self._serve())
            except DocumentError as error:
                log.report(error)
            except Exception as fault:  # whatever it was, delivery goes on
                log.event("orthanc-delivery-failed", "error", reason=type(fault).__name__)
            else:
                return
            time.sleep(self._set.sweep)

    async def _serve(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        outlets = [Outlet(post, self._set, self._archive) for post in self._set.posts]
        for outlet in outlets:
            outlet.begin()
        sending = [self._loop.create_task(outlet.forwarder.run()) for outlet in outlets]
        swept = -math.inf
        while not self._ending:
            self._wake.clear()
            for task in sending:
                if task.done():  # it ends only when it is told to, or fails
                    task.result()
            await self._work(outlets)
            if self._passed_over:
                self._passed_over = False
                for outlet in outlets:
                    outlet.forget()
            if not self._stored and time.monotonic() - swept > self._set.sweep:
                for outlet in outlets:
                    await outlet.sweep()
                swept = time.monotonic()
            if not (self._stored or self._studies or self._records):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._set.sweep)
        await self._work(outlets)
        for outlet in outlets:
            outlet.forwarder.stop()
        await asyncio.wait(sending, timeout=self._set.sweep) if sending else None
        for outlet in outlets:
            await outlet.close()

    async def _work(self, outlets: list[Outlet]) -> None:
        if self._records:
            records = [self._records.popleft() for _ in range(len(self._records))]
            await asyncio.to_thread(self._write, records)
        given = [self._stored.popleft() for _ in range(min(len(self._stored), _AT_A_TIME))]
        for instance, statement in given:
            self._archive.keep(instance, statement)
            await asyncio.sleep(0)  # Orthanc's threads, and the delivery, get their turn
        if given:
            for outlet in outlets:
                await outlet.queue(given)
        if self._studies and not self._stored:
            self._archive.sum_up(self._studies.popleft())

    def _write(self, records: list[AuditRecord]) -> None:
        try:
            audit_log.append(self._set.audit, records)
        except DocumentError as error:
            log.report(error)
        except OSError:
            log.event("audit-not-written", "error", records=len(records))
