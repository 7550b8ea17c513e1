"""Answers to messages, read back by hl7apy in every version that it knows, and by python-hl7."""

import itertools

import hl7
import hl7apy
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import DocumentError, codec
from sopstatus.acknowledge import CONDITIONS, MOST_ISSUES, acknowledge, negative, place
from sopstatus.catalogue import catalogue, document_error, issue
from sopstatus.model import Issue

VERSIONS = sorted(hl7apy.SUPPORTED_LIBRARIES)  # 2.1 to 2.8.2
HL7 = codec("hl7")
ZDS = "ZDS|1.2.3|||1.2.3.4|"
# table 0357 as 2.3.1 has it; 104 came with 2.7
TABLE_0357 = {"0", *map(str, [*range(100, 104), *range(200, 208)])}


def message(version="2.5.1", status="XX^^DCM", extra="", end="\r"):
    head = rf"MSH|^~\&|RIS|HOSPITAL|PACS|ARCHIVE|20240102||ORU^R01|77|T|{version}{extra}"
    return f"{head}{end}PID|1||4711||DOE^JANE{end}{ZDS}{status}{end}".encode()


def answer(document, issues=None, **options):
    found = HL7.decode(document).issues if issues is None else issues
    return acknowledge(document, found, time="20240102030405", control_id="A1", **options)


def fields(data, name):
    """The fields of the segments of this name, by python-hl7: a list of repetitions each."""
    parsed = hl7.parse(data.decode("latin-1"))
    return [[str(f) for f in s] for s in parsed if str(s[0]) == name]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version(version):
    data = answer(message(version))
    read = parse_message(data.decode(), find_groups=False)
    assert read.version == version
    assert read.msh.msh_3.value == "PACS"
    assert read.msh.msh_4.value == "ARCHIVE"
    assert read.msh.msh_5.value == "RIS"
    assert read.msh.msh_6.value == "HOSPITAL"
    assert read.msh.msh_10.value == "A1"
    assert read.msh.msh_11.value == "T"
    number = tuple(map(int, version.split(".")))
    structure = "^ACK" if number >= (2, 3, 1) else ""
    assert read.msh.msh_9.to_er7() == f"ACK^R01{structure}"
    assert read.msa.msa_1.value == "AE"
    assert read.msa.msa_2.value == "77"
    assert bool(read.msa.children.get("MSA_3")) is (number < (2, 7))
    assert {child.name for child in read.children} == {"MSH", "MSA", "ERR"}
    assert b"DOE" not in data and b"4711" not in data
    if number < (2, 5):
        (err,) = fields(data, "ERR")
        assert len(err) == 2
        assert read.err.err_1.to_er7() == err[1]
        if number >= (2, 2):
            segment, sequence, field, fault = err[1].split("^")
            assert (segment, sequence, field) == ("ZDS", "1", "5")
            parts = fault.split("&")
            assert parts[-3] == "value/unknown-term"
            assert (parts[:3] == ["103", "Table value not found", "HL70357"]) is (
                number >= (2, 3, 1)
            )
        else:
            assert err[1] == "ZDS"
        return
    first, second = fields(data, "ERR")
    assert first[1] == ""
    assert first[2] == "ZDS^1^5"
    assert first[3] == "103^Table value not found^HL70357"
    assert [first[4], second[4]] == ["E", "W"]  # the worst first
    assert first[5].split("^")[0] == "value/unknown-term"
    assert second[5].split("^")[0] == "hl7/coding-system"
    assert first[8].startswith('"XX" is not a term of SOPInstanceStatus; ')
    for err in read.err:
        assert err.err_3.cwe_3.value == "HL70357"
        assert err.err_2.erl_1.value == "ZDS"


@pytest.mark.parametrize("version", VERSIONS[3:])  # it knows no ACK without MSH-9.3, of 2.3.1
def test_valid_by_hl7apy_s_own_rules(version):
    text = answer(message(version)).decode()
    strict = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=False)
    assert strict.validate()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", catalogue())
