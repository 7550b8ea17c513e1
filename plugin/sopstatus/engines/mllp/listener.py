"""The MLLP listener: connections in, blocks to the work and into the spool, answers out.

Everything is bounded: messages in size, blocks in time, connections in number, what waits for an
answer in number and bytes. Beyond a bound nothing more is read until there is room again.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.mllp.answer import answers, fault, refusal
from sopstatus.engines.mllp.connection import Connection, Taken
from sopstatus.engines.mllp.frame import Block
from sopstatus.engines.mllp.settings import Settings, Store
from sopstatus.engines.mllp.work import Outcome
from sopstatus.model import DocumentError, Issue
from sopstatus.profile import Link

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics

_HANDSHAKE = 10.0  # seconds; a connection is not counted before it
_MSA = re.compile(rb"[\r\n]MSA.([AC][AER])", re.S)
_QUOTED = re.compile(r'"([^"]{1,40})"')
_REPETITION = re.compile(r"\[\d+\]")
_LARGE = 64 << 10  # bytes; a larger message is worked on beside the loop, so that others go on


class Listener:
    """An MLLP server on one address."""

    def __init__(
        self,
        work: Callable[[bytes, Link], Outcome],
        settings: Settings | None = None,
        *,
        store: Store | None = None,
        quick: bool = True,
        metrics: Metrics | None = None,
        name: str = "",
    ) -> None:
        settings = settings or Settings()
        self.work, self.settings, self.store = work, settings, store
        self._metrics, self._name = metrics, name  # of what is done to messages
        if metrics:
            metrics.connections.set_function(lambda: len(self.connections))
        self.connections: set[Connection] = set()
        self.held = 0  # bytes of all connections
        self.taken = self.refused = 0  # messages
        self.peers: frozenset[str] = frozenset()  # names of certificates whose owners conform
        self.draining = False
        self.tls: ssl.SSLContext | None = None  # in use
        self._quick = quick
        self._streams = 0
        self._pool = ThreadPoolExecutor(settings.workers, "mllp-work")
        self._servers: list[asyncio.Server] = []
        self._sweep: asyncio.Task[None] | None = None

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        self._servers, self.tls = [await self._listen(tls, host=host, port=port)], tls
        self._sweep = loop.create_task(self._sweeping())
        found: int = self._servers[0].sockets[0].getsockname()[1]
        return found

    async def listen_anew(self, tls: ssl.SSLContext) -> None:
        """Meet new connections with other certificates, and no TLS session of before.

        Connections that are open stay; those that come in between wait in the socket's queue.
        """
        if self.draining:
            return
        doors = [sock.dup() for server in self._servers for sock in server.sockets]
        servers = [await self._listen(tls, sock=door) for door in doors]
        for server in self._servers:  # not before the new ones are there
            server.close()
        self._servers, self.tls = servers, tls

    async def _listen(self, tls: ssl.SSLContext | None, **where: Any) -> asyncio.Server:
        patience = min(self.settings.block, _HANDSHAKE) if tls else None
        return await asyncio.get_running_loop().create_server(
            lambda: Connection(self),
            **where,
            ssl=tls,
            backlog=1024,
            ssl_handshake_timeout=patience,
        )

    async def drain(self) -> None:
        """Take no more connections, answer what has been begun, and close; then stop."""
        assert self._servers and self._sweep
        self.draining = True
        for server in self._servers:
            server.close()
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

    async def beside(self, taken: Taken, link: Link) -> Outcome:
        """Work on a block in another thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self.outcome, taken, link)

    def outcome(self, taken: Taken, link: Link) -> Outcome:
        """Return what becomes of a block."""
        if taken.block.fault:
            error = fault(taken.block, self.settings.limit)
            return Outcome(b"", error.issues, error)
        with log.about(**taken.facts):
            return self.work(taken.block.data, link)

    def answer(self, taken: Taken, outcome: Outcome) -> list[bytes] | asyncio.Future[list[bytes]]:
        """Return the answers to a block, at once or when its message is stored."""
        self._report(taken, outcome)
        if outcome.failed or self.store is None or not outcome.message:
            return self._answers(taken, outcome)
        answers: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()

        def stored(done: asyncio.Future[int]) -> None:
            if done.cancelled():
                answers.cancel()
            else:
                answers.set_result(self._stored(taken, outcome, done.exception()))

        try:
            self.store.put(outcome.message, taken.stream).add_done_callback(stored)
        except Exception as fault:
            return self._stored(taken, outcome, fault)
        return answers

    def _stored(self, taken: Taken, outcome: Outcome, fault: BaseException | None) -> list[bytes]:
        if fault:  # whatever it is, the sender is answered
            error = fault.alone() if isinstance(fault, DocumentError) else _not_stored(fault)
            outcome = Outcome(b"", error.issues, error, trouble=True)
            self._report(taken, outcome)
        return self._answers(taken, outcome)

    def _report(self, taken: Taken, outcome: Outcome) -> None:
        told = (*outcome.issues, *outcome.notes)
        if told:
            most = "critical" if outcome.trouble else "warning"
            with log.about(**taken.facts):
                log.report(told, at_most=most, size=taken.block.size)
            if self._metrics:
                self._metrics.issues(told)
            if self.store:
                self._count(taken, told, self.store)

    @staticmethod
    def _count(taken: Taken, told: tuple[Issue, ...], store: Store) -> None:
        """Count who sends what is no value: codes that a table does not have yet, for instance."""
        for found in told:
            if found.code.startswith("value/"):
                value = _QUOTED.search(found.diagnostics)
                field = _REPETITION.sub("", found.location)
                said = value[1] if value else ""
                store.count(*taken.head.sender, found.code, field, said)

    def _answers(self, taken: Taken, outcome: Outcome) -> list[bytes]:
        made = self._made(taken, outcome)
        self.taken += 1
        self.refused += outcome.failed
        responded = bool(made) and made[0] is outcome.message
        answer = "message" if responded else _code(made)
        seconds = asyncio.get_running_loop().time() - taken.begun
        changed = bool(outcome.message) and outcome.message != taken.block.data
        if self._metrics:
            self._metrics.message(answer, seconds)
            if changed:
                self._metrics.transformation(self._name)
        level = "error" if outcome.trouble else "warning" if outcome.failed else "info"
        facts: dict[str, object] = {"answer": answer, "ms": round(seconds * 1000, 1)}
        log.event("mllp-message", level, **facts, changed=changed, **taken.facts)
        return made

    def _made(self, taken: Taken, outcome: Outcome) -> list[bytes]:
        data, only_one = taken.block.data, self.settings.only_one
        if outcome.trouble:
            return answers(data, outcome.issues, asked=taken.head, reject=True, only_one=only_one)
        if outcome.error is not None:
            return refusal(data, outcome.error)
        if self.settings.respond and outcome.message and not outcome.failed:
            return [outcome.message]
        return answers(data, outcome.issues, asked=taken.head, only_one=only_one)

    async def _sweeping(self) -> None:
        """Look once a second for connections whose time is over, or that may be read again."""
        while True:
            await asyncio.sleep(min(1.0, self.settings.block / 4))
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.connections):
                connection.check(now)


def _code(answers: list[bytes]) -> str:
    """Return MSA-1 of the first answer, ``none`` where the sender wants none."""
    found = _MSA.search(answers[0]) if answers else None
    return found[1].decode("ascii") if found else "none"


def _not_stored(fault: BaseException) -> DocumentError:
    return document_error("mllp/not-stored", "", reason=type(fault).__name__)
