"""A batch or transaction on its way to the server, entry by entry, and its answer on the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway import guard
from sopstatus.engines.gateway.document import CARRIERS, located
from sopstatus.engines.gateway.search import Sieve, sifted, split_query
from sopstatus.engines.gateway.settings import Site
from sopstatus.engines.http.answers import status_of
from sopstatus.model import AuditRecord, DocumentError, Issue, Result
from sopstatus.outcome import operation_outcome

Write = Callable[[dict[str, Any], str, str, str], Awaitable[tuple[Result[dict[str, Any]], str]]]
"""Takes a resource, and the method, URL and ifMatch of its entry; raises `DocumentError` to refuse it.

Returns what the server gets, and the ETag of the version that it has to replace, empty for any.
"""


@dataclass(slots=True)
class Sent:
    """What goes to the server, and what its answer has to be given back."""

    bundle: dict[str, Any]
    issues: tuple[Issue, ...] = ()
    records: tuple[AuditRecord, ...] = ()
    sieves: dict[int, Sieve] = field(default_factory=dict)  # by entry of the answer
    refused: dict[int, dict[str, Any]] = field(default_factory=dict)  # entries that are not sent

    @property
    def changes_answer(self) -> bool:
        """Tell whether the answer is not to go back as it comes."""
        return bool(self.sieves or self.refused)

    @property
    def is_refused(self) -> bool:
        """Tell whether nothing is left to be sent."""
        return bool(self.refused) and not self.bundle.get("entry")


async def sent(bundle: dict[str, Any], write: Write, site: Site, *, may_read: bool) -> Sent:
    """Return what goes to the server; one refused entry refuses a transaction, in a batch itself."""
    is_batch = bundle.get("type") == "batch"
    result = Sent(bundle)
    if site.guards:
        guard.check_hidden({name: bundle[name] for name in bundle if name != "entry"}, site)
    new: list[Any] = []
    old = bundle.get("entry")
    for number, entry in enumerate(old if isinstance(old, list) else ()):
        where = f"Bundle.entry[{number}]"
        try:
            new.append(await _entry(entry, number, where, write, site, result, may_read))
        except DocumentError as error:
            issues = located(error.issues, f"{where}.resource")
            if not is_batch:
                raise DocumentError(*issues) from None
            result.refused[number] = _refusal(issues, site)
            result.issues += issues
    if site.guards and not isinstance(old, list):
        guard.check_hidden(old, site)
    if not isinstance(old, list) or (
        len(new) == len(old) and all(a is b for a, b in zip(new, old, strict=True))
    ):
        return result
    result.bundle = {**bundle, "entry": new}
    return result


async def _entry(
    entry: Any, number: int, where: str, write: Write, site: Site, result: Sent, may_read: bool
) -> Any:
    if site.guards:
        if not isinstance(entry, dict):
            raise document_error("gateway/hidden", where)
        guard.check_hidden({**entry, "request": None, "resource": None}, site)
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        return await _resource(entry, "POST", "", where, write, site, result)
    method, url = str(request.get("method", "")).upper(), str(request.get("url", ""))
    path, mark, query = url.partition("?")
    if site.guards:
        if request.get("method") not in guard.METHODS or request.get("url") != url:
            raise document_error("gateway/hidden", where)
        if guard.is_misspelt(request) or guard.is_overridden(query):
            raise document_error("gateway/hidden", where)
        steps = guard.steps_of(url)
        if guard.operation_of(steps):
            resource = entry.get("resource")
            guard.check_operation(method, steps, query, resource, site, may_read=may_read)
            return entry
        if method in ("POST", "PUT", "PATCH"):
            guard.check_place(method, steps, inside=True)
    if not may_read and site.asks_of_status(query):
        raise document_error("gateway/no-scope", where, scope=site.read_scope)
    if method == "GET" and mark:
        rest, sieve = split_query(query, site)
        if sieve:
            result.sieves[number] = sieve
            entry = {**entry, "request": {**request, "url": f"{path}?{rest}" if rest else path}}
    resource = entry.get("resource")
    if method == "PATCH":
        if site.guards:
            guard.check_patch(guard.patch_of(resource, site), steps, site)
        elif _may_touch(resource, path, site):
            raise document_error("gateway/patch", where)
        return entry
    if method in ("POST", "PUT"):
        return await _resource(entry, method, url, where, write, site, result)
    return await _resource(entry, "POST", "", where, write, site, result)


async def _resource(
    entry: Any, method: str, url: str, where: str, write: Write, site: Site, result: Sent
) -> Any:
    """Return an entry with its resource as the server gets it, whatever the server does with it."""
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        if site.guards and resource is not None:
            raise document_error("gateway/hidden", where)
        return entry
    request = entry.get("request")
    given = str(request.get("ifMatch", "")) if isinstance(request, dict) else ""
    written, etag = await write(resource, method, url, given)
    result.issues += located(written.issues, f"{where}.resource")
    result.records += written.records
    if etag:
        entry = {**entry, "request": {**entry["request"], "ifMatch": etag}}
    return entry if written.value is resource else {**entry, "resource": written.value}


def _may_touch(patch: Any, path: str, site: Site) -> bool:
    """Tell whether a patch may touch statements: a Binary hides what it does."""
    of_ours = any(kind in unquote(path) for kind in CARRIERS)
    hidden = isinstance(patch, dict) and patch.get("resourceType") == "Binary"
    return (of_ours and hidden) or site.mentions(patch)


def _refusal(issues: tuple[Issue, ...], site: Site) -> dict[str, Any]:
    outcome = operation_outcome(issues, canonical=site.tables.site.canonical)
    return {"response": {"status": str(status_of(issues)), "outcome": outcome}}


def answered(answer: Any, done: Sent, site: Site) -> Any:
    """Return the server's answer with the refused entries in their places, searches sifted."""
    found = answer.get("entry") if isinstance(answer, dict) else None
    answers = found if isinstance(found, list) else []
    left = iter(answers)
    entries: list[Any] = []
    for number in range(len(answers) + len(done.refused)):
        if number in done.refused:
            entries.append(done.refused[number])
        else:
            entry = next(left, ...)
            if entry is ...:
                continue
            if number in done.sieves and isinstance(entry, dict):
                resource = sifted(entry.get("resource"), done.sieves[number], site)
                entry = {**entry, "resource": resource}
            entries.append(entry)
    return {**answer, "entry": entries}
