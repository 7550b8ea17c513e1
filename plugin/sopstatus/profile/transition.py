"""One step of one copy: the row of the table looked up, and done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sopstatus.catalogue import issue
from sopstatus.model import AuditRecord, Issue, SOPInstance, Value
from sopstatus.profile.language import (
    ABSENT,
    INVALID,
    LEFT_OUT,
    NO_DATA_SET,
    NOT_HELD,
    TERMS,
    shown,
)
from sopstatus.profile.link import Circumstances
from sopstatus.profile.row import Row
from sopstatus.table.language import STATUS

LOCATION = "(0100,0410)"
HERE = Circumstances()


def status_of(instance: SOPInstance) -> str:
    """Return the term that an instance states, ``ABS`` for none, ``invalid`` for anything else."""
    value = instance.get(STATUS)
    if value is None:
        return ABSENT
    return value if value in TERMS else INVALID


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a SOP Instance as one Application Entity holds it.

    ``state`` is one of the table's: the status, ``-`` where nothing is held, ``ABS``, or a
    bookkeeping state, which no data set shows. ``instance`` is ``None`` only where nothing is held.
    """

    state: str = NOT_HELD
    instance: SOPInstance | None = None

    @classmethod
    def of(cls, instance: SOPInstance) -> Copy:
        """Return the copy that holds an instance; a value that is not a term counts as no status."""
        state = status_of(instance)
        return cls(ABSENT if state == INVALID else state, instance)


NOTHING = Copy()


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of a copy.

    ``sent`` is what goes out, or the new instance that was made; ``None`` where there is none.
    """

    copy: Copy
    sent: SOPInstance | None
    record: AuditRecord
    issues: tuple[Issue, ...] = ()

    @property
    def done(self) -> bool:
        """Tell whether the event was allowed; else nothing has changed."""
        return self.record.outcome == "done"


def step(
    event: str,
    held: Copy,
    at: Circumstances,
    subject: SOPInstance | None = None,
    values: Mapping[str, Value] | None = None,
    **conditions: str,
) -> Transition:
    """Look the one row up and do what it says; ``subject`` is what arrives or is made."""
    row = at.rules.row(held.state, event, **conditions)
    about = held.instance or subject or SOPInstance()
    copy, sent = held, None
    if row.done:
        base = subject if subject is not None else held.instance
        if row.wire != NO_DATA_SET and base is not None:
            sent = written(base, row, row.wire, values or {})
        if row.to != "same":
            state = row.result(held.state)
            if state == NOT_HELD:
                copy = NOTHING
            elif row.wire == NO_DATA_SET and base is not None:
                copy = Copy(state, written(base, row, state, values or {}))
            else:
                copy = Copy(state, held.instance)
    record = _record(event, row, held.state, about, at, conditions.get("value", ""))
    issues = () if row.done else (refusal(row, held.state, conditions, at),)
    return Transition(copy, sent, record, issues)


def written(instance: SOPInstance, row: Row, term: str, values: Mapping[str, Value]) -> SOPInstance:
    """Return the instance with what a row sets, may set and clears; ``term`` is the status."""
    said = {k: v for k, v in instance.attributes if k not in row.clear}
    if STATUS in row.set:
        said[STATUS] = shown(term)
    if term == LEFT_OUT:
        said.pop(STATUS, None)
    may = (*row.set, *row.may_set)
    said |= {k: v for k, v in values.items() if k in may and k != STATUS}
    return replace(instance, attributes=tuple(said.items()))


def refusal(row: Row, state: str, conditions: Mapping[str, str], at: Circumstances) -> Issue:
    """Return the issue of a refusal, which names the rule."""
    asked = conditions.get("wanted") or conditions.get("choice") or conditions.get("value") or ""
    return issue(
        row.code,
        LOCATION,
        state=state,
        rule=row.rule,
        asked=asked,
        policy=at.policy,
        missing=at.link.words,
    )


def _record(
    event: str, row: Row, state: str, about: SOPInstance, at: Circumstances, received: str
) -> AuditRecord:
    rules = at.rules
    return AuditRecord(
        event=event,
        before=state,
        after=row.result(state),
        rule=row.rule,
        outcome=row.outcome,
        code=row.code,
        study_instance_uid=about.study_instance_uid,
        series_instance_uid=about.series_instance_uid,
        sop_class_uid=about.sop_class_uid,
        sop_instance_uid=about.sop_instance_uid,
        holder=at.holder or about.holder,
        peer=at.peer,
        secure=at.link.secure,
        authenticated=at.link.authenticated,
        conforms=at.link.conforms,
        policy=at.policy,
        time=at.time,
        table=rules.name,
        table_version=rules.version,
        table_sha256=rules.sha256,
        received=received,
        sent="" if row.wire == NO_DATA_SET else row.wire,
        row=row.name,
        mappings=at.mappings,
    )
