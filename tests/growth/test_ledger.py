"""Twice the facts are twice the work for the ledger, however few copies they are about."""

import time
from dataclasses import replace

import pytest
import sqlalchemy as sa
from ledger.told import at, seen
from sopstatus import AuditRecord
from sopstatus.ledger import Ledger
from sopstatus.ledger.facts import from_instance
from sopstatus.ledger.merge import merge
from sopstatus.profile import receive

from growth import families
from growth.counting import superlinear

N = 16
ONE: AuditRecord = receive(seen("NS"), at=at("PACS", 0)).record


def moment(number):
    return f"2024-01-01T00:{number // 60_000:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"


def recorded(n, **changes):
    """Return n records that differ in their time, and in what else is said of each."""
    each = {name: iter(values) for name, values in changes.items()}
    return [
        replace(ONE, **{"time": moment(i), **{name: next(values) for name, values in each.items()}})
        for i in range(n)
    ]


RECORDS = {
    "of one copy": recorded,
    "of many instances": lambda n: recorded(n, sop_instance_uid=families.uids(n)),
    "of many holders": lambda n: recorded(n, holder=families.holders(n)),
    "again and again": lambda n: recorded(1) * n,
    "that were refused": lambda n: recorded(n, outcome=["refused"] * n),
    "that contradict": lambda n: recorded(n, before=["AO", "NS"] * n),
    "of the same time": lambda n: recorded(n, time=[moment(0)] * n, peer=families.holders(n)),
    "that cannot be stored": lambda n: recorded(n, sop_instance_uid=["x"] * n),
}


def opened(folder):
    return Ledger(str(folder / f"{time.monotonic_ns()}.db"))


@pytest.mark.parametrize("name", RECORDS)
def test_records(name, tmp_path):
    def adding(n):
        ledger, records = opened(tmp_path), RECORDS[name](n)
        return lambda: ledger.add(records)

    def checking(n):
        ledger = opened(tmp_path)
        ledger.add(RECORDS[name](n))
        return lambda: [*ledger.check(), *ledger.holdings(ONE.sop_instance_uid)]

    assert not superlinear(adding, N)
    assert not superlinear(checking, N)


STATEMENTS = ("instances of one series", "holders of one instance", "contradictions about one instance",
              "one statement again and again", "studies that hold one instance")  # fmt: skip


@pytest.mark.parametrize("how", ["observe", "claim"])
def test_statements(how, tmp_path):
    for name in STATEMENTS:

        def make(n, name=name):
            ledger, given = opened(tmp_path), families.STATEMENTS[name](n)
            take = getattr(ledger, how)
            return lambda: take(given, holder="PACS", time="2024-01-01T00:00:00Z")

        assert not superlinear(make, N)


@pytest.mark.parametrize("states", [("AO",), ("AO", "NS"), ("AO", "OR", "NS", "AC")])
def test_a_copy_that_is_seen_again_and_again(states):
    def make(n):
        told = [seen(states[i % len(states)], "PACS") for i in range(n)]
        made = [from_instance(one, "", time=moment(i)) for i, one in enumerate(told)]
        return lambda: (merge([], made), merge(made, made), merge([], reversed(made)))

    assert not superlinear(make, N)


def test_what_is_known_is_not_read_again_for_every_batch(tmp_path):
    """Facts of few instances come in few transactions: each of these reads all that is known of them."""
    n, commits = 10_000, []
    with opened(tmp_path) as ledger:
        sa.event.listen(ledger._engine, "commit", commits.append)
        uids = families.uids(4)
        assert ledger.add(recorded(n, sop_instance_uid=uids * n)).new == n
    assert len(commits) < 18
