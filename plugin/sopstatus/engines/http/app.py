"""``sopstatus serve``: the transformers over HTTP, an ASGI application.

``POST /transform/{name}`` takes a document in its own media type and answers in the target's;
``POST /batch`` takes many, one JSON object per line. The other paths are for operators.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.http.answers import Answer
from sopstatus.engines.http.body import Body, inflated
from sopstatus.engines.http.guard import Headers, Route, handling, own_routes, refused, sent, text
from sopstatus.engines.http.media import NDJSON, parsed
from sopstatus.engines.http.openapi import openapi
from sopstatus.engines.http.service import INLINE, Service
from sopstatus.engines.http.traced import noted
from sopstatus.engines.http.work import Asked
from sopstatus.holder import Holder
from sopstatus.model import DocumentError

_TRANSFORM = "/transform/"
_GET, _POST = ("GET", "HEAD"), ("POST",)
_NOWHERE: tuple[tuple[str, ...], Route | None] = (), None
_LONGEST = (16, 199, 6)  # AE (PS3.5 6.2); HD (HL7 v2 2A.2.33)


def application(service: Service) -> ASGIApp:
    """Return the application of a service."""

    async def transform(scope: Scope, headers: Headers, body: Body) -> Answer:
        name, work = scope["path_params"]["name"], service.work(scope)
        work.offer.formats(name)  # no body is read for a name that is none
        asked = Asked(
            name,
            text(headers, b"content-type"),
            text(headers, b"accept"),
            **_parameters(scope["query_string"]),
            handling=handling(scope),
            gzipped=body.gzipped,
        )
        data = await body.read()
        size = INLINE + 1 if asked.gzipped else len(data)
        answer = await service.run(size, lambda: work.transform(asked, data))
        if answer.status == 200:
            service.metrics.transformation(asked.name)
            noted(scope, changed=answer.changed)
        return answer

    async def batch(scope: Scope, headers: Headers, body: Body) -> Answer:
        if parsed(text(headers, b"content-type")).name not in (NDJSON, "application/jsonl"):
            raise document_error("http/media-type", "Content-Type", expected=NDJSON)
        gzipped = body.gzipped
        data = await body.read()
        if gzipped:
            compressed = data
            limit = service.settings.max_body
            data = await service.run(INLINE + 1, lambda: inflated(compressed, limit))
        noted(scope, changed=False)  # unless a line says otherwise
        return Answer(200, NDJSON, b"", stream=_lines(service, scope, data))

    description = openapi(service.settings.version, service.offered.offer.others)
    carrying = _POST, Route(service, f"{_TRANSFORM}{{name}}", transform, takes=True)
    routes: dict[str, tuple[tuple[str, ...], Route]] = {}
    routes["/batch"] = _POST, Route(service, "/batch", batch, takes=True)
    for path, route in own_routes(service, "/", description).items():
        routes[path] = _GET, route

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        name = path.removeprefix(_TRANSFORM) if path.startswith(_TRANSFORM) else ""
        methods, route = carrying if name and "/" not in name else routes.get(path, _NOWHERE)
        if route and scope["method"] in methods:
            scope["path_params"] = {"name": name}
            await route(scope, receive, send)
            return
        code, allowed = ("http/method", ", ".join(methods)) if route else ("http/no-route", "")
        facts: dict[str, Any] = {"methods": allowed} if allowed else {}
        answer = refused(service, code, dict(scope["headers"]), **facts)
        if allowed:
            answer.headers["allow"] = allowed
        if service.draining:
            answer.headers["connection"] = "close"
        await sent(answer, send)

    return app


async def _lines(service: Service, scope: Scope, data: bytes) -> AsyncIterator[bytes]:
    """Yield one line for each line; each is worked on alone, and so is its fault."""
    for number, line in enumerate(io.BytesIO(data), 1):
        if not line.strip():
            continue
        answer = await _line(service, scope, number, line)
        service.told(answer.issues, route="/batch", status=answer.status)
        if answer.transform:
            service.metrics.transformation(answer.transform)
        if answer.changed:
            noted(scope, changed=True)
        yield answer.body
        await asyncio.sleep(0)  # others are waiting


async def _line(service: Service, scope: Scope, number: int, line: bytes) -> Answer:
    work = service.work(scope)
    try:
        return await service.run(len(line), lambda: work.line(number, line, handling(scope)))
    except DocumentError as error:
        issues = error.issues
    except Exception as error:
        log.failure(error, "/batch")
        issues = document_error("http/failed", "").issues
    return work.refused_line(number, issues)


def _parameters(query: bytes) -> dict[str, Any]:
    """Return ``holder``, who holds a data set, and ``add_missing``.

    Raise `DocumentError` (400) for another query, and where one is said twice.
    """
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        holder = Holder.of(value)
        fit = all(len(part) <= most for part, most in zip(holder.parts, _LONGEST, strict=True))
        if name == "holder" and name not in found and holder.key and fit:
            found[name] = holder
        elif (name, value) == ("missing", "add") and "add_missing" not in found:
            found["add_missing"] = True
        else:
            known = "holder=AE-TITLE, or missing=add"
            raise document_error("http/parameter", "", parameter="the query", known=known)
    return found
