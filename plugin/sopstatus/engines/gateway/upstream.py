"""The FHIR API of another process as an ASGI application: every byte is forwarded unchanged."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.asgi import Headers, Receive, Scope, Send, header, without
from sopstatus.engines.http.body import Disconnected

_HOP = (
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"proxy-connection",
)  # fmt: skip


_NOT_OF_THE_HOP = (b"content-", b"if-", b"authorization", b"cache-control")
"""Headers that a caller cannot take away by naming them in Connection (RFC 9110 7.6.1)."""


class Upstream:
    """An API below an address; ``token`` replaces the caller's own ``Authorization``.

    ``told`` is called after each request with whether the server has answered, whatever it said.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        timeout: float = 30.0,
        connections: int = 100,
        told: Callable[[bool], None] = lambda up: None,
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError("--upstream is not an http or https URL")
        self.url, self.token, self.told = url.rstrip("/"), token, told
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on; raise `DocumentError` where the server does not answer."""
        raw = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
        odd = b".." in raw or b"#" in raw or not raw.startswith(b"/")
        if odd or "/../" in f"{scope['path']}/" or "\\" in scope["path"]:
            raise document_error("http/no-route", "")
        if scope["method"] in ("TRACE", "CONNECT"):  # they would show what the gateway adds
            raise document_error("http/method", "", methods="GET, POST, PUT, PATCH, DELETE, HEAD")
        query = scope.get("query_string", b"")
        method, headers = scope["method"], self._headers(scope)
        has_body = header(headers, b"content-length") not in (b"", b"0") or b"chunked" in header(
            scope["headers"], b"transfer-encoding"
        )
        content = _pieces(receive) if has_body else None
        path = raw.decode("latin-1") if raw != b"/" else ""
        try:
            url = httpx.URL(f"{self.url}{path}").copy_with(query=query or None)
            request = httpx.Request(method, url, headers=headers, content=content)
        except (httpx.InvalidURL, ValueError):
            raise document_error("http/no-route", "") from None
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            self.told(False)
            late = isinstance(error, httpx.TimeoutException)
            reason = "no answer in time" if late else type(error).__name__
            raise document_error("gateway/upstream", "", reason=reason) from None
        self.told(True)
        try:
            start = {"type": "http.response.start", "status": response.status_code}
            await send({**start, "headers": self._answer_headers(response, scope)})
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    def connect(self) -> None:
        """Raise `OSError` where nobody listens at its address, `socket.gaierror` where nobody knows its name."""
        url = httpx.URL(self.url)
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        socket.create_connection((url.host, port), timeout=2.0).close()

    def check(self) -> None:
        """Raise `httpx.HTTPError` where the server does not answer, or only that it cannot (5xx).

        A proxy before a server that has ended says that.
        """
        with httpx.stream("GET", f"{self.url}/metadata", timeout=5.0, trust_env=False) as answer:
            if answer.is_server_error:
                answer.raise_for_status()

    def _headers(self, scope: Scope) -> Headers:
        given = scope["headers"]
        named = [n.strip().lower() for n in header(given, b"connection").split(b",")]
        named = [n for n in named if not n.startswith(_NOT_OF_THE_HOP)]
        gone = (*_HOP, b"host", b"expect", b"x-forwarded-for", b"x-forwarded-host",
                b"x-forwarded-proto", b"forwarded", *named)  # fmt: skip
        if self.token:
            gone = (*gone, b"authorization")
        headers = without(given, gone)
        headers += [
            (b"host", httpx.URL(self.url).netloc),
            (b"x-forwarded-host", header(given, b"host")),
            (b"x-forwarded-proto", str(scope.get("scheme", "http")).encode()),
        ]
        if self.token:
            headers.append((b"authorization", f"Bearer {self.token}".encode()))
        return headers

    def _answer_headers(self, response: httpx.Response, scope: Scope) -> Headers:
        """Return the headers of the answer, with addresses as the caller knows them."""
        host = header(scope["headers"], b"host").decode("latin-1")
        own = f"{scope.get('scheme', 'http')}://{host}"
        headers = []
        for key, value in without(response.headers.raw, (*_HOP, b"server", b"date")):
            name = key.lower()
            if name in (b"location", b"content-location"):
                text = value.decode("latin-1")
                if text.startswith(self.url):
                    value = (own + text.removeprefix(self.url)).encode("latin-1")
            headers.append((name, value))
        return headers

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