def test_every_issue_has_a_condition_of_the_tables(code, version):
    told = Issue(catalogue()[code].severity, code, "ZDS[2]-6", "a | b ^ c ~ d \\ e & f; remedy")
    data = answer(message(version), [told])
    number = tuple(map(int, version.split(".")))
    found = fields(data, "ERR")
    if number >= (2, 5):
        (err,) = found
        condition, text, table = err[3].split("^")
        assert condition in (TABLE_0357 | {"104"} if number >= (2, 7) else TABLE_0357)
        assert (text, table) == (CONDITIONS[condition], "HL70357")
        assert err[4] in ("E", "W", "I")
        assert (
            err[4]
            == {"fatal": "E", "error": "E", "warning": "W", "information": "I"}[told.severity]
        )
        assert err[8] == r"a \F\ b \S\ c \R\ d \E\ e \T\ f; remedy"
    else:
        assert bool(found) is (told.severity in ("fatal", "error"))
    parse_message(data.decode(), find_groups=False)


@pytest.mark.parametrize(
    ("msh_15", "msh_16", "accept", "good", "bad", "rejected"),
    [
        ("", "", False, "AA", "AE", "AR"),
        ("", "", True, None, None, None),
        ("AL", "NE", True, "CA", "CE", "CR"),
        ("AL", "NE", False, None, None, None),
        ("NE", "AL", False, "AA", "AE", "AR"),
        ("NE", "AL", True, None, None, None),
        ("ER", "SU", True, None, "CE", "CR"),
        ("ER", "SU", False, "AA", None, None),
        ("SU", "ER", True, "CA", None, None),
        ("SU", "ER", False, None, "AE", "AR"),
        ("AL", "", True, "CA", "CE", "CR"),
        ("AL", "", False, None, None, None),
    ],
)
def test_modes(msh_15, msh_16, accept, good, bad, rejected):
    extra = f"|||{msh_15}|{msh_16}"
    for status, reject, code in (("AO", False, good), ("XX", False, bad), ("AO", True, rejected)):
        document = message(status=status, extra=extra)
        data = answer(document, accept=accept, reject=reject)
        assert [f[1] for f in fields(data, "MSA")] == [code] if code else data == b""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("marks", [r"|^~\&", r"|^~\&#", "$%*!@", "|^"])
def test_delimiters_and_terminator_are_the_message_s(end, marks):
    sep, component = marks[0], marks[1]
    head = sep.join(
        [f"MSH{marks}", "RIS", "", "PACS", "", "2024", "", f"ORU{component}R01", "7", "P"]
    )
    zds = sep.join(["ZDS", "1.2.3", "", "", "1.2.3.4", "XX"])
    data = answer(f"{head}{sep}2.7{end}{zds}{end}".encode())
    lines = data.decode().split(end)
    assert lines.pop() == ""
    assert [line[:3] for line in lines] == ["MSH", "MSA", "ERR"]
    assert lines[0].startswith(f"MSH{marks}{sep}PACS{sep}{sep}RIS{sep}")
    assert lines[0].split(sep)[8] == component.join(["ACK", "R01", "ACK"])
    assert lines[1] == f"MSA{sep}AE{sep}7"
    assert lines[2].split(sep)[2] == component.join(["ZDS", "1", "5"])
    assert "\n" not in end or b"\r" not in data.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("term", "charset", "name"),
    [
        ("", "utf-8", "KÖLN"),
        ("8859/1", "latin-1", "KÖLN"),
        ("UNICODE UTF-8", "utf-8", "患者"),
        ("GB 18030-2000", "gb18030", "患者"),
        ("~ISO IR87", "iso2022_jp_2", "患者"),
        ("ISO IR14", "shift_jis", "表ソ"),  # bytes of | and \ inside characters
        ("UNICODE UTF-16", "ascii", "X"),
    ],
)
def test_the_character_set_is_the_message_s(term, charset, name):
    head = rf"MSH|^~\&|{name}||PACS||2024||ORU^R01|77|P|2.5.1||||||{term}"
    document = f"{head}\r{ZDS}XX\r".encode(charset)
    data = answer(document)
    told = data.decode(charset).split("\r")
    assert told[0].split("|")[4] == name
    known = term if charset != "ascii" else ""  # ours is ASCII then
    assert [*told[0].split("|"), *[""] * 6][17] == known
    assert told[1].startswith("MSA|AE|77" if term != "UNICODE UTF-16" else "MSA|AE|77|hl7/charset")


