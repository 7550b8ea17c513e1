"""One ZDS, field by field: what is read and told, and what the segment is after it was written to."""

import re
from dataclasses import replace

import pytest
from extra_table import qualification, table
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.segment import ZSegment
from sopstatus.values import context_offset, with_offset

HL7 = codec("hl7")
ROWS = tuple(load_tables().attributes.values())
KEYWORDS = STATUS, WHEN, COMMENT, NUMBER = [row.keyword for row in ROWS]
UTF_8, LATIN_1, SHIFT_JIS = "UNICODE UTF-8", "8859/1", "ISO IR14"


def segment(*fields, marks="|^~\\&", term=UTF_8, time="", name="ZDS"):
    """A segment of a message; fields are text or bytes."""
    sep = marks[:1].encode()
    head = [b"MSH" + sep + marks[1:].encode(), *[b""] * 4, time.encode(), b"", b"ORU"]
    head += [b"1", b"P", b"2.5.1", *[b""] * 5, term.encode()]
    raw = [f.encode("utf-8") if isinstance(f, str) else f for f in fields]
    line = sep.join([name.encode(), *raw])
    (item,) = outline.messages(sep.join(head) + b"\r" + line + b"\r", "", (name,))
    assert item.delimiters and item.charset
    fields = er7.split(line, item.delimiters.field, item.charset)
    return ZSegment(fields, item, item.delimiters, item.charset, f"{name}[2]")


def whole_message(code):
    head = rf"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1||||||{UTF_8}"
    return "\r".join([head, "|".join(["ZDS", *IDENTITY, code]), ""]).encode()


def about(holder="", **said):
    return SOPInstance("1.2", "1.2.3", "1.9", "1.2.3.4", holder, said)


IDENTITY = ("1.2^^Application^DICOM", "1.2.3", "1.9", "1.2.3.4")


def told(of):
    return [(i.code, i.location) for i in of.issues]


# --- reading ---------------------------------------------------------------------------------------


def test_a_field_is_text_empty_or_unreadable():
    x = segment("a", b"\xff", "b^c~d", "\\T\\^c")
    assert [x.raw(n) for n in (0, 1, 2, 3, 9)] == ["ZDS", "a", None, "b^c~d", ""]
    assert [x.first(n) for n in (1, 2, 3, 4, 9)] == ["a", "", "b", "&", ""]
    assert segment("a~b", marks="|^").first(1) == "a~b"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 10])
def test_identifying_fields_have_to_be_readable(number):
    fields = [""] * 10
    assert segment(*fields).undecodable() == 0
    fields[number - 1] = b"\xff"
    assert segment(*fields).undecodable() == number
    fields[5] = fields[6] = b"\xff"
    assert segment(*fields).undecodable() == number


@pytest.mark.parametrize(
    ("pointer", "ours"),
    [
        ("1.2", True),
        ("1.2^^Application^DICOM", True),
        ("1.2^^Application^dicom", True),
        ("1.2 ^^Application^DICOM ", True),
        ("1.2\0^^^\0", True),
        ("1.2^x", True),
        ("1.2^^^", True),
        ("1.2^^Application^PDF", False),
        ("", False),
        ("PERFORM", False),
        (b"\xff", False),
    ],
)
def test_a_study_pointer_makes_a_segment_ours(pointer, ours):
    assert segment(pointer).is_ours() is ours


def test_repetitions_are_counted_up_to_the_limit():
    x = segment(*IDENTITY, "AO~AC", "", "a~b~c", "", "~~~")
    assert [x.crowded(ROWS, limit) for limit in (4, 3, 2, 1)] == [0, 9, 9, 9]
    x.fields = x.fields[:9]
    assert [x.crowded(ROWS, limit) for limit in (3, 2, 1)] == [0, 7, 5]
    assert segment(*IDENTITY, "AO~AC~~~", marks="|^").crowded(ROWS, 1) == 0


@pytest.mark.parametrize(
    "field",
    [
        "OR^^99SOPSTATUS^AO^^99SOPSTATUS",
        "OR^^^AO^^99SOPSTATUS",
        "REL^^L^AO^^99SOPSTATUS^^^^OR^^99SOPSTATUS",
    ],
)
def test_two_codings_of_ours_that_differ_state_nothing(field):
    x = segment(*IDENTITY, field, "", "seen")
    instance, unread = x.decode(ROWS)
    assert (dict(instance.attributes), unread) == ({COMMENT: "seen"}, {STATUS})
    assert told(x) == [("hl7/codes-differ", "ZDS[2]-5")]


