"""What a data set says of itself, and what statements change in one or in many."""

import pytest
from sopstatus import SOPInstance, load_tables
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.data_set import DataSet
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.values import LocalDT, context_offset, with_offset

ROWS = tuple(load_tables().attributes.values())
KEYWORDS = STATUS, WHEN, COMMENT, NUMBER = [row.keyword for row in ROWS]


def about(uid="1.2.3.4", holder="", study="1.2", series="1.2.3", **said):
    return SOPInstance(study, series, "1.9", uid, holder, said)


def told(issues):
    return [(i.code, i.location) for i in issues]


@pytest.mark.parametrize(
    ("row", "text", "value", "codes"),
    [
        (0, "AO", "AO", []),
        (0, "AO  ", "AO", []),
        (0, " AO", "AO", ["value/padded"]),
        (0, "AO\0", "AO", ["value/padded"]),
        (0, "", None, []),
        (0, "  ", None, []),
        (0, "QQ", "QQ", ["value/unknown-term"]),
        (1, "20240102 ", "20240102", []),
        (2, " a ", " a", []),
        (3, " C ", "C", []),
        (3, "x" * 65, "x" * 65, ["value/too-long"]),
    ],
)
def test_padding_is_dropped(row, text, value, codes):
    issues = Issues()
    assert data_set.value(ROWS[row], text, issues.at("here")) == value
    assert told(issues) == [(code, "here") for code in codes]
    assert all(ROWS[row].keyword in i.diagnostics for i in issues)


def test_uids_that_are_missing_or_none_are_told_where_they_stand():
    issues = Issues()
    x = data_set.identity([("1.2", "a"), ("", "b"), ("1.9", "c"), ("1.02.3", "d")], issues)
    assert x == SOPInstance("1.2", "", "1.9", "1.02.3")
    assert told(issues) == [("dicom/no-uid", "b"), ("value/not-uid", "d")]
    assert "6" in issues.told()[1].diagnostics


@pytest.mark.parametrize(("offset", "codes"), [("+0100", []), ("", []), ("0100", ["dicom/offset"])])
def test_the_data_set_s_offset_is_that_of_its_times(offset, codes):
    issues = Issues()
    said = {STATUS: "AO", WHEN: "20240102030405"}
    found = data_set.localised(said, ROWS, offset, issues.at("here"))
    assert found == {STATUS: "AO", WHEN: "20240102030405"}
    assert context_offset(found[WHEN]) == ("" if codes else offset)
    assert type(found[STATUS]) is str
    assert told(issues) == [(code, "here") for code in codes]
    assert data_set.localised({WHEN: None}, ROWS, "+0100", issues) == {WHEN: None}


def test_statements_about_a_data_set():
    own = about()
    mine, named, other = about(**{STATUS: "AO"}), about(holder="A"), about(holder="B")
    elsewhere = [about("1.2.3.5"), about(study="1.8"), about(series="1.2.8")]
    given = [mine, named, other, *elsewhere]
    assert data_set.about(given, own, "") == [mine, named, other]
    assert data_set.about(given, own, "A") == [mine, named]
    assert data_set.about(given, own, "C") == [mine]


def test_holders_that_differ_leave_it_undecided():
    issues = Issues()
    a, b, c = about(holder="A", **{STATUS: "AO"}), about(**{STATUS: "AO"}), about(**{STATUS: "AC"})
    assert data_set.agreed([], issues.at("here")) is None
    assert data_set.agreed([a], issues.at("here")) == a
    assert data_set.agreed([a, b], issues.at("here")) == a
    assert not issues
    assert data_set.agreed([a, b, c], issues.at("here")) is None
    assert told(issues) == [("dicom/holder-ambiguous", "here")]
    assert "3" in issues.told()[0].diagnostics


class Placed(DataSet):
    """A data set that calls its places by name."""

    @property
    def where(self):
        return self.at

    def place_of(self, row):
        return f"at {row.keyword}"


def shared_out(given, owns, holder="", issues=None):
    """What each data set gets, ``None`` where that is nothing, and the number of statements left."""
    placed = [Placed(at, own) for own, at in owns]
    news, left = data_set.shared_out(given, placed, holder, Issues() if issues is None else issues)
    got = {one.at: new for one, new in news}
    return [got.get(one.at) for one in placed], left


