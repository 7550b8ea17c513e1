"""The short cuts say what the lexical rules say, or nothing."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sopstatus import plain, values

DIGITS = st.text("0123456789", min_size=0, max_size=7)
TWO = st.integers(0, 99).map("{:02}".format)
DATES = st.one_of(
    st.dates().map(lambda day: f"{day.year:04}{day:%m%d}"),
    st.builds("{:04}{}{}".format, st.integers(0, 9999), TWO, TWO),
)
TIMES = st.one_of(st.times().map("{:%H%M%S}".format), st.builds("{}{}{}".format, TWO, TWO, TWO))
FRACTIONS = st.one_of(st.just(""), DIGITS.map(".{}".format))
OFFSETS = st.one_of(
    st.sampled_from(["", "+0000", "-0000", "+1400", "-1200", "-0030", "+0530"]),
    st.builds("{}{}{}".format, st.sampled_from("+-"), TWO, TWO),
)
DT = st.builds("{}{}{}{}".format, DATES, TIMES, FRACTIONS, OFFSETS)


def date_time(dt):
    """Write a DT with marks, as FHIR has them, whatever it says."""
    parts = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d*)?(?:([+-]\d\d)(\d\d))?", dt)
    *date_and_time, fraction, hours, minutes = parts.groups(default="")
    zone = f"{hours}:{minutes}" if hours else "Z"
    return "{}-{}-{}T{}:{}:{}".format(*date_and_time) + fraction + zone


@given(DT)
@example("20240229103015-0500")
@example("20240115103060+0100")
@example("20240115103015.1234567+0100")
def test_a_date_time_is_written_alike_or_not_at_all(text):
    assert plain.dt_to_date_time(text) in (None, values.dt_to_date_time(text))


@given(DT.map(date_time))
@example("2024-02-29T10:30:15-05:00")
@example("2024-01-15T10:30:15.1234567Z")
def test_a_date_time_is_read_alike_or_not_at_all(text):
    assert plain.date_time_to_dt(text) in (None, values.date_time_to_dt(text))


@pytest.mark.parametrize("fraction", ["", ".5", ".123456"])
@pytest.mark.parametrize("offset", ["+0000", "-0500", "+1330"])
def test_what_is_usual_takes_the_short_cut(fraction, offset):
    text = f"20240115103015{fraction}{offset}"
    written = plain.dt_to_date_time(text)
    assert written == values.dt_to_date_time(text)
    assert plain.date_time_to_dt(written) == text


ROOTS = st.sampled_from(["", "1.", "1.2.840.", "1.2.", "01.", "1..2."])
ENDS = st.text("0123456789.\n", min_size=0, max_size=6)
TEXTS = st.lists(st.builds("{}{}".format, ROOTS, ENDS), min_size=1, max_size=5)


@given(st.one_of(TEXTS, ROOTS.flatmap(lambda root: st.lists(ENDS.map(root.__add__), min_size=1))))
@example(["1.2.3", "1.2.4", "1.2.30"])
@example(["1.2.3", "1.2.04"])
@example(["1.2.3", "1.2."])
@example(["1.2.3", "4"])
@example(["1.2.3", "1.3.4"])
@example(["1.2.3\n1.2.4", "1.2.5"])
@example(["1.2.3\n4", "1.2.5"])
@example(["1", "2"])
@example(["1.2.3", "1." + "2" * 62, "1.2.4"])
@example(["1.2.3", "1." + "2" * 63])
@example([""])
def test_uids_are_legal_together_as_one_by_one(texts):
    assert plain.are_uids(texts) == all(map(values.is_uid, texts))


def test_what_is_no_text_is_no_uid():
    with pytest.raises(TypeError):
        plain.are_uids(["1.2.3", 7])
