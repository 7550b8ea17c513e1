"""The process: uvicorn with bounds on connections, a drain that loses nothing, tables that reload."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from watchfiles import awatch

from sopstatus.engines import peers, room, supervisor
from sopstatus.engines.http.app import application
from sopstatus.engines.http.door import door
from sopstatus.engines.http.hosts import Hosts, spare
from sopstatus.engines.http.service import PEER, Service
from sopstatus.engines.http.traced import Traced
from sopstatus.engines.watched import Watched, again, look

HEADER_BYTES = 64 * 1024
LINGER_SECONDS = 0.25
SPARE_SECONDS = 2.0
"""A connection beyond ``connections`` has this long to ask whether the process is alive."""
KEEP_ALIVE_SECONDS = 65  # longer than engines and balancers keep an idle connection


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and how to end: ``notice`` and ``grace`` are seconds.

    ``allowed`` are names that callers may use besides loopback's own; ``own`` is the path below
    which healthz and readyz stand.
    """

    sock: socket.socket
    connections: int = 1024
    notice: float = 1.0
    grace: int = 30
    allowed: tuple[str, ...] = ()
    own: str = "/"


class _Connection(HttpToolsProtocol):
    """One connection, with bounds that uvicorn leaves to a proxy: headers' bytes and seconds."""

    _left = HEADER_BYTES
    _waiting: asyncio.TimerHandle | None = None

    def __init__(self, *, service: Service, limit: int, full: ASGIApp, **more: Any) -> None:
        super().__init__(**more)
        self._service, self._limit, self._full = service, limit, full
        self._seconds = service.settings.timeout

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None and (shown := peers.of(secured)):
            self.app_state = {**self.app_state, PEER: shown}
            if self._service.peers:
                peers.tell_unlisted(shown, self._service.peers)
        if len(self.connections) > self._limit:
            self.app, self._seconds = self._full, min(self._seconds, SPARE_SECONDS)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._left = HEADER_BYTES
        self._wait()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        if self._waiting is not None:  # behind the body it is a trailer, and no header (6.5.1)
            super().on_header(name, value.strip(b" \t"))  # RFC 9110 5.5: blanks are none of it

    def on_headers_complete(self) -> None:
        self._arrived()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Close when idle, but not before a request that is on its way has had time to arrive."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LINGER_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("the headers are too long")  # the parser answers 400 and closes

    def _wait(self) -> None:
        self._arrived()
        self._waiting = self.loop.call_later(self._seconds, self._too_slow)

    def _arrived(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self.transport.close()


class _Server(uvicorn.Server):
    """A server that answers ``Connection: close`` for a while before it closes its door."""

    def __init__(self, config: uvicorn.Config, service: Service, listening: Listening) -> None:
        super().__init__(config)
        self._service, self._listening = service, listening
        self._close_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        self._tls = service.tls
        self._door = listening.sock.dup()  # never closed before the end: callers wait in its queue

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        room.tell_faults(loop)
        open_ = self.server_state.connections
        self._service.metrics.connections.set_function(lambda: len(open_))
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, self._all_again)
        if self._service.offered.folders:
            self._spawn(self._watch())
        if self._service.watched:
            self._spawn(look(self._service.watched, self._take))
        host, port = self._listening.sock.getsockname()[:2]
        scheme = "https" if self._tls else "http"
        shown = f"[{host}]" if ":" in host else host
        told = {"event": "listening", "url": f"{scheme}://{shown}:{port}", "port": port}
        print(json.dumps(told), flush=True)
        supervisor.tell(supervisor.READY)
        self._spawn(supervisor.watchdog())

    def _all_again(self) -> None:
        take = partial(self._take, self._service.watched, asked=True)
        self._spawn(again(self._reload, take))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal ends at once."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
        self._service.draining = True
        supervisor.tell(supervisor.STOPPING)
        self._close_at = time.monotonic() + self._listening.notice

    async def on_tick(self, counter: int) -> bool:
        if self._service.draining and time.monotonic() >= self._close_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.close()
        await super().shutdown(sockets)

    async def _reload(self) -> None:
        async with self._loading:
            await asyncio.to_thread(self._service.reload)

    async def _take(self, changed: list[Watched], *, asked: bool = False) -> None:
        async with self._loading:
            for one in changed:
                await asyncio.to_thread(one.reload, asked=asked)
            if self._service.tls is not self._tls and not self.should_exit:
                await self._listen_anew()

    async def _listen_anew(self) -> None:
        """Meet new connections with the new certificates, and no TLS session of before.

        Connections that are open stay; those that come in between wait in the socket's queue.
        """
        tls, config, state = self._service.tls, self.config, self.server_state
        server = await asyncio.get_running_loop().create_server(
            lambda: cast(Any, config.http_protocol_class)(
                config=config, server_state=state, app_state=self.lifespan.state
            ),
            sock=self._door.dup(),
            ssl=tls,
            backlog=config.backlog,
        )
        for old in self.servers:  # not before the new one is there
            old.close()
        self.servers, self._tls, config.ssl = [server], tls, tls

    async def _watch(self) -> None:
        try:
            async for _ in awatch(*self._service.offered.folders, recursive=False):
                await self._reload()
        except (OSError, RuntimeError) as error:  # SIGHUP is left
            structlog.get_logger("sopstatus").error("not-watched", reason=type(error).__name__)


def run(service: Service, listening: Listening, app: ASGIApp | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    ``app`` is another application of the service than that of `http`.
    """
    context = service.tls
    listening = replace(listening, connections=room.connections(listening.connections))
    opened = door(listening.sock, tls=context is not None, allowed=listening.allowed)
    guarded = Hosts(app or application(service), service, opened)
    traced = Traced(guarded)
    bounds: dict[str, Any] = {
        "service": service,
        "limit": listening.connections,
        "full": spare(traced, service, listening.connections, listening.own),
    }
    config = uvicorn.Config(
        traced,
        http=cast(Any, partial(_Connection, **bounds)),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,
        proxy_headers=False,  # nothing in a request says anything of its link
        server_header=False,
        timeout_graceful_shutdown=listening.grace,
        ssl_context_factory=(lambda *_: context) if context else None,
    )
    config.load()
    try:
        _Server(config, service, listening).run(sockets=[listening.sock])
    finally:
        abandoned = service.close()
        structlog.get_logger("sopstatus").info("stopped", abandoned=abandoned)
    if abandoned:  # the end of Python would wait for it
        sys.stderr.flush()
        os._exit(1)
