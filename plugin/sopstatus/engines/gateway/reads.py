"""What is read through the gateway: resources, searches, operations, and all that is not ours."""

from __future__ import annotations

from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.documents import content
from sopstatus.engines.gateway import operations
from sopstatus.engines.gateway import search as searches
from sopstatus.engines.gateway.asgi import Message, Reply, captured, header, media, request
from sopstatus.engines.gateway.calls import plain_headers
from sopstatus.engines.gateway.document import entries
from sopstatus.engines.gateway.exchange import Exchange, guarded
from sopstatus.engines.gateway.interaction import SEARCH_POST, Interaction
from sopstatus.engines.gateway.settings import json_of
from sopstatus.model import DocumentError

_PAGES = 20  # of a search that are gone through for one match
_MAY_STATE = ("json", "xml", "fhir", "text/")


async def through(x: Exchange) -> None:
    """Let a request through, streamed; for a client that must not see statements, without them."""
    if x.may_read:
        await x.app(*x.again(), x.send)
        return
    scope, receive = x.again()
    asked = header(scope["headers"], b"accept") or b"*/*"
    headers = [h for h in plain_headers(scope["headers"]) if h[0] != b"accept"]
    hiding = _Hiding(x)
    await x.app({**scope, "headers": [*headers, (b"accept", asked)]}, receive, hiding.send)
    await hiding.end()


async def read(x: Exchange) -> None:
    """Answer with what this client sees."""
    if x.may_read and not x.adds_on_read:
        await through(x)
        return
    x.wants_json()
    await x.change(x.seen)


async def capabilities(x: Exchange) -> None:
    """Answer with the server's CapabilityStatement and what is added to it here."""

    async def change(document: Any) -> Any:
        return searches.described(document, x.site)

    try:
        x.wants_json()
    except DocumentError:
        await through(x)
        return
    await x.change(change)


async def search(x: Exchange, asked: Interaction) -> None:
    """Answer a search; where it asks for a status, with the matches only."""
    form = ""
    query, sieve = searches.split_query(x.query, x.site)
    if asked.kind == SEARCH_POST:
        form = (await x.body()).decode("latin-1")
        if not x.may_read and x.site.asks_of_status(form):
            raise document_error("gateway/no-scope", "", scope=x.site.read_scope)
        form, more = searches.split_query(form, x.site)
        sieve = sieve.plus(more) if sieve and more else sieve or more
    if sieve is None:
        await read(x)
        return
    x.wants_json()
    scope, receive = request(
        x.scope,
        form.encode(),
        query_string=query.encode(),
        headers=plain_headers(x.scope["headers"]),
    )
    reply = await captured(x.app, scope, receive, x.site.max_body)
    if reply.status == 200:
        reply.body = await guarded(_sifted(x, reply, sieve))
    await x.reply(reply)


async def _sifted(x: Exchange, reply: Reply, sieve: searches.Sieve) -> bytes:
    """Return the first page that has a match, or the last one that was looked at."""
    for _ in range(_PAGES):
        bundle = x.calls.parsed(reply)
        found = searches.sifted(await x.seen(bundle), sieve, x.site)
        place = x.calls.local(searches.next_of(bundle), x.scope)
        if entries(found) or place is None:
            break
        path, query = place
        reply = await x.calls.get(x.scope, path, searches.split_query(query, x.site)[0])
        if reply.status != 200:
            raise document_error("gateway/upstream", "", reason=f"status {reply.status}")
    found = searches.with_links(found, sieve, lambda url: x.calls.public(url, x.scope))
    x.changed = x.changed or found != bundle
    return content.dump_line(found)


async def operation(x: Exchange, asked: Interaction) -> None:
    """Answer ``$sop-status`` or ``$to-hl7v2``, of a study that is stored or sent."""
    if not x.may_read:
        raise document_error("gateway/no-scope", "", scope=x.site.read_scope)
    if operations.HL7 not in x.header(b"accept"):
        x.wants_json()
    method = x.scope["method"]
    if method not in ("GET", "POST") or not (asked.id or method == "POST"):
        raise document_error("http/method", "", methods="GET, POST" if asked.id else "POST")
    if asked.id:
        reply = await x.calls.get(x.scope, f"ImagingStudy/{asked.id}")
        if reply.status != 200:
            await x.reply(reply)
            return
        resource = x.calls.parsed(reply)
    else:
        resource = operations.given(json_of(x.site, await x.body()))
    if not isinstance(resource, dict) or resource.get("resourceType") != "ImagingStudy":
        raise document_error("fhir/other-resource", "resourceType")
    if x.site.archives:
        resource = x.added(resource, await x.known(resource, {}))
    answer = operations.answer(asked.operation, resource, x.site, x.header(b"accept"))
    await x.say(answer)


class _Hiding:
    """Holds back an answer that may hold statements, until it can be sent without them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._reply: Reply | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    async def send(self, message: Message) -> None:
        """Take a piece of the answer."""
        if message["type"] == "http.response.start":
            kind = media(message.get("headers", ()))
            if any(word in kind for word in _MAY_STATE):
                self._reply = Reply(message["status"], list(message.get("headers", ())))
                return
        if self._reply is None:
            await self._exchange.send(message)
            return
        self._pieces.append(bytes(message.get("body", b"")))
        self._size += len(self._pieces[-1])
        limit = self._exchange.site.max_body
        if self._size > limit:
            raise document_error("gateway/upstream-too-large", "", limit=limit)

    async def end(self) -> None:
        """Send what was held back, cleaned."""
        if self._reply is None:
            return
        self._reply.body = b"".join(self._pieces)
        self._exchange.clean(self._reply)
        await self._exchange.reply(self._reply)
