"""What may become of a status: PS3.15 A.1.1, the Online Electronic Storage Secure Use Profile.

Codecs carry; this module decides, by the table of `profile_table`. Pure functions, no I/O: each
takes one copy, and returns the copy afterwards, what goes out, one audit record, and the issue that
explains a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sopstatus.audit import AuditRecord
from sopstatus.catalogue import issue
from sopstatus.link import POLICIES, UNKNOWN, Circumstances, Link
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.profile_language import COMPANIONS, GOVERNED, STATUS
from sopstatus.profile_table import Row

__all__ = [
    "GOVERNED",
    "POLICIES",
    "STATUS",
    "UNKNOWN",
    "Circumstances",
    "Copy",
    "Link",
    "Transition",
    "alter",
    "authorize",
    "change",
    "committed",
    "confirmed",
    "create",
    "de_identified",
    "delete",
    "lossy_copy",
    "not_committed",
    "not_confirmed",
    "receive",
    "send",
    "status_of",
    "store_failed",
    "timed_out",
    "transfer",
]

TERMS = ("NS", "OR", "AO", "AC")
LOCATION = "(0100,0410)"
HERE = Circumstances()
_DATE, _COMMENT, _NUMBER = COMPANIONS


def status_of(instance: SOPInstance) -> str:
    """Return the term that an instance states, ``ABS`` for none, ``invalid`` for anything else."""
    value = dict(instance.attributes).get(STATUS)
    if value is None:
        return "ABS"
    return value if value in TERMS else "invalid"


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a SOP Instance as one Application Entity holds it.

    ``state`` is one of the table's: the status, ``-`` where nothing is held, ``ABS``, or a
    bookkeeping state, which no data set shows. ``instance`` is ``None`` only where nothing is held.
    """

    state: str = "-"
    instance: SOPInstance | None = None

    @classmethod
    def of(cls, instance: SOPInstance) -> Copy:
        """Return the copy that holds an instance; a value that is no term counts as none."""
        state = status_of(instance)
        return cls("ABS" if state == "invalid" else state, instance)


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


def create(
    instance: SOPInstance, *, diagnostic: bool, held: Copy = NOTHING, at: Circumstances = HERE
) -> Transition:
    """Make an instance: for diagnostic use it becomes OR (A.1.1 a), else it states nothing."""
    intended = "diagnosis" if diagnostic else "other"
    values = {k: v for k, v in instance.attributes if k in COMPANIONS}
    other = tuple((k, v) for k, v in instance.attributes if k not in GOVERNED)
    plain = replace(instance, attributes=other)
    return _happen("create", held, at, plain, values, intended=intended)


def authorize(
    held: Copy,
    *,
    certified: bool,
    date_time: str,
    equipment: str,
    comment: str = "",
    at: Circumstances = HERE,
) -> Transition:
    """Make an original (OR) an authorized one (AO): A.1.1 b.

    ``certified``: an authorized entity has certified it as usable for diagnosis. ``date_time`` (a
    DT) and ``equipment`` (the certification number) must be given, or nothing is authorized.
    """
    values: dict[str, Value] = {_DATE: date_time, _NUMBER: equipment}
    if comment:
        values[_COMMENT] = comment
    whole = "yes" if certified and date_time and equipment else "no"
    return _happen("authorize", held, at, None, values, certified=whole)


def change(held: Copy, wanted: str, *, at: Circumstances = HERE) -> Transition:
    """Write another status by hand: refused, for only the events here change a status (b, h)."""
    return _happen("change", held, at, wanted=wanted)


