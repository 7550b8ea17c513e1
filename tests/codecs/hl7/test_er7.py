"""ER7 on bytes: cutting, escapes and character sets, delimiter by delimiter."""

import pytest
from sopstatus.codecs.hl7 import er7
from sopstatus.codecs.hl7.outline import Delimiters

USUAL = Delimiters(*"|^~\\&")
SEVEN = Delimiters(*"|^~\\&#")
ODD = Delimiters(*"@*%!$")
NO_ESCAPE = Delimiters("|", "^", "~")


@pytest.mark.parametrize(
    ("raw", "charset", "parts"),
    [
        (b"a|b||", "ascii", [b"a", b"b", b"", b""]),
        (b"", "ascii", [b""]),
        ("é|b".encode(), "utf-8", ["é".encode(), b"b"]),
        ("é|b".encode("latin-1"), "iso8859-1", ["é".encode("latin-1"), b"b"]),
        ("表|b".encode("shift_jis"), "shift_jis", ["表".encode("shift_jis"), b"b"]),
        (b"\x83|a|b", "shift_jis", [b"\x83|a", b"b"]),  # 7C is the second byte of a character
        (b"a|\x83|\x83||c", "shift_jis", [b"a", b"\x83|\x83|", b"c"]),
        ("丂|b".encode("gb18030"), "gb18030", ["丂".encode("gb18030"), b"b"]),
        (b"|\x83||", "shift_jis", [b"", b"\x83|", b""]),
        (b"\x81|a|b", "gb18030", [b"\x81|a", b"b"]),
        (b"\x1b$B!|\x1b(B|b", "iso2022_jp_2", [b"\x1b$B!|\x1b(B", b"b"]),
    ],
)
def test_cut_at_the_separator_and_never_inside_a_character(raw, charset, parts):
    assert er7.split(raw, "|", charset) == parts
    assert b"|".join(er7.split(raw, "|", charset)) == raw


@pytest.mark.parametrize(
    ("raw", "charset", "term", "text"),
    [
        (b"a", "ascii", "", "a"),
        ("é".encode(), "ascii", "", "é"),  # no MSH-18: UTF-8 cannot be mistaken
        ("é".encode(), "ascii", "ASCII", None),
        (b"\xe9", "ascii", "", None),
        (b"\xe9", "iso8859-1", "8859/1", "é"),
        (b"\xe9", "utf-8", "", None),
        (b"\xe9", "utf-8", "UNICODE UTF-8", None),
    ],
)
def test_decode(raw, charset, term, text):
    assert er7.decode(raw, charset, term) == text


@pytest.mark.parametrize(
    ("text", "delimiters", "escaped"),
    [
        ("plain é患", USUAL, "plain é患"),
        ("", USUAL, ""),
        ("|^&~\\", USUAL, "\\F\\\\S\\\\T\\\\R\\\\E\\"),
        ("@*$%!", ODD, "!F!!S!!T!!R!!E!"),
        ("a#b", SEVEN, "a\\P\\b"),
        ("a#b", USUAL, "a#b"),
        ("a\r\nb\tc\x7f\x0c", USUAL, "a\\X0D\\\\X0A\\b\tc\\X7F\\\\X0C\\"),
        ("\u2028x", USUAL, "\u2028x"),
        ('""', USUAL, "\\X2222\\"),
        ('""', ODD, "!X2222!"),
        ('""', NO_ESCAPE, None),
        ('"" ', NO_ESCAPE, '"" '),
        ("a|b", NO_ESCAPE, None),
        ("a\rb", NO_ESCAPE, None),
        ("a&\\b\u2028", NO_ESCAPE, "a&\\b\u2028"),
    ],
)
def test_escape(text, delimiters, escaped):
    assert er7.escape(text, delimiters) == escaped
    if escaped is not None:
        assert er7.unescape(escaped, delimiters, "utf-8") == text


