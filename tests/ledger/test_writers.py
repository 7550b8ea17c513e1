"""Several processes write at once, are killed, and read; over both databases."""

import subprocess
import sys
from pathlib import Path

import pytest
from ledger.told import COMPLETE, minute, seen, whole_life
from sopstatus.ledger import Ledger, schema

WRITE = Path(__file__).with_name("write.py")
COUNT = 60
FACTS = COUNT * 9  # eight records and one observation of each instance


def writer(database, seed):
    return subprocess.Popen(
        [sys.executable, "-W", "error", WRITE, database, str(seed), str(COUNT)],
        stdout=subprocess.PIPE,
        text=True,
    )


def new(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return int(output.split()[-1])


def whole(database):
    """Check that every fact is there once, and that nothing is wrong."""
    with Ledger(database, create=False) as ledger:
        checked = list(ledger.check(original_age=0))
        assert len(checked) == COUNT
        assert not any(issues for _, issues in checked)
        facts = [fact for uid, _ in checked for fact in ledger.facts(uid)]
    assert len(facts) == len({fact.key for fact in facts}) == FACTS


def test_four_writers_of_the_same_facts(database):
    """They open (and so make) the ledger at once, and store each fact once, whoever is first."""
    writers = [writer(database, seed) for seed in range(4)]
    assert sum(map(new, writers)) == FACTS
    whole(database)


@pytest.mark.parametrize("batches", [0, 3])
def test_a_writer_is_killed(database, batches):
    """Its open transaction is gone, the others go on, and feeding again completes the rest."""
    victim, other = writer(database, 1), writer(database, 2)
    with victim, other:
        assert victim.stdout.readline() == "open\n"
        with Ledger(database) as ledger:
            while sum(1 for _ in ledger.check()) < batches and victim.poll() is None:
                pass
        victim.kill()
        new(other)
    whole(database)
    assert new(writer(database, 1)) == 0


def test_a_reader_does_not_wait_for_a_writer(database):
    with Ledger(database) as ledger:
        ledger.add(whole_life("1.2.1"))
        writer = schema.writing(ledger._engine)  # it takes its time
        with writer, Ledger(database, create=False) as reader:
            assert [uid for uid, _ in reader.check()] == ["1.2.1"]


def test_a_writer_does_not_wait_for_a_reader(database):
    with Ledger(database) as ledger, Ledger(database) as other:
        ledger.observe(
            [seen("AO", "A", uid=f"1.2.{n}", **COMPLETE) for n in range(3000)], time=minute(0)
        )
        reading = ledger.check()
        next(reading)
        other.observe([seen("AO", "A", uid="1.2.9999", **COMPLETE)], time=minute(0))
        assert sum(1 for _ in reading) == 2999
