"""What crosses a link into a data set, or in one: the profile over many statements at once.

Statements that go into HL7 or FHIR do not come here: they are about a copy, and no copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sopstatus.audit import AuditRecord
from sopstatus.catalogue import issue
from sopstatus.codecs.data_set import about
from sopstatus.codecs.statement import expand
from sopstatus.link import UNKNOWN, Circumstances, Link
from sopstatus.model import ERROR, DocumentError, Issue, Result, SOPInstance
from sopstatus.profile import GOVERNED, STATUS, Copy, Transition, receive, send
from sopstatus.transition import HERE, LOCATION, status_of

Instances = tuple[SOPInstance, ...]


def admit(
    instances: Iterable[SOPInstance],
    link: Link | None,
    *,
    at: Circumstances = HERE,
    copies: bool = False,
) -> Result[Instances]:
    """Return what may be written into a data set of statements that came over a link.

    Over one that is not trusted every status becomes NS and its three companions go
    (PS3.15 A.1.1 f.2); over a trusted one they stay. Attributes of other groups are not governed by
    the profile. One audit record for every statement of a governed attribute. ``copies``: these are
    the data sets themselves, so that NS is added where a status is absent, and a value that is no
    term is refused (the instance is left out, and the issue is an error); in a statement it states
    nothing and is carried as it is.
    """
    at = replace(at, link=link or UNKNOWN)
    whole = list(instances)
    done = [receive(x, at=at) if copies or _decided(x, at) else None for x in whole]
    values = []
    for instance, transition in zip(whole, done, strict=True):
        if transition is None:
            values.append(instance)
        elif transition.done and transition.copy.instance:
            values.append(transition.copy.instance)
    issues: list[Issue] = []
    for transition in filter(None, done):
        issues += transition.issues
        if transition.done and not at.link.trusted:
            facts = {"keyword": STATUS, "written": transition.copy.state}
            issues.append(issue("link/untrusted", LOCATION, missing=at.link.words, **facts))
    return Result(tuple(values), tuple(issues), _records(done))


def release(
    instances: Iterable[SOPInstance], link: Link | None, *, at: Circumstances = HERE
) -> Result[Instances]:
    """Return what a data set may state that goes out over a link (PS3.15 A.1.1 e.3, f.1).

    ``at.policy`` says what may cross at most. What is refused must not go out at all: the value
    then leaves the instance out, and the issue is an error. A status that is left out comes back as
    stated and emptied, so that encoding removes it.
    """
    at = replace(at, link=link or UNKNOWN)
    whole = tuple(instances)
    done = [send(Copy.of(x), at=at) for x in whole]
    values = []
    issues: list[Issue] = []
    for instance, transition in zip(whole, done, strict=True):
        issues += transition.issues
        if transition.sent is None:
            continue
        values.append(transition.sent)
        if transition.sent != instance:
            facts = {"keyword": STATUS, "written": transition.record.sent, "policy": at.policy}
            issues.append(issue("link/sent-untrusted", LOCATION, missing=at.link.words, **facts))
    return Result(tuple(values), tuple(issues), _records(done))


def cross(
    instances: Instances,
    link: Link | None,
    outbound: Link | None,
    *,
    at: Circumstances = HERE,
    copies: bool = False,
) -> Result[Instances]:
    """Let statements in over ``link``, and out again over ``outbound`` where there is one.

    ``copies`` as for `admit`; copies with ``outbound`` and no ``link`` are held here and only go
    out. Raise `DocumentError` where something may not cross at all.
    """
    held = copies and outbound is not None and link is None
    came = Result(instances) if held else admit(instances, link, at=at, copies=copies)
    went = Result(came.value) if outbound is None else release(came.value, outbound, at=at)
    issues = came.issues + went.issues
    if refused := [i for i in issues if i.severity == ERROR]:
        raise DocumentError(*refused)
    return Result(went.value, issues, came.records + went.records)


def onto(
    copies: Iterable[SOPInstance],
    instances: Iterable[SOPInstance],
    link: Link | None,
    outbound: Link | None,
    *,
    at: Circumstances = HERE,
    held: bool = True,
) -> Result[Instances]:
    """Return what may be written onto these copies of statements that came over a link.

    Records and issues are about what is written and nothing else: one record for a copy, with its
    state ``before``, where these copies are ``held``. A statement about no copy comes back saying
    nothing, so that none can be written that the profile has not decided.
    """
    owns = tuple(copies)
    by_uid: dict[str, list[SOPInstance]] = {}
    for statement in expand(instances, owns):
        by_uid.setdefault(statement.sop_instance_uid, []).append(statement)
    values: list[SOPInstance] = []
    issues: list[Issue] = []
    records: list[AuditRecord] = []
    for own in owns:
        mine = tuple(about(by_uid.get(own.sop_instance_uid, ()), own, at.holder))
        crossed = cross(mine, link, outbound, at=at)
        values += crossed.value
        if len({one.attributes for one in crossed.value}) == 1:  # else nothing is written
            issues += dict.fromkeys(crossed.issues)
            told = _one_each(crossed.records)
            records += [replace(r, before=status_of(own)) for r in told] if held else told
    taken = {one.identity for one in values}
    rest = (one for same in by_uid.values() for one in same if one.identity not in taken)
    return Result(
        (*values, *(replace(one, attributes=()) for one in rest)), tuple(issues), tuple(records)
    )


def _one_each(records: Sequence[AuditRecord]) -> list[AuditRecord]:
    """Return one record for each event: several holders may have said the same of a copy."""
    return list({record.event: record for record in records}.values())


def _decided(instance: SOPInstance, at: Circumstances) -> bool:
    """Tell whether a statement is the profile's business: what is no term states no status."""
    governed = any(keyword in GOVERNED for keyword, _ in instance.attributes)
    return governed and not (at.link.trusted and status_of(instance) == "invalid")


def _records(done: Iterable[Transition | None]) -> tuple[AuditRecord, ...]:
    return tuple(transition.record for transition in done if transition)
