"""``sopstatus serve``: the transformers over HTTP, a Starlette application.

``POST /transform/{name}`` takes a document in its own media type and answers in the target's;
``POST /batch`` takes many, one JSON object per line. The other paths are for operators.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Scope

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.http.answers import Answer
from sopstatus.engines.http.body import Body, inflated
from sopstatus.engines.http.guard import Headers, Route, handling, own_routes, refused, text
from sopstatus.engines.http.media import NDJSON, parsed
from sopstatus.engines.http.openapi import openapi
from sopstatus.engines.http.service import INLINE, Service
from sopstatus.engines.http.traced import noted
from sopstatus.engines.http.work import Asked
from sopstatus.holder import Holder
from sopstatus.model import DocumentError

_LONGEST = (16, 199, 6)  # AE (PS3.5 6.2); HD (HL7 v2 2A.2.33)


def application(service: Service) -> Starlette:
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

    posts = {"/transform/{name}": transform, "/batch": batch}
    routes = [
        StarletteRoute(path, Route(service, path, ask, takes=True), methods=["POST"])
        for path, ask in posts.items()
    ]
    description = openapi(service.settings.version, service.offered.offer.others)
    for path, route in own_routes(service, "/", description).items():
        routes.append(StarletteRoute(path, route, methods=["GET"]))

    async def elsewhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        code, facts = "http/no-route", dict[str, Any]()
        if error.status_code == 405:
            code, facts = "http/method", {"methods": headers.get("Allow", "")}
        answer = refused(service, code, dict(request.headers.raw), **facts)
        closing = {"connection": "close"} if service.draining else {}
        more = answer.headers | headers | closing
        return Response(answer.body, answer.status, more, answer.media)

    handlers = {404: elsewhere, 405: elsewhere}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
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
