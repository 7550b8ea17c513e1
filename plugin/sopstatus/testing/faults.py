"""What services and the ways to them do wrong, in front of a stand-in.

`busy` and `unauthorized` are answers as RFC 9110 (15.5.2, 10.2.3), RFC 6585 4 and RFC 6750 3.1 have
them; what the body says is google.rpc.Status in JSON, and ``x-amzn-errortype`` is what botocore's
parser of the protocol rest-json reads. The others are a connection that fails at some point.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


class Faulty:
    """An application whose requests meet these faults, one each, ``None`` = none; then none.

    Only requests whose method and path contain ``about`` meet one. ``asked`` lists all.
    """

    def __init__(self, app: ASGIApp, *faults: Fault | None, about: str = "") -> None:
        self._app, self._faults, self._about = app, list(faults), about
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = f"{scope['method']} {scope['path']}"
        self.asked.append(request)
        if self._about in request and self._faults and (fault := self._faults.pop(0)):
            await fault(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Tokens:
    """An application that takes requests with a token of ``valid``, which may change, and no other."""

    def __init__(self, app: ASGIApp, valid: Iterable[str]) -> None:
        self._app, self.valid = app, set(valid)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        token = dict(scope["headers"]).get(b"authorization", b"").decode()
        if token.removeprefix("Bearer ") in self.valid:
            await self._app(scope, receive, send)
        else:
            await unauthorized(self._app, scope, receive, send)


async def unauthorized(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 401: the token has expired."""
    told = {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "token expired"}}
    headers = {
        "www-authenticate": 'Bearer error="invalid_token"',
        "x-amzn-errortype": "ExpiredTokenException",
    }
    await JSONResponse(told, 401, headers)(scope, receive, send)


def busy(status: int = 429, after: str = "") -> Fault:
    """Answer 429, 503 or the like; ``after`` is Retry-After, in seconds or as an HTTP date."""
    known = {429: ("RESOURCE_EXHAUSTED", "ThrottlingException"), 400: ("INVALID_ARGUMENT", "ValidationException")}  # fmt: skip
    name, code = known.get(status, ("UNAVAILABLE", "InternalServerException"))

    async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        told = {"error": {"code": status, "status": name, "message": "synthetic"}}
        headers = {"x-amzn-errortype": code} | ({"retry-after": after} if after else {})
        await JSONResponse(told, status, headers)(scope, receive, send)

    return answer


async def torn(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Close the connection in the middle of the body."""
    start, body = await _answer(app, scope, receive)
    await send(start)
    await send(_half(body))


async def stalled(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Send nothing after half of the body, until the client gives up."""
    start, body = await _answer(app, scope, receive)
    await send(start)
    await send(_half(body))
    while (await receive())["type"] != "http.disconnect":
        pass


async def lost(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Do what was asked, and send no answer."""
    await _answer(app, scope, receive)


def mixed_up(old: str, new: str) -> Fault:
    """Give the answer to another path, as a cache does that mixes them up."""

    async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].replace(old, new)
        await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    return answer


async def not_found(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 404, without a word."""
    await Response(status_code=404)(scope, receive, send)


async def _answer(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Any, bytes]:
    told: list[Message] = []

    async def keep(message: Message) -> None:
        told.append(message)

    await app(scope, receive, keep)
    return told[0], b"".join(m.get("body", b"") for m in told[1:])


def _half(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
