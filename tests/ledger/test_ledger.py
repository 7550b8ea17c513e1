"""What a ledger knows after what it was fed with, over both databases."""

import random
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger.told import COMMENT, COMPLETE, UID, minute, seen, sent, whole_life
from sopstatus import DocumentError, Holder, SOPInstance
from sopstatus.ledger import Ledger, schema
from sopstatus.ledger.facts import Fact

TERMS = ("ABS", "NS", "OR", "AO", "AC")


@pytest.fixture
def ledger(database):
    with Ledger(database) as opened:
        yield opened


def codes(ledger, **options):
    return [issue.code for _, issues in ledger.check(**options) for issue in issues]


def states(ledger, uid=UID):
    return {h.holder: h.state for h in ledger.holdings(uid)}


def test_a_whole_life(ledger):
    added = ledger.add(whole_life())
    assert (added.new, added.known, added.issues) == (8, 0, ())
    assert states(ledger) == {"CT": "AC", "PACS": "AO", "VIEWER": "AC"}
    assert codes(ledger, original_age=0) == []
    assert len(ledger) == 1


def test_the_same_records_again_change_nothing(ledger):
    ledger.add(whole_life())
    before = ledger.facts(UID)
    added = ledger.add(whole_life() * 2)
    assert (added.new, added.known) == (0, 16)
    assert ledger.facts(UID) == before


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_matter(ledger, seed):
    records = whole_life()
    random.Random(seed).shuffle(records)
    for record in records:
        ledger.add([record])
    assert states(ledger) == {"CT": "AC", "PACS": "AO", "VIEWER": "AC"}
    assert codes(ledger) == []


def test_every_step_of_a_transfer_has_one_holder(ledger):
    held = []
    for record in whole_life():
        ledger.add([record])
        assert codes(ledger) == []
        held.append(states(ledger))
    assert held[3] == {"CT": "AO>", "PACS": "AO?"}
    assert held[4] == {"CT": "AC", "PACS": "AO?"}


def test_an_observation_shows_no_bookkeeping_state(ledger):
    ledger.add(whole_life()[:4])
    ledger.observe([seen("AO", "CT", **COMPLETE), seen("AO", "PACS", **COMPLETE)], time=minute(9))
    assert states(ledger) == {"CT": "AO>", "PACS": "AO?"}
    assert codes(ledger) == []


def test_a_refusal_changes_nothing(ledger):
    (record, *_) = whole_life()
    ledger.add([record, replace(record, event="delete", outcome="refused", time=minute(3))])
    assert states(ledger) == {"CT": "OR"}
    assert len(ledger.facts(UID)) == 2


def test_a_refused_arrival_takes_nothing_away(ledger):
    """What comes in is recorded without what was held: refused, it went from nothing to nothing."""
    record = whole_life()[7]
    ledger.add(whole_life())
    again = replace(record, before="-", after="-", received="AO", outcome="refused", time=minute(9))
    ledger.add([again])
    assert states(ledger)["VIEWER"] == "AC"


def test_what_comes_in_again_is_no_gap(ledger):
    record = whole_life()[7]
    ledger.add([*whole_life(), replace(record, after="NS", time=minute(9))])
    assert states(ledger)["VIEWER"] == "NS"
    assert codes(ledger) == []


def test_what_the_receiver_recorded_counts_more_than_what_was_sent(ledger):
    ledger.add([*whole_life()[:7], replace(whole_life()[7], after="NS")])
    ledger.observe([seen("AC", "VIEWER")], time=minute(9))
    assert codes(ledger) == ["ledger/changed-without-record"]


def test_at_the_same_time_a_record_goes_before_an_observation(ledger):
    made = whole_life()[0]
    ledger.observe([seen("AO", "CT", **COMPLETE)], time=minute(1))
    ledger.add([made, replace(made, event="authorize", before="OR", after="AO", time=minute(1))])
    assert states(ledger) == {"CT": "AO"}
    assert codes(ledger) == []


def test_at_the_same_time_the_last_observation_is_the_one_repeated(ledger):
    for status, number in (("NS", 0), ("AC", 0), ("AC", 1)):
        ledger.observe([seen(status, "A")], time=minute(number))
    assert [(f.state, f.seen) for f in ledger.facts(UID)] == [("NS", minute(0)), ("AC", minute(1))]


