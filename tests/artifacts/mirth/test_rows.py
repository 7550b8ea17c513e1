"""Rows of every VR, VM and type, in segments of several names: the scripts say what the Python does."""

import math
import struct
import warnings
from itertools import pairwise
from pathlib import Path

import pydicom
import pytest
from hypothesis import strategies as st
from sopstatus import SOPInstance, codec, load_tables, values
from sopstatus.artifacts.mirth.channels import CHANNELS, step_script
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.reader import read
from sopstatus.codecs.hl7_xml import of_er7
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.table import conversions
from sopstatus.table.language import HL7_DATATYPES
from sopstatus.testkit import law_checks
from testkit.test_forty import FILES, FOLDER

from artifacts.mirth.data_sets import dicom_xml
from artifacts.mirth.rhino import in_python, in_script, run
from artifacts.mirth.test_scripts import TEMPLATE, drawn, trimmed

ROOT = Path(__file__).resolve().parents[3]
TABLES = load_tables(FOLDER, ROOT / "samples" / "tables" / "ihe-mado")
XML, DICOM_XML = codec("hl7-xml", tables=TABLES), codec("dicom-xml", tables=TABLES)
DICOM_CHANNEL = next(c for c in CHANNELS if c.listener == "dicom")
ROWS = [row for row in TABLES.attributes.values() if row.field]
HEADS = [
    r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1||||||UNICODE UTF-8",
    r"MSH|^~\&#|A|B|||20240101030405+0100||ORU^R01|1|P|2.7",
    r"MSH|^~|A|B|||20240101||MDM^T02|1|P|2.5.1||||||UNICODE UTF-8",  # no escape character
    r"MSH|^|A|B|||20240101||ORU^R01|1|P|2.5.1",  # and no repetition
    r"MSH$%*!=$A$B$$$20240101$$ZZZ%Z01$1$P$2.5.1",
]
NUMBERS = """
    0 1 +1 -1 -0 007 1.50 +1.5 .5 5. . - 1e3 1E+3 1e-7 1.5E-05 1e15 1e16 123456789012 0.0001 0.00001 1.0
    16777217 16777216 0.1 0.10000000149011612 0.100000001 0.30000001192092896 0.30000000000000004 1e39
    3.4028234663852886e38 1e-45 1e-60 1e308 1.7976931348623157e308 5e-324 1e400 1e-400 65535 65536 32768
    -32768 4.0 04.00 4294967295 4294967296 2147483648 9999999999 9007199254740993 123456789.123456789
    0.123456789012345678901 1e99999999 -1e1000000 1e-99999999 0e5 0e-5 0e99 -0e1 0.00 1_0 1x x 12e 1e
    1000000000000000000000 12345678901234567 nan inf 1.25e10 100000.0 1e5 99999.95
""".split()  # noqa: SIM905
TEXTS = """
    20240229 20230229 20240101 2024-01-01 2024 20240102030405.1234567 20240102030405.123456 0229 19000229
    20240102030405 20240102030460 20240102030405+0100 20240102030405.12345-0500 20240102-20240103
    10 1030 103015 103060 103060.5 103015.1234567 103015.123456 103015.12 2400 10:30 1030Z
    1.2.826.0 9.1 1.02 1.2. 030Y 30Y 031D https://example.org/a?b=1 urn:oid:1.2 a^b a&b PACS A|B ORIGINAL
    original ao PRIMARY AXIAL MONOCHROME2 HFS YES NO 01 00 SE GR XX xx A~B "" é 患者 true false
""".split()  # noqa: SIM905
TEXTS += ["A B", "two\rlines", 'say "x"', "#", "\\"]
SEVERAL = [
    *("1\\2", "1\\\\2", "\\", "1\\", "\\1", "\\\\", "a\\b\\c", "1\\x", "0.50\\.5", "1e3\\007"),
    *("1\\2\\3", "1.0\\2.0\\3.0", "1\\2\\3\\4", "1\\2\\3\\4\\5\\6", "65536\\1", "1\\-0\\x\\4"),
    *(
        "ORIGINAL\\PRIMARY",
        "ORIGINAL\\\\AXIAL",
        "SE\\xx",
        "20240102030405\\2024",
        "PACS\\A B",
        "é\\|",
    ),
]
KINDS = {(row.vr, row.datatype, row.vm == "1", row.closed): row for row in reversed(ROWS)}
"""One row of each kind."""


def texts(row):
    """Values for a row, right and wrong ones."""
    own, others = (NUMBERS, TEXTS) if row.vr in conversions.NUMBERS else (TEXTS, NUMBERS)
    found = [*own, *others[::9]] if row.vm == "1" else [*SEVERAL, *own[::5]]
    return [
        *dict.fromkeys(
            found if row.vm != "1" or row.vr in values.SINGLE_VALUED else [*found, "A\\B"]
        )
    ]


