"""The thread beside Orthanc's own: metadata, queues and their delivery.

Orthanc's threads only leave here what they have read, so that no store waits for a queue or a
destination, and work on it rests while more is stored. What is left here and not yet queued when the
process is killed, the sweep finds again in Orthanc's changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sopstatus import log
from sopstatus.audit import log as audit_log
from sopstatus.catalogue import document_error, reason_of
from sopstatus.engines.delivery.lock import owned
from sopstatus.engines.orthanc.archive import Archive, Held
from sopstatus.engines.orthanc.outlet import Outlet, announce
from sopstatus.engines.orthanc.settings import Settings
from sopstatus.model import DocumentError

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics
    from sopstatus.engines.http.operator import Operator

_AT_A_TIME = 200
_MOST = 20_000  # statements in memory; beyond it the sweep finds them
_QUIET, _LONGEST = (
    0.5,
    5.0,
)  # seconds without a store before work begins, and the most that it rests


class Delivery:
    """What waits, and the thread that works on it."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._set, self._archive = settings, archive
        self._stored: deque[tuple[str, Held]] = deque()
        self._studies: deque[str] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._ending = self._passed_over = False
        self._operator, self.metrics = _operator(settings.metrics_port, self._check)
        if self.metrics:
            self.metrics.tables(settings.tables)
        self._outlets: list[Outlet] = []
        for post in settings.posts:
            announce(settings.folder / post.name)
        self._thread = threading.Thread(target=self._run, name="sopstatus", daemon=True)

    def stored(self, instance: str, held: Held) -> None:
        """Take what is held of a stored instance; called by any thread, and quick."""
        if len(self._stored) < _MOST:
            self._stored.append((instance, held))
            self._call()
        else:
            self._passed_over = True

    def stable(self, study: str) -> None:
        """Take a study that has not changed for a while."""
        self._studies.append(study)
        self._call()

    def start(self) -> None:
        """Start to work; Orthanc must be up."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop after what is under way."""
        self._ending = True
        if self._operator:
            self._operator.draining = True
        self._call()
        self._thread.join(seconds)
        if self._operator:
            self._operator.close()

    def _check(self) -> None:
        """Raise where delivery does not run, or its queues take nothing."""
        if not self._thread.is_alive() or len(self._outlets) < len(self._set.posts):
            raise document_error("mllp/no-spool", "", reason="delivery does not run")
        for outlet in self._outlets:
            outlet.check()
        if self._set.audit:
            audit_log.check(self._set.audit)

    def _call(self) -> None:
        if self._loop is not None and not self._wake.is_set():
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
                log.failure(fault, "orthanc-delivery")
            else:
                return
            time.sleep(self._set.sweep)

    async def _serve(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        given = (self._set, self._archive, self.metrics)
        self._outlets = outlets = [Outlet(post, *given) for post in self._set.posts]
        for outlet in outlets:
            outlet.begin()
        sending = [self._loop.create_task(outlet.forwarder.run()) for outlet in outlets]
        swept = -math.inf
        while not self._ending:
            self._wake.clear()
            for task in sending:
                if task.done():  # it ends only when it is told to, or fails
                    task.result()
            await self._rest()
            await self._work(outlets)
            if self._passed_over:
                self._passed_over = False
                for outlet in outlets:
                    outlet.forget()
            if not self._stored and time.monotonic() - swept > self._set.sweep:
                for outlet in outlets:
                    outlet.renew()
                    await outlet.sweep()
                swept = time.monotonic()
            if not (self._stored or self._studies):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._set.sweep)
        await self._work(outlets)
        for outlet in outlets:
            outlet.forwarder.stop()
        await asyncio.wait(sending, timeout=self._set.sweep) if sending else None
        for outlet in outlets:
            await outlet.close()

    async def _rest(self) -> None:
        """Wait until nothing was stored for a while: a store shares the processor with no delivery."""
        known, until = 0, time.monotonic() + _LONGEST
        while known < len(self._stored) < _AT_A_TIME and time.monotonic() < until:
            known = len(self._stored)
            if not self._ending:
                await asyncio.sleep(_QUIET)

    async def _work(self, outlets: list[Outlet]) -> None:
        given = []
        for _ in range(min(len(self._stored), _AT_A_TIME)):
            instance, held = self._stored.popleft()
            self._archive.keep(instance, held)
            given.append((instance, held))
            await asyncio.sleep(0)  # Orthanc's threads, and the delivery, get their turn
        if given:
            for outlet in outlets:
                await outlet.queue(given)
        if self._studies and not self._stored:
            self._archive.sum_up(self._studies.popleft())


def _operator(port: int, check: Callable[[], None]) -> tuple[Operator | None, Metrics | None]:
    """Answer operators on a port of this machine; 0 = do not."""
    if not port:
        return None, None
    from sopstatus.engines.http.metrics import OF_CONNECTIONS, OF_HTTP, Metrics
    from sopstatus.engines.http.operator import Operator, Readiness

    metrics = Metrics(OF_HTTP | OF_CONNECTIONS)  # these are Orthanc's own
    try:
        operator = Operator(port, metrics, Readiness({"delivery": check}), lambda: None)
    except OSError as error:
        raise ValueError(f'SopStatus "MetricsPort" {port}: {reason_of(error)}') from None
    return operator, metrics