def test_nightly_scans_add_no_rows(ledger):
    for night in range(5):
        added = ledger.observe([seen("AO", "PACS", **COMPLETE)], time=minute(night))
        assert added.new == (night == 0)
    (fact,) = ledger.facts(UID)
    assert (fact.time, fact.seen) == (minute(0), minute(4))


def test_two_holders(ledger):
    ledger.observe([seen("AO", "A", **COMPLETE), seen("OR", "B"), seen("AC", "C")], time=minute(0))
    ((uid, issues),) = ledger.check()
    assert uid == UID
    (issue,) = issues
    assert issue.code == "ledger/two-holders"
    assert issue.location == UID
    assert "A (AO), B (OR)" in issue.diagnostics
    assert "C" not in issue.diagnostics.split(";")[0]


def test_an_original_on_its_way_is_still_held_by_its_sender(ledger):
    ledger.add(whole_life()[:3])
    ledger.observe([seen("AO", "ELSEWHERE", **COMPLETE)], time=minute(9))
    assert codes(ledger) == ["ledger/two-holders"]


def test_what_was_seen_again_counts_at_both_times(ledger):
    ledger.observe([seen("NS", "A")], time=minute(0))
    ledger.observe([seen("NS", "A")], time=minute(9))
    ledger.observe([seen("ABS", "A")], time=minute(5))  # told late
    assert states(ledger) == {"A": "NS"}
    assert codes(ledger) == ["ledger/changed-without-record"] * 2


@pytest.mark.parametrize("seen_there", ["ABS", "NS"])
def test_a_status_that_was_left_out_may_arrive_as_ns(ledger, seen_there):
    ledger.add([replace(sent("AO", 1), sent="left-out")])
    ledger.observe([seen(seen_there, "VIEWER")], time=minute(2))
    assert codes(ledger) == []


def test_two_instances_are_not_two_holders(ledger):
    ledger.observe([seen("OR", "A"), seen("OR", "B", uid="1.2.3.1.2")], time=minute(0))
    assert len(ledger) == 2
    assert codes(ledger) == []


def test_a_copy_without_an_original(ledger):
    ledger.observe([seen("AC", "A")], time=minute(5))
    assert codes(ledger) == ["ledger/copy-without-original"]
    # late, and elsewhere: it was seen after all
    ledger.observe([seen("AO", "B", **COMPLETE)], time=minute(1))
    assert codes(ledger) == []


def test_a_copy_of_another_instance_is_no_excuse(ledger):
    ledger.observe([seen("AC", "A"), seen("AO", "B", "1.2.3.1.2", **COMPLETE)], time=minute(0))
    assert codes(ledger) == ["ledger/copy-without-original"]


@pytest.mark.parametrize("missing", [*COMPLETE, "both"])
def test_an_authorized_original_without_its_companions(ledger, missing):
    said = {k: v for k, v in COMPLETE.items() if missing not in (k, "both")}
    ledger.observe([seen("AO", "A", **said)], time=minute(0))
    ((_, (issue,)),) = ledger.check()
    assert issue.code == "ledger/authorized-incomplete"
    date, certificate = COMPLETE
    assert ("no date" in issue.diagnostics) is (missing in (date, "both"))
    assert ("no certificate" in issue.diagnostics) is (missing in (certificate, "both"))


@pytest.mark.parametrize("status", ["OR", "AC", "NS"])
def test_others_need_no_companions(ledger, status):
    ledger.observe([seen("AO", "B", **COMPLETE)], time=minute(0))
    ledger.add([sent("AO", 1, holder="B", peer="A")])
    ledger.observe([seen(status, "A")], time=minute(2))
    assert "ledger/authorized-incomplete" not in codes(ledger)


@pytest.mark.parametrize(("age", "found"), [(None, 0), (1, 1), (2, 0), (0.5, 1)])
def test_an_original_too_old(ledger, age, found):
    ledger.observe([seen("OR", "A")], time="2024-01-01T00:00:00Z")
    ledger.observe([seen("OR", "A")], time="2024-01-02T00:00:00Z")
    told = codes(ledger, original_age=age, at="2024-01-02T12:00:00+00:00")
    assert told == ["ledger/original-too-old"] * found


def test_an_original_keeps_its_age_when_it_is_handed_on(ledger):
    records = [
        replace(
            record, after=record.after.replace("AO", "OR"), before=record.before.replace("AO", "OR")
        )
        for record in whole_life()[:6]
    ]
    ledger.add(replace(r, after="NS") if r.event == "committed" else r for r in records)
    assert states(ledger) == {"CT": "NS", "PACS": "OR"}
    (issue,) = [i for _, found in ledger.check(original_age=1) for i in found]
    assert issue.location == f"{UID}@PACS"
    assert minute(0) in issue.diagnostics


