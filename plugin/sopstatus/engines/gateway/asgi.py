"""A request and its answer as an ASGI application sees them: replayed, captured, bounded."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.engines.http.body import inflated

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
JSON_TYPES = ("application/fhir+json", "application/json", "text/json", "application/json+fhir")


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """Return a header, empty where it is missing."""
        return header(self.headers, name)

    @property
    def is_json(self) -> bool:
        """Tell whether there is a body, and it says that it is JSON."""
        return bool(self.body) and media(self.headers) in JSON_TYPES

    def plain(self, limit: int) -> bytes:
        """Return the body with gzip undone, and forget that there was any."""
        if self.header(b"content-encoding").lower() in (b"gzip", b"x-gzip"):
            self.body = inflated(self.body, limit)
            self.headers = without(self.headers, (b"content-encoding",))
        return self.body

    async def sent(self, send: Send, *, gzip: bool = False) -> None:
        """Send it, compressed where the caller takes that."""
        headers = without(self.headers, (b"content-length",))
        body = self.body
        if gzip and len(body) > 1024 and not self.header(b"content-encoding"):
            packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Return a header by its name in small letters, empty where it is missing."""
    return next((value for key, value in headers if key.lower() == name), b"")


def media(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the media type of a body, without its parameters."""
    return header(headers, b"content-type").decode("latin-1").partition(";")[0].strip().lower()


def charset(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the character set that a body's media type names, empty where it names none."""
    text = header(headers, b"content-type").decode("latin-1").lower()
    return text.partition("charset=")[2].partition(";")[0].strip(' "')


def without(headers: Iterable[tuple[bytes, bytes]], names: Iterable[bytes]) -> Headers:
    """Return the headers that have none of these names."""
    gone = set(names)
    return [(key, value) for key, value in headers if key.lower() not in gone]


def request(scope: Scope, body: bytes = b"", **changes: Any) -> tuple[Scope, Receive]:
    """Return a scope like this one with a whole body and other members."""
    new = {**scope, **changes}
    length = str(len(body)).encode()
    headers = without(
        new["headers"], (b"content-length", b"transfer-encoding", b"content-encoding", b"expect")
    )
    if body or new["method"] in ("POST", "PUT", "PATCH"):
        headers.append((b"content-length", length))
    new["headers"] = headers
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return new, receive


async def captured(app: App, scope: Scope, receive: Receive, limit: int) -> Reply:
    """Call an application and return its whole answer; raise `DocumentError` where it is too large."""
    reply = Reply(500, [])
    pieces: list[bytes] = []
    size = 0

    async def send(message: Message) -> None:
        nonlocal size
        if message["type"] == "http.response.start":
            reply.status, reply.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            pieces.append(bytes(message.get("body", b"")))
            size += len(pieces[-1])
            if size > limit:
                raise document_error("gateway/upstream-too-large", "", limit=limit)

    await app(scope, receive, send)
    reply.body = b"".join(pieces)
    return reply
