"""Specific Character Set: strictly there and back, and never a question mark."""

import pytest
from sopstatus.codecs import character_set as charset

JAPANESE = ("", "ISO 2022 IR 87")
KOREAN = ("", "ISO 2022 IR 149")


@pytest.mark.parametrize(
    ("text", "terms", "raw"),
    [
        ("plain", (), b"plain"),
        ("plain", ("no such",), b"plain"),
        ("é", ("ISO_IR 100",), b"\xe9"),
        ("é", (" ISO_IR 100 ",), b"\xe9"),
        ("é", ("ISO_IR 192",), b"\xc3\xa9"),
        ("a\x1bb", ("ISO_IR 192",), b"a\x1bb"),
        ("患者", ("GB18030",), "患者".encode("gb18030")),
        ("患者", JAPANESE, b"\x1b$B45<T\x1b(B"),
        ("a患b", JAPANESE, b"\x1b(Ba\x1b$B45\x1b(Bb"),
        ("가", KOREAN, b"\x1b$)C\xb0\xa1"),
    ],
)
def test_there_and_back(text, terms, raw):
    assert charset.encode(text, terms) == raw
    assert charset.decode(raw, terms) == text


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("é", ()),
        ("患", ("ISO_IR 100",)),
        ("é", ("no such",)),
        ("é", ("ISO_IR 192", "no such")),
        ("¥", ("ISO_IR 13",)),
        ("가", JAPANESE),
        ("a\x1bb", JAPANESE),
        ("患\x1b", JAPANESE),
        ("\ud800", ("ISO_IR 192",)),
    ],
)
def test_text_that_does_not_fit_is_not_written(text, terms):
    assert charset.encode(text, terms) is None


@pytest.mark.parametrize(
    ("raw", "terms"),
    [
        (b"\xe9", ("ISO_IR 192",)),
        (b"\xe9", ("no such",)),
        (b"\xe9", ("ISO_IR 100", "no such")),
        (b"\x1b$B4", JAPANESE),
        (b"\x1b%%x\xff", JAPANESE),
    ],
)
def test_bytes_of_another_character_set_are_not_read(raw, terms):
    assert charset.decode(raw, terms) is None


def test_bytes_that_read_better_as_utf_8_are_doubtful():
    raw = "é".encode()
    assert charset.is_doubtful(raw, ("ISO_IR 100",)) is True
    for other, terms in (
        (b"\xe9", ("ISO_IR 100",)),
        (b"e", ("ISO_IR 100",)),
        (raw, ("ISO_IR 192",)),
        (raw, ()),
        (raw, ("no such",)),
        (raw, ("ISO 2022 IR 100", "ISO 2022 IR 87")),
    ):
        assert charset.is_doubtful(other, terms) is False
