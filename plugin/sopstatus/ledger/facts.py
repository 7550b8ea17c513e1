"""What a ledger is fed with: audit records and observations, as facts about one held copy.

A fact holds UIDs, AE Titles, terms and times; never the text of (0100,0424), never another
attribute's value. Whatever does not look like one of those is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sopstatus.audit.log import canonical
from sopstatus.audit.record import instant
from sopstatus.catalogue import issue
from sopstatus.holder import SAME, Holder, compare
from sopstatus.model import AuditRecord, Issue, SOPInstance
from sopstatus.profile import status_of
from sopstatus.table.language import AE_TITLE, COMPANIONS

RECORD, OBSERVATION = "record", "observation"
_DATE, _, _CERTIFICATE = COMPANIONS

_UID = re.compile(r"[0-9.]{1,64}")
_AE = re.compile(AE_TITLE)
_UNIVERSAL_ID = re.compile(r"[!-~]{0,199}")  # HL7 v2 2A.2.33 (HD)
_TYPE = re.compile(r"[!-~]{0,6}")
_TERM = re.compile(r"[A-Za-z0-9.?>/ -]{0,32}")
_UIDS = ("study_instance_uid", "series_instance_uid", "sop_class_uid")
_TERMS = ("event", "state", "before", "received", "sent", "outcome", "rule", "code")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of the copy of ``sop_instance_uid`` that ``holder`` holds.

    A record tells a change, from ``before`` to ``state``; an observation tells the ``state`` that
    was seen (``ABS``, ``invalid`` or a term), and whether date and certificate stood beside it.
    ``time`` is when it was so first, ``seen`` when last: an observation that repeats the one before
    it moves ``seen``. Both are UTC, ISO 8601, milliseconds, ``Z``. ``number`` is the ledger's own.
    ``claimed``: nobody vouched for the link that the statement came over. Such an observation is no
    evidence of anything, and of such a record ``received`` is none.
    """

    key: str
    kind: str
    sop_instance_uid: str
    holder: Holder
    state: str
    time: str
    seen: str
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_class_uid: str = ""
    event: str = ""
    before: str = ""
    received: str = ""
    sent: str = ""
    peer: str = ""
    outcome: str = ""
    rule: str = ""
    code: str = ""
    dated: bool | None = None
    certified: bool | None = None
    claimed: bool = False
    number: int = 0


def utc(time: str) -> str:
    """Return an ISO 8601 time as the ledger has it; raise `ValueError` if it is not one.

    A time without an offset is refused: two sites' clocks could not be compared.
    """
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    try:
        return instant(moment)
    except OverflowError:
        raise ValueError("a time out of range") from None


def from_record(record: AuditRecord, where: str, *, holder: str = "") -> Fact | Issue:
    """Return the fact that an audit record tells, or why it cannot be one.

    ``holder`` names the copy's holder where the record does not.
    """
    whose = record.holder or holder
    if not isinstance(whose, str):
        return issue("ledger/not-storable", where)
    fact = Fact(
        sha256(canonical(record).encode("utf-8", "surrogatepass")).hexdigest(),
        RECORD,
        record.sop_instance_uid,
        Holder.of(whose),
        record.after,
        record.time,
        record.time,
        record.study_instance_uid,
        record.series_instance_uid,
        record.sop_class_uid,
        record.event,
        record.before,
        record.received,
        record.sent,
        record.peer,
        record.outcome,
        record.rule,
        record.code,
        claimed=record.event == "receive"
        and not (record.secure and record.authenticated and record.conforms),
    )
    return _checked(fact, where)


def from_instance(
    instance: SOPInstance, where: str, *, holder: str = "", time: str = "", claimed: bool = False
) -> Fact | Issue:
    """Return the fact that a copy was seen like this at ``time``, or why it cannot be one."""
    said = dict(instance.attributes)
    fact = Fact(
        "",
        OBSERVATION,
        instance.sop_instance_uid,
        Holder.of(instance.holder or holder),
        status_of(instance),
        time,
        time,
        instance.study_instance_uid,
        instance.series_instance_uid,
        instance.sop_class_uid,
        dated=bool(said.get(_DATE)),
        certified=bool(said.get(_CERTIFICATE)),
        claimed=claimed,
    )
    checked = _checked(fact, where)
    if isinstance(checked, Issue):
        return checked
    parts = (checked.sop_instance_uid, checked.holder, *content(checked), checked.time)
    return replace(checked, key=sha256("\n".join(map(str, parts)).encode()).hexdigest())


def content(fact: Fact) -> tuple[str, bool | None, bool | None, bool]:
    """Return what an observation says, apart from when."""
    return fact.state, fact.dated, fact.certified, fact.claimed


def is_claim(fact: Fact) -> bool:
    """Tell whether a fact is a claim: what a document from an untrusted link says, which is not evidence."""
    return fact.claimed and fact.kind == OBSERVATION


def only_of(made: Fact, holders: Collection[Holder], where: str) -> Fact | Issue:
    """Refuse what speaks for the copy of another than these holders; none = whoever it is.

    A bare AE Title among them names no holder that has a universal ID.
    """
    if not holders or any(compare(made.holder, one) is SAME for one in holders):
        return made
    return issue("ledger/other-holder", where)


def _checked(fact: Fact, where: str) -> Fact | Issue:
    if not fact.sop_instance_uid:
        return issue("ledger/not-instance", where)
    if not fact.holder.key:
        return issue("ledger/no-holder", where)
    holder = fact.holder
    try:
        time = utc(fact.time)
        ours = (
            _UID.fullmatch(fact.sop_instance_uid),
            holder.ae_title == "" or _AE.fullmatch(holder.ae_title),
            _UNIVERSAL_ID.fullmatch(holder.universal_id),
            _TYPE.fullmatch(holder.universal_id_type),
            not fact.peer or _AE.fullmatch(fact.peer),
            *(not getattr(fact, n) or _UID.fullmatch(getattr(fact, n)) for n in _UIDS),
            *(_TERM.fullmatch(getattr(fact, n)) for n in _TERMS),
        )
    except (TypeError, ValueError):
        return issue("ledger/not-storable", where)
    if not all(ours):
        return issue("ledger/not-storable", where)
    return replace(fact, peer=fact.peer.strip(), time=time, seen=time)
