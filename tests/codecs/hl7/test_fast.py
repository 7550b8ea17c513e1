"""Segments and statements that need no care are done at once; whatever needs it is left alone."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.fast import Plan, plan
from sopstatus.codecs.hl7.segment import ZSegment
from sopstatus.values import context_offset, with_offset

ROWS = tuple(load_tables().attributes.values())
STATUS, WHEN, COMMENT, NUMBER = [row.keyword for row in ROWS]
POINTER = "1.2^^Application^DICOM"


def message(term="UNICODE UTF-8", time="", marks="|^~\\&"):
    sep = marks[:1]
    fields = [f"MSH{marks}", *[""] * 4, time, "", "ORU", "1", "P", "2.5.1", *[""] * 5, term]
    (item,) = outline.messages(f"{sep.join(fields)}\r".encode(), "", ("ZDS",))
    return item


def quickly(raw, item):
    """Read a segment by the plan, as it stands in a document of its own."""
    if er7.is_byte_safe(item.charset):
        return plan("ZDS", ROWS, item.delimiters).reader(replace(item, document=raw))(0)
    return None


def both(raw, item):
    """Read a segment by the plan and with care."""
    fields = er7.split(raw, item.delimiters.field, item.charset)
    segment = ZSegment(fields, item, item.delimiters, item.charset, "ZDS[1]")
    instance, unread = segment.decode(ROWS)
    return quickly(raw, item), instance, unread, segment.issues


PLAIN = [
    f"ZDS|{POINTER}",
    "ZDS|1.2",
    "ZDS|1.2^",
    "ZDS|1.2^VISTA",
    "ZDS|1.2^VISTA^x^",
    "ZDS|1.2^^^DICOM",
    f"ZDS|{POINTER}|1.2.3",
    f"ZDS|{POINTER}||1.9|1.2.3.4",
    f"ZDS|{POINTER}|1.2.3|1.9|1.2.3.4|AO",
    f"ZDS|{POINTER}||||AUTHORIZED",
    f"ZDS|{POINTER}||||AO^Authorized Original",
    f"ZDS|{POINTER}||||AO^Authorized Original^99SOPSTATUS",
    f"ZDS|{POINTER}||||AO^^99SOPSTATUS",
    f"ZDS|{POINTER}|||||20240102030405",
    f"ZDS|{POINTER}|||||20240102030405.1234+0100",
    f"ZDS|{POINTER}||||||words of 患者, and more",
    f"ZDS|{POINTER}|||||||C-1",
    f"ZDS|{POINTER}|||||||||PACS 1",
    f"ZDS|{POINTER}|1.2.3|1.9|1.2.3.4|AC|20240102030405|x|C|||",
    f"ZDS|{POINTER}||||AO|||||A|theirs^^~|more",
]
ESCAPED = [
    f"ZDS|{POINTER}||||||a\\F\\b",
    f"ZDS|{POINTER}||||||\\T\\\\S\\ a\\E\\\\R\\",
    f"ZDS|{POINTER}||||||é \\T\\ b|\\R\\\\T\\C",
    f"ZDS|{POINTER}|||||||\\F\\" + "C" * 63,
]
CARE = [
    "ZDS",
    "ZDS|",
    "ZDS|1.02",
    "ZDS|1.2^^Application^PDF",
    "ZDS|1.2^^Application^dicom",
    "ZDS|1.2^^^DICOM^x",
    "ZDS|1.2~1.3",
    "ZDS|1." + "2" * 63,
    f"ZDS|{POINTER}|x",
    f"ZDS|{POINTER}|1." + "2" * 63,
    f"ZDS|{POINTER}|||1." + "2" * 63,
    f"ZDS|{POINTER}||1." + "2" * 63,
    f"ZDS|{POINTER}|1.2.3^x",
    f"ZDS|{POINTER}||||QQ",
    f"ZDS|{POINTER}||||ao",
    f"ZDS|{POINTER}||||AO^other",
    f"ZDS|{POINTER}||||AO~AC",
    f'ZDS|{POINTER}||||""',
    f"ZDS|{POINTER}|||||2024",
    f"ZDS|{POINTER}|||||20240230030405",
    f"ZDS|{POINTER}|||||20240102030405.12345",
    f"ZDS|{POINTER}|||||20240102030405^S",
    f'ZDS|{POINTER}||||||""',
    f"ZDS|{POINTER}||||||a\\X41\\b",
    f"ZDS|{POINTER}||||||a\\H\\b",
    f"ZDS|{POINTER}||||||a\\F\\b\\",
    f"ZDS|{POINTER}|||||||a\\E\\b",
    f"ZDS|{POINTER}|||||||\\F\\" + "C" * 64,
    f"ZDS|{POINTER}||||||a^b",
    f"ZDS|{POINTER}||||||a\x07b",
    f"ZDS|{POINTER}|||||||" + "C" * 65,
    f"ZDS|{POINTER}||||AO||||Odd=1",
    f"ZDS|{POINTER}||||AO|||||PACS^x^L^more",
    f"ZDS|{POINTER}||||AO|||||PACS^1.2.3 ^ISO",
    f"ZDS|{POINTER}||||AO|||||A|\x1b",
]


@pytest.mark.parametrize("text", [*PLAIN, *ESCAPED])
def test_read_at_once(text):
    quick, careful, unread, issues = both(text.encode(), message("UNICODE UTF-8"))
    assert quick == careful
    assert quick.sop_class_uid == careful.sop_class_uid
    assert not unread and not issues


@pytest.mark.parametrize("text", CARE)
def test_read_with_care(text):
    item = message()
    assert quickly(text.encode(), item) is None


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("others", ["\r", "\n", "\r\n"])
def test_each_segment_of_many_is_read_as_alone(end, others):
    """What is remembered of one segment is not said of another, whatever ends the lines."""
    segments = [*PLAIN, *ESCAPED, *CARE, "ZDS|1.2|||1.2.9|AO||" + "x" * 40_000] * 3
    Random(7).shuffle(segments)
    head = "MSH|^~\\&|||||20240102030405+0200||ORU|1|P|2.5.1||||||UNICODE UTF-8"
    data = (head + end + "".join(text + others for text in segments)).encode()
    (item,) = outline.messages(data, "", ("ZDS",))
    reader = plan("ZDS", ROWS, item.delimiters).reader(item)
    quick = 0
    for start in outline.starts(item, "ZDS"):
        if (said := reader(start)) is None:
            continue
        quick += 1
        span = item.segment_at(start)
        fields = er7.split(data[span.start : span.end], "|", item.charset)
        careful = ZSegment(fields, item, item.delimiters, item.charset, "ZDS[1]")
        instance, unread = careful.decode(ROWS)
        assert (said, said.sop_class_uid, unread) == (instance, instance.sop_class_uid, frozenset())
        assert not careful.issues
    is_cut = others == "\n" and end == "\r"  # then an LF is text, and nothing of ours begins
    assert quick == (0 if is_cut else 3 * len(PLAIN + ESCAPED))


def test_what_segments_share_is_read_once(monkeypatch):
    """Equal studies, and equal statements, of many segments are looked at once in a call."""
    asked = Counter()
    for name in ("_about", "_rest"):
        ask = getattr(Plan, name)

        def counted(self, *given, ask=ask, name=name):
            asked[name] += 1
            return ask(self, *given)

        monkeypatch.setattr(Plan, name, counted)
    data = b"MSH|^~\\&|||||||ORU|1|P|2.5.1\r"
    data += b"".join(b"ZDS|1.2|1.2.%d||1.2.3.%d|AO\r" % (n // 100, n) for n in range(1000))
    assert len(codec("hl7").decode(data).value) == 1000
    assert asked == {"_about": 10, "_rest": 1}


@pytest.mark.parametrize(
    ("term", "text", "read"),
    [
        ("", "a", True),
        ("", "é", False),
        ("8859/1", "a", True),
        ("8859/1", "é", False),
        ("KS X 1001", "a", True),
        ("ISO IR14", "a", False),  # a delimiter may be part of a character
        ("~ISO IR87", "a", False),
        ("UNICODE UTF-8", "é", True),
    ],
)
def test_character_sets(term, text, read):
    item = message(term)
    raw = f"ZDS|{POINTER}||||||{text}".encode(item.charset if read else "utf-8")
    assert (quickly(raw, item) is not None) is read
    new = SOPInstance("1.2", attributes={COMMENT: "a"})
    wrote = plan("ZDS", ROWS, item.delimiters).write(new, item)
    assert (wrote is None) is term.endswith(("IR14", "IR87"))
    assert quickly(b"ZDS|\xff", message()) is None


@pytest.mark.parametrize(("time", "offset"), [("2024+0200", "+0200"), ("2024", "")])
def test_a_time_is_local_to_msh_7(time, offset):
    for text, found in (("20240102030405", offset), ("20240102030405-0100", "")):
        quick, careful, _, _ = both(f"ZDS|{POINTER}|||||{text}".encode(), message(time=time))
        for x in (quick, careful):
            assert [(k, v, context_offset(v)) for k, v in x.attributes] == [(WHEN, text, found)]


WHOLE = {STATUS: "AO", WHEN: "20240102030405.1234+0100", COMMENT: "words, and more", NUMBER: "C-1"}


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({STATUS: "AO"}, "|||AO^Authorized Original^99SOPSTATUS"),
        ({WHEN: "20240102030405"}, "||||20240102030405"),
        ({COMMENT: " x "}, "||||| x "),
        ({NUMBER: "C"}, "||||||C"),
        ({COMMENT: "a|b&", NUMBER: "~a^b"}, r"|||||a\F\b\T\|\R\a\S\b"),
        (
            WHOLE,
            "|||AO^Authorized Original^99SOPSTATUS|20240102030405.1234+0100|words, and more|C-1",
        ),
    ],
)
def test_written_at_once(said, fields):
    item = message()
    quick = plan("ZDS", ROWS, item.delimiters)
    new = SOPInstance("1.2", "1.2.3", "1.9", "1.2.3.4", "", said)
    assert quick.write(new, item) == f"ZDS|{POINTER}|1.2.3|1.9|1.2.3.4{fields[2:]}".encode()
    wide = SOPInstance("1.2", attributes=said)
    assert quick.write(wide, item) == f"ZDS|{POINTER}|{fields}".encode()
    held = SOPInstance("1.2", holder="PACS", attributes=said)
    assert quick.write(held, item).split(b"|")[10:] == [b"PACS"]
    for one in (new, wide, held):
        assert quickly(quick.write(one, item), item) == one


def test_nothing_but_an_identity_is_written_to_its_last_field():
    item = message()
    quick = plan("ZDS", ROWS, item.delimiters)
    for uids, text in (
        (("1.2",), ""),
        (("1.2", "1.3"), "|1.3"),
        (("1.2", "", "1.4"), "||1.4"),
        (("1.2", "1.3", "", "1.5"), "|1.3||1.5"),
    ):
        assert quick.write(SOPInstance(*uids), item) == f"ZDS|{POINTER}{text}".encode()


@pytest.mark.parametrize(
    "said",
    [
        {STATUS: None},
        {STATUS: "QQ"},
        {STATUS: "AO "},
        {"Unknown": "x"},
        {WHEN: "2024"},
        {WHEN: "20240102030405.12345"},
        {WHEN: with_offset("20240102030405", "+0100")},
        {COMMENT: "a\\b"},
        {COMMENT: "a|é"},
        {COMMENT: "é"},
        {COMMENT: "a\rb"},
        {COMMENT: '""'},
    ],
)
def test_written_with_care(said):
    item = message()
    assert (
        plan("ZDS", ROWS, item.delimiters).write(SOPInstance("1.2", attributes=said), item) is None
    )


def test_what_an_identity_needs_care_for():
    item = message()
    for uids in (
        ("1|2",),
        ("1.2", "é"),
        ("1.2", "", "^"),
        ("1.2", "", "", "~"),
        ("1.2", "", "", "", "&"),
    ):
        new = SOPInstance(*uids, attributes={STATUS: "AO"})
        assert plan("ZDS", ROWS, item.delimiters).write(new, item) is None


def test_a_time_without_an_offset_where_msh_7_has_one():
    item = message(time="2024+0200")
    quick = plan("ZDS", ROWS, item.delimiters)
    assert quick.write(SOPInstance("1.2", attributes={WHEN: "20240102030405"}), item) is None
    assert quick.write(SOPInstance("1.2", attributes={WHEN: "20240102030405-0100"}), item)


def test_other_delimiters():
    item = message(marks="@*%!$")
    quick = plan("ZDS", ROWS, item.delimiters)
    new = SOPInstance("1.2", attributes={STATUS: "AO", COMMENT: "a|b^c"})
    raw = b"ZDS@1.2**Application*DICOM@@@@AO*Authorized Original*99SOPSTATUS@@a|b^c"
    assert (quick.write(new, item), quickly(raw, item)) == (raw, new)
    assert quickly(raw.replace(b"|", b"!"), item) is None
    assert plan("ZDS", ROWS, item.delimiters) is quick


@pytest.mark.parametrize("marks", ["|^.\\&", "|+~\\&", "|^~-&", ".^~\\&"])
def test_a_delimiter_that_uids_and_times_have_inside_needs_care(marks):
    item = message(marks=marks, term="")
    quick = plan("ZDS", ROWS, item.delimiters)
    sep, component = marks[:2]
    raw = sep.join(["ZDS", component.join(["12", "", "Application", "DICOM"]), "", "", "", "AO"])
    assert quickly(raw.encode(), item) is None
    new = SOPInstance("1.2", attributes={STATUS: "AO", WHEN: "20240102030405+0100"})
    assert quick.write(new, item) is None
    head = f"MSH{marks}".encode() + sep.encode() * 7 + b"ORU\r"
    made = codec("hl7").encode([new], head).value
    assert codec("hl7").decode(made).value == (new,)
    assert codec("hl7").encode([new], made).value == made


def test_rows_behind_the_holder():
    """The holder's field lies between a site's rows: each field is still read as its own row's."""
    folder = Path(__file__).resolve().parents[2] / "issue_samples" / "value" / "open-set"
    rows = tuple(load_tables(folder).attributes.values())
    raw = f"ZDS|{POINTER}|1.2.3||1.2.3.4|AO|||||ARCHIVE|{'|' * 19}YES\r".encode()
    item = replace(message(), document=raw)
    found = plan("ZDS", rows, item.delimiters).reader(item)(0)
    assert found.holder == "ARCHIVE"
    assert dict(found.attributes) == {STATUS: "AO", "QualityControlImage": "YES"}


