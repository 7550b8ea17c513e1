"""One exchange: a request, who makes it, what it may see, and how its answer is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.documents import content
from sopstatus.engines.gateway.archive import Archives
from sopstatus.engines.gateway.asgi import (
    Message,
    Receive,
    Reply,
    Scope,
    Send,
    captured,
    header,
    request,
)
from sopstatus.engines.gateway.calls import Calls, plain_headers
from sopstatus.engines.gateway.document import (
    Resource,
    added,
    by_url,
    carriers,
    mapped,
    stripped,
    studies,
)
from sopstatus.engines.gateway.settings import OPEN
from sopstatus.engines.http.answers import Answer, counted, refusal
from sopstatus.engines.http.body import Body, inflated
from sopstatus.engines.http.media import FHIR_JSON
from sopstatus.model import DocumentError, Issue, SOPInstance

Change = Callable[[Any], Awaitable[Any]]
_FAILURES = ("source/", "gateway/upstream", "document/unwritable", "http/failed")


class Exchange:
    """One request and its answer; `started` once a byte of the answer has gone.

    `changed` once the server, or the caller, gets something else than was sent to it.
    """

    def __init__(
        self, calls: Calls, archives: Archives, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.calls, self.site, self.app = calls, calls.site, calls.app
        self.scope = scope
        self.started = False
        self.changed = False
        self.issues: list[Issue] = []
        self.may_read, self.may_write = self.site.may_read(scope), self.site.may_write(scope)
        self.query = scope.get("query_string", b"").decode("latin-1")
        self._archives, self._receive, self._send = archives, receive, send
        self._body: bytes | None = None

    @property
    def lets_through(self) -> bool:
        """Tell whether a failure lets this client's requests and answers through."""
        site = self.site
        return site.on_failure == OPEN and self.may_read and self.may_write and not site.demote

    @property
    def adds_on_read(self) -> bool:
        """Tell whether answers get what the archives know."""
        return bool(self.site.archives) and "read" in self.site.enrich

    @property
    def adds_on_write(self) -> bool:
        """Tell whether the server gets what the archives know."""
        return bool(self.site.archives) and "write" in self.site.enrich

    # the request

    async def body(self) -> bytes:
        """Return the body, gzip undone; raise `DocumentError` where it is too large or too slow."""
        if self._body is None:
            headers = dict(self.scope["headers"])
            body = Body(self._receive, headers, self.site.max_body, self.site.timeout)
            gzipped = body.gzipped
            data = await body.read()
            self._body = inflated(data, self.site.max_body) if gzipped else data
        return self._body

    def replace_body(self, body: bytes) -> None:
        """Have the server get another body than came."""
        self.changed = self.changed or body != (self._body or b"")
        self._body = body

    def again(self) -> tuple[Scope, Receive]:
        """Return the request as it came, also where its body was read."""
        if self._body is None:
            return self.scope, self._receive
        return request(self.scope, self._body)

    def header(self, name: bytes) -> str:
        """Return a header of the request."""
        return header(self.scope["headers"], name).decode("latin-1")

    def wants_json(self) -> None:
        """Raise `DocumentError` (406) where the caller takes no JSON."""
        accept = self.header(b"accept").lower()
        formats = [p for p in self.query.split("&") if p.startswith("_format=")]
        if formats:
            takes = "json" in formats[-1].lower()
        else:
            takes = not accept or any(word in accept for word in ("json", "*/*", "application/*"))
        if not takes:
            raise document_error("http/not-acceptable", "Accept", offered=FHIR_JSON)

    # the answer

    async def send(self, message: Message) -> None:
        """Send a piece of the answer; its head counts the issues."""
        if message["type"] == "http.response.start":
            self.started = True
            if self.issues:
                told = [(k.encode(), v.encode()) for k, v in counted(self.issues).items()]
                message = {**message, "headers": [*message.get("headers", ()), *told]}
        await self._send(message)

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer, compressed where the caller takes that."""
        await reply.sent(self.send, gzip="gzip" in self.header(b"accept-encoding"))

    async def say(self, answer: Answer) -> None:
        """Send an answer of our own."""
        headers = [(b"content-type", answer.media.encode())]
        headers += [(k.encode(), v.encode("latin-1")) for k, v in answer.headers.items()]
        await self.reply(Reply(answer.status, headers, answer.body))

    async def refuse(self, issues: tuple[Issue, ...]) -> None:
        """Say why nothing was done, as an OperationOutcome."""
        answer = refusal(issues, fhir=True, tables=self.site.tables)
        self.issues = []
        await self.say(answer)
        self.issues = list(issues)

    async def change(self, change: Change) -> None:
        """Get the answer, whole, and send it changed; a failure lets it through or refuses it."""
        scope, receive = self.again()
        scope = {**scope, "headers": plain_headers(scope["headers"])}
        try:
            reply = await captured(self.app, scope, receive, self.site.max_body)
            if reply.status == 200 and reply.is_json:
                old = self.calls.parsed(reply)
                new = await guarded(change(old))
                if new is not old:
                    reply.body, self.changed = content.dump_line(new), True
            self.clean(reply)
        except DocumentError as error:
            if not (self.lets_through and is_failure(error)):
                raise
            self.issues += error.issues
            await self.app(*self.again(), self.send)
            return
        await self.reply(reply)

    # documents

    def clean(self, reply: Reply) -> None:
        """Hide what this client must not see; raise `DocumentError` (403) where that cannot be done."""
        site = self.site
        if self.may_read or not site.concerns(reply.plain(site.max_body)):
            return
        if reply.is_json:
            document = self.calls.parsed(reply)
            hidden = mapped(document, lambda one: stripped(one, site))
            if hidden is not document:
                reply.body, self.changed = content.dump_line(hidden), True
            left = site.mentions(hidden)  # inside of other resources
        else:
            text = reply.body.replace(b"\\/", b"/")
            left = any(mark in text for mark in site.marks)
        if left:
            raise document_error("gateway/no-scope", "", scope=site.read_scope)

    async def seen(self, document: Any) -> Any:
        """Return a document with what the archives know, where this client may see that."""
        if not (self.may_read and self.adds_on_read):
            return document
        known, beside = {}, by_url(document)
        for one in carriers(document):
            known[id(one)] = await self.known(one, beside)
        return mapped(document, lambda one: self.added(one, known.get(id(one), ())))

    def added(self, resource: Resource, more: Iterable[SOPInstance]) -> Resource:
        """Return a resource with more statements, and keep the issues."""
        made = added(resource, more, self.site)
        self.issues += made.issues
        return made.value

    async def known(self, resource: Resource, beside: Mapping[str, Any]) -> tuple[SOPInstance, ...]:
        """Return what archives know of a resource; where one fails, nothing or a refusal."""

        async def get(path: str) -> Any:
            return await self.calls.resource(self.scope, path)

        try:
            uids = studies(resource, self.site)
            return await self._archives.statements(resource, uids, beside, get)
        except DocumentError as error:
            if not (self.lets_through and is_failure(error)):
                raise
            self.issues += error.issues
            return ()


def is_failure(error: DocumentError) -> bool:
    """Tell whether an archive, the server or this software failed, and not the caller."""
    return any(told.code.startswith(_FAILURES) for told in error.issues)


async def guarded(work: Awaitable[Any]) -> Any:
    """Return what work gives; raise `DocumentError` for a fault of ours, which is logged."""
    try:
        return await work
    except DocumentError:
        raise
    except Exception as error:
        log.failure(error, "gateway")
        raise document_error("http/failed", "") from None
