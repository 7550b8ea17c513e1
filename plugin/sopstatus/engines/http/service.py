"""The state of one service: what it offers, who may call, how much at once; and where work runs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sopstatus import log
from sopstatus.audit import log as audit_log
from sopstatus.catalogue import document_error
from sopstatus.engines.http.metrics import OF_MESSAGES, Metrics
from sopstatus.engines.http.offer import Offered
from sopstatus.engines.http.operator import Readiness
from sopstatus.engines.http.work import Work
from sopstatus.engines.watched import Watched
from sopstatus.model import DocumentError, Issue, Result
from sopstatus.profile import Link

T = TypeVar("T")
PEER = "sopstatus.peer"
"""Where the state of a connection has the names of the certificate that its peer has shown."""
INLINE = 32 * 1024
"""Work on so few bytes is done at once: handing it to a thread costs more than it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator has chosen: bytes of a body, seconds, and requests at once."""

    tokens: tuple[bytes, ...] = ()
    max_body: int = 64 << 20
    timeout: float = 30.0
    concurrency: int = 64
    audit: str = ""
    version: str = "unknown"
    verbose: bool = False  # one log event a transformation


class Service:
    """One service and its counters."""

    def __init__(self, settings: Settings, offered: Offered) -> None:
        self.settings, self.offered = settings, offered
        self.metrics = Metrics(OF_MESSAGES)
        self.metrics.tables(offered.offer.tables)
        self.metrics.in_progress.set_function(lambda: self._taken)
        self.draining = False
        self.readiness = Readiness()
        if settings.audit:
            self.readiness.checks["audit"] = lambda: audit_log.check(settings.audit)
        self.peers: frozenset[str] | None = None  # those that conform; None: not asked for
        self.tls: ssl.SSLContext | None = None
        self.watched: list[Watched] = []
        self._taken = 0  # requests being worked on, and work that nobody waits for any more
        self._unfinished: set[Future[Any]] = set()
        self._threads = ThreadPoolExecutor(thread_name_prefix="sopstatus")

    def link(self, scope: Mapping[str, Any]) -> Link:
        """Return what is known of the link that a request came over: nothing in it says any of that."""
        link = self.offered.offer.link
        if self.peers is None:
            return link
        shown: frozenset[str] = scope.get("state", {}).get(PEER, frozenset())
        return replace(link, conforms=bool(shown & self.peers))

    def work(self, scope: Mapping[str, Any]) -> Work:
        """Return what one request is worked on with, from its beginning to its end."""
        offer = self.offered.offer.over(self.link(scope))
        return Work(offer, self.settings.max_body, self.settings.audit)

    def take(self) -> bool:
        """Take one of the places for work, and tell whether there was one; `free` gives it back."""
        if self._taken >= self.settings.concurrency:
            return False
        self._taken += 1
        return True

    def free(self) -> None:
        """Give a place back."""
        self._taken -= 1

    async def run(self, size: int, call: Callable[[], T]) -> T:
        """Do work on so many bytes; raise `DocumentError` (504) where it does not end in time.

        A thread cannot be stopped: its place is taken until the work ends.
        """
        if size <= INLINE and not self.settings.audit:
            return call()
        loop = asyncio.get_running_loop()
        done: Future[T | DocumentError] = self._threads.submit(copy_context().run, _outcome, call)
        self._unfinished.add(done)
        done.add_done_callback(self._unfinished.discard)
        seconds = self.settings.timeout
        try:
            outcome = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), seconds)
        except TimeoutError:
            if not done.cancel():
                self._taken += 1
                done.add_done_callback(lambda _: _call_soon(loop, self.free))
            raise document_error("http/took-too-long", "", seconds=f"{seconds:g}") from None
        if isinstance(outcome, DocumentError):
            raise outcome.alone()  # the other is kept by what this frame holds
        return outcome

    def reload(self) -> None:
        """Load the tables again, whole or not at all, and say so."""
        if self.offered.reload():
            tables = self.offered.offer.tables
            self.metrics.tables(tables)
            log.tables_loaded(tables)
        else:
            self.metrics.refused_tables()
            log.tables_refused(str(self.offered.fault))

    def close(self) -> int:
        """Begin no more work, and return how much of it is abandoned: threads cannot be stopped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        return len(self._unfinished)

    def told(self, issues: tuple[Issue, ...], *, done: bool = False, **context: Any) -> None:
        """Count and log issues, and with ``verbose`` each transformation that was ``done``."""
        self.metrics.issues(issues)
        tables = self.offered.offer.tables
        if done and self.settings.verbose:
            log.report(Result(None, issues), tables=tables, **context)
        elif issues:
            most = "critical" if context.get("status", 500) >= 500 else "warning"
            log.report(issues, at_most=most, **context)


def _outcome(call: Callable[[], T]) -> T | DocumentError:
    """Return what work gives, or what it raises: a future that raises keeps what it was raised in."""
    try:
        return call()
    except DocumentError as error:
        return error.alone()


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