def test_a_field_with_an_alternate_coding_is_replaced_as_a_whole():
    document = whole_message("REL^Released^L^AO^Authorized Original^99SOPSTATUS")
    (old,) = HL7.decode(document).value
    assert HL7.encode([old], document).value == document
    new = replace(old, attributes=((STATUS, "OR"),))
    assert b"|OR^Original^99SOPSTATUS\r" in HL7.encode([new], document).value


@pytest.mark.parametrize(
    ("fields", "said", "issues"),
    [
        (["AO"], {STATUS: "AO"}, []),
        (["AO^Authorized Original^99SOPSTATUS"], {STATUS: "AO"}, []),
        (["AO^x"], {STATUS: "AO"}, []),
        (["AO^^"], {STATUS: "AO"}, []),
        (["AO^^DCM"], {STATUS: "AO"}, [("hl7/coding-system", 5)]),
        (["AO^^L^AO^^99SOPSTATUS"], {STATUS: "AO"}, [("hl7/alternate-code", 5)]),
        (["REL^Released^L^AO^^99SOPSTATUS"], {STATUS: "AO"}, [("hl7/alternate-code", 5)]),
        (["AO^^L^OR^^99SOPSTATUS"], {STATUS: "OR"}, [("hl7/alternate-code", 5)]),
        (["^^^AUTHORIZED^^99SOPSTATUS"], {STATUS: "AO"}, [("hl7/alternate-code", 5)]),
        (["REL^^^AO^^99SOPSTATUS"], {STATUS: "AO"}, [("hl7/alternate-code", 5)]),
        (["AO^^99SOPSTATUS^REL^^L"], {STATUS: "AO"}, []),
        (["AO^^99SOPSTATUS^AUTHORIZED^^99SOPSTATUS"], {STATUS: "AO"}, []),
        (["AO^^^AO^^99SOPSTATUS"], {STATUS: "AO"}, []),
        (
            ["REL^^L^X^^M^^^^AO^^99SOPSTATUS"],
            {STATUS: "AO"},
            [("hl7/alternate-code", 5)],
        ),
        (["REL^^L^AO^^M"], {STATUS: "REL"}, [("hl7/coding-system", 5), ("value/unknown-term", 5)]),
        (["AO~AC"], {STATUS: "AO\\AC"}, [("value/multiplicity", 5)]),
        (["A\\XC3A9\\"], {STATUS: "Aé"}, [("value/unknown-term", 5)]),
        (["", "2024~2025"], {WHEN: "2024\\2025"}, [("value/multiplicity", 6)]),
        (["", "", "\\XC3A9\\"], {COMMENT: "é"}, []),
        (["", "20240102"], {WHEN: "20240102"}, []),
        (["", "20240102^Y"], {WHEN: "20240102"}, []),
        (["", "tomorrow"], {WHEN: "tomorrow"}, [("value/not-date-time", 6)]),
        (['""', '""', '""^x'], dict.fromkeys(KEYWORDS[:3]), [("hl7/null", n) for n in (5, 6, 7)]),
        (["", "", "a\\.br\\b\\T\\", "C"], {COMMENT: "a\r\nb&", NUMBER: "C"}, []),
        (["", "", "a\\X000d\\\\X000A\\b", ""], {COMMENT: "a\r\nb"}, []),
        (["", "", "gr\\XC3\\\\XBC\\n\\.sp2\\x"], {COMMENT: "grün\r\n\r\nx"}, []),
        (["", "", "\\H\\a\\N\\ b"], {COMMENT: "a b"}, [("hl7/layout", 7)]),
        (["\\H\\AO\\N\\"], {STATUS: "AO"}, [("hl7/layout", 5)]),
        (["", "", "a&b"], {COMMENT: "a&b"}, [("hl7/unescaped-delimiter", 7)]),
        (["", "", "a^b"], {COMMENT: "a^b"}, [("hl7/unescaped-delimiter", 7)]),
        (["", "", "a", "b~c"], {COMMENT: "a", NUMBER: "b~c"}, [("hl7/unescaped-delimiter", 8)]),
        (
            ["QQ", "", "", "", f'{STATUS}="AO"'],
            {STATUS: "QQ"},
            [("hl7/verbatim-stale", 9), ("value/unknown-term", 5)],
        ),
        (["AO", "", "", "", f'{STATUS}="AO "'], {STATUS: "AO "}, []),
        (
            ["", "", "", "", f'{COMMENT}="a"~Odd~{COMMENT}="b"'],
            {COMMENT: "a"},
            [("hl7/verbatim-malformed", 9)],
        ),
        (["", "", "", "", f'{STATUS}="AO"'], {}, [("hl7/verbatim-stale", 9)]),
        (["", "", "", "", f'{COMMENT}="\\XC3A9\\"'], {COMMENT: "é"}, []),
        (["", "", "", "", f'~~{COMMENT}="a"~'], {COMMENT: "a"}, []),
    ],
)
def test_what_is_read(fields, said, issues):
    x = segment(*IDENTITY, *fields)
    instance, unread = x.decode(ROWS)
    assert (dict(instance.attributes), unread) == (said, frozenset())
    assert instance == about(**said)
    assert told(x) == [(code, f"ZDS[2]-{number}") for code, number in issues]


