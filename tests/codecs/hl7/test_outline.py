"""Messages in a document: headers and their dialect, segments and the numbers they have."""

import pytest
from sopstatus.codecs.hl7 import outline
from sopstatus.codecs.hl7.outline import Delimiters, messages, numbered, plain_header, segments

NAMES = ("ZDS",)


def header(marks="|^~\\&", *, time="", kind="ORU^R01", term=""):
    sep = marks[:1]
    fields = [f"MSH{marks}", *[""] * 4, time, "", kind, "1", "P", "2.5.1", *[""] * 5, term]
    return sep.join(fields).encode("latin-1")


def one(document):
    (item,) = messages(document, "", NAMES)
    return item


@pytest.mark.parametrize(
    ("marks", "delimiters"),
    [
        ("|^~\\&", Delimiters("|", "^", "~", "\\", "&")),
        ("|^~\\&#", Delimiters("|", "^", "~", "\\", "&", "#")),
        ("@*%!$", Delimiters("@", "*", "%", "!", "$")),
        ("|", Delimiters("|", "^")),
        ("|^", Delimiters("|", "^")),
        ("|^~", Delimiters("|", "^", "~")),
        ("|^~\\&#+", None),
        ("|^^", None),
        ("||~\\&", Delimiters("|", "^")),  # an empty MSH-2
        ("|A", None),
        ("|é", None),
        ('|"', None),
        ("| ", None),
        ("|1", None),
        # without an escape character the texts of ZDS-9 need these
        ("|=", None),
        ("|\\", None),
        ("|^=", None),
        ("|^~=&", Delimiters("|", "^", "~", "=", "&")),
    ],
)
def test_delimiters(marks, delimiters):
    item = one(header(marks) + b"\r")
    assert item.delimiters == delimiters
    if delimiters is None:
        assert (item.charset, item.charset_term, item.kind, item.offset) == ("ascii", "", "", "")


@pytest.mark.parametrize(
    ("term", "charset", "found"),
    [
        ("", "ascii", ""),
        ("ASCII", "ascii", "ASCII"),
        ("UNICODE UTF-8", "utf-8", "UNICODE UTF-8"),
        (" unicode utf-8 ^x", "utf-8", "UNICODE UTF-8"),
        ("8859/15", "iso8859-15", "8859/15"),
        ("8859/9~8859/1", "iso8859-9", "8859/9"),
        ("~ISO IR87", "iso2022_jp_2", "ISO IR87"),
        ("ISO IR14~ISO IR159", "iso2022_jp_2", "ISO IR159"),
        ("ISO IR14", "shift_jis", "ISO IR14"),
        ("GB 18030-2000", "gb18030", "GB 18030-2000"),
        ("KS X 1001", "euc_kr", "KS X 1001"),
        ("BIG-5", "big5", "BIG-5"),
        ("UNICODE UTF-16", None, "UNICODE UTF-16"),
        ("8859/1" + " " * 80, "iso8859-1", "8859/1"),  # too long to be remembered
    ],
)
def test_character_sets(term, charset, found):
    item = one(header(term=term) + b"\r")
    assert (item.charset, item.charset_term) == (charset, found)
    (item,) = messages(header(term=term), "gb18030", NAMES)
    assert (item.charset, item.charset_term) == ("gb18030", "")


def test_a_repetition_needs_its_character():
    item = one(header("|^", term="ASCII~ISO IR87") + b"\r")
    assert (item.charset, item.charset_term) == (None, "ASCII~ISO IR87")


@pytest.mark.parametrize(
    ("time", "offset"),
    [("20240101120000+0200", "+0200"), ("2024-0500^S", "-0500"), ("20240101", ""), ("x+0100", "")],
)
def test_the_offset_of_msh_7(time, offset):
    item = one(header(time=time) + b"\r")
    assert (item.offset, item.offset) == (offset, offset)
    assert item.time == time.encode()


@pytest.mark.parametrize(
    ("kind", "found"), [("ORU^R01^ORU_R01", "ORU"), (" orm ^O01", "ORM"), ("MDM", "MDM"), ("", "")]
)
def test_the_kind_of_a_message(kind, found):
    assert one(header(kind=kind) + b"\r").kind == found


def test_a_header_may_be_short():
    item = one(b"MSH|^~\\&\r")
    assert (item.kind, item.time, item.charset, item.offset) == ("", b"", "ascii", "")
    assert messages(b"MSH\rPID|\r", "", NAMES) == []
    (again,) = messages(b"MSH|^~\\&\r")
    assert again.charset == "ascii"
    assert one(b"MSH|").delimiters == Delimiters("|", "^")


