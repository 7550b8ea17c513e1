"""What is written through the gateway: resources, patches, batches and transactions."""

from __future__ import annotations

from urllib.parse import unquote

from sopstatus import content
from sopstatus.catalogue import document_error
from sopstatus.engines import gateway_bundle as bundles
from sopstatus.engines.gateway_calls import plain_headers
from sopstatus.engines.gateway_context import Exchange, guarded, is_failure
from sopstatus.engines.gateway_document import CARRIERS, Resource, carriers, entries
from sopstatus.engines.gateway_exchange import JSON_TYPES, captured, charset, media, request
from sopstatus.engines.gateway_interaction import PATCH, TRANSACTION, Interaction
from sopstatus.engines.gateway_site import printed, unambiguous
from sopstatus.engines.gateway_write import Written, audited, written
from sopstatus.engines.http_answers import Answer
from sopstatus.engines.http_media import FHIR_JSON
from sopstatus.model import DocumentError, Result, SOPInstance

_PATCHES = ("application/json-patch+json", "application/merge-patch+json", *JSON_TYPES)


async def write(x: Exchange, asked: Interaction) -> None:
    """Hand on what a client writes, checked and added to; raise `DocumentError` to refuse it."""
    kind = media(x.scope["headers"])
    allowed = _PATCHES if asked.kind == PATCH else JSON_TYPES
    if kind and kind not in allowed:
        raise document_error("http/media-type", "Content-Type", expected=", ".join(allowed))
    if charset(x.scope["headers"]) not in ("", "utf-8", "us-ascii"):
        raise document_error("http/media-type", "Content-Type", expected="JSON in UTF-8")
    if x.lets_through and int(x.header(b"content-length") or "0") > x.site.max_body:
        await x.app(*x.again(), x.send)  # too large to be read here
        return
    body = await x.body()
    done: bundles.Sent | None = None
    if asked.kind == PATCH:
        patch = unambiguous(x.site, body)
        if x.site.mentions(patch) or (not x.may_write and "xtension" in str(patch)):
            raise document_error("gateway/patch", "")
    elif _has_work(x, asked, body):
        try:
            body, done = await guarded(_prepared(x, asked, body))
        except DocumentError as error:
            if not (x.lets_through and is_failure(error)):
                raise
            x.issues += error.issues
    if done and done.is_refused:  # nothing is left that the server could answer
        empty = {"resourceType": "Bundle", "type": "batch-response"}
        answer = content.dump_json(bundles.answered(empty, done, x.site))
        await x.say(Answer(200, FHIR_JSON, answer))
        return
    scope, receive = request(x.scope, body)
    shows = not x.may_read or x.adds_on_read
    if not (shows or (done and done.changes_answer)):
        await x.app(scope, receive, x.send)
        return
    scope["headers"] = plain_headers(scope["headers"])
    reply = await captured(x.app, scope, receive, x.site.max_body)
    try:
        if reply.status < 300 and reply.is_json:
            answer = await guarded(x.seen(x.calls.parsed(reply)))
            if done:
                answer = bundles.answered(answer, done, x.site)
            reply.body = printed(answer, reply.body)
        x.clean(reply)
    except DocumentError as error:  # it is done, and must not be told as a failure
        x.issues += error.issues
        if not x.may_read:
            reply.body = b""
    await x.reply(reply)


def _has_work(x: Exchange, asked: Interaction, body: bytes) -> bool:
    """Tell whether a body has to be parsed at all."""
    named = (x.site.group.name.encode(), b"Binary")  # a search, or a patch that shows nothing
    inside = asked.kind == TRANSACTION and any(name in body for name in named)
    return bool(x.site.concerns(body) or x.adds_on_write or x.site.tag or not x.may_read or inside)


async def _prepared(
    x: Exchange, asked: Interaction, body: bytes
) -> tuple[bytes, bundles.Sent | None]:
    document = unambiguous(x.site, body)
    if not isinstance(document, dict):
        return body, None  # the server says what it thinks of it
    if asked.kind == TRANSACTION:
        beside = entries(document)

        async def entry(resource: Resource, method: str, url: str) -> Result[Resource]:
            place = x.calls.local(url, x.scope)
            if place is None:  # relative, as it should be
                path, _, query = url.partition("?")
                place = unquote(path).strip("/"), query
            return await _one(x, resource, method, *place, beside)

        done = await bundles.sent(document, entry, x.site, may_read=x.may_read)
        x.issues += done.issues
        return (body if done.bundle is document else printed(done.bundle, body)), done
    if document.get("resourceType") not in CARRIERS:
        for inner in carriers(document):  # of a Bundle that is stored as it is
            x.issues += (await _one(x, inner, "POST", "", "", [])).issues
        return body, None
    path = x.scope["path"][len(x.site.base) :].strip("/")
    made = await _one(x, document, x.scope["method"], path, x.query, [])
    x.issues += made.issues
    return (body if made.value is document else printed(made.value, body)), None


async def _one(
    x: Exchange, resource: Resource, method: str, path: str, query: str, beside: list[Resource]
) -> Result[Resource]:
    """Return what the server gets of one resource; ``path`` and ``query`` say where it goes."""
    current = None
    if method == "PUT" and (not x.may_read or not x.may_write or x.site.demote):
        current = await x.calls.resource(x.scope, path, query)
    more: tuple[SOPInstance, ...] = ()
    if x.adds_on_write:
        more = await x.known(resource, beside)
    strict = "handling=strict" in x.header(b"prefer")
    asked = Written(x.may_read, x.may_write, strict, current)
    result = written(resource, asked, x.site, more)
    audited(result, x.site)
    return result