@pytest.mark.parametrize(
    ("fields", "keyword", "issue"),
    [
        (["^text"], STATUS, ("hl7/text-without-code", 5)),
        (["AO~^text"], STATUS, ("hl7/text-without-code", 5)),
        ([b"\xff"], STATUS, ("hl7/undecodable", 5)),
        (["", "", b"\xff"], COMMENT, ("hl7/undecodable", 7)),
    ],
)
def test_a_field_that_cannot_be_read_is_told_and_left_alone(fields, keyword, issue):
    more = [""] * (4 - len(fields)) + [f'{keyword}="x"~{NUMBER}="n"']
    x = segment(*IDENTITY, *fields, *more)
    instance, unread = x.decode(ROWS)
    assert (instance.attributes, unread) == (((NUMBER, "n"),), {keyword})
    assert told(x) == [(issue[0], f"ZDS[2]-{issue[1]}")]


def test_what_is_told_names_what_it_is_about():
    x = segment(*IDENTITY, "AO^^L", "", "a&b", b"\xff", f'{STATUS}="AC"')
    x.decode(ROWS)
    text = {i.code: i.diagnostics for i in x.issues}
    assert {"another", "99SOPSTATUS"} <= set(re.findall(r"\w+", text["hl7/coding-system"]))
    assert COMMENT in text["hl7/unescaped-delimiter"]
    assert UTF_8 in text["hl7/undecodable"]
    assert all(word in text["hl7/verbatim-stale"] for word in (STATUS, "5"))
    x = segment(*IDENTITY, "AO^^DCM", '""', term="")
    x.decode(ROWS)
    assert ["DCM" in re.findall(r"\w+", i.diagnostics) for i in x.issues] == [True, False]
    assert WHEN in x.issues[1].diagnostics
    x = segment(*IDENTITY, "^x", b"\xff", term="")
    x.decode(ROWS)
    assert [
        i.diagnostics.count(word) > 0 for i, word in zip(x.issues, (STATUS, "none"), strict=True)
    ] == [True, True]


def test_character_sets_that_are_missing_or_lie():
    x = segment(*IDENTITY, "", "", "é", term="")
    assert dict(x.decode(ROWS)[0].attributes) == {COMMENT: "é"}
    assert told(x) == [("hl7/charset-missing", "ZDS[2]-7")]
    x = segment(*IDENTITY, "", "", "é", term=LATIN_1)
    assert dict(x.decode(ROWS)[0].attributes) == {COMMENT: "Ã©"}
    assert told(x) == [("hl7/charset-doubtful", "ZDS[2]-7")]
    assert LATIN_1 in x.issues[0].diagnostics
    assert not segment(*IDENTITY, "", "", "é").issues


def test_identity_as_it_stands():
    x = segment("1.2^VISTA", "x.y", "1.9~1.8", "", *[""] * 5, "PACS\\S\\1^x")
    instance, _ = x.decode(ROWS)
    assert instance.identity == ("1.2", "x.y", "", "^x")
    assert instance.holder.parts == ("PACS^1", "x", "")
    assert instance.sop_class_uid == "1.9"
    assert told(x) == [("value/not-uid", "ZDS[2]-2")]
    assert "3" in x.issues[0].diagnostics


@pytest.mark.parametrize(
    ("field", "exact", "offset"),
    [
        ("20240102030405", "", "+0200"),
        ("20240102030405", '"20240102030405"', ""),
        ("20240102030405", '"20240102030405"~TimezoneOffsetFromUTC="-0500"', "-0500"),
        ("20240102030405+0100", "", ""),
    ],
)
def test_where_the_offset_of_a_time_comes_from(field, exact, offset):
    kept = f"{WHEN}={exact}" if exact else ""
    x = segment(*IDENTITY, "", field, "", "", kept, time="20240101+0200")
    ((keyword, value),) = x.decode(ROWS)[0].attributes
    assert (keyword, value, context_offset(value)) == (WHEN, field, offset)


