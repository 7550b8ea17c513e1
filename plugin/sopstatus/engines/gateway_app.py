"""``sopstatus gateway``: the middleware before another process, with its guard and its own paths.

The gateway's own paths are below ``/-/``, where no FHIR API has any.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from sopstatus.catalogue import document_error
from sopstatus.engines.enrich import Source
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.engines.gateway_exchange import App, Message, Receive, Scope, Send, without
from sopstatus.engines.gateway_openapi import openapi
from sopstatus.engines.http_answers import Answer, refusal
from sopstatus.engines.http_auth import authorized
from sopstatus.engines.http_body import Body
from sopstatus.engines.http_guard import Headers, Route, failure
from sopstatus.engines.http_media import JSON
from sopstatus.engines.http_metrics import MEDIA
from sopstatus.engines.http_service import Service
from sopstatus.model import Issue
from sopstatus.table import MappingTable

_OWN = "/-/"


def application(
    service: Service,
    upstream: App,
    site: Site,
    address: str,
    archives: Callable[[MappingTable], Mapping[str, Source]] | None = None,
) -> App:
    """Return the gateway before a server; ``address`` is what that server is called by itself.

    ``archives`` opens the site's archives again, where tables have been loaded again.
    """

    def told(issues: tuple[Issue, ...]) -> None:
        service.told(issues, route="gateway")

    made = Gateway(upstream, site, address, told)

    def current() -> Gateway:
        """Return the gateway with the tables that are in use."""
        nonlocal made
        tables = service.offered.offer.tables
        if made.site.tables is not tables:
            opened = archives(tables) if archives else site.archives
            made = Gateway(upstream, replace(site, tables=tables, archives=opened), address, told)
        return made

    own = _own_paths(service)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(_OWN):
            route = own.get((scope["method"], path), own["GET", f"{_OWN}nothing"])
            await route(scope, receive, send)
        else:
            await _guarded(service, current(), scope, receive, send)

    return app


def _own_paths(service: Service) -> dict[tuple[str, str], Route]:
    described = json.dumps(openapi(service.settings.version)).encode()

    async def healthz(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, JSON, b'{"status": "alive"}\n')

    async def readyz(scope: Scope, headers: Headers, body: Body) -> Answer:
        tables = service.offered.offer.tables
        state = {"status": "draining" if service.draining else "ready", "sha256": tables.sha256}
        body_ = f"{json.dumps(state)}\n".encode()
        return Answer(503 if service.draining else 200, JSON, body_)

    async def metrics(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, MEDIA, service.metrics.text())

    async def description(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, JSON, described)

    async def nothing(scope: Scope, headers: Headers, body: Body) -> Answer:
        raise document_error("http/no-route", "")

    asks = {"healthz": healthz, "readyz": readyz, "metrics": metrics, "nothing": nothing}
    asks["openapi.json"] = description
    return {
        ("GET", f"{_OWN}{name}"): Route(service, f"{_OWN}{name}", ask, open=name.endswith("z"))
        for name, ask in asks.items()
    }


async def _guarded(
    service: Service, gateway: Gateway, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer who may call, while there is room; count and time it."""
    begun = time.perf_counter()
    status = 0

    async def counting(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            if service.draining:
                headers = without(message.get("headers", ()), (b"connection",))
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
        await send(message)

    tokens = service.settings.tokens
    if tokens:
        if not authorized(dict(scope["headers"]), tokens):
            await _refused(service, "http/unauthorized", counting)
            return
        # it was for us; the server has never heard of it
        scope = {**scope, "headers": without(scope["headers"], (b"authorization",))}
    if not service.take():
        await _refused(service, "http/busy", counting, limit=service.settings.concurrency)
        return
    try:
        await gateway(scope, receive, counting)
    except Exception as error:
        failure(error, "gateway")
        if status:
            raise ConnectionError("the answer was cut off") from None
        await _refused(service, "http/failed", counting)
    finally:
        service.free()
        service.metrics.request("gateway", status, time.perf_counter() - begun)


async def _refused(service: Service, code: str, send: Send, **facts: object) -> None:
    location = "Authorization" if code == "http/unauthorized" else ""
    issues = document_error(code, location, **facts).issues
    service.told(issues, route="gateway")
    answer = refusal(issues, fhir=True, tables=service.offered.offer.tables)
    headers = [(b"content-type", answer.media.encode()), (b"connection", b"close")]
    headers += [(k.encode(), v.encode()) for k, v in answer.headers.items()]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