def test_a_status_that_changed_without_a_record(ledger):
    ledger.observe([seen("NS", "A")], time=minute(0))
    ledger.observe([seen("AO", "A", **COMPLETE)], time=minute(1))
    ((_, (issue,)),) = ledger.check()
    assert issue.code == "ledger/changed-without-record"
    assert issue.location == f"{UID}@A"
    assert "was NS, and AO" in issue.diagnostics


def test_a_status_that_came_back_after_a_record(ledger):
    ledger.add(whole_life())
    ledger.observe([seen("AO", "CT", **COMPLETE)], time=minute(20))  # restored from a backup
    assert sorted(codes(ledger)) == ["ledger/changed-without-record", "ledger/two-holders"]


def test_a_gap_in_the_records_shows(ledger):
    records = [record for record in whole_life() if record.event != "authorize"]
    ledger.add(records)
    assert codes(ledger) == ["ledger/changed-without-record"]
    ledger.add(whole_life())
    assert codes(ledger) == []


@pytest.mark.parametrize("back", TERMS)
def test_what_was_sent_and_what_was_seen_there(ledger, back):
    ledger.observe([seen("AO", "PACS", **COMPLETE)], time=minute(0))
    ledger.add([sent("AO", 1)])
    ledger.observe([seen(back, "VIEWER", **COMPLETE)], time=minute(2))
    expected = [] if back == "AC" else ["ledger/came-back-changed"]
    assert [c for c in codes(ledger) if c != "ledger/two-holders"] == expected


def test_what_was_sent_to_a_title_came_back_under_its_oid(database):
    with Ledger(database, holders={"VIEWER": "1.2.3.4"}) as ledger:
        ledger.observe([seen("AO", "PACS", **COMPLETE)], time=minute(0))
        ledger.add([sent("AO", 1)])
        ledger.observe([seen("NS", Holder("VIEWER", "1.2.3.4", "ISO"))], time=minute(2))
        assert codes(ledger) == ["ledger/came-back-changed"]


def test_each_name_of_a_holder_is_kept(ledger):
    for night, name in enumerate("ABAB"):
        said = seen("AO", Holder(name, "1.1", "ISO"), **COMPLETE)
        added = ledger.observe([said], time=minute(night))
        assert added.new == (night < 2)
    assert [one.holder for one in ledger.holdings(UID)] == ["A^1.1^ISO"]
    ledger.observe([seen("AO", "B", **COMPLETE)], time=minute(9))
    assert codes(ledger) == ["ledger/one-or-two"]


def test_what_was_sent_and_the_receiver_recorded(ledger):
    ledger.add(whole_life()[:7])
    received = whole_life()[7]
    ledger.add([replace(received, after="NS", time=minute(7))])
    ledger.observe([seen("NS", "VIEWER")], time=minute(8))
    assert codes(ledger) == []


def test_a_receiver_may_keep_what_it_had(ledger):
    ledger.observe([seen("NS", "VIEWER")], time=minute(0))
    ledger.add(whole_life()[:7])
    ledger.observe([seen("NS", "VIEWER")], time=minute(8))
    assert codes(ledger) == []


def test_no_comment_and_no_other_attribute_is_kept(ledger, database):
    more = {"SOPAuthorizationComment": COMMENT, "VerificationFlag": "VERIFIED", **COMPLETE}
    ledger.observe([seen("AO", "A", **more)], time=minute(0))
    ledger.add(whole_life())
    kept = str([ledger.facts(UID), ledger.holdings(UID)])
    for value in (COMMENT, "VERIFIED", *COMPLETE.values()):
        assert value not in kept
    columns = {column.name for column in schema.fact.columns}
    assert columns == set(Fact.__dataclass_fields__)  # what is compared above is all there is