def test_what_the_character_set_cannot_hold_is_named():
    told = Issue("error", "value/unknown-term", "ZDS[1]-5", "größer")
    data = answer(message(), [told])
    assert b"gr\\" not in data and b"?" not in data
    assert fields(data, "ERR")[0][8] == "grU+00F6U+00DFer"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("ZDS[2]-6", ("ZDS", "2", "6", "")),
        ("message[2] ZDS[1]-5", ("ZDS", "1", "5", "")),
        ("ZDS[3]", ("ZDS", "3", "", "")),
        ("MSH-18", ("MSH", "1", "18", "")),
        ("ZDS[1]-1.4", ("ZDS", "1", "1", "4")),
        ("ZDS", None),
        ("", None),
        ("(0100,0410)", None),
        ("ImagingStudy.series[0]", None),
    ],
)
def test_place(location, expected):
    assert place(location) == expected
    location = location.removeprefix("message[2] ")
    (err,) = fields(answer(message(), [Issue("error", "value/not-uid", location, "x")]), "ERR")
    shown = "" if expected is None else "^".join(expected[:3]).rstrip("^")
    assert err[2] == (shown if not expected or not expected[3] else "ZDS^1^1^1^4")


def test_a_batch_is_answered_message_by_message():
    good, bad = message(status="AO"), message(status="XX").replace(b"|77|", b"|78|")
    data = answer(b"FHS|^~\\&\rBHS|^~\\&\r" + good + bad + b"BTS|2\rFTS|1\r")
    first, second = (b"MSH" + part for part in data.split(b"MSH")[1:])
    assert [f[1:3] for d in (first, second) for f in fields(d, "MSA")] == [
        ["AA", "77"],
        ["AE", "78"],
    ]
    assert [fields(d, "MSH")[0][10] for d in (first, second)] == ["A1", "A1-2"]
    assert len(fields(first, "ERR")) == 0
    assert [f[2] for f in fields(second, "ERR")] == ["ZDS^1^5", "ZDS^1"]  # and it contradicts


def test_a_fault_is_answered_where_it_is_behind_a_message_that_cannot_be_used():
    good, bad = message(status="AO"), message(status="XX")
    data = answer(good.replace(b"^~", b"^^") + bad)
    first, second = (b"MSH|" + part for part in data.split(b"MSH|")[1:])
    assert [len(fields(d, "ERR")) for d in (first, second)] == [1, 1]
    assert fields(second, "ERR")[0][2] == "ZDS^1^5"


def test_clean_is_short():
    data = answer(message(status="AO"))
    assert data == (
        b"MSH|^~\\&|PACS|ARCHIVE|RIS|HOSPITAL|20240102030405||ACK^R01^ACK|A1|T|2.5.1\rMSA|AA|77\r"
    )


def test_a_framed_message_gets_an_answer_for_its_frame():
    data = answer(b"\x0b" + message(status="AO") + b"\x1c\r")
    assert data.startswith(b"MSH|") and data.endswith(b"MSA|AA|77\r")


def test_thousands_of_issues_are_cut_and_counted():
    told = [issue("value/unknown-term", f"ZDS[{n}]-5", value='"XX"', keyword="K", terms="AO")
            for n in range(1, 1001)]  # fmt: skip
    data = answer(message(), told)
    found = fields(data, "ERR")
    assert len(found) == MOST_ISSUES + 1
    assert found[-1][8] == f"{1000 - MOST_ISSUES} more issues were left out"
    assert "(and 999 more)" in fields(data, "MSA")[0][3]
    assert len(fields(data, "MSA")[0][3]) <= 80
    assert len(fields(answer(message(), told, limit=3), "ERR")) == 4