def each_segment(document, tables=TABLES):
    """What each segment of ours says, one by one, as the codec reads it."""
    data, said = XML.er7(document), []
    for name, rows in tables.segments.items():
        found = outline.messages(data, "utf-8", (name,))
        said += [p.instance for p in read(found, name, rows, Issues(), tables.holders)]
    return said


def about(number, said):
    return SOPInstance("1.2.3", "1.2.3.1", "1.9", f"1.2.3.1.{number}", "", said)


def same(answers, wanted, requests):
    for request, answer, want in zip(requests, answers, wanted, strict=True):
        assert "error" not in answer, (answer, request)
        assert [in_python(said) for said in answer["value"]] == want, request


def test_there_is_every_kind_in_two_segments():
    assert list(TABLES.segments) == ["ZDS", "ZAQ"]
    assert len(ROWS) > 50
    assert {row.vr for row in ROWS} == set(HL7_DATATYPES)


def test_numbers_have_the_one_spelling(tmp_path):
    """What Rhino's own numbers would lose is kept: any 64 bits, and other spellings of them."""
    cases = [(vr, text) for vr in conversions.PACKED for text in [*NUMBERS, "4.9E-324", "1.0E-5"]]
    cases += [("FD", repr(math.ldexp(1, power))) for power in range(-1074, 1024)]
    for vr, size in (("FD", 8), ("FL", 4)):
        for raw in drawn(st.binary(min_size=size, max_size=size), 300):
            text = conversions.unpack(vr, raw)
            kept = struct.unpack("<d" if vr == "FD" else "<f", raw)[0]
            cases += [(vr, one) for one in (text, repr(kept), f"{kept:.17g}", f"{kept:.9g}")]
    requests = [{"operation": "spelling", "vr": vr, "text": text} for vr, text in cases]
    for (vr, text), answer in zip(cases, run(tmp_path, requests), strict=True):
        want = [conversions.number(vr, text), conversions.is_legal(vr, text)]
        assert answer.get("value") == want, (vr, text, answer)


def test_reading_every_spelling(tmp_path):
    """Each text as a field: alone, escaped, repeated, coded, and beside an exact text."""
    requests, wanted = [], []
    for row in KINDS.values():
        name = next(n for n, rows in TABLES.segments.items() if row in rows)
        fields = [v.replace("\\", "~").replace("|", "").replace("\r", "") for v in texts(row)]
        fields += [
            r"\X31\~\T\1",
            r"1\S\2~\R\ ",
            "~",
            "~~1",
            "1~~",
            "1^2~3",
            '""^x',
            "x^y^L~1",
            r"\.br\1",
        ]
        exact = [values.verbatim(row.keyword, v.replace("|", "")) for v in texts(row)]
        exact = [
            er7.escape(one, outline.messages(HEADS[0].encode(), "utf-8")[0].delimiters)
            for one in exact
        ]
        pairs = [*((field, "") for field in fields), *(("", text) for text in exact[::4])]
        pairs += [
            *zip(fields[::2], exact[::2], strict=False),
            *zip(fields[1::5], exact[::5], strict=False),
        ]
        lines = []
        for number, (field, text) in enumerate(pairs):
            cells = [""] * 80
            cells[0], cells[row.field], cells[9] = name, field, text
            cells[1:5] = "1.2.3^^Application^DICOM", "1.2.3.1", "", f"1.2.3.1.{number}"
            lines.append("|".join(cells).rstrip("|"))
        xml = trimmed(of_er7("\r".join([HEADS[0], "PID|1", *lines, ""]).encode()).decode())
        requests.append({"operation": "read", "xml": xml})
        wanted.append(each_segment(xml))
    same(run(tmp_path, requests, TABLES), wanted, requests)


@pytest.mark.parametrize("number", range(len(HEADS)))
def test_writing_every_value(number, tmp_path):
    head = HEADS[number]
    xml = trimmed(of_er7("\r".join([head, "PID", ""]).encode()).decode())
    requests, wanted = [], []
    for row in KINDS.values():
        for value in texts(row)[:: 1 if number == 0 else 4]:
            x = about(1, {row.keyword: value})
            requests.append({"operation": "write", "xml": xml, "statements": [in_script(x)]})
            wanted.append(XML.encode([x], xml))
    answers = run(tmp_path, requests, TABLES)
    refused = 0
    for request, answer, want in zip(requests, answers, wanted, strict=True):
        worst = [i for i in want.issues if i.is_error]
        if worst:
            assert answer.get("error") == str(worst[0]).replace("[1]", ""), request
            refused += 1
        else:
            assert "error" not in answer, (answer, request)
            assert XML.er7(answer["value"]) == XML.er7(want.value), request
    assert (refused > 0) == (number == 3)