@pytest.mark.parametrize(
    "wrong",
    [
        {"sop_instance_uid": "1.2.DOE^JOHN"},
        {"study_instance_uid": "DOE^JOHN"},
        {"holder": "SEVENTEEN LETTERS"},
        {"holder": "A\\B"},
        {"peer": "DOE\n"},
        {"event": "DOE^JOHN"},
        {"after": "x" * 33},
        {"time": "yesterday"},
        {"time": ""},
        {"time": "2024-01-01T00:00:00"},
        {"time": "0001-01-01T00:00:00+23:00"},
        {"sent": 7},
        {"holder": 7},
        {"time": None},
        {"time": 7},
    ],
)
def test_what_is_none_of_ours_is_refused(ledger, wrong):
    (record, *_) = whole_life()
    added = ledger.add([replace(record, **wrong), *whole_life()])
    assert added.new == 8
    assert [(i.code, i.location) for i in added.issues] == [("ledger/not-storable", "record[0]")]
    assert "DOE" not in str(added.issues)


def test_what_has_no_place_is_refused(ledger):
    added = ledger.observe([seen("AO"), SOPInstance("1.2.3", holder="A"), seen("AO", "A")])
    assert [(i.code, i.location) for i in added.issues] == [
        ("ledger/no-holder", "statement[0]"),
        ("ledger/not-instance", "statement[1]"),
    ]
    assert added.new == 1


def test_a_holder_may_be_named(ledger):
    ledger.observe([seen("OR"), seen("NS", "B")], holder="A", time=minute(0))
    assert states(ledger) == {"A": "OR", "B": "NS"}


def test_it_is_there_when_opened_again(database):
    with Ledger(database) as ledger:
        ledger.add(whole_life())
    with Ledger(database, create=False) as ledger:
        assert states(ledger)["PACS"] == "AO"


def test_nothing_is_made_for_those_who_only_read(database):
    with pytest.raises(DocumentError) as told:
        Ledger(database, create=False)
    assert told.value.issues[0].code in ("ledger/unavailable", "ledger/not-ledger")
    Ledger(database).close()
    Ledger(database, create=False).close()


@pytest.mark.parametrize(("way", "code"), [(1, "ledger/newer"), (-1, "ledger/older")])
def test_another_version_is_refused(database, way, code):
    with Ledger(database) as ledger:
        ledger.add(whole_life())
        with schema.writing(ledger._engine) as connection:
            connection.execute(sa.update(schema.version).values(version=schema.VERSION + way))
    for create in (True, False):
        with pytest.raises(DocumentError) as told:
            Ledger(database, create=create)
        assert told.value.issues[0].code == code


def test_a_batch_that_fails_leaves_nothing(ledger, monkeypatch):
    """What the database refuses halfway is not half there."""
    records = [record for n in range(3) for record in whole_life(f"1.2.{n}")]
    with schema.writing(ledger._engine) as connection:
        if ledger._engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER no BEFORE INSERT ON ledger_fact WHEN NEW.sop_instance_uid = '1.2.2'"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        else:
            connection.exec_driver_sql(
                "ALTER TABLE ledger_fact ADD CONSTRAINT no CHECK (sop_instance_uid <> '1.2.2')"
            )
    with pytest.raises(DocumentError) as told:
        ledger.add(records)
    assert told.value.issues[0].code == "ledger/unavailable"
    assert len(ledger) == 0


def test_many_batches(ledger):
    instances = [seen("OR", "A", uid=f"1.2.{n}") for n in range(1234)]
    assert ledger.observe(instances, time=minute(0)).new == 1234
    assert ledger.observe(instances, time=minute(0)).known == 1234
    assert sum(1 for _ in ledger.check()) == len(ledger) == 1234


observations = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(TERMS), st.integers(0, 5)), max_size=8
)


@settings(max_examples=200)  # each opens two databases
@given(observations)
def test_law_twice_is_once(told):
    """Feeding the same again, in any order of times, adds nothing and finds the same."""
    with Ledger() as ledger:
        for _ in range(2):
            for holder, status, number in told:
                ledger.observe([seen(status, holder)], time=minute(number))
            facts = ledger.facts(UID)
            found = [issues for _, issues in ledger.check()]
        fresh = Ledger()
        for holder, status, number in told:
            fresh.observe([seen(status, holder)], time=minute(number))
        assert facts == fresh.facts(UID)
        assert found == [issues for _, issues in fresh.check()]
        fresh.close()


@settings(max_examples=200)
@given(st.permutations(whole_life()), st.integers(1, 3))
def test_law_records_in_any_order(records, times):
    with Ledger() as ledger:
        for _ in range(times):
            ledger.add(records)
        assert states(ledger) == {"CT": "AC", "PACS": "AO", "VIEWER": "AC"}
        assert codes(ledger) == []