@pytest.mark.parametrize("length", range(2, 23))
def test_a_header_of_any_length_says_what_it_has(length):
    """Fields behind MSH-18 move none before it."""
    fields = header(time="2024", kind="ORM^O01", term="8859/1").split(b"|") + [b"x"] * 5
    item = one(b"|".join(fields[:length]))
    assert item.time == (b"2024" if length > 6 else b"")
    assert item.kind == ("ORM" if length > 8 else "")
    assert item.charset_term == ("8859/1" if length > 17 else "")


def test_a_line_that_says_only_msh_begins_no_message():
    assert len(messages(header() + b"\rMSH\rPID|\r" + header())) == 2


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_the_terminator_is_that_of_the_header(end):
    assert one(header() + end + b"PID|" + end).terminator == end
    assert one(header() + b"\x1c" + end).terminator == end
    assert one(header()).terminator == b"\r"


def test_a_document_of_several_messages():
    lines = [
        b"FHS|^~\\&",
        b"BHS|",
        header(),
        b"ZDS|1",
        b"",
        b"\x0bOBX|",
        header(),
        b"ZDS|2",
        b"BTS|1",
    ]
    document = b"\xef\xbb\xbf" + b"\r".join(lines) + b"\x1c\r"
    first, second = messages(document, "", NAMES)
    assert [s.name for s in first.segments] == ["MSH", "ZDS", "OBX"]
    assert [s.name for s in second.segments] == ["MSH", "ZDS", "BTS"]
    assert (first.prefix, second.prefix) == ("message[1] ", "message[2] ")
    assert one(document[: second.start]).prefix == ""
    assert (first.end, second.end) == (second.start, len(document))
    assert document[first.header.start : first.header.end] == header()
    assert [document[s.start : s.end] for s in second.segments] == [header(), b"ZDS|2", b"BTS|1"]
    assert [s.after for s in second.segments][-1] == len(document)
    for item, text in ((first, b"ZDS|1"), (second, b"ZDS|2")):
        ((number, segment),) = numbered(item, "ZDS")
        assert (number, document[segment.start : segment.end]) == (1, text)


def test_a_mark_of_byte_order_stands_before_no_frame_character():
    assert one(b"\xef\xbb\xbf" + header()).start == 3
    assert messages(b"\xef\xbb\xbf\x0b" + header(), "", NAMES) == []
    assert one(b"\x0b" + header()).start == 1


@pytest.mark.parametrize("name", ["ZDS", "ZZZ", "OBX"])
def test_segments_are_numbered_within_their_message(name):
    """Also those of a name that nobody said would be asked for."""
    body = b"".join(b"%s|%d\r" % (name.encode(), n) for n in range(3))
    document = header() + b"\rPID|\r" + body + header() + b"\r" + body[:6]
    first, second = messages(document, "", NAMES)
    told = [(n, document[s.start : s.end]) for n, s in numbered(first, name)]
    assert told == [(n + 1, f"{name}|{n}".encode()) for n in range(3)]
    assert [n for n, _ in numbered(second, name)] == [1]


def test_marks_between_two_places():
    document = header() + b"\rORC|1\rOBR|1\rORC|2\rZDS|\r"
    item = one(document)
    starts = [document.index(text) for text in (b"ORC|1", b"OBR|1", b"ORC|2", b"ZDS|")]
    names = ["ORC", "OBR", "ORC", "ZDS"]
    assert list(item.marked())[1:] == list(zip(starts, names, strict=True))
    assert list(item.marked(starts[1], starts[3])) == list(zip(starts, names, strict=True))[1:3]
    assert list(item.marked(starts[3])) == [(starts[3], "ZDS")]


def test_segments_of_a_part():
    document = b"\x0bA|1\x1c\r\r\nB|\r\n\x0b\x1c\rCCCC"
    assert [(s.name, document[s.start : s.end], s.after) for s in segments(document, 0, 99)] == [
        ("A|1", b"A|1", 6),
        ("B|\r", b"B|", 12),
        ("CCC", b"CCCC", 19),
    ]


# --- the commonest message, read at once -----------------------------------------------------------


def test_a_plain_header_is_that_of_the_careful_road():
    document = header(time="20240101+0100", term="UNICODE UTF-8") + b"\rPID|\rORC|\rOBR|\rOBX|\r"
    quick, slow = plain_header(document, NAMES), one(document)
    for field in ("delimiters", "charset", "charset_term", "terminator", "kind", "time", "offset"):
        assert getattr(quick, field) == getattr(slow, field)
    assert (quick.start, quick.end, quick.document) == (0, len(document), document)