@pytest.mark.parametrize(
    ("escaped", "delimiters", "text"),
    [
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", USUAL, "|^&~\\"),
        ("a\\F\\b\\S\\c", USUAL, "a|b^c"),
        ("\\.br\\", USUAL, "\r\n"),
        ("\\X0D0A\\", USUAL, "\r\n"),
        ("\\X0d0a\\", USUAL, "\r\n"),
        ("\\XC3A9\\", USUAL, "é"),
        ("\\P\\", SEVEN, "#"),
        # as HAPI, NHapi and Camel write CR and LF: one escape, looked at by itself
        ("a\\X000d\\\\X000A\\b", USUAL, "a\r\nb"),
        ("\\x000D\\", USUAL, "\r"),
        ("\\X00\\\\X0D\\", USUAL, "\0\r"),
        ("\\X000D0A\\", USUAL, "\0\r\n"),
        ("!X000D!", ODD, "\r"),
        # neighbours are one text
        ("gr\\XC3\\\\XBC\\n", USUAL, "grün"),
        ("\\XC3\\ \\XBC\\", USUAL, "\\XC3\\ \\XBC\\"),
        ("\\X41\\\\XC3\\\\F\\", USUAL, "A\\XC3\\|"),
        ("\\XFF\\F\\", USUAL, "\\XFF\\F\\"),
        # layout (2.7.6): lines are broken, what has no meaning in text is dropped
        ("a\\.sp\\b\\.sp2\\c\\.BR\\d", USUAL, "a\r\nb\r\n\r\nc\r\nd"),
        ("a\\.sp 2\\b\\.sk 1\\c\\.in +4\\d\\.ti -2\\", USUAL, "a\r\n\r\nb cd"),
        ("a\\.ce\\b\\.sk3\\c\\.sk+1\\d", USUAL, "a\r\nb   c d"),
        ("\\H\\a\\N\\b\\.in+4\\\\.ti-2\\\\.fi\\\\.nf\\c", USUAL, "abc"),
        ("\\.sp99\\", USUAL, "\r\n" * 9),
        ("\\.sp999\\ \\.sp-1\\ \\.xx\\ \\h\\", USUAL, "\\.sp999\\ \\.sp-1\\ \\.xx\\ \\h\\"),
        # what is not known stays as it stands
        ("\\P\\", USUAL, "\\P\\"),
        ("\\XFF\\", USUAL, "\\XFF\\"),
        ("\\X0\\", USUAL, "\\X0\\"),
        ("C:\\temp\\F\\", USUAL, "C:\\temp|"),
        ("a\\", USUAL, "a\\"),
        ("\\", USUAL, "\\"),
        ("\\\\F\\", USUAL, "\\|"),
        ("\\F", USUAL, "\\F"),
        ("\\F\\", ODD, "\\F\\"),
        ("!F!", ODD, "@"),
        ("\\F\\", NO_ESCAPE, "\\F\\"),
        ("\\T\\", Delimiters("|", "^", "~", "\\"), "\\T\\"),
        ("\\R\\\\T\\", Delimiters("|", "^", "", "\\"), "\\R\\\\T\\"),
    ],
)
def test_unescape(escaped, delimiters, text):
    assert er7.unescape(escaped, delimiters, "utf-8") == text


def test_what_is_dropped_of_the_layout_is_listed():
    dropped: list[str] = []
    text = "\\H\\a\\N\\\\.br\\\\.sp2\\\\.sk1\\\\.ce\\\\.sp12\\\\F\\"
    er7.unescape(text, USUAL, "utf-8", dropped)
    assert dropped == ["H", "N", ".ce", ".sp12"]
    assert er7.components("\\H\\a^\\N\\b", USUAL, "utf-8", dropped) == ["a", "b"]
    assert dropped[4:] == ["H", "N"]


def test_hexadecimal_is_of_the_message_s_character_set():
    assert er7.unescape("\\XE9\\", USUAL, "iso8859-1") == "é"
    assert er7.unescape("\\X41\\", USUAL, "iso8859-1") == "A"
    assert er7.unescape("\\XC3A9\\", USUAL, "ascii") == "é"  # no MSH-18
    assert er7.components("\\XC3A9\\^b", USUAL, "utf-8") == ["é", "b"]


def test_components_are_unescaped_one_by_one():
    assert er7.components("a\\S\\b^^c", USUAL, "utf-8") == ["a^b", "", "c"]
    assert er7.components("", USUAL, "utf-8") == [""]