def alter(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Change any other attribute of a copy: refused (A.1.1 g, h)."""
    return _happen("alter", held, at)


def send(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Send a copy and keep one's own: what may go out by link and policy (A.1.1 e, f.1)."""
    return _happen("send", held, at, link=_trust(at), policy=at.policy)


def transfer(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Hand the original itself on (A.1.1 d); the copy waits for the report of its commitment."""
    return _happen("transfer", held, at, link=_trust(at))


def receive(
    arrived: SOPInstance,
    *,
    held: Copy = NOTHING,
    intact: bool = True,
    at: Circumstances = HERE,
) -> Transition:
    """Take in an instance that arrives (A.1.1 d.3, d.4, e.4, f.2).

    ``held`` is what this Application Entity had of it, ``intact`` what the data integrity checks
    after the transfer say. Refused = reject the storage request and discard what arrived.
    """
    return _happen(
        "receive",
        held,
        at,
        arrived,
        link=_trust(at),
        integrity="passed" if intact else "failed",
        value=status_of(arrived),
    )


def store_failed(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """End a transfer whose C-STORE was refused, or whose association was lost: still the holder."""
    return _happen("store-failed", held, at)


def committed(
    held: Copy, choice: str, *, transaction: str = "open", at: Circumstances = HERE
) -> Transition:
    """Give the original up, for the receiver reports its commitment (A.1.1 d.5).

    ``choice`` is ``delete``, ``NS`` or, of an AO, ``AC``. ``transaction`` tells which storage
    commitment the report is about: the ``open`` one of this copy, one that has ended with success
    (``closed``: the report is a repetition), or any ``other``. Answer the report with success where
    it is done, and with failure where it is refused.
    """
    return _happen("committed", held, at, transaction=transaction, choice=choice)


def not_committed(held: Copy, *, transaction: str = "open", at: Circumstances = HERE) -> Transition:
    """Stay the holder, for the receiver reports that its commitment failed (A.1.1 c)."""
    return _happen("not-committed", held, at, transaction=transaction)


def timed_out(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Stay the holder, for no report has come; the transaction is no longer the open one."""
    return _happen("timed-out", held, at)


def confirmed(held: Copy, *, transaction: str = "open", at: Circumstances = HERE) -> Transition:
    """Become the one holder: the sender has answered our report with success (A.1.1 d.4)."""
    return _happen("confirmed", held, at, transaction=transaction)


def not_confirmed(
    held: Copy, choice: str, *, transaction: str = "open", at: Circumstances = HERE
) -> Transition:
    """Let go of an original that was not committed: ``choice`` is ``delete`` or ``NS``."""
    return _happen("not-confirmed", held, at, transaction=transaction, choice=choice)


def delete(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Delete a copy; the holder of an original may not (A.1.1 c)."""
    return _happen("delete", held, at)


def de_identified(held: Copy, made: SOPInstance, *, at: Circumstances = HERE) -> Transition:
    """Say what a de-identified instance states: NS, or nothing where the policy is ``strip``.

    ``made`` is that instance, with a SOP Instance UID of its own. Its companions go: the table of
    PS3.15 annex E names only the date, and the comment is free text.
    """
    return _made("de-identify", held, made, at)


def lossy_copy(held: Copy, made: SOPInstance, *, at: Circumstances = HERE) -> Transition:
    """Say what an instance made by lossy compression states, as for `de_identified`."""
    return _made("lossy-copy", held, made, at)


def _made(event: str, held: Copy, made: SOPInstance, at: Circumstances) -> Transition:
    old = held.instance.sop_instance_uid if held.instance else ""
    uid = "same" if made.sop_instance_uid in ("", old) else "new"
    return _happen(event, held, at, made, uid=uid, policy=at.policy)


def _trust(at: Circumstances) -> str:
    return "trusted" if at.link.trusted else "untrusted"


def _happen(
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
        if row.wire != "none" and base is not None:
            sent = written(base, row, row.wire, values or {})
        if row.to != "same":
            state = row.result(held.state)
            if state == "-":
                copy = NOTHING
            elif row.wire == "none" and base is not None:
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
        said[STATUS] = term.rstrip("?>")
    if term == "left-out":
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
        event,
        state,
        row.result(state),
        row.rule,
        row.outcome,
        row.code,
        about.study_instance_uid,
        about.series_instance_uid,
        about.sop_class_uid,
        about.sop_instance_uid,
        at.holder or about.holder,
        at.peer,
        at.link.secure,
        at.link.authenticated,
        at.link.conforms,
        at.policy,
        at.time,
        rules.name,
        rules.version,
        rules.sha256,
        received,
        "" if row.wire == "none" else row.wire,
        row.name,
    )
