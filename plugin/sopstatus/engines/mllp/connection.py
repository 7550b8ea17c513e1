"""One MLLP connection: bytes in, blocks worked on in their order, answers out in that order."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from sopstatus import log
from sopstatus.engines import peers
from sopstatus.engines.mllp.answer import Header, header
from sopstatus.engines.mllp.frame import BROKEN_OFF, Block, Framer, foreign, frame
from sopstatus.engines.mllp.work import Outcome
from sopstatus.profile import UNKNOWN, Link

if TYPE_CHECKING:
    from sopstatus.engines.mllp.listener import Listener

_Answers = list[bytes] | asyncio.Future[list[bytes]]


class Taken(NamedTuple):
    """A block that came: when, on the loop's clock, its header, and what events about it say."""

    block: Block
    begun: float
    stream: int
    head: Header
    facts: dict[str, object]


class Connection(asyncio.Protocol):
    """A peer's connection.

    Where nothing has to be waited for, a message is answered within `data_received`; others wait in
    ``_queue`` for the work and in ``_pending`` for their answer.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._framer = Framer(listener.settings.limit)
        self._stream = listener.next_stream()
        self._secured = False
        self._shown: frozenset[str] = frozenset()  # names of the certificate that TLS has checked
        self._transport: Any = None
        self._peer = ""
        self._first: bytes | None = b""  # until they show that MLLP is spoken
        self._queue: deque[Taken] = deque()
        self._pending: deque[tuple[_Answers, int]] = deque()
        self._working: asyncio.Task[None] | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._held = 0  # bytes, of which the listener knows
        self._waiting = 0  # bytes of messages without an answer
        self._last = self._time()  # when something came or went last
        self._begun: float | None = None  # when the block that is coming in began
        self._full: float | None = None  # since when the peer takes no answers
        self._paused = self._ending = False

    @property
    def _link(self) -> Link:
        """Return what is known of the peer: the list of those that conform may have changed."""
        if not self._secured:
            return UNKNOWN
        return Link(
            secure=True,
            authenticated=bool(self._shown),
            conforms=bool(self._shown & self._listener.peers) or None,
        )

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, if there is room for one more."""
        self._transport = transport
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        listener = self._listener
        if listener.draining or len(listener.connections) >= listener.settings.connections:
            self._tell("mllp-too-many-connections", "warning")
            self._transport.abort()
            return
        listener.connections.add(self)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self._secured, self._shown = True, peers.of(secured)
            if self._shown and listener.peers:
                peers.tell_unlisted(self._shown, listener.peers)
        self._tell("mllp-connected", "debug", tls=secured is not None)

    def data_received(self, data: bytes) -> None:
        """Cut the bytes into blocks, and work on them."""
        self._last = now = self._time()
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        if self._first is not None:
            data = (self._first + data).lstrip(b"\r\n")
            other = foreign(data)
            if other is None:
                self._first = data
                if data and self._begun is None:
                    self._begun = now
                return
            if other:
                self.abort(other)
                return
            self._first = None
        blocks = self._framer.feed(data)
        if not (self._framer.inside or self._framer.is_lost):
            self._begun = None
        elif blocks or self._begun is None:
            self._begun = now
        if self._framer.waits:
            loop = asyncio.get_running_loop()
            self._quiet = loop.call_later(self._listener.settings.quiet, self._release)
        for block in blocks:
            if block.fault == BROKEN_OFF:  # its sender has given up, and waits for the next answer
                self._tell("mllp-began-anew", "warning", size=block.size)
        self._take([block for block in blocks if block.fault != BROKEN_OFF])
        if self._listener.held > self._listener.settings.held and self._framer.inside:
            self.abort("memory")  # what is unfinished is nobody's yet; the peer sends it again

    def eof_received(self) -> bool:
        """Answer what has come; the peer may still read."""
        self._take(self._framer.feed(self._first or b"") + self._framer.close())
        self._ending = True
        self._flush()
        return not self._transport.is_closing() and not self._secured  # TLS has no half

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not begun; what is stored stays stored, and nobody is answered."""
        self._listener.connections.discard(self)
        self._queue.clear()
        self._pending.clear()
        self._framer = Framer(0)
        self._waiting = 0
        self._count()
        if self._quiet is not None:
            self._quiet.cancel()
        self._tell("mllp-disconnected", "debug")

    def pause_writing(self) -> None:
        """Read no more from a peer that takes no answers."""
        self._full = self._time()
        self._throttle()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = None
        self._throttle()

    def finish(self) -> None:
        """Close as soon as what has been begun is answered."""
        self._ending = True
        self._flush()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._tell("mllp-aborted", "warning", reason=reason)
        self._transport.abort()

    def check(self, now: float) -> None:
        """Close the connection if its time is over; read again if there is room again."""
        settings = self._listener.settings
        if self._begun is not None and now - self._begun > settings.block and not self._paused:
            self._take(self._framer.close())
            self._begun = None
            self.finish()
        elif self._full is not None and now - self._full > settings.block:
            self.abort("answers-not-taken")
        elif not self._waiting and now - self._last > settings.idle:
            self.finish()
        else:
            self._throttle()

    def _tell(self, name: str, level: str, **context: object) -> None:
        log.event(name, level, stream=self._stream, peer=self._peer, **context)

    def _release(self) -> None:
        self._quiet = None
        self._begun = None
        self._take(self._framer.quiet())

    def _take(self, blocks: list[Block]) -> None:
        for block in blocks:
            self._waiting += block.size
            head = header(block.data)
            facts = {
                "control_id": head.control_id.decode("latin-1"),
                "peer": self._peer,
                "stream": self._stream,
            }
            taken = Taken(block, self._time(), self._stream, head, facts)
            if self._working is None and self._listener.is_quick(block):
                self._settle(taken, self._listener.outcome(taken, self._link))
            else:
                self._queue.append(taken)
                if self._working is None:
                    self._working = asyncio.get_running_loop().create_task(self._work())
        self._flush()

    async def _work(self) -> None:
        while self._queue:
            taken = self._queue.popleft()
            self._settle(taken, await self._listener.beside(taken, self._link))
            self._flush()
        self._working = None
        self._flush()

    def _settle(self, taken: Taken, outcome: Outcome) -> None:
        if self._transport.is_closing():
            return
        answers = self._listener.answer(taken, outcome)
        if isinstance(answers, asyncio.Future):
            answers.add_done_callback(self._flush)
        self._pending.append((answers, taken.block.size))

    def _flush(self, _: object = None) -> None:
        """Send the answers that are there, up to the first that is not."""
        ready: list[bytes] = []
        while self._pending:
            answers, size = self._pending[0]
            if isinstance(answers, asyncio.Future):
                if not answers.done():
                    break
                answers = answers.result()
            self._pending.popleft()
            self._waiting -= size
            ready += map(frame, answers)
        if ready and not self._transport.is_closing():
            self._transport.write(b"".join(ready))
            self._last = self._time()
        self._count()
        self._throttle()
        done = not self._pending and not self._queue and self._working is None
        if self._ending and done and not self._framer.inside:
            self._transport.close()

    def _count(self) -> None:
        held = self._framer.held + self._waiting
        self._listener.held += held - self._held
        self._held = held

    def _throttle(self) -> None:
        """Read on, or wait until there is room."""
        settings = self._listener.settings
        crowded = (
            self._full is not None
            or len(self._pending) + len(self._queue) >= settings.pending
            or self._waiting > settings.limit
            or (self._waiting > 0 and self._listener.held > settings.held)
        )
        if crowded != self._paused and not self._transport.is_closing():
            self._paused = crowded
            if crowded:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
                self._last = self._time()
                self._begun = self._last if self._framer.inside else None