# --- writing ---------------------------------------------------------------------------------------


def test_a_field_is_put_behind_empty_ones():
    x = segment("a")
    x.put(4, "é")
    assert x.fields == [b"ZDS", b"a", b"", b"", "é".encode()]
    x.put(1, "b")
    assert x.content() == "ZDS|b|||é".encode()


def test_identity_is_filled_in_and_what_says_it_already_stays():
    x = segment()
    x.put_identity(about("PACS^1"))
    assert x.content() == b"ZDS|1.2^^Application^DICOM|1.2.3|1.9|1.2.3.4||||||PACS\\S\\1"
    old = segment("1.2^VISTA", "1.2.3^x", "", "1.2.3.5", *[""] * 5, "PACS^x")
    old.put_identity(about("PACS"))
    assert old.content() == b"ZDS|1.2^VISTA|1.2.3^x|1.9|1.2.3.4||||||PACS^x"
    old.put_identity(SOPInstance("1.2"))
    assert old.content() == b"ZDS|1.2^VISTA|1.2.3^x|1.9|1.2.3.4||||||PACS^x"


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("study_instance_uid", 1),
        ("series_instance_uid", 2),
        ("sop_class_uid", 3),
        ("sop_instance_uid", 4),
        ("holder", 10),
    ],
)
def test_an_identity_that_the_message_cannot_hold_is_told(field, number):
    for text, term, marks in (("é", "", "|^~\\&"), ("a^b", UTF_8, "|^~")):
        x = segment(term=term, marks=marks)
        assert x.fits(about("A"))
        assert not x.fits(SOPInstance(**{field: text}))
        assert told(x) == [("hl7/identity-lost", f"ZDS[2]-{number}")]


@pytest.mark.parametrize(
    ("row", "value", "field", "exact", "code"),
    [
        (0, "AO", "AO^Authorized Original^99SOPSTATUS", "", None),
        (0, "AO ", "AO^Authorized Original^99SOPSTATUS", '"AO "', None),
        (0, " AO", "AO^Authorized Original^99SOPSTATUS", '" AO"', None),
        (0, "QQ", "", '"QQ"', None),
        (0, None, '""', "", None),
        (1, "20240102030405.1234+0100", "20240102030405.1234+0100", "", None),
        (
            1,
            "20240102030405.12345",
            "20240102030405.1234",
            '"20240102030405.12345"',
            "hl7/date-time-shortened",
        ),
        (1, "tomorrow", "", '"tomorrow"', None),
        (2, "a|b\\c\r\né", "a\\F\\b\\E\\c\\X0D\\\\X0A\\é", "", None),
        (2, '""', "\\X2222\\", "", None),
    ],
)
def test_a_value_is_written(row, value, field, exact, code):
    x = segment(*IDENTITY)
    x.put_value(ROWS[row], value)
    assert x.raw(ROWS[row].field) == field
    assert x.raw(9) == (f"{ROWS[row].keyword}={exact}" if exact else "")
    assert told(x) == ([(code, f"ZDS[2]-{ROWS[row].field}")] if code else [])
    assert all(ROWS[row].keyword in i.diagnostics for i in x.issues)


@pytest.mark.parametrize(
    ("term", "named", "text"),
    [("", "ASCII (MSH-18 is empty)", "患"), (LATIN_1, LATIN_1, "患"), (SHIFT_JIS, SHIFT_JIS, "¥")],
)
def test_text_that_the_character_set_cannot_hold_is_kept_exactly(term, named, text):
    x = segment(*IDENTITY, "", "", "old", term=term, marks="|^~!&")
    x.put_value(ROWS[2], text)
    assert x.raw(7) == ""
    assert dict(x.decode(ROWS)[0].attributes) == {COMMENT: text}
    assert told(x) == [("hl7/charset", "ZDS[2]-7")]
    assert f"character set, {named}, cannot hold {COMMENT}," in x.issues[0].diagnostics


TABLE = table(
    qualification('PRODUCT = { display = "Geprüft" }\nRESEARCH = { display = "Re^search" }')
)


