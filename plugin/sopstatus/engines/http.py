"""``sopstatus serve``: the transformers over HTTP, a Starlette application.

``POST /transform/{name}`` takes a document in its own media type and answers in the target's;
``POST /batch`` takes many, a JSON object a line. The rest is for those who run it.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Scope

from sopstatus.catalogue import document_error
from sopstatus.engines.http_answers import Answer, refusal
from sopstatus.engines.http_body import Body, inflated
from sopstatus.engines.http_guard import Headers, Route, failure, text
from sopstatus.engines.http_media import JSON, NDJSON, asks_fhir, parsed
from sopstatus.engines.http_metrics import MEDIA
from sopstatus.engines.http_openapi import openapi
from sopstatus.engines.http_service import INLINE, Service
from sopstatus.engines.http_work import Asked
from sopstatus.model import DocumentError

_LONGEST_TITLE = 16  # AE (PS3.5 6.2)


def application(service: Service) -> Starlette:
    """Return the application of a service."""
    description = json.dumps(
        openapi(service.settings.version, service.offered.offer.others)
    ).encode()

    async def transform(scope: Scope, headers: Headers, body: Body) -> Answer:
        name, work = scope["path_params"]["name"], service.work
        work.offer.formats(name)  # no body is read for a name that is none
        asked = Asked(
            name,
            text(headers, b"content-type"),
            text(headers, b"accept"),
            _holder(scope["query_string"]),
            strict=b"handling=strict" in headers.get(b"prefer", b""),  # RFC 7240 4.4
            gzipped=body.gzipped,
        )
        data = await body.read()
        size = INLINE + 1 if asked.gzipped else len(data)
        answer = await service.run(size, lambda: work.transform(asked, data))
        if answer.status == 200:
            service.metrics.transformation(asked.name)
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
        return Answer(200, NDJSON, b"", stream=_lines(service, data))

    async def healthz(scope: Scope, headers: Headers, body: Body) -> Answer:
        return _json({"status": "alive"})

    async def readyz(scope: Scope, headers: Headers, body: Body) -> Answer:
        tables, fault = service.offered.offer.tables, service.offered.fault
        told: dict[str, object] = {
            "status": "draining" if service.draining else "ready",
            "tables": {group.name: group.version for group in tables.groups},
            "sha256": tables.sha256,
        }
        if fault:  # the old tables are in use; the log has the whole path
            file = fault.file.rpartition("/")[2]
            told["refused"] = {"file": file, "line": fault.line, "key": fault.key}
        return _json(told, 503 if service.draining else 200)

    async def metrics(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, MEDIA, service.metrics.text())

    async def described(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, JSON, description)

    posts = {"/transform/{name}": transform, "/batch": batch}
    gets = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics, "/openapi.json": described}
    routes = [
        StarletteRoute(path, Route(service, path, ask, takes=True), methods=["POST"])
        for path, ask in posts.items()
    ]
    routes += [
        StarletteRoute(path, Route(service, path, ask, open=path.endswith("z")), methods=["GET"])
        for path, ask in gets.items()
    ]

    async def elsewhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        code, facts = "http/no-route", {}
        if error.status_code == 405:
            code, facts = "http/method", {"methods": headers.get("Allow", "")}
        issues = document_error(code, "", **facts).issues
        fhir = asks_fhir(request.headers.get("accept", ""), request.headers.get("content-type", ""))
        answer = refusal(issues, fhir=fhir, tables=service.offered.offer.tables)
        service.metrics.request("other", answer.status, 0.0)
        service.told(issues, route="other", status=answer.status)
        closing = {"connection": "close"} if service.draining else {}
        more = answer.headers | headers | closing
        return Response(answer.body, answer.status, more, answer.media)

    handlers = {404: elsewhere, 405: elsewhere}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


async def _lines(service: Service, data: bytes) -> AsyncIterator[bytes]:
    """Yield one line for each line; each is worked on alone, and so is its fault."""
    for number, line in enumerate(io.BytesIO(data), 1):
        if not line.strip():
            continue
        answer = await _line(service, number, line)
        service.told(answer.issues, route="/batch", status=answer.status)
        yield answer.body
        await asyncio.sleep(0)  # others are waiting


async def _line(service: Service, number: int, line: bytes) -> Answer:
    work = service.work
    try:
        return await service.run(len(line), lambda: work.line(number, line))
    except DocumentError as error:
        issues = error.issues
    except Exception as error:
        failure(error, "/batch")
        issues = document_error("http/failed", "").issues
    return work.refused_line(number, issues)


def _json(told: object, status: int = 200) -> Answer:
    return Answer(status, JSON, f"{json.dumps(told)}\n".encode())


def _holder(query: bytes) -> str:
    """Return the AE Title of who holds a data set; raise `DocumentError` (400) for another query."""
    if not query:
        return ""
    named = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if len(named) != 1 or named[0][0] != "holder" or not 0 < len(named[0][1]) <= _LONGEST_TITLE:
        raise document_error("http/parameter", "", parameter="the query", known="holder=AE-TITLE")
    return named[0][1]
