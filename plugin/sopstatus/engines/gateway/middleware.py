"""A gateway in front of any FHIR server: pure ASGI middleware for ImagingStudies.

Everything else is proxied unchanged and never parsed. The middleware checks statements that are
written, adds those of the archive, hides them from clients without the scope, answers a search by
status for a server that cannot, and offers two operations. See docs/gateway.md.
"""

from __future__ import annotations

from collections.abc import Callable

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway import guard, reads
from sopstatus.engines.gateway.archive import Archives
from sopstatus.engines.gateway.asgi import App, Receive, Scope, Send
from sopstatus.engines.gateway.calls import Calls
from sopstatus.engines.gateway.exchange import Exchange
from sopstatus.engines.gateway.interaction import (
    CAPABILITIES,
    OPERATION,
    READ,
    SEARCH,
    SEARCH_POST,
    WRITES,
    interaction,
)
from sopstatus.engines.gateway.settings import Site
from sopstatus.engines.gateway.write import judged, write
from sopstatus.engines.http.body import Disconnected
from sopstatus.engines.http.traced import noted
from sopstatus.model import DocumentError, Issue

Told = Callable[[tuple[Issue, ...]], None]


class Gateway:
    """The middleware: ``app.add_middleware(Gateway, site=Site("closed"))``.

    ``upstream`` is the address that the server has for itself, where that is another process.
    ``told`` hears the issues of each exchange.
    """

    def __init__(
        self, app: App, site: Site, upstream: str = "", told: Told = lambda _: None
    ) -> None:
        self.app, self.site = app, site
        self._calls = Calls(app, site, upstream)
        self._archives = Archives(site)
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it through."""
        path, base = scope.get("path", ""), self.site.base
        inside = path == base or path.startswith(f"{base}/")
        near = not path.startswith("/") or (self.site.guards and guard.is_near(path, base))
        if scope["type"] == "websocket" and self.site.guards and (inside or near):
            await receive()
            await send(
                {"type": "websocket.close", "code": 1008}
            )  # its messages cannot be looked at
            return
        if scope["type"] == "http":
            scope = guard.plain_request(scope)
        if scope["type"] != "http" or not (inside or near):
            await self.app(scope, receive, send)
            return
        x = Exchange(self._calls, self._archives, scope, receive, send)
        try:
            if not (inside and path.startswith("/")):  # a lenient server would take it for its API
                raise document_error("http/no-route", "")
            await _answered(x, path[len(base) :])
        except DocumentError as error:
            if x.started:
                raise
            await x.refuse(error.issues)
        except Disconnected:
            return
        finally:
            noted(scope, changed=x.changed)
        if x.issues:
            self._told(tuple(x.issues))


async def _answered(x: Exchange, path: str) -> None:
    if any(step in (".", "..") for step in path.split("/")):
        raise document_error("http/no-route", "")  # the server would see another path than we do
    if not x.may_read and x.site.asks_of_status(x.query):
        raise document_error("gateway/no-scope", "", scope=x.site.read_scope)
    asked = interaction(x.scope["method"], path)
    if x.site.guards:
        guard.check_request(x.scope, path, x.site)
        if await judged(x, asked, path):
            return
    if asked.kind in WRITES:
        await write(x, asked)
    elif asked.kind in (SEARCH, SEARCH_POST):
        await reads.search(x, asked)
    elif asked.kind == READ:
        await reads.read(x)
    elif asked.kind == OPERATION:
        await reads.operation(x, asked)
    elif asked.kind == CAPABILITIES:
        await reads.capabilities(x)
    else:
        await reads.through(x)
