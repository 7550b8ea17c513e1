"""The process: uvicorn with bounds on connections, a drain that loses nothing, tables that reload."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from watchfiles import awatch

from sopstatus.engines.http import application
from sopstatus.engines.http_service import Service

HEADER_BYTES = 64 * 1024
LINGER_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 65  # longer than engines and balancers keep an idle connection


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and how to end: ``notice`` and ``grace`` are seconds."""

    sock: socket.socket
    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    connections: int = 1024
    notice: float = 1.0
    grace: int = 30


class _Connection(HttpToolsProtocol):
    """One connection, with bounds that uvicorn leaves to a proxy: headers' bytes and seconds."""

    _left = HEADER_BYTES
    _waiting: asyncio.TimerHandle | None = None

    def __init__(self, *, seconds: float, **more: Any) -> None:
        super().__init__(**more)
        self._seconds = seconds

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
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
        super().on_header(name, value)

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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._reload()))
        if self._service.offered.folders:
            self._spawn(self._watch())
        host, port = self._listening.sock.getsockname()[:2]
        scheme = "https" if self._listening.certificate else "http"
        shown = f"[{host}]" if ":" in host else host
        told = {"event": "listening", "url": f"{scheme}://{shown}:{port}", "port": port}
        print(json.dumps(told), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal ends at once."""
        if self._service.draining:
            self.should_exit = self.force_exit = True
        self._service.draining = True
        self._close_at = time.monotonic() + self._listening.notice

    async def on_tick(self, counter: int) -> bool:
        if self._service.draining and time.monotonic() >= self._close_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        async with self._loading:
            await asyncio.to_thread(self._service.reload)

    async def _watch(self) -> None:
        try:
            async for _ in awatch(*self._service.offered.folders, recursive=False):
                await self._reload()
        except (OSError, RuntimeError) as error:  # SIGHUP is left
            structlog.get_logger("sopstatus").error("not-watched", reason=type(error).__name__)


def run(service: Service, listening: Listening, app: ASGIApp | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raise `OSError` for a certificate that is none.

    ``app`` is another application of the service than that of `http`.
    """
    config = uvicorn.Config(
        app or application(service),
        http=cast(Any, partial(_Connection, seconds=service.settings.timeout)),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,
        proxy_headers=False,  # nothing in a request says anything of its link
        server_header=False,
        limit_concurrency=listening.connections,
        timeout_graceful_shutdown=listening.grace,
        ssl_certfile=listening.certificate or None,
        ssl_keyfile=listening.key or None,
        ssl_ca_certs=listening.client_ca or None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if listening.client_ca else ssl.CERT_NONE,
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
