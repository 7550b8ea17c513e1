"""Which new facts are news: what is known already, or repeats what was seen, adds none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sopstatus.ledger.facts import OBSERVATION, Fact, content


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
    copies: dict[tuple[str, str], dict[str, Fact]] = defaultdict(dict)
    for fact in stored:
        copies[fact.sop_instance_uid, fact.holder][fact.key] = fact
    for fact in incoming:
        copy = copies[fact.sop_instance_uid, fact.holder]
        if fact.key in copy or any(_within(fact, other) for other in copy.values()):
            news.known += 1
            continue
        before = _last_before(copy.values(), fact)
        if before is None or not _repeats(fact, before):
            copy[fact.key] = news.added[fact.key] = fact
            continue
        news.known += 1
        moved = copy[before.key] = replace(before, seen=fact.time)
        if before.key in news.added:
            news.added[before.key] = moved
        else:
            news.moved[before.key] = fact.time
    return news


def _last_before(copy: Iterable[Fact], fact: Fact) -> Fact | None:
    last = None
    for other in copy:
        if other.time <= fact.time and (last is None or other.time >= last.time):
            last = other
    return last


def _within(fact: Fact, other: Fact) -> bool:
    return other.time <= fact.time <= other.seen and _repeats(fact, other)


def _repeats(fact: Fact, before: Fact) -> bool:
    both = fact.kind == before.kind == OBSERVATION
    return both and content(fact) == content(before)
