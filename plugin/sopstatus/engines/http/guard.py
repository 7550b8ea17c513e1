"""The guard around every route: authorization, limits, metrics and logging."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.http.answers import Answer, refusal
from sopstatus.engines.http.auth import authorized
from sopstatus.engines.http.body import Body, Disconnected
from sopstatus.engines.http.media import JSON, asks_fhir
from sopstatus.engines.http.metrics import MEDIA
from sopstatus.engines.http.operator import ready
from sopstatus.engines.http.service import Service
from sopstatus.engines.http.traced import named
from sopstatus.model import DocumentError, Issue

Headers = dict[bytes, bytes]
Ask = Callable[[Scope, Headers, Body], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """An ASGI application for one path: ``ask`` makes the answer, all else is the same for all.

    ``open`` needs no token; ``takes`` needs one of the places for work.
    """

    service: Service
    path: str
    ask: Ask
    open: bool = False
    takes: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start = time.perf_counter()
        named(scope, self.path)
        headers: Headers = dict(scope["headers"])
        settings = self.service.settings
        body = Body(receive, headers, settings.max_body, settings.timeout)
        known = self.open or not settings.tokens or authorized(headers, settings.tokens)
        held = known and self.takes and self.service.take()
        try:
            answer = await self._answered(scope, headers, body, known=known, held=held)
            if not body.whole and answer.status >= 400 and not await body.discard():
                answer.headers["connection"] = "close"
            if self.service.draining:
                answer.headers["connection"] = "close"
            if answer.status in (200, 422) and self.takes and (applied := handling(scope)):
                answer.headers["preference-applied"] = f"handling={applied}"
            await sent(answer, send, settings.timeout)
        except (Disconnected, TimeoutError):  # gone, or reading nothing
            return
        finally:
            if held:
                self.service.free()
        seconds = time.perf_counter() - start
        self.service.metrics.request(self.path, answer.status, seconds)
        context = {"route": self.path.partition("{")[0], "status": answer.status}
        context |= {"transform": answer.transform} if answer.transform else {}
        done = self.takes and answer.status == 200
        self.service.told(answer.issues, done=done, seconds=round(seconds, 6), **context)

    async def _answered(
        self, scope: Scope, headers: Headers, body: Body, *, known: bool, held: bool
    ) -> Answer:
        try:
            if not known:
                raise document_error("http/unauthorized", "Authorization")
            if self.takes and not held:
                raise document_error("http/busy", "", limit=self.service.settings.concurrency)
            return await self.ask(scope, headers, body)
        except DocumentError as error:
            return self._refused(headers, error.issues)
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # a fault of ours: where it was, and nothing of the document
            log.failure(error, self.path)
            return self._refused(headers, document_error("http/failed", "").issues)

    def _refused(self, headers: Headers, issues: tuple[Issue, ...]) -> Answer:
        fhir = asks_fhir(text(headers, b"accept"), text(headers, b"content-type"))
        return refusal(issues, fhir=fhir, tables=self.service.offered.offer.tables)


def own_routes(service: Service, base: str, description: object) -> dict[str, Route]:
    """Return the route of each path that operators ask, below ``base``; the description is JSON."""
    described = json.dumps(description).encode()

    async def healthz(scope: Scope, headers: Headers, body: Body) -> Answer:
        return _json({"status": "alive"})

    async def readyz(scope: Scope, headers: Headers, body: Body) -> Answer:
        tables, fault = service.offered.offer.tables, service.offered.fault
        status, state = await asyncio.to_thread(ready, service.readiness, draining=service.draining)
        told: dict[str, object] = {
            **state,
            "tables": {group.name: group.version for group in tables.groups},
            "sha256": tables.sha256,
        }
        if fault:  # the old tables are in use; the log has the whole path
            file = fault.file.rpartition("/")[2]
            told["refused"] = {"file": file, "line": fault.line, "key": fault.key}
        return _json(told, status)

    async def metrics(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, MEDIA, service.metrics.text())

    async def openapi(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, JSON, described)

    asks = {"healthz": healthz, "readyz": readyz, "metrics": metrics, "openapi.json": openapi}
    return {
        f"{base}{name}": Route(service, f"{base}{name}", ask, open=name.endswith("z"))
        for name, ask in asks.items()
    }


def _json(told: object, status: int = 200) -> Answer:
    return Answer(status, JSON, f"{json.dumps(told)}\n".encode())


def refused(
    service: Service,
    code: str,
    headers: Headers,
    *,
    route: str = "other",
    fhir: bool = False,
    **facts: Any,
) -> Answer:
    """Return the answer to a request that gets no further than the door: one issue, counted and logged."""
    location = "Authorization" if code == "http/unauthorized" else ""
    issues = document_error(code, location, **facts).issues
    fhir = fhir or asks_fhir(text(headers, b"accept"), text(headers, b"content-type"))
    answer = refusal(issues, fhir=fhir, tables=service.offered.offer.tables)
    service.metrics.request(route, answer.status, 0.0)
    service.told(issues, route=route, status=answer.status)
    return answer


async def closed(answer: Answer, send: Send) -> None:
    """Send an answer, and close: what comes behind the request is not read."""
    answer.headers.update({"connection": "close", "x-content-type-options": "nosniff"})
    await sent(answer, send)


def text(headers: Headers, name: bytes) -> str:
    """Return a header as text, or nothing where it is missing."""
    return headers.get(name, b"").decode("latin-1")


def handling(scope: Scope) -> str:
    """Return what the caller prefers of documents with issues (RFC 7240 4.4): "strict", "lenient" or "".

    The first of several counts (RFC 7240 2).
    """
    said = [value for name, value in scope["headers"] if name == b"prefer"]
    for preference in b",".join(said).decode("latin-1").split(",") if said else ():
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "handling":
            value = value.strip().strip('"').lower()
            return value if value in ("strict", "lenient") else ""
    return ""


async def sent(answer: Answer, send: Send, seconds: float = 0.0) -> None:
    """Send an answer; a caller has ``seconds`` to take each piece of a stream."""
    headers = [(b"content-type", answer.media.encode())]
    headers += [(k.encode(), v.encode("latin-1")) for k, v in answer.headers.items()]
    if answer.stream is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    if answer.stream is not None:
        async for piece in answer.stream:
            async with asyncio.timeout(seconds):  # a caller that does not read holds a place
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})
