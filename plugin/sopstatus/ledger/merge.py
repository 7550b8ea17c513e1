"""Which new facts are news: what is known already, or repeats what was seen, adds none."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sopstatus.ledger.facts import OBSERVATION, Fact, content, is_claim


@dataclass(slots=True)
class News:
    """Facts to add, and observations (by key) whose ``seen`` moves to a later time."""

    added: dict[str, Fact] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    known: int = 0


def merge(stored: Iterable[Fact], incoming: Iterable[Fact]) -> News:
    """Return what ``incoming`` adds to all that is stored about the same instances.

    The same fact twice adds nothing. An observation that says what the last fact before it said,
    where that is an observation too, only moves its ``seen``: a nightly scan of an archive in which
    nothing happens adds no rows.
    """
    news = News()
    copies: dict[tuple[str, str, bool], _Copy] = defaultdict(_Copy)
    for fact in stored:
        copies[_whose(fact)].add(fact)
    for fact in incoming:
        copy = copies[_whose(fact)]
        if fact.key in copy.facts or copy.has_seen(fact):
            news.known += 1
            continue
        before = copy.last_before(fact)
        if before is None or not _repeats(fact, before):
            copy.add(fact)
            news.added[fact.key] = fact
            continue
        news.known += 1
        copy.facts[before.key] = moved = replace(before, seen=fact.time)
        if before.key in news.added:
            news.added[before.key] = moved
        else:
            news.moved[before.key] = fact.time
    return news


class _Entry(NamedTuple):
    """A fact in the order of time, those of one time as they came."""

    time: str
    number: int
    key: str


class _Copy:
    """What is known of one copy: its facts by key and by time.

    Observations that say the same never overlap: what lies within one adds nothing, and one is only
    drawn out to a later time where no fact lies between. So the last that began is the only one that
    may reach as far as a given time.
    """

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self._times: list[_Entry] = []
        self._seen: dict[object, list[_Entry]] = defaultdict(list)  # observations by what they say

    def add(self, fact: Fact) -> None:
        entry = _Entry(fact.time, len(self.facts), fact.key)
        self.facts[fact.key] = fact
        insort(self._times, entry)
        if fact.kind == OBSERVATION:
            insort(self._seen[content(fact)], entry)

    def last_before(self, fact: Fact) -> Fact | None:
        """Return the last fact that is not later than this one."""
        return self._last(self._times, fact)

    def has_seen(self, fact: Fact) -> bool:
        """Tell whether an observation says nothing new: the same was seen before and after it."""
        if fact.kind != OBSERVATION:
            return False
        same = self._last(self._seen.get(content(fact), []), fact)
        return same is not None and fact.time <= same.seen

    def _last(self, entries: list[_Entry], fact: Fact) -> Fact | None:
        place = bisect_right(entries, (fact.time, len(self.facts)))
        return self.facts[entries[place - 1].key] if place else None


def _whose(fact: Fact) -> tuple[str, str, bool]:
    """Return what facts repeat each other in: a claim repeats no evidence, and comes between none.

    Each name of a holder is news: a bare AE Title may be one of them.
    """
    return fact.sop_instance_uid, fact.holder, is_claim(fact)


def _repeats(fact: Fact, before: Fact) -> bool:
    both = fact.kind == before.kind == OBSERVATION
    return both and content(fact) == content(before)
