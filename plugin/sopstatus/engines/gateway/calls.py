"""What the gateway asks the FHIR server itself, with the caller's own rights."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.asgi import (
    App,
    Headers,
    Reply,
    Scope,
    captured,
    header,
    request,
    without,
)
from sopstatus.engines.gateway.document import entries
from sopstatus.engines.gateway.settings import Site, json_of
from sopstatus.model import DocumentError

_OF_THE_REQUEST = (
    b"accept", b"accept-encoding", b"content-type", b"content-length", b"content-encoding",
    b"transfer-encoding", b"expect", b"prefer", b"if-match", b"if-none-match", b"if-none-exist",
    b"if-modified-since", b"range", b"cache-control", b"pragma",
)  # fmt: skip
_CONDITIONAL = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
_JSON = (b"accept", b"application/fhir+json")
_FRESH = (b"cache-control", b"no-cache")  # what a cache still has may be what was taken back


def plain_headers(headers: Headers) -> Headers:
    """Return the headers for an answer that we have to read: JSON, whole, not compressed."""
    asked = header(headers, b"accept")
    is_json = b"json" in asked and b"xml" not in asked  # it may name a version of FHIR
    kept = without(headers, (*_CONDITIONAL, b"accept"))
    accept = (b"accept", asked) if is_json else _JSON
    return [*kept, accept, (b"accept-encoding", b"identity")]


class Calls:
    """Calls of an application below the base of its FHIR API.

    ``upstream`` is the address that the server has for itself, where it is another process.
    """

    def __init__(self, app: App, site: Site, upstream: str = "") -> None:
        self.app, self.site, self._upstream = app, site, upstream.rstrip("/")

    async def get(self, scope: Scope, path: str, query: str = "") -> Reply:
        """Get something for a caller; raise `DocumentError` where the answer is too large.

        ``path`` is not percent-encoded, ``query`` is.
        """
        headers = without(scope["headers"], _OF_THE_REQUEST)
        whole = f"{self.site.base}/{path}"
        new, receive = request(
            scope,
            method="GET",
            path=whole,
            raw_path=quote(whole, safe="/$:;,=@!*'()+~").encode(),
            query_string=query.encode(),
            headers=[*headers, _JSON, (b"accept-encoding", b"identity"), _FRESH],
        )
        return await captured(self.app, new, receive, self.site.max_body)

    async def resource(self, scope: Scope, path: str, query: str = "") -> Any:
        """Return a resource (``Type/id``), or the one match of a search; ``None`` where there is none."""
        reply = await self.get(scope, path, "" if "/" in path else query)
        if reply.status in (404, 410):
            return None
        if reply.status != 200:
            raise document_error("gateway/upstream", "", reason=f"status {reply.status}")
        document = self.parsed(reply)
        if "/" in path:
            return document
        found = [entry.get("resource") for entry in entries(document)]
        return found[0] if len(found) == 1 else None

    def parsed(self, reply: Reply) -> Any:
        """Return the body of an answer; raise `DocumentError` if it is not JSON."""
        if not reply.is_json:
            raise document_error("gateway/upstream", "", reason="its answer is not JSON")
        try:
            return json_of(self.site, reply.plain(self.site.max_body))
        except DocumentError:
            raise document_error("gateway/upstream", "", reason="its answer is not JSON") from None

    def own(self, scope: Scope) -> str:
        """Return the address under which the caller knows the API."""
        host = header(scope["headers"], b"host").decode("latin-1")
        return f"{scope.get('scheme', 'http')}://{host}{self.site.base}"

    def public(self, url: str, scope: Scope) -> str:
        """Return an address of the server as the caller knows it."""
        if self._upstream and (
            url == self._upstream or url.startswith((f"{self._upstream}/", f"{self._upstream}?"))
        ):
            return self.own(scope) + url.removeprefix(self._upstream)
        return url

    def local(self, url: str, scope: Scope) -> tuple[str, str] | None:
        """Return path and query of an address below the API; ``None`` for any other."""
        own = self.own(scope)
        url = self.public(url, scope)
        if not url.startswith(own):
            return None
        rest = urlsplit(url.removeprefix(own))
        return unquote(rest.path).strip("/"), rest.query