def test_a_text_that_looks_like_a_time_is_none():
    item = message(time="2024+0200")
    raw = f"ZDS|{POINTER}|||||20240102030405|20240102030405".encode()
    found = dict(quickly(raw, item).attributes)
    assert [context_offset(found[keyword]) for keyword in (WHEN, COMMENT)] == ["+0200", ""]


def test_a_backslash_divides_values_where_it_is_no_text():
    item = message(marks="@*%!$")
    text, number = (b"ZDS@1.2@@@@@@" + field for field in (b"a\\b", b"@a\\b"))
    assert dict(quickly(text, item).attributes) == {COMMENT: "a\\b"}
    assert quickly(number, item) is None


def coded(tmp_path, datatype, system=True, **displays):
    """The rows of a site whose codes have these displays."""
    shipped = Path(__file__).resolve().parents[2] / "issue_samples" / "value" / "open-set"
    (table,) = shipped.glob("*.toml")
    text = table.read_text("utf-8").replace('datatype = "CWE"', f'datatype = "{datatype}"')
    if not system:
        text = text.replace(', coding-system = "99SOPSTATUS"', "")
    text = text[: text.index("YES = ")]
    for term, display in displays.items():
        text += f'{term} = {{ display = "{display}" }}\n'
    (tmp_path / table.name).write_text(text, "utf-8")
    return tuple(load_tables(tmp_path).attributes.values())


