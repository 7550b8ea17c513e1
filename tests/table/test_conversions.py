"""Every type that can carry a VR has an inverse, and what it cannot say exactly is never more precise."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sopstatus.table import conversions
from sopstatus.table.conversions import FHIR, HL7, PACKED, number, pack, unpack
from sopstatus.testkit.law_checks import _VALUES

CELLS = [
    pytest.param(form, vr, id=f"{side}-{name}-{vr}")
    for side, forms in (("fhir", FHIR), ("hl7", HL7))
    for name, form in forms.items()
    for vr in form
    if vr != "CS"  # by the codes of a row, whose inverse the loader proves
]


@pytest.mark.parametrize(("form", "vr"), CELLS)
def test_there_is_an_inverse(form, vr):
    """What is written reads as what writes it again; most of it reads as the value itself."""
    kept = []

    @settings(max_examples=30, deadline=None)
    @given(_VALUES[vr].filter(bool))
    def holds(text):
        written = form[vr].write(text)
        if written is not None:
            back = form[vr].read(written)
            kept.append(back == text)
            assert back is not None
            assert form[vr].write(back) == written
            assert len(back) <= len(text) or conversions.plain_number(text)

    holds()
    assert any(kept)


@pytest.mark.parametrize(
    ("type_name", "vr", "text", "written", "back"),
    [
        ("decimal", "DS", "1.50", "1.50", "1.50"),  # digit for digit
        ("decimal", "DS", "+1.5", "1.5", "1.5"),
        ("decimal", "DS", ".5", "0.5", "0.5"),
        ("decimal", "DS", "1.5E-03", "1.5E-03", "1.5E-03"),
        ("decimal", "DS", "1,5", None, None),
        ("decimal", "FL", "0.1", "0.1", "0.1"),
        ("integer", "IS", "007", "7", "7"),
        ("integer", "UL", "4294967295", None, None),  # FHIR's has 32 bits with a sign
        ("integer", "US", "42", "42", "42"),
        ("date", "DA", "20240229", "2024-02-29", "20240229"),
        ("date", "DA", "20230229", None, None),
        ("date", "DA", "2024", None, None),
        ("time", "TM", "235960", "23:59:60", "235960"),
        ("time", "TM", "1030", None, None),  # seconds would be more precise
        ("time", "TM", "103015.12", "10:30:15.12", "103015.12"),
        ("oid", "UI", "1.2.3", "urn:oid:1.2.3", "1.2.3"),
        ("oid", "UI", "9.2.3", None, None),
        ("uri", "UR", "https://example.org/a b", None, None),
        ("string", "LT", "a\fb", "ab", "ab"),
    ],
)
def test_fhir(type_name, vr, text, written, back):
    form = FHIR[type_name][vr]
    assert form.write(text) == written
    assert written is None or form.read(written) == back


@pytest.mark.parametrize(
    ("type_name", "vr", "text", "written"),
    [
        ("NM", "DS", "+1.50", "+1.50"),
        ("NM", "DS", "1.5E3", "1500"),
        ("NM", "DS", "1E300", None),
        ("NM", "DS", "1E999999999", None),
        ("TM", "TM", "103015.123456", "103015.1234"),
        ("TM", "TM", "235960", "2359"),
        ("TM", "TM", "25", None),
        ("DT", "DA", "20240115", "20240115"),
        ("DT", "DA", "2024.01.15", None),
    ],
)
def test_hl7(type_name, vr, text, written):
    assert HL7[type_name][vr].write(text) == written


def test_what_a_vr_cannot_say_is_not_read():
    assert FHIR["date"]["DA"].read("2024-01") is None
    assert FHIR["dateTime"]["DA"].read("2024-01-15T10:00:00Z") is None
    assert FHIR["time"]["TM"].read("24:00:00") is None
    assert FHIR["oid"]["UI"].read("1.2.3") is None
    assert HL7["TM"]["TM"].read("1030+0100") is None
    assert HL7["NM"]["DS"].read("12 mm") is None


@pytest.mark.parametrize("vr", PACKED)
@given(raw=st.binary(min_size=8, max_size=8), big=st.booleans())
def test_numbers_keep_their_bytes(vr, raw, big):
    text = unpack(vr, raw, big=big)
    if "nan" in text or "inf" in text:
        assert pack(vr, text, big=big) is None  # no format has them
    else:
        assert pack(vr, text, big=big) == raw
        assert all(number(vr, one) == one for one in text.split("\\"))


@pytest.mark.parametrize(
    ("vr", "text", "spelt"),
    [
        ("FD", "1", "1.0"),
        ("FD", "1.50", "1.5"),
        ("FD", "0.123456789012345678901", "0.123456789012345678901"),  # it would lose digits
        ("FL", "0.10000000149011612", "0.1"),
        ("FL", "0.1234567890123", "0.1234567890123"),
        ("FL", "0.100000001", "0.1"),  # nine digits tell one FL from another
        ("FD", "0.10000000000000001", "0.1"),
        ("FL", "0.30000001192092896", "0.3"),
        ("FL", "16777217", "16777217"),  # it has 25 bits
        ("FL", "1e39", "1e39"),
        ("US", "042", "42"),
        ("US", "4.0", "4"),
        ("US", "x", "x"),
        *((vr, text, text) for vr in ("US", "SL") for text in ("1e99999999", "-1e1000000", "1e20")),
        ("UL", "1e-99999999", "1e-99999999"),
    ],
)
def test_one_spelling(vr, text, spelt):
    assert number(vr, text) == spelt


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        *[
            ("US", "65536"),
            ("US", "-1"),
            ("SS", "32768"),
            ("FL", "1e39"),
            ("FD", "nan"),
            ("FD", "inf"),
        ],
        *[("FD", "1e400"), ("FD", "1e-400"), ("FL", "1e-60"), ("FL", "1.0\\nan"), ("US", "1\\\\2")],
        *[("FL", "0.30000000000000004"), ("FD", "0.123456789012345678901"), ("UL", "1_0")],
    ],
)
def test_what_does_not_fit_is_not_packed(vr, text):
    assert pack(vr, text) is None
    assert not conversions.is_legal(vr, text)


def test_bytes_that_are_no_whole_numbers():
    assert unpack("FD", b"\0" * 7) is None
    assert unpack("US", struct.pack("<HH", 1, 2)) == "1\\2"
