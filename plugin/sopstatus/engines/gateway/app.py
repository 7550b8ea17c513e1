"""``sopstatus gateway``: the middleware before another process, with its guard and its own paths.

The gateway's own paths are below ``/-/``, where no FHIR API has any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.asgi import App, Message, Receive, Scope, Send, without
from sopstatus.engines.gateway.middleware import Gateway
from sopstatus.engines.gateway.openapi import openapi
from sopstatus.engines.gateway.settings import Site
from sopstatus.engines.http.answers import Answer
from sopstatus.engines.http.auth import authorized
from sopstatus.engines.http.body import Body
from sopstatus.engines.http.guard import Headers, Route, closed, own_routes, refused
from sopstatus.engines.http.service import Service
from sopstatus.engines.http.traced import FACTS, named
from sopstatus.model import Issue
from sopstatus.profile import Link
from sopstatus.sources.source import Source
from sopstatus.table import MappingTable

OWN = "/-/"
"""Below this are the gateway's own paths."""


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

    used = site
    made: dict[Link, Gateway] = {}

    def current(link: Link) -> Gateway:
        """Return the gateway with the tables that are in use, for requests that come over a link."""
        nonlocal used
        tables = service.offered.offer.tables
        if used.tables is not tables:
            opened = archives(tables) if archives else site.archives
            used = replace(site, tables=tables, archives=opened)
            made.clear()
        if link not in made:
            made[link] = Gateway(upstream, replace(used, link=link), address, told)
        return made[link]

    own = own_routes(service, OWN, openapi(service.settings.version))

    async def nothing(scope: Scope, headers: Headers, body: Body) -> Answer:
        raise document_error("http/no-route", "")

    elsewhere = Route(service, f"{OWN}nothing", nothing)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(OWN):
            route = own.get(path) if scope["method"] == "GET" else None
            await (route or elsewhere)(scope, receive, send)
        else:
            await _guarded(service, current(service.link(scope)), scope, receive, send)

    return app


async def _guarded(
    service: Service, gateway: Gateway, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer who may call, while there is room; count and time it."""
    named(scope, "gateway")
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

    async def refuse(code: str, **facts: object) -> None:
        headers = dict(scope["headers"])
        await closed(refused(service, code, headers, route="gateway", fhir=True, **facts), send)

    tokens = service.settings.tokens
    if tokens:
        if not authorized(dict(scope["headers"]), tokens):
            await refuse("http/unauthorized")
            return
        # it was for us; the server has never heard of it
        scope = {**scope, "headers": without(scope["headers"], (b"authorization",))}
    if not service.take():
        await refuse("http/busy", limit=service.settings.concurrency)
        return
    try:
        await gateway(scope, receive, counting)
    except Exception as error:
        log.failure(error, "gateway")
        if status:
            raise ConnectionError("the answer was cut off") from None
        await refuse("http/failed")
    finally:
        service.free()
        if status:
            service.metrics.request("gateway", status, time.perf_counter() - begun)
        if scope.get(FACTS, {}).get("changed"):
            service.metrics.transformation("gateway")