def test_reading_and_writing_what_is_drawn(tmp_path):
    """Statements of many attributes, onto a message that says others: byte for byte."""
    statements = law_checks._statements(TABLES, "hl7-xml")
    cases = [*pairwise(drawn(statements, 100))]
    requests, wanted = [], []
    for number, (x, y) in enumerate(cases):
        head = HEADS[number % 2]
        blank = of_er7(
            "\r".join([head, "PID|1", "OBR|1", "ZDS|1.2.3", "NTE|1", ""]).encode()
        ).decode()
        xml = trimmed(XML.encode([x], blank).value)
        requests.append({"operation": "read", "xml": xml})
        wanted.append(each_segment(xml))
        requests.append({"operation": "write", "xml": xml, "statements": [in_script(y)]})
        wanted.append(XML.er7(XML.encode([y], xml).value))
    for request, answer, want in zip(
        requests, run(tmp_path, requests, TABLES), wanted, strict=True
    ):
        assert "error" not in answer, (answer, request)
        if request["operation"] == "read":
            assert [in_python(said) for said in answer["value"]] == want, request
        else:
            assert XML.er7(answer["value"]) == want, request


def element(tag, vr, text):
    made = pydicom.Dataset()
    made.add(pydicom.DataElement(0x00080018, "UI", "1.2.3.1.1"))
    inner = DICOM_XML.encode([SOPInstance("", "", "", "1.2.3.1.1")], dicom_xml(made)).value
    shown = text.replace("&", "&amp;").replace("\r", "&#13;")
    return inner.replace(
        "</dicom>",
        f'<tag{tag:08X} len="0" tag="{tag:08X}" vr="{vr}">{shown}</tag{tag:08X}></dicom>',
    )


def test_every_value_of_a_data_set_and_what_is_wrong_with_it(tmp_path):
    cases = [element(row.tag, row.vr, v) for row in KINDS.values() for v in texts(row)]
    requests = [{"operation": o, "xml": xml} for xml in cases for o in ("dicom", "problems")]
    answers = iter(run(tmp_path, requests, TABLES))
    wrong = set()
    for xml in cases:
        said, problems = next(answers), next(answers)
        found = DICOM_XML.decode(xml)
        assert "error" not in said, (said, xml)
        assert (in_python(said["value"]),) == (found.value or (in_python(said["value"]),)), xml
        lines = [
            str(issue)
            for issue in found.issues
            if issue.code.startswith("value/") and issue.is_error
        ]
        assert problems.get("value") == lines, xml
        wrong |= {line.split()[1] for line in lines}
    assert wrong >= {
        "value/not-legal",
        "value/multiplicity",
        "value/not-date-time",
        "value/lower-case",
    }


@pytest.mark.parametrize(
    ("vr", "inner"), [("UN", "312E35"), ("OB", ""), ("SQ", "<item/>"), ("DS", "<item/>")]
)
def test_an_element_that_is_no_text_stops_or_is_logged(vr, inner, tmp_path):
    row = TABLES.attributes["SliceThickness"]
    xml = element(row.tag, vr, "@").replace(">@<", f">{inner}<")
    (told,) = [str(i) for i in DICOM_XML.decode(xml).issues if i.code == "dicom-xml/not-text"]
    step = {"operation": "step", "xml": xml, "script": "sopstatusFromDICOM(msg);"}
    stopped, logged, problems = run(
        tmp_path,
        [
            step,
            step | {"settings": {"sopstatus.errors": "log"}},
            {"operation": "problems", "xml": xml},
        ],
        TABLES,
    )
    assert stopped["error"] == told
    assert logged["logged"] == [told]
    assert problems["value"] == []


def test_real_data_sets_become_the_messages_that_the_codec_writes(tmp_path):
    script = step_script(DICOM_CHANNEL, TABLES)
    datasets = [pydicom.dcmread(path, stop_before_pixels=True) for path in FILES]
    request = {"operation": "step", "template": TEMPLATE, "script": script}
    # an old UID of one of these files has a component that begins with 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        documents = [dicom_xml(dataset) for dataset in datasets]
    requests = [
        request | {"xml": xml, "settings": {"sopstatus.errors": "log"}} for xml in documents
    ]
    carried = set()
    for request, answer in zip(
        requests, run(tmp_path, requests, TABLES, library=False), strict=True
    ):
        assert "error" not in answer, answer
        found = DICOM_XML.decode(request["xml"]).value
        made = XML.er7(answer["value"])
        bare = b"".join(line + b"\r" for line in made.split(b"\r") if line and line[:1] != b"Z")
        assert made == XML.er7(XML.encode(found, of_er7(bare)).value)
        carried |= {
            keyword for x in XML.decode(answer["value"]).value for keyword, _ in x.attributes
        }
    assert len(carried) > 30