@pytest.mark.parametrize(
    "document",
    [
        header() + b"\n",
        b"\x0b" + header() + b"\r",
        header() + b"\r" + header() + b"\r",
        header() + b"\rORC|\rORC|\r",
        header() + b"\rOBR|\rPID|\r",
        header() + b"\rZDS|\r",
        header() + b"\rPID|\r\nOBX|\r",
        header() + b"\x1c\rPID|\r",
        header(),
        b"MSH|^~\\&"[:8],
        b"PID|\r" + header(),
    ],
)
def test_anything_else_is_looked_at_closer(document):
    assert plain_header(document, NAMES) is None


@pytest.mark.parametrize(
    "body", [b"", b"PID|\r", b"OBR|\r", b"PID|\rOBR|\r", b"ORC|\rOBX|\rOBX|\r"]
)
def test_a_message_with_one_order_is_plain(body):
    assert plain_header(header() + b"\r" + body, NAMES) is not None


def test_the_dialect_is_remembered_but_not_of_long_headers():
    outline._dialect.cache_clear()
    for _ in range(2):
        one(header(term="8859/1"))
    assert outline._dialect.cache_info()[:2] == (1, 1)
    one(header(term="8859/1" + " " * 80))
    assert outline._dialect.cache_info()[:2] == (1, 1)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b""])
def test_a_segment_may_be_its_name_alone(end):
    document = (end or b"\r").join([b"MSH|^~\\&|A", b"ZDS"]) + end
    for names in (("ZDS",), ("ZXX",)):
        (m,) = outline.messages(document.replace(b"ZDS", names[0].encode()), "", names)
        ((number, segment),) = outline.numbered(m, names[0])
        assert (number, segment.name, segment.end - segment.start) == (1, names[0], 3)


# --- what ends the MSH ends segments ----------------------------------------------------------------


def test_a_line_feed_is_text_where_segments_end_in_cr():
    document = header() + b"\rNTE|a\nb\r\nZDS|1\nmore\n\n\rZDS|2\r\n"
    item = one(document)
    assert item.hidden() == -1
    cut = [document[s.start : s.end] for s in item.segments]
    assert cut == [header(), b"NTE|a\nb", b"ZDS|1\nmore\n\n", b"ZDS|2"]
    assert [document[s.start : s.end] for _, s in numbered(item, "ZDS")] == cut[2:]


@pytest.mark.parametrize("name", [b"ZDS", b"MSH", b"OBX"])
def test_what_looks_like_a_segment_behind_a_line_feed_is_none(name):
    document = header() + b"\rNTE|a\n" + name + b"|^~\\&|\rPID|\r"
    item = one(document)
    assert [s.name for s in item.segments] == ["MSH", "NTE", "PID"]
    assert item.hidden() == document.index(b"\n")
    (item,) = messages(document, "", NAMES, is_object=True)
    assert ([s.name for s in item.segments], item.hidden()) == (["MSH", "NTE", "PID"], -1)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_in_any_other_message_both_end_segments(end):
    document = header() + end + b"NTE|a\nZDS|1\rZDS|2" + end
    item = one(document)
    assert ([s.name for s in item.segments], item.hidden()) == (["MSH", "NTE", "ZDS", "ZDS"], -1)


@pytest.mark.parametrize(
    "between", [b"\r\n", b"\x1c\n\x0b", b"\x1c\r\x0b\xef\xbb\xbf", b"\r\0\0\x0b"]
)
def test_messages_are_told_apart_by_what_stands_between_blocks(between):
    document = header() + b"\rZDS|1" + between + header() + b"\rZDS|2\r"
    first, second = messages(document, "", NAMES)
    for item, text in ((first, b"ZDS|1"), (second, b"ZDS|2")):
        last = item.segments[-1]
        assert document[last.start : last.end] == text


@pytest.mark.parametrize("end", [b"\0\0", b"\r\r", b"\r  \r", b"\0\r", b"\x1c\r\0"])
def test_what_pads_a_message_is_no_segment(end):
    document = header() + b"\rPID|1\r" + end
    item = one(document)
    assert [s.name for s in item.segments] == ["MSH", "PID"]
    last = item.last_line(item.start, item.end)
    assert document[last.start : last.end] == b"PID|1"