@pytest.mark.parametrize(
    ("value", "term", "marks", "field"),
    [
        ("PRODUCT", UTF_8, "|^~\\&", "PRODUCT^Geprüft^99QC"),
        ("PRODUCT", "", "|^~\\&", "PRODUCT^^99QC"),
        ("RESEARCH", UTF_8, "|^~\\&", "RESEARCH^Re\\S\\search^99QC"),
        ("RESEARCH", UTF_8, "|^~", "RESEARCH^^99QC"),
        ("OTHER", UTF_8, "|^~\\&", "OTHER^^99QC"),
    ],
)
def test_a_display_is_left_out_where_it_cannot_be_written(value, term, marks, field, tmp_path):
    (tmp_path / "extra.toml").write_text(TABLE, "utf-8")
    row = load_tables(tmp_path).attributes["ContentQualification"]
    x = segment(*IDENTITY, term=term, marks=marks, name="ZDX")
    x.put_value(row, value)
    assert (x.raw(5), x.raw(9), x.issues) == (field, "", [])


def test_without_an_escape_character_json_says_the_delimiters():
    x = segment(*IDENTITY, "", "", "old", marks="|^~")
    x.put_value(ROWS[2], "a|b^c~d")
    assert (x.raw(7), x.raw(9)) == ("", COMMENT + '="a\\u007cb\\u005ec\\u007ed"')
    assert told(x) == [("hl7/no-escape-character", "ZDS[2]-7")]
    assert COMMENT in x.issues[0].diagnostics
    assert dict(x.decode(ROWS)[0].attributes) == {COMMENT: "a|b^c~d"}


def test_a_time_that_was_never_local_to_msh_7_says_so():
    x = segment(*IDENTITY, time="20240101+0200")
    x.put_value(ROWS[1], "20240102030405")
    assert x.raw(9) == f'{WHEN}="20240102030405"'
    x.put_value(ROWS[1], with_offset("20240102030405", "+0200"))
    assert (x.raw(6), x.raw(9)) == ("20240102030405", "")
    x.put_value(ROWS[1], "202401")  # too coarse for an offset
    assert (x.raw(6), x.raw(9)) == ("202401", "")


def test_exact_texts_of_others_stay():
    x = segment(*IDENTITY, "AO", "", "", "", f'Odd~{STATUS}="AO "~X="1"~\\XC3A9\\')
    x.keep(STATUS, "AC ")
    assert x.raw(9) == f'Odd~X="1"~\\XC3A9\\~{STATUS}="AC "'
    x.keep("X", None)
    assert x.raw(9) == f'Odd~\\XC3A9\\~{STATUS}="AC "'
    x.keep("New", None, (STATUS, "Old"))
    assert x.raw(9) == "Odd~\\XC3A9\\"
    untouched = segment(*IDENTITY)
    untouched.keep(STATUS, None)
    assert len(untouched.fields) == 5


def test_the_exact_text_goes_with_its_value():
    exact = f'{WHEN}="2024x"~SOPAuthorizationDateAndTime="2024y"~X="1"'
    for value, field in ((None, '""'), ("2024", "2024")):
        x = segment(*IDENTITY, "", "", "", "", exact)
        x.put_value(ROWS[1], value)
        assert (x.raw(6), x.raw(9)) == (field, 'X="1"')


def test_exact_texts_without_repetition():
    x = segment(*IDENTITY, marks="|^")
    x.keep("A", "1")
    assert x.raw(9) == 'A="1"'
    x.keep("B", "2")
    assert (x.raw(9), told(x)) == ('A="1"', [("hl7/no-repetition", "ZDS[2]-9")])
    assert "B" in x.issues[0].diagnostics
    x.keep("A", "3")
    assert x.raw(9) == 'A="3"'


def test_a_value_that_is_cleared_leaves_nothing():
    x = segment(*IDENTITY, "AO", "", "x", "", f'{STATUS}="AO "~X="1"', "PACS")
    x.clear(ROWS[0])
    assert x.content() == b'ZDS|1.2^^Application^DICOM|1.2.3|1.9|1.2.3.4|||x||X="1"|PACS'
    short = segment(*IDENTITY)
    short.clear(ROWS[0])
    assert len(short.fields) == 5


def test_what_is_left_beside_the_identity():
    assert not segment(*IDENTITY).said_elsewhere()
    assert not segment(*IDENTITY, "", "", "").said_elsewhere()
    assert segment(*IDENTITY, "AO").said_elsewhere()
    assert segment(*IDENTITY, "", "", "", "", "", "PACS").said_elsewhere()
