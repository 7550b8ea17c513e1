"""Reading the Z segments of a document: which road a segment takes, and how its place is told."""

from pathlib import Path

import pytest
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs.hl7 import outline
from sopstatus.codecs.hl7 import reader as hl7_read
from sopstatus.codecs.shared.issue_list import Issues

HL7 = codec("hl7")
SITE = Path(__file__).resolve().parents[2] / "issue_samples" / "value" / "open-set"
POINTER = "1.2^^Application^DICOM"
PLAIN = f"ZDS|{POINTER}|1.2.3||1.2.3.4|AO"


def message(*lines, term="", marks="|^~\\&", kind="ORU^R01", charset="utf-8"):
    head = f"MSH{marks}|A|B|||20240101||{kind}|1|P|2.5.1||||||{term}"
    return "\r".join([head, "OBR|1", *lines, ""]).encode(charset)


def read(document, *folders):
    tables = load_tables(*folders)
    issues = Issues()
    found = outline.messages(document, "", tuple(tables.segments))
    (rows,) = tables.segments.values()
    return hl7_read.read(found, "ZDS", rows, issues), list(issues)


@pytest.mark.parametrize(
    ("line", "term", "is_cut"),
    [
        (PLAIN, "", False),
        (PLAIN, "UNICODE UTF-8", False),
        (PLAIN + r"||a\F\b", "", False),
        (PLAIN + r"||a\X41\b", "", True),
        (PLAIN, "ISO IR14", True),  # a delimiter may be part of a character
    ],
)
def test_only_a_segment_that_needs_care_is_cut_into_fields(monkeypatch, line, term, is_cut):
    cut, careful = [], hl7_read._read_with_care
    monkeypatch.setattr(hl7_read, "_read_with_care", lambda *at: cut.append(at) or careful(*at))
    ((found,), issues) = read(message(line, term=term))
    assert bool(cut) is is_cut
    assert (found.instance.sop_instance_uid, issues) == ("1.2.3.4", [])


def test_a_delimiter_inside_a_character_divides_nothing():
    """The second byte of this letter of Shift-JIS is the field separator; it stands in no field of ours."""
    line = f"{PLAIN}||||||{'|' * 18}ポ|YES"
    ((found,), issues) = read(message(line, term="ISO IR14", charset="shift_jis"), SITE)
    said = {"SOPInstanceStatus": "AO", "QualityControlImage": "YES"}
    assert (dict(found.instance.attributes), issues) == (said, [])


def test_a_study_pointer_is_enough():
    """IHE's ZDS has one field."""
    for pointer in (POINTER, r"1.2^^Application^DICOM^\F\\"):
        ((found,), issues) = read(message(f"ZDS|{pointer}"))
        assert (found.instance, issues) == (SOPInstance("1.2"), [])


@pytest.mark.parametrize(
    "line", ["ZDS|1.2^^Application^DICOM~1.3", "ZDS|1.2~1.2", "ZDS|1.2^~^Application"]
)
def test_a_study_pointer_does_not_repeat(line):
    found, issues = read(message(line))
    assert (found, [i.code for i in issues]) == ([], ["hl7/foreign-zds"])


@pytest.mark.parametrize("line", [f"ZDS\x0bx|{POINTER}||||AO", f"ZDS\x1c|{POINTER}", "ZDS\x1c\x0b"])
def test_a_frame_character_ends_a_segment_s_name_only_where_it_ends_the_line(line):
    found, issues = read(message(line))
    assert (found, len(issues)) == ([], line == "ZDS\x1c\x0b")


def test_a_field_that_cannot_be_read_is_remembered():
    """So that its old value is not taken for removed."""
    line = (PLAIN + "||").encode() + b"\xff"
    ((found,), (issue,)) = read(message("ZZZ|").replace(b"ZZZ|", line))
    assert found.unread == {"SOPAuthorizationComment"}
    assert (issue.code, issue.location) == ("hl7/undecodable", "ZDS[1]-7")
    assert "(none)" in issue.diagnostics


def test_what_is_not_ours_is_named():
    document = message("ZDS|PERFORM", "ZDS")
    for given, prefix in ((document, ""), (document * 2, "message[1] ")):
        issues = HL7.decode(given).issues
        assert [i.location for i in issues[:2]] == [f"{prefix}ZDS[1]", f"{prefix}ZDS[2]"]
        assert {i.diagnostics.split(", and ")[0] for i in issues} == {
            "this ZDS belongs to another product"
        }


def test_places_are_those_of_the_document_where_a_message_cannot_be_used():
    bad, unknown = message(marks="|^^"), message(term="UTF-16")
    document = bad + message(PLAIN, "ZDS|x") + unknown + message("ZDS|y")
    told = [(i.code, i.location) for i in HL7.decode(document).issues]
    assert told == [
        ("hl7/encoding-characters", "message[1] MSH-2"),
        ("hl7/charset-unsupported", "message[3] MSH-18"),
        ("hl7/foreign-zds", "message[2] ZDS[2]"),
        ("hl7/foreign-zds", "message[4] ZDS[1]"),
    ]


NEAR = [
    "  " + PLAIN,
    "\t" + PLAIN,
    PLAIN.lower(),
    "Zds" + PLAIN[3:],
    " zds " + PLAIN[3:],
    "ZDS " + PLAIN[3:],
]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("line", NEAR)
def test_a_segment_whose_name_is_misspelt_is_named(line, end):
    document = message("NTE|1", line, "NTE|2", line).replace(b"\r", end.encode())
    result = HL7.decode(document)
    assert result.value == ()
    assert [(i.code, i.severity, i.location) for i in result.issues] == [
        ("hl7/looks-like", "information", f"segment[{n}]") for n in (4, 6)
    ]
    twice = HL7.decode(document + document)
    assert [i.location for i in twice.issues][2:] == [
        "message[2] segment[4]",
        "message[2] segment[6]",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "NTE|1||zds|1.2.3",
        "NTE|1|| ZDS|1.2.3|",
        "NTE|1||a\n zds|1.2.3",  # text of a field
        "zds|PERFORM|x",
        "  ZDS|acc-1^^Application^PDF",
        " ZDS",
        "zds1|1.2.3",
    ],
)
def test_what_is_not_ours_is_not_named(line):
    assert HL7.decode(message(line)).issues == ()


def test_the_name_of_another_table_s_segment_is_looked_for_too():
    document = message("zds|1.2^^Application^DICOM|||", marks="#^~\\&").replace(b"|", b"#")
    assert [i.code for i in HL7.decode(document).issues] == ["hl7/looks-like"]