def test_many_data_sets_get_their_own():
    issues = Issues()
    owns = [(about("1.1"), "a"), (about("1.2"), "b"), (about("1.3", **{STATUS: "NS"}), "c")]
    given = [about("1.2", **{STATUS: "AO"}), about("1.3", "A", **{STATUS: "AC"}), about("1.9")]
    assert shared_out(given, owns, "", issues) == ([None, given[0], given[1]], 1)
    assert shared_out(given, owns, "B", issues) == ([None, given[0], None], 2)
    assert not issues
    twice = [*given[:1], about("1.2", "A", **{STATUS: "AC"})]
    assert shared_out(twice, owns, "", issues) == ([None] * 3, 0)
    assert told(issues) == [("dicom/holder-ambiguous", "b")]


def test_a_wide_statement_reaches_all_of_its_own():
    owns = [
        (about("1.1"), "a"),
        (about("1.2", series="1.8"), "b"),
        (about("1.3", study="1.7"), "c"),
    ]
    study = SOPInstance("1.2", attributes={STATUS: "AO"})
    news, left = shared_out([study], owns)
    assert ([x and x.sop_instance_uid for x in news], left) == (["1.1", "1.2", None], 0)


def test_a_silent_data_set_stays_so_beside_one_that_speaks():
    silent, speaking, new = about(), about(**{STATUS: "OR"}), about(**{STATUS: "AO"})
    owns = [(silent, "a"), (speaking, "b"), (silent, "c"), (about(study="1.8"), "d")]
    assert shared_out([new], owns) == ([None, new, None, None], 0)
    assert shared_out([new], owns[::2]) == ([new, new], 0)
    elsewhere = about(study="1.8", **{STATUS: "AC"})
    assert shared_out([elsewhere], owns) == ([None, None, None, elsewhere], 0)
    assert shared_out([about("1.9")], owns)[1] == 1


def test_a_statement_is_chosen_for_one_data_set():
    issues = Issues()
    own, series = about(), SOPInstance("1.2", "1.2.3", attributes={STATUS: "AO"})
    given = [series, about("1.9", **{STATUS: "NS"})]
    assert data_set.chosen(given, own, "", issues.at("here")) == about(**{STATUS: "AO"})
    assert data_set.chosen([], own, "", issues.at("here")) is None
    assert not issues
    assert data_set.chosen(given[1:], own, "", issues.at("here")) is None
    assert told(issues) == [("dicom/no-counterpart", "here")]


def changes(old, new, here="", unfit=None):
    issues = Issues()
    found = Placed("", about(**old), here).changes(
        ROWS, about(**new), issues, *([unfit] if unfit else [])
    )
    assert all(i.location.removeprefix("at ") in i.diagnostics for i in issues)
    return {row.keyword: value for row, value in found.items()}, told(issues)


def test_only_what_differs_changes():
    old = {STATUS: "AO", WHEN: "2024", COMMENT: None}
    assert changes(old, old) == ({}, [])
    new = {STATUS: "AO", WHEN: "2025", NUMBER: None}
    assert changes(old, new) == ({WHEN: "2025", COMMENT: False, NUMBER: None}, [])
    assert changes(old, {}) == ({STATUS: False, WHEN: False, COMMENT: False}, [])
    assert changes({}, old) == (old, [])


def test_a_time_that_is_local_to_another_offset_is_written_with_it():
    time = with_offset("20240102030405", "+0100")
    assert isinstance(time, LocalDT)
    assert changes({}, {WHEN: time}, "+0100") == ({WHEN: "20240102030405"}, [])
    assert changes({}, {WHEN: time}) == ({WHEN: "20240102030405"}, [])
    written = ({WHEN: "20240102030405+0100"}, [("dicom/offset-written", f"at {WHEN}")])
    assert changes({}, {WHEN: time}, "-0500") == written
    assert changes({WHEN: "20240102030405+0100"}, {WHEN: time}, "-0500") == ({}, written[1])
    assert changes({}, {WHEN: "20240102030405"}, "-0500") == ({WHEN: "20240102030405"}, [])


def test_what_is_unfit_is_told_and_not_written():
    def unfit(row, text):
        return "dicom/too-long" if text == "long" else None

    old, new = {COMMENT: "x"}, {COMMENT: "long", NUMBER: "short", STATUS: None}
    found = ({NUMBER: "short", STATUS: None}, [("dicom/too-long", f"at {COMMENT}")])
    assert changes(old, new, unfit=unfit) == found
