"""What happens to a resource on its way to the server: checked, let through or refused, added to."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from sopstatus.audit import log as audit_log
from sopstatus.audit.record import now
from sopstatus.catalogue import document_error
from sopstatus.documents import content
from sopstatus.engines.gateway import bundle as bundles
from sopstatus.engines.gateway import guard, reads
from sopstatus.engines.gateway.asgi import (
    JSON_TYPES,
    captured,
    charset,
    header,
    media,
    request,
    without,
)
from sopstatus.engines.gateway.calls import plain_headers
from sopstatus.engines.gateway.document import (
    Resource,
    added,
    by_url,
    carriers,
    mapped,
    objects,
    rolled_up,
    stripped,
    studies,
    tagged,
)
from sopstatus.engines.gateway.exchange import Exchange, guarded, is_failure
from sopstatus.engines.gateway.guard import check_said
from sopstatus.engines.gateway.interaction import OPERATION, PATCH, TRANSACTION, WRITES, Interaction
from sopstatus.engines.gateway.settings import Site, json_of
from sopstatus.engines.http.answers import Answer
from sopstatus.engines.http.media import FHIR_JSON
from sopstatus.model import ERROR, WARNING, AuditRecord, DocumentError, Result, SOPInstance
from sopstatus.profile import Circumstances
from sopstatus.profile.crossing import admit
from sopstatus.values import is_uid


@dataclass(frozen=True, slots=True)
class Written:
    """What a client writes: whether it may see and make statements, and what the server has now.

    ``current`` is ``None`` where the resource is new.
    """

    may_read: bool = True
    may_write: bool = True
    strict: bool = False
    current: Resource | None = None


def written(
    resource: Resource, asked: Written, site: Site, more: Iterable[SOPInstance] = ()
) -> Result[Resource]:
    """Return what the server gets of a resource.

    A statement that is not right is refused: raise `DocumentError`; one that its own client takes back
    (entered-in-error) is stored so, and states nothing. A client that must not make
    statements keeps what is there. One that does not see them sends none back, so they are put back
    first. ``more`` is what the archive knows.
    """
    read = site.codec.decode(resource)
    least = WARNING if asked.strict else ERROR
    if any(told.is_at_least(least) and told.code != "fhir/withdrawn" for told in read.issues):
        raise DocumentError(*read.issues)
    if not asked.may_read and asked.current is not None:
        resource = _put_back(resource, asked.current, site)
        read = site.codec.decode(resource)
    new = _new(resource, read.value, asked.current, site)
    if not asked.may_write and new:
        raise document_error("gateway/no-scope", resource["resourceType"], scope=site.write_scope)
    issues = list(read.issues)
    records: tuple[AuditRecord, ...] = ()
    if site.demote and new:
        at = Circumstances(policy=site.tables.site.link_policy, time=now())
        allowed = admit(new, site.link, at=at)
        resource = site.codec.encode(allowed.value, resource).value
        issues += allowed.issues
        records = allowed.records
    if site.guards:
        check_said(resource, site)
    more = tuple(more)
    if more:
        made = added(resource, more, site)
        resource = made.value
        issues += (replace(told, severity=WARNING) for told in made.issues)
    if site.tag or (site.guards and _is_tagged(resource, site)):  # it says what the statements do
        resource = tagged(resource, site, rolled_up(resource, site))
    return Result(resource, tuple(issues), records)


def _new(
    resource: Resource, said: tuple[SOPInstance, ...], current: Resource | None, site: Site
) -> list[SOPInstance]:
    """Return the statements that the server does not have.

    One of a whole study or series is new too where it is now about an instance that was not listed.
    """
    if current is None:
        return list(said)
    known = set(site.codec.decode(current).value)
    grown = {series.removeprefix("urn:oid:") for series, _ in _listed(resource) - _listed(current)}
    unclear = not all(map(is_uid, grown))
    return [one for one in said if one not in known or _covers(one, grown, unclear=unclear)]


def _listed(study: Resource) -> set[tuple[str, str]]:
    """Return the UIDs of series and instance of all that a study lists, as they are written there."""
    found = set()
    for series in objects(study, "series"):
        for instance in objects(series, "instance") or [{}]:
            found.add((str(series.get("uid")), json.dumps(instance.get("uid"))))
    return found


def _covers(wide: SOPInstance, series: Collection[str], *, unclear: bool) -> bool:
    """Tell whether a statement of a study or series is about an instance of one of these series.

    ``unclear``: of some it cannot be seen which series it is.
    """
    if wide.sop_instance_uid or not series:
        return False
    return unclear or not wide.series_instance_uid or wide.series_instance_uid in series


def _is_tagged(resource: Resource, site: Site) -> bool:
    return tagged(resource, site, "") is not resource


def _put_back(resource: Resource, current: Resource, site: Site) -> Resource:
    """Return the resource with the statements that the server has, and no other."""
    kept = site.codec.decode(current).value
    return site.codec.encode(kept, stripped(resource, site)).value if kept else resource


VERSION = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", *JSON_TYPES)


async def write(x: Exchange, asked: Interaction) -> None:
    """Hand on what a client writes, checked and added to; raise `DocumentError` to refuse it."""
    _check_media(x, _PATCHES if asked.kind == PATCH else JSON_TYPES)
    lets_through = x.lets_through and not x.site.guards
    if lets_through and int(x.header(b"content-length") or "0") > x.site.max_body:
        await x.app(*x.again(), x.send)  # too large to be read here
        return
    body = await x.body()
    done: bundles.Sent | None = None
    if asked.kind == PATCH:
        patch = json_of(x.site, body)
        if x.site.mentions(patch) or (not x.may_write and "xtension" in str(patch)):
            raise document_error("gateway/patch", "")
    elif _has_work(x, asked, body):
        try:
            body, done = await guarded(_prepared(x, asked, body))
        except DocumentError as error:
            if not (lets_through and is_failure(error)):
                raise
            x.issues += error.issues
    if done and done.is_refused:  # nothing is left that the server could answer
        empty = {"resourceType": "Bundle", "type": "batch-response"}
        answer = content.dump_json(bundles.answered(empty, done, x.site))
        await x.say(Answer(200, FHIR_JSON, answer))
        return
    x.changed = x.changed or body != await x.body()
    scope, receive = request(x.scope, body)
    shows = not x.may_read or x.adds_on_read
    if not (shows or (done and done.changes_answer)):
        await x.app(scope, receive, x.send)
        return
    scope["headers"] = plain_headers(scope["headers"])
    reply = await captured(x.app, scope, receive, x.site.max_body)
    try:
        if reply.status < 300 and reply.is_json:
            came = x.calls.parsed(reply)
            answer = await guarded(x.seen(came))
            if done:
                answer = bundles.answered(answer, done, x.site)
            reply.body, x.changed = content.dump_line(answer), x.changed or answer != came
        x.clean(reply)
    except DocumentError as error:  # it is done, and must not be told as a failure
        x.issues += error.issues
        if not x.may_read:
            reply.body = b""
    await x.reply(reply)


def _has_work(x: Exchange, asked: Interaction, body: bytes) -> bool:
    """Tell whether a body has to be parsed at all."""
    if x.site.guards:
        return True
    named = (x.site.group.name.encode(), b"Binary")  # a search, or a patch that shows nothing
    inside = asked.kind == TRANSACTION and any(name in body for name in named)
    return bool(x.site.concerns(body) or x.adds_on_write or x.site.tag or not x.may_read or inside)


async def _prepared(
    x: Exchange, asked: Interaction, body: bytes
) -> tuple[bytes, bundles.Sent | None]:
    document = json_of(x.site, body)
    if not isinstance(document, dict):
        if x.site.guards:
            raise document_error("gateway/hidden", "")
        return body, None  # the server says what it thinks of it
    if asked.kind == TRANSACTION:
        if x.site.guards and document.get("resourceType") != "Bundle":
            raise document_error("gateway/hidden", "resourceType")
        beside = by_url(document)

        async def entry(
            resource: Resource, method: str, url: str, given: str
        ) -> tuple[Result[Resource], str]:
            place = x.calls.local(url, x.scope)
            if place is None:  # relative, as it should be
                path, _, query = url.partition("?")
                place = unquote(path).strip("/"), query
            return await _stored(x, resource, method, *place, given, beside)

        done = await bundles.sent(document, entry, x.site, may_read=x.may_read)
        x.issues += done.issues
        audit_log.keep(x.site.audit, done.records)  # nothing can be refused here any more
        return (body if done.bundle is document else content.dump_line(done.bundle)), done
    path = x.scope["path"][len(x.site.base) :].strip("/")
    given = x.header(b"if-match")
    made, etag = await _stored(x, document, x.scope["method"], path, x.query, given, {})
    if etag:
        headers = without(x.scope["headers"], (b"if-match",))
        x.scope = {**x.scope, "headers": [*headers, (b"if-match", etag.encode())]}
    x.issues += made.issues
    audit_log.keep(x.site.audit, made.records)
    return (body if made.value is document else content.dump_line(made.value)), None


async def _stored(
    x: Exchange,
    resource: Resource,
    method: str,
    path: str,
    query: str,
    given: str,
    beside: Mapping[str, Any],
) -> tuple[Result[Resource], str]:
    """Return what the server gets of a resource of any type, also of a Bundle that it stores whole.

    ``path`` and ``query`` say where it goes, ``given`` is the client's own If-Match. With it comes the
    ETag of the version that was compared with, where that has statements: what was taken back meanwhile
    must not come back. If the client names another version, nothing was compared.
    """
    ours = list(carriers(resource))
    current = None
    if ours and method == "PUT" and (not x.may_read or not x.may_write or x.site.demote):
        current = await _current(x, resource, path, query)
    etag = _etag(current, path, x)
    if etag and given not in ("", "*", etag, etag.removeprefix("W/")):
        current, etag = None, ""
    beside = beside or by_url(resource)
    same = _same(current, x)
    made = {id(one): await _one(x, one, same(one), beside) for one in ours}
    if not made and not x.site.guards:
        return Result(resource), ""
    new = mapped(resource, lambda one: made[id(one)].value)
    if x.site.guards:
        guard.check_hidden(new, x.site)
    issues = tuple(told for one in made.values() for told in one.issues)
    records = tuple(record for one in made.values() for record in one.records)
    return Result(new, issues, records), etag


def _etag(current: Any, path: str, x: Exchange) -> str:
    """Return the ETag of a resource at an address of its own that has statements, else nothing."""
    meta = current.get("meta") if isinstance(current, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if "/" not in path or not isinstance(version, str) or not VERSION.fullmatch(version):
        return ""
    said = any(x.site.codec.decode(one).value for one in carriers(current))
    return f'W/"{version}"' if said else ""


async def _current(x: Exchange, resource: Resource, path: str, query: str) -> Any:
    """Return what the server has where an update goes; ``None`` where the address is another one."""
    kind, _, name = path.partition("/")
    if kind != resource["resourceType"] or "/" in name or not (name or query):
        return None
    return await x.calls.resource(x.scope, path, query)


def _same(current: Any, x: Exchange) -> Callable[[Resource], Resource | None]:
    """Return what finds, in a document of the server, what it says of the same studies as a resource.

    That is nothing where more than one resource of its type does.
    """

    def key(one: Resource) -> tuple[str, frozenset[str]]:
        about = () if whole else studies(one, x.site)
        return one["resourceType"], frozenset(about)

    found: dict[tuple[str, frozenset[str]], list[Resource]] = defaultdict(list)
    held = () if current is None else tuple(carriers(current))
    whole = len(held) == 1 and held[0] is current  # what is updated, whatever study it was about
    for one in held:
        found[key(one)].append(one)

    def same(resource: Resource) -> Resource | None:
        several = found.get(key(resource), ()) if held else ()
        return several[0] if len(several) == 1 else None

    return same


async def _one(
    x: Exchange, resource: Resource, current: Resource | None, beside: Mapping[str, Any]
) -> Result[Resource]:
    """Return what the server gets of one resource of ours, where it has ``current``."""
    more: tuple[SOPInstance, ...] = ()
    if x.adds_on_write:
        more = await x.known(resource, beside)
    strict = "handling=strict" in x.header(b"prefer")
    asked = Written(x.may_read, x.may_write, strict, current)
    return written(resource, asked, x.site, more)


def _check_media(x: Exchange, allowed: tuple[str, ...]) -> None:
    """Raise `DocumentError` (415) for anything else than JSON in UTF-8: a server may guess."""
    if media(x.scope["headers"]) not in allowed:
        raise document_error("http/media-type", "Content-Type", expected=", ".join(allowed))
    told = header(x.scope["headers"], b"content-type").lower().count(b"charset")
    known = ("utf-8", "us-ascii") if told else ("",)
    if told > 1 or charset(x.scope["headers"]) not in known:
        raise document_error("http/media-type", "Content-Type", expected="JSON in UTF-8")


async def judged(x: Exchange, asked: Interaction, path: str) -> bool:
    """Look at a request of any type, where the site guards; tell whether it has been answered.

    Raise `DocumentError` for what cannot be seen to make no statement.
    """
    method, steps = x.scope["method"], guard.steps_of(path)
    operation = guard.operation_of(steps) and asked.kind != OPERATION
    if method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        if operation:
            guard.check_operation(method, steps, x.query, None, x.site, may_read=x.may_read)
        x.replace_body(b"")  # none of these has one
        return False
    if asked.kind == OPERATION:
        return False
    if guard.is_form(x.scope, steps):
        guard.check_form(await x.body(), x.site)
        return False
    if not operation:
        guard.check_place(method, steps)
    if guard.is_opaque(x.scope, steps):
        if guard.bytes_name_ours(await x.body(), x.site):
            raise document_error("gateway/hidden", "")
        return False
    patches = method == "PATCH"
    _check_media(x, _PATCHES if patches else JSON_TYPES)
    if operation:
        body = await x.body()
        document = json_of(x.site, body) if body else None
        guard.check_operation(method, steps, x.query, document, x.site, may_read=x.may_read)
    elif patches:
        guard.check_patch(json_of(x.site, await x.body()), steps, x.site)
    elif asked.kind in WRITES:
        return False
    else:
        x.replace_body((await guarded(_prepared(x, asked, await x.body())))[0])
    await reads.through(x)
    return True
