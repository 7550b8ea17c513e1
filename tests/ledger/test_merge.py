"""Which facts are news: held against the rule in its plainest words, which looks at every other fact."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from ledger.told import minute
from sopstatus.holder import Holder
from sopstatus.ledger.facts import OBSERVATION, RECORD, Fact, content, is_claim
from sopstatus.ledger.merge import merge


def plainly(stored, incoming):
    """Return the facts that there are then, by key, and how many were known."""
    found, known = {one.key: one for one in stored}, 0

    def repeats(one, other):
        return one.kind == other.kind == OBSERVATION and content(one) == content(other)

    for fact in incoming:
        copy = [
            one
            for one in found.values()
            if (one.holder, is_claim(one)) == (fact.holder, is_claim(fact))
        ]
        within = [one for one in copy if repeats(fact, one) and one.time <= fact.time <= one.seen]
        before = [one for one in copy if one.time <= fact.time]
        last = before[-1] if before else None
        for one in before:
            last = one if one.time >= last.time else last
        if fact.key in found or within:
            known += 1
        elif last and repeats(fact, last):
            known += 1
            found[last.key] = replace(last, seen=fact.time)
        else:
            found[fact.key] = fact
    return found, known


@st.composite
def facts(draw):
    kind = draw(st.sampled_from([RECORD, OBSERVATION, OBSERVATION]))
    state, holder = draw(st.sampled_from(["AO", "NS"])), draw(st.sampled_from("AB"))
    time, claimed = minute(draw(st.integers(0, 9))), draw(st.booleans())
    key = f"{kind} {state} {holder} {time} {claimed}"
    return Fact(key, kind, "1.2", Holder(holder), state, time, time, claimed=claimed)


@given(st.lists(facts(), max_size=40), st.integers(0, 40))
def test_news(given, cut):
    stored, _ = plainly([], given[:cut])
    news = merge(stored.values(), given[cut:])
    made = {**stored, **news.added}
    for key, seen in news.moved.items():
        made[key] = replace(made[key], seen=seen)
    assert (made, news.known) == plainly(stored.values(), given[cut:])