def test_a_display_that_needs_care_is_written_with_care(tmp_path):
    """It would be cut at its delimiter, or is not of the message's character set."""
    rows = coded(tmp_path, "CWE", YES="Yes & more", NO="völlig anders", OK="Fine")
    item = message()
    for term, is_written in (("YES", False), ("NO", False), ("OK", True)):
        new = SOPInstance("1.2", attributes={"QualityControlImage": term})
        assert bool(plan("ZDS", rows, item.delimiters).write(new, item)) is is_written


@pytest.mark.parametrize(
    ("datatype", "system", "text"),
    [
        ("ID", False, b"YES"),
        ("CWE", False, b"YES^Yes"),
        ("CWE", True, b"YES^Yes^99SOPSTATUS"),
    ],
)
def test_a_code_is_written_as_its_data_type_has_it(tmp_path, datatype, system, text):
    rows = coded(tmp_path, datatype, system, YES="Yes", NO="No")
    item = message()
    new = SOPInstance("1.2", attributes={"QualityControlImage": "YES"})
    made = plan("ZDS", rows, item.delimiters).write(new, item)
    assert made.split(b"|")[30:] == [text]
    assert plan("ZDS", rows, item.delimiters).reader(replace(item, document=made))(0) == new


def test_a_vr_without_a_limit_takes_a_text_of_any_length():
    (row,) = (replace(row, vr="UT") for row in ROWS if row.keyword == COMMENT)
    item = replace(message(), document=f"ZDS|1.2||||||{'x' * 20000}".encode())
    assert plan("ZDS", ROWS, item.delimiters).reader(item)(0) is None
    assert plan("ZDS", (row,), item.delimiters).reader(item)(0) is not None