def test_control_ids_are_unique_and_short():
    made = {fields(acknowledge(message(), []), "MSH")[0][10] for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {20}


GARBAGE = [
    b"",
    b"hello",
    b"\xff\xfe\x00",
    b"PID|1\r",
    b"MSH",
    b"MSH|",
    b"MSH|^^\r",
    b"MSHA^~\\&A77\r",
    b"MSH|^~\\&\r",
    b"MSH|^~\\&|||||||||||||AL",
    b"\x0bMSH|^~\\&|A\x1c\r",
    b"{}" * 1000,
]


@pytest.mark.parametrize("data", GARBAGE)
def test_a_negative_answer_to_anything(data):
    try:
        HL7.decode(data).unwrap()
        error = document_error("document/empty", "")
    except DocumentError as caught:
        error = caught
    told = negative(data, error)
    assert told.startswith(b"MSH")
    read = hl7.parse(told.decode("latin-1").replace("\n", "\r"))
    assert str(read.segment("MSA")[1]) in ("AR", "CR")
    assert str(read.segment("ERR")[5]).startswith(error.issues[0].code)
    parse_message(told.decode(), find_groups=False)
    assert b"hello" not in told


def test_garbage_has_no_msa_2():
    told = negative(b"hello", document_error("hl7/no-msh", ""), control_id="A1", reject=False)
    lines = told.split(b"\r")
    assert lines[0].startswith(b"MSH|^~\\&|||||")
    assert lines[1].startswith(b"MSA|AE||hl7/no-msh: there is no MSH segment")
    with pytest.raises(DocumentError):
        acknowledge(b"hello", [])


def test_delimiters_that_cannot_be_used_still_have_a_control_id():
    document = b"MSH|^^~\\&|A|B|C|D|2024||ORU^R01|77|P|2.5.1\r"
    told = negative(document, document_error("hl7/no-msh", ""))
    assert told.startswith(b"MSH|^~\\&|C|D|A|B|")
    assert [f[2] for f in fields(told, "MSA")] == ["77"]


@pytest.mark.parametrize(("msh_15", "code"), [("", "AR"), ("AL", "CR"), ("NE", "AR")])
def test_a_negative_answer_in_enhanced_mode(msh_15, code):
    told = negative(message(extra=f"|||{msh_15}|NE"), document_error("document/empty", ""))
    assert [f[1] for f in fields(told, "MSA")] == [code]


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_any_bytes_have_an_answer(tail, accept, reject):
    error = document_error("hl7/no-msh", "")
    for data in (tail, b"MSH" + tail, b"MSH|^~\\&" + tail, b"MSH|^~\\&|" + tail + b"\rMSH" + tail):
        assert negative(data, error).startswith(b"MSH")
        try:
            told = acknowledge(data, error.issues, accept=accept, reject=reject)
        except DocumentError:
            continue
        assert told == b"" or told.startswith(b"MSH")


def test_the_sample_of_table_0155_is_whole():
    """Each of the four terms, both places, both outcomes: an answer or none, never an exception."""
    for first, second, status, accept in itertools.product(
        ["AL", "NE", "ER", "SU", "??", ""], ["AL", "NE", "ER", "SU", "??", ""], ["AO", "XX"], [0, 1]
    ):
        document = message(status=status, extra=f"|||{first}|{second}")
        data = answer(document, accept=bool(accept))
        asked = (first if accept else second) or ("NE" if first or second else "AL")
        wanted = {"AL": True, "??": True, "NE": False, "ER": status == "XX", "SU": status == "AO"}
        original_accept = accept and not (first or second)
        assert bool(data) is (wanted[asked] and not original_accept)
