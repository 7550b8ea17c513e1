"""The MLLP listener: connections in, blocks to the work and into the spool, answers out.

Everything is bounded: messages in size, blocks in time, connections in number, what waits for an
answer in number and bytes. Beyond a bound nothing more is read until there is room again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.mllp_answer import answers, fault, refusal
from sopstatus.engines.mllp_connection import Connection
from sopstatus.engines.mllp_frame import LIMIT, Block
from sopstatus.engines.mllp_work import Outcome
from sopstatus.link import Link
from sopstatus.model import DocumentError


@dataclass(frozen=True, slots=True)
class Settings:
    """The bounds of a listener, and how it answers.

    ``limit`` is of one message and ``held`` of all that is in memory, in bytes; ``connections`` and
    ``pending`` (messages a connection that wait for their answers) are counts; times are seconds:
    ``block`` from a block's beginning to its end, and for a peer to take an answer, ``idle`` between
    blocks, ``quiet`` for a CR that is missing, ``drain`` for what is open at the end. ``respond``:
    the transformed message is the answer. ``only_one``: see `answers`. ``conforms``: who shows a
    certificate of the listener's CA conforms to the profile (PS3.15 A.1.1), says the site.
    """

    limit: int = LIMIT
    held: int = 256 << 20
    connections: int = 1000
    pending: int = 64
    workers: int = 4
    block: float = 60.0
    idle: float = 3600.0
    quiet: float = 0.5
    drain: float = 10.0
    respond: bool = False
    only_one: bool = False
    conforms: bool = False


class Store(Protocol):
    """Where messages are kept until they are delivered."""

    def put(self, message: bytes, stream: int) -> asyncio.Future[int]:
        """Store a message; the result comes when it is safe on disk, or `DocumentError`."""


_HANDSHAKE = 10.0  # seconds; a connection is not counted before it
_LARGE = 64 << 10  # bytes; a larger message is worked on beside the loop, so that others go on


class Listener:
    """An MLLP server on one address."""

    def __init__(
        self,
        work: Callable[[bytes, Link], Outcome],
        settings: Settings = Settings(),
        *,
        store: Store | None = None,
        quick: bool = True,
    ) -> None:
        self.work, self.settings, self.store = work, settings, store
        self.connections: set[Connection] = set()
        self.held = 0  # bytes of all connections
        self.taken = self.refused = 0  # messages
        self.draining = False
        self._quick = quick
        self._streams = 0
        self._pool = ThreadPoolExecutor(settings.workers, "mllp-work")
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.Task[None] | None = None

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        patience = min(self.settings.block, _HANDSHAKE) if tls else None
        self._server = await loop.create_server(
            lambda: Connection(self),
            host,
            port,
            ssl=tls,
            backlog=1024,
            ssl_handshake_timeout=patience,
        )
        self._sweep = loop.create_task(self._sweeping())
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def drain(self) -> None:
        """Take no more connections, answer what has been begun, and close; then stop."""
        assert self._server and self._sweep
        self.draining = True
        self._server.close()
        for connection in tuple(self.connections):
            connection.finish()
        end = asyncio.get_running_loop().time() + self.settings.drain
        while self.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        for connection in tuple(self.connections):
            connection.abort("drain")
        self._sweep.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def next_stream(self) -> int:
        """Return a number for a new connection."""
        self._streams += 1
        return self._streams

    def is_quick(self, block: Block) -> bool:
        """Tell whether a block is worked on at once, or beside the loop."""
        return self._quick and len(block.data) <= _LARGE

    async def beside(self, block: Block, link: Link) -> Outcome:
        """Work on a block in another thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self.outcome, block, link)

    def outcome(self, block: Block, link: Link) -> Outcome:
        """Return what becomes of a block."""
        if block.fault:
            error = fault(block, self.settings.limit)
            return Outcome(b"", error.issues, error)
        return self.work(block.data, link)

    def answer(
        self, block: Block, outcome: Outcome, stream: int
    ) -> list[bytes] | asyncio.Future[list[bytes]]:
        """Return the answers to a block, at once or when its message is stored."""
        if outcome.issues or outcome.notes:
            log.report((*outcome.issues, *outcome.notes), stream=stream, size=block.size)
        if outcome.failed or self.store is None:
            return self._answers(block.data, outcome)
        return asyncio.ensure_future(self._stored(block.data, outcome, self.store, stream))

    async def _stored(
        self, data: bytes, outcome: Outcome, store: Store, stream: int
    ) -> list[bytes]:
        try:
            await store.put(outcome.message, stream)
        except Exception as fault:  # whatever it is, the sender is told
            error = fault if isinstance(fault, DocumentError) else _not_stored(fault)
            log.report(error, stream=stream)
            outcome = Outcome(b"", error.issues, error, trouble=True)
        return self._answers(data, outcome)

    def _answers(self, data: bytes, outcome: Outcome) -> list[bytes]:
        self.taken += 1
        self.refused += outcome.failed
        only_one = self.settings.only_one
        if outcome.trouble:
            return answers(data, outcome.issues, reject=True, only_one=only_one)
        if outcome.error is not None:
            return refusal(data, outcome.error)
        if self.settings.respond and not outcome.failed:
            return [outcome.message]
        return answers(data, outcome.issues, only_one=only_one)

    async def _sweeping(self) -> None:
        """Look once a second for connections whose time is over, or that may be read again."""
        while True:
            await asyncio.sleep(min(1.0, self.settings.block / 4))
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.connections):
                connection.check(now)


def _not_stored(fault: Exception) -> DocumentError:
    return document_error("mllp/not-stored", "", reason=type(fault).__name__)
