"""What no page elsewhere may do: every answer says what a browser must not, every question is ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sopstatus.engines.http_auth import is_loopback

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guarded:
    """An ASGI application behind the headers above, for callers that name this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["type"] == "http" and not _is_ours(Headers(scope=scope)):
            refused = PlainTextResponse("this page is for this machine alone\n", 403)
            await refused(scope, receive, sent)
            return
        await self.app(scope, receive, sent)


def _is_ours(headers: Headers) -> bool:
    """Tell whether a request is for loopback by name, and from a page of ours or from no page.

    A site that lets its name mean 127.0.0.1 sends its own name.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    try:
        name = urlsplit(f"//{host}").hostname or ""
        from_page = origin is None or urlsplit(origin).netloc == host
    except ValueError:
        return False
    return from_page and (name == "localhost" or _is_address(name))


def _is_address(name: str) -> bool:
    return all(c in "0123456789abcdef.:" for c in name) and is_loopback(name)
