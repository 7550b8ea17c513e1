"""Apply the profile to many statements that cross a link into a data set, or in one.

Statements written into HL7 or FHIR are not handled here: they are about a copy, and are not copies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sopstatus.catalogue import issue
from sopstatus.codecs.shared.data_set import Spoken, silent_beside
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import AuditRecord, DocumentError, Issue, Result, SOPInstance, Value
from sopstatus.profile.events import overwrite, receive, respell, send
from sopstatus.profile.language import ABSENT, INVALID, NOT_HELD, NOT_SPECIFIED, TERMS
from sopstatus.profile.link import UNKNOWN, Circumstances, Link
from sopstatus.profile.transition import HERE, LOCATION, NOTHING, Copy, Transition, status_of
from sopstatus.table.language import GOVERNED, STATUS
from sopstatus.values import context_offset

if TYPE_CHECKING:
    from sopstatus.codecs import DataSetCodec

Instances = tuple[SOPInstance, ...]
_LOWEST = (ABSENT, NOT_SPECIFIED)
_BETTER = frozenset(TERMS).difference(_LOWEST)
_WORD = re.compile("[A-Z]+")
_NOT_WRITTEN = "profile/not-written"
_ABOUT_OTHERS = ("no-counterpart", "holder-ambiguous")
"""Errors about statements for which nothing was decided."""


def admit(
    instances: Iterable[SOPInstance],
    link: Link | None,
    *,
    at: Circumstances = HERE,
    copies: bool = False,
    held: Copy = NOTHING,
) -> Result[Instances]:
    """Return what may be written into a data set of statements that came over a link.

    Over one that is not trusted every status becomes NS and its three companions go
    (PS3.15 A.1.1 f.2); over a trusted one they stay. Attributes of other groups are not governed by
    the profile. One audit record for every statement of a governed attribute. ``copies``: these are
    the data sets themselves, so that NS is added where a status is absent, and a value that is no
    term is refused (the instance is left out, and the issue is an error); in a statement it states
    nothing and is carried as it is. ``held`` is the copy that they are to be written onto: see
    `profile.overwrite`.
    """
    at = replace(at, link=link or UNKNOWN)
    whole = list(instances)
    done: list[Transition | None] = []
    for instance in whole:
        if held.instance is not None and _decided(instance, at, held):
            done.append(overwrite(held, instance, at=at))
        elif held.instance is None and (copies or _decided(instance, at)):
            done.append(receive(instance, at=at))
        else:
            done.append(None)
    values = []
    for instance, transition in zip(whole, done, strict=True):
        if transition is None:
            values.append(_beside(instance, held.instance))
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
    onto: Copy = NOTHING,
) -> Result[Instances]:
    """Let statements in over ``link``, and out again over ``outbound`` where there is one.

    ``copies`` as for `admit`; copies with ``outbound`` and no ``link`` are held here and only go
    out. ``onto`` is the held copy that they are to be written onto. Raise `DocumentError`, with the
    records, where something may not cross at all.
    """
    held = copies and outbound is not None and link is None
    came = Result(instances) if held else admit(instances, link, at=at, copies=copies, held=onto)
    went = Result(came.value) if outbound is None else release(came.value, outbound, at=at)
    issues, records = came.issues + went.issues, came.records + went.records
    if refused := [i for i in issues if i.is_error]:
        raise DocumentError(*refused, records=_refused(records))
    return Result(went.value, issues, records)


def unnamed(
    link: Link | None, outbound: Link | None, *, at: Circumstances
) -> tuple[AuditRecord, ...]:
    """Return the records of a refused copy of which no UID is clear."""
    try:
        return _refused(cross((SOPInstance(),), link, outbound, at=at, copies=True).records)
    except DocumentError as error:
        return error.records


def onto(
    copies: Iterable[SOPInstance],
    instances: Iterable[SOPInstance],
    link: Link | None,
    outbound: Link | None,
    *,
    at: Circumstances = HERE,
    held: bool = True,
    limits: Limits = DEFAULT,
) -> Result[Instances]:
    """Return what may be written onto these copies of statements that came over a link.

    Records and issues are about what is written and nothing else: one record for a copy, with its
    state ``before``, where these copies are ``held``. One that says nothing beside another of the
    same instance that speaks is left so, and nothing is decided about it. A statement about no copy
    comes back saying nothing, so that none can be written that the profile has not decided. What is
    said of copies of one instance that state the same is decided once. Over ``outbound`` a copy that is
    held and not spoken of goes out too.
    """
    owns = tuple(copies)
    spoken = Spoken(instances, owns, at.holder, limits)
    decided: dict[SOPInstance, Result[Instances]] = {}
    values: list[SOPInstance] = []
    issues: list[Issue] = []
    records: list[AuditRecord] = []
    refused: list[Issue] = []
    silent = silent_beside(owns)
    for own, mine in spoken.decisions(owns):
        if own in silent:
            continue
        copy = Copy.of(own) if held else NOTHING
        try:
            if held and outbound is not None and not mine:
                crossed = cross((own,), None, outbound, at=at, copies=True)
            else:
                crossed = cross(mine, link, outbound, at=at, onto=copy)
        except DocumentError as error:
            refused += error.issues
            crossed = Result((), (), error.records)
        if len({one.attributes for one in crossed.value}) > 1:
            values += crossed.value  # nothing is written
            if held and outbound is not None:  # so it would go out as it is, undecided
                reason = "what is said of the copy that goes out differs"
                refused.append(issue(_NOT_WRITTEN, LOCATION, reason=reason))
                told = _one_each(crossed.records)
                records += [replace(r, before=status_of(own)) for r in told]
            continue
        told = _one_each(crossed.records)
        told = [replace(r, before=status_of(own)) for r in told] if held else told
        each = tuple(dict.fromkeys(crossed.issues))
        decided[own] = Result(crossed.value[:1], each, tuple(told))
    for own in owns:
        if own in decided:
            values += decided[own].value
            issues += decided[own].issues
            records += decided[own].records
    if refused:  # of many data sets, all are written or none
        raise DocumentError(*dict.fromkeys(refused), records=_refused(records))
    values += [replace(one, attributes=()) for one in spoken.unused]
    return Result(tuple(values), tuple(issues), tuple(records))


def respelled(
    source: DataSetCodec, document: Any, instances: Instances, *, at: Circumstances
) -> Result[Instances]:
    """Return what held copies state in another spelling: what they do state, each with its record.

    ``document`` is read again by other code than made ``instances`` of it. Raise `DocumentError`,
    with the records as refused ones, where the two differ or readers could.
    """
    from sopstatus.profile import rereading

    done = [respell(Copy.of(instance), at=at) for instance in instances]
    records = _records(done)
    said = sorted((one.sop_instance_uid, one.get(STATUS) or "") for one in instances)
    reason = ""
    try:
        image_set = getattr(source, "image_set", False)
        found = rereading.read(document, source.limits, image_set=image_set)
        if sorted((x.uid, x.status) for x in found if x.status) != [one for one in said if one[1]]:
            reason = "what the copy states is read in two ways"
    except rereading.Doubt as doubt:
        reason = str(doubt)
    if any(status_of(one) == INVALID for one in instances):  # other readers may take it for a term
        reason = "what the copy states is not a term"
    if reason:
        raise DocumentError(issue(_NOT_WRITTEN, LOCATION, reason=reason), records=_refused(records))
    return Result(instances, (), records)


def put(
    target: DataSetCodec,
    into: Any,
    allowed: Result[Instances],
    *,
    changed: bool = True,
    crossing: bool = False,
    onto_held: bool = False,
    known: Instances = (),
    holder: str = "",
) -> Result[Any]:
    """Write what was allowed onto a document of data sets, and read the result again.

    ``target`` is the codec of the document; ``known`` and ``holder`` go to its ``encode``. Where
    nothing is ``changed``, nothing is written. ``crossing``: these are the copies that arrive or go out, so
    that one of which the profile knows nothing may state nothing. ``onto_held``: the document is
    held, so that a status in it that only the second reader sees may not be lowered. The result
    holds the records of ``allowed``. Raise `DocumentError`, with the records as refused ones, where something of it could
    not be written or where `rereading` finds anything else: a decision that was not written is no
    result.
    """
    from sopstatus.profile import rereading  # only who writes reads again

    decided = frozenset(record.sop_instance_uid for record in allowed.records)
    limits, image_set = target.limits, getattr(target, "image_set", False)
    states = rereading.held(into, limits, image_set=image_set) if onto_held else {}
    if any(_may_state(states, r) for r in allowed.records):
        told = issue(_NOT_WRITTEN, LOCATION, reason="what the held copy states cannot be read")
        raise DocumentError(told, records=_refused(allowed.records))
    try:
        given = allowed.value if changed else ()
        written = target.encode(given, into, known=known, holder=holder, exactly=decided)
    except DocumentError as error:
        raise DocumentError(*error.issues, records=_refused(allowed.records)) from None
    claims: dict[str, list[rereading.Claim]] = {}
    for one in allowed.value:
        said, uid = _governed(one), one.sop_instance_uid
        if uid in decided or said:
            gone = frozenset(GOVERNED).difference(said, [STATUS])
            gone = gone if uid in decided and changed else frozenset()
            claims.setdefault(uid, []).append(rereading.Claim(said.get(STATUS) or "", gone))
    for uid in [uid for uid, several in claims.items() if len({c.status for c in several}) > 1]:
        if uid not in decided:  # holders who differ: nothing is written
            del claims[uid]
    issues = written.issues
    lost = any(map(_is_lost, issues))
    untouched = not claims and not crossing and written.value is into
    if not lost and not untouched:
        options = {"crossing": crossing, "image_set": image_set}
        if fault := rereading.fault(into, written.value, claims, limits, **options):
            issues, lost = (*issues, issue(_NOT_WRITTEN, LOCATION, reason=fault)), True
    if lost:
        raise DocumentError(*issues, records=_refused(allowed.records))
    return Result(written.value, written.issues, allowed.records)


def _may_state(states: Mapping[str, str] | None, record: AuditRecord) -> bool:
    """Tell whether others may find a status in a held copy that the first reader finds none in.

    ``states`` is what the second reader found, ``None`` where it doubts. What is a term but for its case, or for
    what stands around it or beside it, may be one.
    """
    status = (states or {}).get(record.sop_instance_uid, "")
    if record.before == INVALID:
        return states is None or not _BETTER.isdisjoint(_WORD.findall(status.upper()))
    return bool(status) and record.before == ABSENT


def _is_lost(told: Issue) -> bool:
    return told.is_error and told.code.partition("/")[2] not in _ABOUT_OTHERS


def _one_each(records: Sequence[AuditRecord]) -> list[AuditRecord]:
    """Return one record for each event: several holders may have said the same of a copy."""
    return list({record.event: record for record in records}.values())


def _decided(instance: SOPInstance, at: Circumstances, held: Copy = NOTHING) -> bool:
    """Tell whether a statement is the profile's business.

    What is no term states no status; over a better copy that is held it is refused all the same.
    What such a copy states already changes nothing.
    """
    said = _governed(instance)
    better = held.state not in (NOT_HELD, *_LOWEST)
    if better and held.instance is not None and _exact(said) == _exact(_governed(held.instance)):
        return False
    if at.link.trusted and status_of(instance) == INVALID and not better:
        return False
    return bool(said)


def _governed(instance: SOPInstance) -> dict[str, Value]:
    return {keyword: value for keyword, value in instance.attributes if keyword in GOVERNED}


def _exact(said: dict[str, Value]) -> dict[str, tuple[Value, str]]:
    """Return values with the offsets that they are local to: another offset is another time."""
    return {keyword: (value, context_offset(value)) for keyword, value in said.items()}


def _beside(instance: SOPInstance, held: SOPInstance | None) -> SOPInstance:
    """Return a statement that says nothing governed with what the held copy says of it."""
    if held is None or _governed(instance):
        return instance
    return replace(instance, attributes=(*instance.attributes, *_governed(held).items()))


def _refused(records: Iterable[AuditRecord]) -> tuple[AuditRecord, ...]:
    """Return the records of events of which, in the end, none was done."""
    return tuple(
        replace(r, after=r.before, outcome="refused", code=r.code or _NOT_WRITTEN, sent="")
        for r in records
    )


def _records(done: Iterable[Transition | None]) -> tuple[AuditRecord, ...]:
    return tuple(transition.record for transition in done if transition)
