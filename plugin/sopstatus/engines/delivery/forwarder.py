"""Deliver messages from a spool to one destination, one at a time and in order, until each is answered.

Delivery is at least once: a message whose answer was lost is sent again, unchanged and with the same
MSH-10; the spool marks it, and an event reports it. No message overtakes one that is being retried.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from sopstatus import log
from sopstatus.engines.delivery.spool import Entry
from sopstatus.engines.delivery.verdict import AGAIN, DEAD_LETTER, DONE, SKIP, Verdict, judge
from sopstatus.engines.delivery.writer import SpoolWriter
from sopstatus.engines.mllp.answer import header
from sopstatus.engines.mllp.frame import BROKEN_OFF, Block, Framer, frame
from sopstatus.model import DocumentError

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics

_AHEAD, _AHEAD_BYTES = 200, 4 << 20  # read from the spool at a time
_LONGEST_ANSWER = 1 << 20
_QUIET = 0.5  # seconds that a missing CR is waited for
STALE = "stale-connection"  # it was open from before, and the other side let go of it
_PURGE = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages go; times in seconds.

    ``answer`` bounds connecting, sending and waiting, each. A retry waits ``first`` and each next
    one twice as long, up to ``longest``. After ``rejections`` of one message (AR, CR) it becomes a
    dead letter; 0 = never. ``name`` stands in events and metrics (default: ``host:port``).
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    answer: float = 30.0
    first: float = 0.5
    longest: float = 60.0
    rejections: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"{self.host}:{self.port}")


class Sends(Protocol):
    """What brings a message to its destination and says what became of it."""

    async def send(self, message: bytes) -> Verdict:
        """Send a message and wait for what the destination says."""

    def close(self) -> None:
        """Drop the connection."""


class Sender:
    """A connection to a destination, opened when it is needed and dropped when in doubt."""

    def __init__(self, destination: Destination) -> None:
        self._to = destination
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._framer = Framer(_LONGEST_ANSWER)
        self._answers: deque[bytes] = deque()
        self._earlier: deque[bytes] = deque(maxlen=16)  # MSH-10 of what was accepted

    async def send(self, message: bytes) -> Verdict:
        """Send a message and wait for its answer. A connection in doubt is closed."""
        asked = header(message)
        written = False
        await asyncio.sleep(0)  # has the other side closed meanwhile?
        reused = self._reader is not None and not self._reader.at_eof()
        try:
            writer = await self._connected()
            writer.write(frame(message))
            written = True
            async with asyncio.timeout(self._to.answer):
                await writer.drain()
                verdict = Verdict(SKIP)
                while verdict.kind == SKIP and asked.wants_success:
                    said = await self._answer()
                    verdict = judge(said, asked.control_id, self._earlier)._replace(said=said)
                    if verdict.reason == "application-refused":
                        facts = {"destination": self._to.name, "answer": verdict.answer}
                        log.event("delivery-application-refused", "error", **facts)
        except TimeoutError:
            verdict = Verdict(AGAIN, "no-answer" if written else "no-connection", "", written)
        except EOFError:
            verdict = Verdict(AGAIN, STALE if reused else "closed", "", written)
        except ssl.SSLError:
            verdict = Verdict(AGAIN, STALE if reused else "tls", "", written)
        except OSError:
            reason = STALE if reused else "reset"
            verdict = Verdict(AGAIN, reason if written else "no-connection", "", written)
        if not asked.wants_success and verdict.kind == SKIP:  # nobody will tell
            verdict = Verdict(DONE, "unconfirmed")
        if verdict.kind == AGAIN and verdict.reason != "rejected":
            self.close()
        if verdict.kind == DONE:
            self._earlier.append(asked.control_id)
        return verdict

    def use_tls(self, tls: ssl.SSLContext | None) -> None:
        """Show another certificate, or ask for another CA's, on the next connection."""
        self._to = replace(self._to, tls=tls)

    def close(self) -> None:
        """Close the connection: what may still come over it answers nothing."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
        self._framer = Framer(_LONGEST_ANSWER)
        self._answers.clear()
        self._earlier.clear()

    async def _connected(self) -> asyncio.StreamWriter:
        if self._reader is not None and self._reader.at_eof():
            self.close()
        if self._writer is None:
            to = self._to
            name = to.host if to.tls else None
            async with asyncio.timeout(to.answer):
                self._reader, self._writer = await asyncio.open_connection(
                    to.host, to.port, ssl=to.tls, server_hostname=name
                )
        return self._writer

    async def _answer(self) -> bytes:
        while not self._answers:
            blocks = await self._blocks()
            whole = (block for block in blocks if block.fault != BROKEN_OFF)
            self._answers += (b"" if block.fault else block.data for block in whole)
        return self._answers.popleft()

    async def _blocks(self) -> list[Block]:
        assert self._reader is not None
        try:
            async with asyncio.timeout(_QUIET if self._framer.waits else None):
                data = await self._reader.read(1 << 16)
        except TimeoutError:
            if not self._framer.waits:  # the time is over for the answer
                raise
            return self._framer.quiet()
        if data:
            return self._framer.feed(data)
        if blocks := self._framer.close():
            return blocks
        raise EOFError


class Forwarder:
    """Delivers what a spool holds, until it is told to stop."""

    def __init__(
        self,
        writer: SpoolWriter,
        destination: Destination,
        sender: Sends | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._writer, self._to = writer, destination
        self._spool, self._metrics = writer.spool, metrics
        if metrics:
            metrics.spool(destination.name, lambda: writer.ask(writer.spool.waiting))
        self._sender = sender or Sender(destination)
        self._stop = asyncio.Event()
        self._done = self._settled = 0
        self._settled_at = self._purged_at = 0.0
        self.sent = self.dead = 0

    def stop(self) -> None:
        """Stop after the message that is under way."""
        self._stop.set()
        self._writer.stored.set()

    async def run(self) -> None:
        """Deliver; what goes wrong with the spool itself is reported, and tried again."""
        self._done = self._settled = await self._writer.run(self._spool.recover)
        while not self._stop.is_set():
            try:
                await self._round()
            except DocumentError as error:
                log.report(error)
                await self._pause(self._to.longest)
        with contextlib.suppress(DocumentError):
            await self._settle()
        self._sender.close()

    async def _round(self) -> None:
        self._writer.stored.clear()
        batch = await self._writer.run(self._spool.queued, self._done, _AHEAD, _AHEAD_BYTES)
        for entry, message in batch:
            if not await self._deliver(entry, message):
                return
            if time.monotonic() - self._settled_at > 1:
                await self._settle()
        if not batch:
            await self._settle()
            with contextlib.suppress(TimeoutError):  # another process may have queued something
                await asyncio.wait_for(self._writer.stored.wait(), 1)

    async def _settle(self) -> None:
        now = time.monotonic()
        if self._done > self._settled:
            await self._writer.run(self._spool.settle, self._done)
            self._settled = self._done
        self._settled_at = now
        if now - self._purged_at > _PURGE:
            await self._writer.run(self._spool.purge)
            self._purged_at = now

    async def _deliver(self, entry: Entry, message: bytes) -> bool:
        """Send a message until it is dealt with; tell whether it is."""
        attempts, rejections = entry.attempts, 0
        repeated = bool(entry.repeated)
        await self._pause(min(entry.next_try - time.time(), self._to.longest))
        while not self._stop.is_set():
            facts: dict[str, object] = {"destination": self._to.name, "id": entry.id}
            facts |= {"control_id": entry.control_id.decode("latin-1"), "stream": entry.stream}
            facts["attempts"] = attempts + 1
            if repeated:
                log.event("delivery-sent-again", "warning", **facts)
            self._spool.begin(self._done, entry.id)
            verdict = await self._sender.send(message)
            rejections += verdict.reason == "rejected"
            too_often = 0 < self._to.rejections <= rejections
            if verdict.kind == DONE:
                self.sent += 1
                log.event("delivery-sent", "debug", **facts)
                if self._metrics:
                    self._metrics.delivered(self._to.name)
                break
            if verdict.kind == DEAD_LETTER or too_often:
                log.event("delivery-dead-letter", "error", reason=verdict.reason, **facts)
                if self._metrics:
                    self._metrics.dead_letter(self._to.name, verdict.reason)
                await self._writer.run(self._spool.bury, entry.id, verdict)
                self.dead += 1
                break
            delay = min(self._to.first * 2 ** min(attempts, 20), self._to.longest)
            if verdict.reason == STALE:  # a new one is opened at once
                delay = 0.0
            delay *= random.uniform(0.8, 1.2)
            attempts += 1
            repeated |= verdict.written and verdict.reason != "rejected"
            facts |= {"reason": verdict.reason, "delay": round(delay, 1)}
            log.event("delivery-retry", "warning", **facts)
            if self._metrics:
                self._metrics.retry(self._to.name, verdict.reason)
            await self._note(entry.id, verdict, time.time() + delay)
            await self._pause(delay)
        else:
            return False
        self._done = entry.id
        self._spool.begin(entry.id, entry.id)
        return True

    async def _note(self, number: int, verdict: Verdict, next_try: float) -> None:
        written = verdict.written and verdict.reason != "rejected"
        try:
            await self._writer.run(self._spool.failed, number, verdict, next_try, written)
        except DocumentError as error:  # a full disk stops no delivery
            log.report(error)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)
