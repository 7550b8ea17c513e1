"""DT, DTM and dateTime, row by row; the other lexical rules."""

import pickle
from pathlib import Path

import pytest
from docs.value_cases import sections
from hypothesis import given
from laws.strategies import date_times
from sopstatus import values

(ROWS,) = (
    part.cases
    for part in sections(Path(__file__).with_name("value_cases.toml"))
    if part.name == "date-time"
)
NONE = [
    *(
        "20230229",
        "20220229",
        "20240230",
        "20241301",
        "20240001",
        "0000",
        "20240115240000",
        "20240115106000",
    ),
    *("20240115103061", "202", "2024011", "20240115103015.", "20240115103015.1234567", "2024.5"),
    *(
        "20240115+1500",
        "20240115+0160",
        "20240115-1300",
        "20240115+01",
        "2024-01-15",
        "",
        "yesterday",
    ),
    *(" 2024", "2024 ", "20240115-20240116", "２０２４"),
]


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_rows(case):
    assert values.dt_to_dtm(case.text) == case.hl7
    offset = next((o for o in (case.context, case.site) if values.is_offset(o)), "")
    assert values.dt_to_date_time(case.text, offset) == case.fhir


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_date_time(text):
    assert values.parse_dt(text) is None
    assert values.dt_to_dtm(text) is None
    assert values.dt_to_date_time(text, "+0100") is None


@given(date_times())
def test_never_more_precise_than_the_source(dt):
    parsed = values.parse_dt(dt)
    for written in (values.dt_to_dtm(dt), values.date_time_to_dt(values.dt_to_date_time(dt) or "")):
        nearest = values.parse_dt(written)
        assert parsed.digits.startswith(nearest.digits)
        assert parsed.fraction.startswith(nearest.fraction)
        assert nearest.offset in ("", parsed.offset.replace("-0000", "+0000"), parsed.offset)


@pytest.mark.parametrize(
    ("text", "dt"),
    [
        ("2024-01-15T10:30:15.123456789Z", "20240115103015.123456+0000"),
        ("2024-01-15T10:30:15-05:00", "20240115103015-0500"),
        ("2024-01-15T10:30:15", None),
        ("2024-01-15T10:30", None),
        ("2024-01-15T24:00:00Z", None),
        ("2024-02-30", None),
        ("20240115", None),
        ("", None),
    ],
)
def test_reading_date_time(text, dt):
    assert values.date_time_to_dt(text) == dt


def test_the_offset_of_the_data_set_travels_beside_the_text():
    local = values.with_offset("20240115103015", "-0500")
    assert local == "20240115103015"
    assert values.context_offset(local) == "-0500"
    assert values.context_offset(pickle.loads(pickle.dumps(local))) == "-0500"
    for text, offset in [
        ("2024", "-0500"),
        ("20240115103015+0100", "-0500"),
        ("20240115103015", "-0000"),
    ]:
        assert values.context_offset(values.with_offset(text, offset)) == ""


@pytest.mark.parametrize(
    ("uid", "legal"),
    [
        ("1.2.840.10008.1.2", True),
        ("1.2." + "1" * 60, True),
        ("1.2." + "1" * 61, False),
        ("1.02", False),
        ("1", False),
        ("1.2.", False),
        ("1..2", False),
        ("1.2a", False),
        ("", False),
    ],
)
def test_uid(uid, legal):
    assert values.is_uid(uid) is legal


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ('SOPInstanceStatus="XX"', ("SOPInstanceStatus", "XX")),
        ('SOPInstanceStatus=""', ("SOPInstanceStatus", None)),
        ('A="a\\f\\u60a3"', ("A", "a\f患")),
        ("A=1", None),
        ("A=", None),
        ("A", None),
        ('="x"', None),
        ('A="x', None),
        ('A="x" ', ("A", "x")),
        ('A b="x"', None),
        ('A="x=y"', ("A", "x=y")),
    ],
)
def test_verbatim(entry, read):
    assert values.parse_verbatim(entry) == read


def test_a_keyword_that_was_renamed_is_read_by_its_name_of_today():
    older = {"Before": "Today"}
    assert values.parse_verbatim('Before="x"', older) == ("Today", "x")
    assert values.parse_verbatim('Other="x"', older) == ("Other", "x")


