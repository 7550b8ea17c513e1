"""What the facts of one SOP Instance amount to: who holds it how, and what is wrong with that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sopstatus.catalogue import issue
from sopstatus.holder import DIFFERENT, Holder, likeness, listed
from sopstatus.ledger.facts import OBSERVATION, Fact, is_claim
from sopstatus.model import Issue, SOPInstance
from sopstatus.profile import language
from sopstatus.table.language import STATUS

_OUTGOING = ("send", "transfer")


@dataclass(slots=True)
class Holding:
    """One copy as it is now; ``state`` is one of the transition table's, ``-`` is no longer held.

    ``since`` is the time of the fact that brought it about. ``dated`` and ``certified`` tell
    whether the data set was seen with its date and certificate; ``None`` where it was not seen.
    """

    holder: Holder
    state: str
    since: str
    dated: bool | None = None
    certified: bool | None = None

    @property
    def original(self) -> bool:
        """Tell whether this is a confirmed original: it counts for A.1.1 c."""
        return self.state in language.HOLDERS


@dataclass(slots=True)
class Account:
    """All that is known of one SOP Instance, from its facts in the order of their times."""

    sop_instance_uid: str
    holdings: dict[str, Holding] = field(default_factory=dict)
    issues: dict[Issue, None] = field(default_factory=dict)
    authorized: bool = False
    original_since: str = ""
    claims: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # the last of a holder, and when
    names: dict[str, set[Holder]] = field(default_factory=lambda: defaultdict(set))
    _sent: dict[str, str] = field(default_factory=dict)

    def take(self, fact: Fact, time: str) -> None:
        """Go on by one fact, at ``time``."""
        if fact.outcome == "refused":  # nothing has changed
            return
        if is_claim(fact):
            known, when = self.claims.get(fact.holder.key, (fact.state, ""))
            if when == time and _shown(known) != _shown(fact.state):
                self._changed(fact, time, "ledger/claimed-twice", known, fact.state)
            self.claims[fact.holder.key] = fact.state, time
            return
        self.names[fact.holder.key].add(fact.holder)
        received = "" if fact.claimed else fact.received
        said = {_shown(s) for s in (fact.state, fact.before, received, fact.sent)}
        self.authorized |= language.AUTHORIZED_ORIGINAL in said
        if language.ORIGINAL in said:
            self.original_since = self.original_since or time
        if fact.kind == OBSERVATION:
            self._observed(fact, time)
        else:
            self._recorded(fact, time)

    def _recorded(self, fact: Fact, time: str) -> None:
        whose = fact.holder.key
        known = self.holdings.get(whose)
        # what comes in is recorded without what was held before it
        if (
            known
            and fact.before != language.NOT_HELD
            and _shown(fact.before) != _shown(known.state)
        ):
            self._changed(fact, time, "ledger/changed-without-record", known.state, fact.before)
        if known is None or known.state != fact.state:
            self.holdings[whose] = Holding(_named(fact, known), fact.state, time)
        self._sent.pop(whose, None)
        if fact.event in _OUTGOING and fact.peer and fact.sent:
            self._sent[Holder.of(fact.peer).key] = fact.sent

    def _observed(self, fact: Fact, time: str) -> None:
        whose = fact.holder.key
        known, sent = self.holdings.get(whose), self._sent.pop(whose, "")
        now = _shown(fact.state)
        state, since = fact.state, time
        if known and now == _shown(known.state):
            state, since = known.state, known.since  # a data set shows no bookkeeping state
        elif sent:
            if now not in _arrives(sent):
                self._changed(fact, time, "ledger/came-back-changed", sent, fact.state)
        elif known:
            self._changed(fact, time, "ledger/changed-without-record", known.state, fact.state)
        named = _named(fact, known)
        self.holdings[whose] = Holding(named, state, since, fact.dated, fact.certified)

    def _changed(self, fact: Fact, time: str, code: str, known: str, seen: str) -> None:
        where = f"{self.sop_instance_uid}@{fact.holder}"
        self.issues[issue(code, where, known=known, seen=seen, time=time)] = None


def _named(fact: Fact, known: Holding | None) -> Holder:
    return known.holder.completed(fact.holder) if known else fact.holder


def account(facts: Iterable[Fact]) -> Account:
    """Return what the facts of one SOP Instance amount to, in whatever order they come.

    At the same time a record goes before an observation, and then what was fed first.
    """
    points = [(f.time, f.kind == OBSERVATION, f.number, f) for f in facts]
    points += [(f.seen, True, f.number, f) for *_, f in points if f.seen != f.time]
    points.sort(key=lambda point: point[:3])
    made = Account(points[0][3].sop_instance_uid if points else "")
    for time, _, _, fact in points:
        made.take(fact, time)
    return made


def statements(facts: tuple[Fact, ...]) -> list[SOPInstance]:
    """Return what the facts of one SOP Instance say of the status of each copy that is held."""
    evidence = [fact for fact in facts if not is_claim(fact)]
    told = {
        name: next((v for f in evidence if (v := getattr(f, name))), "")
        for name in ("study_instance_uid", "series_instance_uid", "sop_class_uid")
    }
    held = account(facts).holdings.values()
    return [
        SOPInstance(
            **told,
            sop_instance_uid=facts[0].sop_instance_uid,
            holder=holding.holder,
            attributes=((STATUS, _shown(holding.state)),),
        )
        for holding in sorted(held, key=lambda holding: holding.holder)
        if _shown(holding.state) in language.TERMS
    ]


def check(facts: Iterable[Fact], *, original_age: float | None = None, now: str) -> list[Issue]:
    """Return what is wrong with one SOP Instance.

    ``original_age``: the days after which an original (OR) should have been authorized; ``None``
    = no limit. ``now`` is UTC, ISO 8601.
    """
    whole = account(facts)
    uid, issues = whole.sop_instance_uid, [*whole.issues]
    held = sorted(whole.holdings.values(), key=lambda holding: holding.holder)
    for holding in held:
        said, when = whole.claims.get(holding.holder.key, (holding.state, ""))
        # what was said before the copy came to be as it is may have been right then
        if _shown(said) != _shown(holding.state) and when >= holding.since:
            where = f"{uid}@{holding.holder}"
            issues.append(issue("ledger/claimed-otherwise", where, said=said, known=holding.state))
    originals = [holding for holding in held if holding.original]
    if len(originals) > 1:
        named = [(name, h.state) for h in originals for name in whole.names[h.holder.key]]
        two = likeness(name for name, _ in named) is DIFFERENT
        code = "ledger/two-holders" if two else "ledger/one-or-two"
        issues.append(issue(code, uid, holders=listed(named)))
    for holding in held:
        where = f"{uid}@{holding.holder}"
        if holding.state == language.AUTHORIZED_COPY and not whole.authorized:
            issues.append(issue("ledger/copy-without-original", where))
        if _shown(holding.state) == language.AUTHORIZED_ORIGINAL:
            missing = [
                name
                for name, there in (("date", holding.dated), ("certificate", holding.certified))
                if there is False
            ]
            if missing:
                words = " and no ".join(missing)
                issues.append(issue("ledger/authorized-incomplete", where, missing=words))
        waits = holding.original and _shown(holding.state) == language.ORIGINAL
        if original_age is not None and waits:
            since = datetime.fromisoformat(whole.original_since)
            if datetime.fromisoformat(now) - since > timedelta(days=original_age):
                facts_of = {"since": whole.original_since, "days": f"{original_age:g}"}
                issues.append(issue("ledger/original-too-old", where, **facts_of))
    return issues


def _shown(state: str) -> str:
    """Return the status that a data set shows in a state; a value that is not a term is no status."""
    return language.ABSENT if state == language.INVALID else language.shown(state)


def _arrives(sent: str) -> tuple[str, ...]:
    absent = (language.ABSENT, language.NOT_SPECIFIED)
    return absent if sent == language.LEFT_OUT else (sent,)
