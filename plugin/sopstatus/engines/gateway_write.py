"""What happens to a resource on its way to the server: checked, let through or refused, added to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sopstatus import audit_log
from sopstatus.audit import AuditRecord, now
from sopstatus.catalogue import document_error
from sopstatus.crossing import admit
from sopstatus.engines.gateway_document import Resource, added, rolled_up, stripped, tagged
from sopstatus.engines.gateway_site import Site
from sopstatus.link import Circumstances
from sopstatus.model import ERROR, FATAL, WARNING, DocumentError, Result, SOPInstance

_BAD = (FATAL, ERROR)


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

    A statement that is not right is refused: raise `DocumentError`. A client that must not make
    statements keeps what is there. One that does not see them sends none back, so they are put back
    first. ``more`` is what the archive knows.
    """
    read = site.codec.decode(resource)
    bad = (*_BAD, WARNING) if asked.strict else _BAD
    if any(told.severity in bad for told in read.issues):
        raise DocumentError(*read.issues)
    if not asked.may_read and asked.current is not None:
        resource = _put_back(resource, asked.current, site)
        read = site.codec.decode(resource)
    new = [one for one in read.value if one not in _said(asked.current, site)]
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
    more = tuple(more)
    if more:
        made = added(resource, more, site)
        resource = made.value
        issues += (replace(told, severity=WARNING) for told in made.issues)
    if site.tag:
        resource = tagged(resource, site, rolled_up(resource, site))
    return Result(resource, tuple(issues), records)


def audited(result: Result[Any], site: Site) -> None:
    """Write the records before the resource goes: no change without its record."""
    if not (site.audit and result.records):
        return
    try:
        audit_log.append(site.audit, result.records)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "--audit", reason=reason) from None


def _said(resource: Resource | None, site: Site) -> set[SOPInstance]:
    return set(site.codec.decode(resource).value) if resource else set()


def _put_back(resource: Resource, current: Resource, site: Site) -> Resource:
    """Return the resource with the statements that the server has, and no other."""
    kept = site.codec.decode(current).value
    return site.codec.encode(kept, stripped(resource, site)).value if kept else resource
