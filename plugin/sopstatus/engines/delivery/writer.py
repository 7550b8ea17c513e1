"""The one thread that writes a spool, for an asyncio loop: what waits is stored together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sopstatus import log
from sopstatus.engines.delivery.spool import Fault, New, Spool
from sopstatus.model import DocumentError

T = TypeVar("T")
_PATIENCE = 3.0  # seconds; a disk that hangs takes no longer to report


class SpoolWriter:
    """Stores messages: one transaction, and so one sync of the disk, for all that wait for it."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.stored = asyncio.Event()  # there may be something to deliver
        self._thread = ThreadPoolExecutor(1, "mllp-spool")
        self._waiting: list[tuple[New, asyncio.Future[int]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._faults: Counter[Fault] = Counter()

    def put(
        self, message: bytes, stream: int, control_id: bytes = b"", once: str = ""
    ) -> asyncio.Future[int]:
        """Store a message; its number comes when it is on disk, `DocumentError` when it cannot be."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((New(message, stream, control_id, once), future))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return future

    def count(self, application: str, facility: str, code: str, field: str, value: str) -> None:
        """Count what a sender has said that is no value; it is written once a second."""
        if not self._faults:
            asyncio.get_running_loop().call_later(1, self._thread.submit, self._write_faults)
        self._faults[Fault(application, facility, code, field, value)] += 1

    def _write_faults(self) -> None:
        faults, self._faults = self._faults, Counter()
        try:
            self.spool.count(faults)
        except DocumentError as error:  # messages do not wait for it
            log.report(error)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do something else with the spool, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def ask(self, work: Callable[[], T]) -> T:
        """Do something with the spool in its thread, for another thread than the loop's.

        Raise `TimeoutError` where its turn does not come.
        """
        asked = self._thread.submit(work)
        try:
            return asked.result(_PATIENCE)
        finally:
            asked.cancel()

    async def close(self) -> None:
        """Write what waits, and close the spool."""
        if self._writing is not None:
            await self._writing
        await self.run(self._write_faults)
        await self.run(self.spool.close)
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                numbers = await self.run(self.spool.add, [new for new, _ in batch])
            except Exception as error:  # each of them has an answer, whatever it was
                for _, future in batch:
                    if not future.cancelled():
                        future.set_exception(error)
                continue
            for (_, future), number in zip(batch, numbers, strict=True):
                if not future.cancelled():
                    future.set_result(number)
            self.stored.set()
        self._writing = None