def test_a_fhir_string_has_no_control_characters():
    assert values.text_to_fhir("a\fb\x1bc\td\r\n") == "abc\td\r\n"
    assert values.text_to_fhir(" \f ") is None


@pytest.mark.parametrize(
    ("date_time", "offset"),
    [("2024-01-15T10:30:15-05:00", "-0500"), ("2024-01-15", ""), ("yesterday", ""), ("", "")],
)
def test_the_offset_of_a_date_time(date_time, offset):
    assert values.offset_of(date_time) == offset


@pytest.mark.parametrize(
    "charset", ["iso8859", "ISO-8859-1", "iso_8859_15", "latin_1", "ISO_IR 100", "ISO-IR-100"]
)
def test_utf_8_under_the_name_of_a_single_byte_character_set_is_doubtful(charset):
    assert values.is_doubtful("é".encode(), charset)
    assert not values.is_doubtful(b"e", charset)
    assert not values.is_doubtful(b"\xe9", charset)


@pytest.mark.parametrize("charset", ["utf_8", "gb18030", "iso2022_jp", ""])
def test_no_other_character_set_is_doubtful(charset):
    assert not values.is_doubtful("é".encode(), charset)


@pytest.mark.parametrize(
    ("vr", "text", "trimmed"),
    [
        ("CS", " AO \0", "AO"),
        ("CS", "\0AO ", "\0AO"),  # before a value it is none
        ("LO", " ID 1 ", "ID 1"),
        ("SH", " ID 1 ", "ID 1"),
        ("LO", "\tID", "\tID"),  # only blanks are padding
        ("CS", "XX", "XX"),
        ("LT", " as it stands ", " as it stands"),
        ("DT", "2024 ", "2024"),
    ],
)
def test_padding(vr, text, trimmed):
    assert values.trim(vr, text) == trimmed


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        *(("+0100", True), ("-1200", True), ("+1400", True), ("+0000", True)),
        *(
            ("-0000", False),
            ("+1401", False),
            ("+1410", False),
            ("-1201", False),
            ("+0160", False),
            ("", False),
        ),
        *(("X0100", False), ("+a100", False), ("+٠100", False), ("+010", False), ("+01000", False)),
    ],
)
def test_offset_from_utc(text, legal):
    assert values.is_offset(text) is legal


@pytest.mark.parametrize(
    ("text", "told"),
    [("2007-0000", True), ("7-0000", True), ("-0000", False), ("2007-0001", False), ("", False)],
)
def test_negative_zero(text, told):
    assert values.is_negative_zero(text) is told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *(("20240101-20240131", True), ("20240101-", True), ("-20240131", True)),
        *(("20240101120000.5+0100-20240131", True), ("2024-0500-2025", True), ("2024-", True)),
        *(("20240115103015-0500", False), ("2007-0500", False)),  # an offset
        *(("20240115", False), ("202-", False), ("-202", False), ("", False), ("yesterday", False)),
    ],
)
def test_a_range(text, told):
    assert values.is_range(text) is told


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        *(("AO", True), ("A_1 B", True), ("X" * 16, True)),
        *(("X" * 17, False), ("ao", False), ("A-O", False), ("AO\n", False), ("", False)),
    ],
)
def test_code_string(text, legal):
    assert values.is_code_string(text) is legal


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        *(("AO", True), ("a b", True), ("ä-1", True)),
        *((" a", False), ("a ", False), ("a  b", False), ("", False)),
    ],
)
def test_fhir_code(text, legal):
    assert values.is_fhir_code(text) is legal


def test_a_time_whose_offset_nobody_knows_is_only_a_date():
    assert values.dt_to_date_time("20240115103015.5") == "2024-01-15"


@pytest.mark.parametrize("vr", ["LT", "LO"])
@pytest.mark.parametrize("control", "\0\x07\x0b\x7f")
def test_a_control_character_that_no_text_allows(vr, control):
    assert values.has_illegal_control(vr, f"a{control}b")


@pytest.mark.parametrize("control", "\t\n\f\r")
def test_a_control_character_that_only_long_text_allows(control):
    assert not values.has_illegal_control("LT", f"a{control}b")
    assert values.has_illegal_control("LO", f"a{control}b")


@pytest.mark.parametrize("vr", ["LT", "LO"])
def test_a_code_extension_is_allowed_in_any_text(vr):
    assert not values.has_illegal_control(vr, "a\x1b$Bb~ X")
