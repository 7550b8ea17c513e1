"""What finds a request again: its id, the trace that it belongs to (W3C Trace Context), one event."""

from __future__ import annotations

import re
import time
from collections.abc import MutableMapping
from secrets import token_hex
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sopstatus import log

ROUTE = "sopstatus.route"
"""Where a request's scope has a list; the last in it is the name of the route that answers."""
FACTS = "sopstatus.facts"
"""Where a request's scope has what its event tells besides."""
_ID = b"x-request-id"
_PARENT = re.compile(  # W3C Trace Context 3.2: what is not valid counts as not sent
    rb"(?!ff)(?!00.{53}.)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
_OFTEN = ("healthz", "readyz", "metrics")  # asked all day long


def named(scope: MutableMapping[str, Any], route: str) -> None:
    """Say which route answers a request."""
    scope.get(ROUTE, []).append(route)


def noted(scope: MutableMapping[str, Any], **facts: object) -> None:
    """Say more of a request, for its event."""
    scope.get(FACTS, {}).update(facts)


class Traced:
    """An ASGI application whose requests are events, with an id in every event about them.

    A caller's ``X-Request-ID`` and ``traceparent`` are taken, and go on with the request; without an
    id there is a new one. The answer has it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        headers = dict(scope["headers"])
        given = headers.get(_ID, b"").decode("latin-1")
        request = given if log.is_word(given) else token_hex(16)
        others = [(name, value) for name, value in scope["headers"] if name != _ID]
        routes = ["other"]
        more: dict[str, object] = {}
        scope = {**scope, ROUTE: routes, FACTS: more, "headers": [*others, (_ID, request.encode())]}
        facts: dict[str, object] = {"request": request}
        if parent := _PARENT.fullmatch(headers.get(b"traceparent", b"")):
            facts["trace"] = parent[1].decode()

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(name, v) for name, v in message.get("headers", ()) if name.lower() != _ID]
                message = {**message, "headers": [*own, (_ID, request.encode())]}
            await send(message)

        with log.about(**facts):
            try:
                await self.app(scope, receive, counting)
            finally:
                level = "error" if status >= 500 else "warning" if status >= 400 else "info"
                often = routes[-1].endswith(_OFTEN) and level == "info"
                log.event(
                    "request",
                    "debug" if often else level,
                    route=routes[-1].partition("{")[0],
                    status=status,
                    ms=round((time.perf_counter() - begun) * 1000, 1),
                    peer=(scope.get("client") or ("",))[0],
                    **more,
                )
