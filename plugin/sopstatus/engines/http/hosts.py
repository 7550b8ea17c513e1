"""Applications behind their door, and what a connection beyond the bound gets."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sopstatus.engines.http.door import Door
from sopstatus.engines.http.guard import closed, refused
from sopstatus.engines.http.service import Service


class Hosts:
    """An ASGI application behind its door: what is not meant for it gets 403 or 415."""

    def __init__(self, app: ASGIApp, service: Service, opened: Door) -> None:
        self.app, self.service, self.door = app, service, opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        code = self.door.fault(scope["headers"]) if scope["type"] == "http" else ""
        if not code:
            await self.app(scope, receive, send)
            return
        await closed(refused(self.service, code, dict(scope["headers"])), send)


def spare(app: ASGIApp, service: Service, limit: int, own: str = "/") -> ASGIApp:
    """Return what a connection beyond the bound gets: whether the process is alive, and no more.

    ``own`` is the path below which healthz and readyz stand.
    """
    health = {f"{own}{name}" for name in ("healthz", "readyz")}

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        if scope["path"] in health:
            await app(scope, receive, closing)
        else:
            answer = refused(service, "http/full", dict(scope["headers"]), limit=limit)
            await closed(answer, send)

    return answered
