"""The generated JavaScript says and writes what the Python does: on every sample and on drawn messages."""

import re

import pydicom
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from laws.formats import hl7_documents
from laws.strategies import COMMENTS, DATE_TIMES, statements
from samples_of import CASES, FOLDER, sample
from sopstatus import SOPInstance, codec, load_tables, values
from sopstatus.artifacts.mirth.channels import CHANNELS, ORU, step_script
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.reader import read
from sopstatus.codecs.hl7_xml import of_er7
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.values import context_offset

from artifacts.mirth.character_sets import SETS, about, message
from artifacts.mirth.data_sets import dicom_xml
from artifacts.mirth.rhino import in_python, in_script, run

XML = codec("hl7-xml")
EXAMPLES = 400


def drawn(strategy, count=EXAMPLES):
    """Return examples of a strategy, the same each time."""
    found = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example):
        found.append(example)

    collect()
    return found


@st.composite
def messages(draw):
    """One message as the engine's XML, with statements in odd spellings, and more statements."""
    document, known, holders = draw(hl7_documents())
    text = re.sub(b"[\x0b\x1c\x00]|\xef\xbb\xbf", b"", document).decode("ascii").replace("\n", "\r")
    lines = [x for x in text.split("\r") if x.strip() and x[:3] not in ("FHS", "BHS", "BTS")]
    lines = [re.sub(r"^ *([A-Za-z]{3}) *", r"\1", line) for line in lines]  # names of elements
    data = "".join(line + "\r" for line in lines)
    order = draw(st.sampled_from([None, None, None, "ORM", "OMG"]))
    if order:  # one statement an order, about the study
        data = re.sub("(ORU|OMI|MDM|ADT|ZZZ)", order, data, count=1)
        known = [SOPInstance(known[0].study_instance_uid)]
    said = draw(statements(known, holders=holders, wide=not order))
    new = draw(statements(known, holders=holders, wide=not order))
    written = XML.encode(said, of_er7(data.encode(), "utf-8").decode()).value
    return trimmed(written), new[:1]


def trimmed(xml):
    """Return the XML as E4X takes it in: without blanks at the ends of text."""
    return re.sub(r">([^<]*)<", lambda match: f">{match[1].strip()}<", xml)


@pytest.fixture(scope="module")
def documents():
    samples = [(sample(case, "hl7-xml").decode(), []) for case in CASES]
    return samples + drawn(messages())


def each_segment(document):
    """What each ZDS of ours says, one by one, as the codec reads it."""
    data = XML.er7(document)
    found = outline.messages(data, "utf-8", ("ZDS",))
    rows = load_tables().segments["ZDS"]
    return [place.instance for place in read(found, "ZDS", rows, Issues())]


def contradictions(document):
    """The lines of the statements that differ about one copy, as the codec tells them."""
    told = XML.decode(document).issues
    return [str(one) for one in told if one.code == "document/contradiction"]


SAID_TWICE = {
    "two values": ("|AO|", "|OR|"),
    "another of three": ("|AO|", "|AO|20240102", "|NS|"),
    "one emptied": ("|AO|20240102", '|AO|""'),
    "one holder spelt in two ways": ("|AO|||||A^1.2.3^ISO", "|OR|||||B^urn:oid:1.2.3^URI"),
    "blanks around an AE Title": ("|AO||||| A", "|OR|||||A^^"),
    "the same": ("|AO|", "|AO|"),
    "one adds": ("|AO|", "|AO|20240102"),
    "two holders": ("|AO|||||A", "|OR|||||B"),
    "one says nothing": ("|AO|", "||"),
}


@pytest.mark.parametrize("name", SAID_TWICE)
def test_two_statements_about_one_copy_that_differ_are_logged(name, tmp_path):
    lines = [f"ZDS|1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1{one}" for one in SAID_TWICE[name]]
    head = [r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1", "ZDS|PERFORM|x"]
    xml = of_er7("\r".join([*head, *lines, ""]).encode()).decode()
    told = contradictions(xml)
    assert len(told) == (list(SAID_TWICE).index(name) < 5)
    (read,) = run(tmp_path, [{"operation": "read", "xml": xml}])
    assert read["logged"] == told
    assert [in_python(said) for said in read["value"]] == each_segment(xml)


def test_reading(documents, tmp_path):
    answers = run(tmp_path, [{"operation": "read", "xml": xml} for xml, _ in documents])
    count = 0
    for (xml, _), answer in zip(documents, answers, strict=True):
        assert "error" not in answer, (answer, xml)
        assert answer["logged"] == contradictions(xml), xml
        assert [in_python(said) for said in answer["value"]] == each_segment(xml), xml
        count += len(answer["value"])
    assert count > len(documents) / 2


def test_writing(documents, tmp_path):
    cases = [(xml, new[0]) for xml, new in documents if new]
    requests = [
        {"operation": "write", "xml": xml, "statements": [in_script(x)]} for xml, x in cases
    ]
    outcomes = {"written": 0, "refused": 0}
    for (xml, x), answer in zip(cases, run(tmp_path, requests), strict=True):
        expected = XML.encode([x], xml)
        worst = [i for i in expected.issues if i.severity == "error" and i.code[:4] == "hl7/"]
        if worst:
            assert answer.get("error", "").startswith(f"error {worst[0].code} "), (xml, x, answer)
            assert answer["error"].endswith(worst[0].diagnostics)
            outcomes["refused"] += 1
        else:
            assert "error" not in answer, (answer, xml, x)
            if "<MSH.2>^~</MSH.2>" in xml and any(v and v != v.strip() for _, v in x.attributes):
                # blanks that cannot be escaped stand in ZDS-9 only, for E4X drops them
                assert x.attributes in [y.attributes for y in XML.decode(answer["value"]).value]
            else:
                assert XML.er7(answer["value"]) == XML.er7(expected.value), (xml, x)
            outcomes["written"] += 1
    assert outcomes["written"] > 100
    assert outcomes["refused"] > 3


IPC = b"MSH|^~\\&|A|B|||2024||OMI^O23|1|P|2.5.1\rPID|1\rORC|NW\rOBR|1\rIPC|A1|RP1|1.2.3|S1\r"


def test_writing_what_a_script_may_leave_out(tmp_path):
    xml = of_er7(b"MSH|^~\\&|\rPID|1\r").decode()
    study = {"studyInstanceUID": "1.2.3", "attributes": {"SOPInstanceStatus": "AO"}}
    image = {**study, "seriesInstanceUID": "1.2.3.1", "sopInstanceUID": "1.2.3.1.1"}
    gone = [{**one, "attributes": {}} for one in (image, study)]
    order = xml.replace("</MSH>", "<MSH.9>ORM</MSH.9></MSH>")
    requests = [
        {"operation": "write", "xml": xml, "statements": [study]},
        {"operation": "write", "xml": xml, "statements": [study, image]},
        {"operation": "write", "xml": xml, "statements": [study, image, *gone]},
        {
            "operation": "write",
            "xml": xml,
            "statements": [{"attributes": {"SOPInstanceStatus": "AO"}}],
        },
        {"operation": "write", "xml": order, "statements": [image]},
        {"operation": "write", "xml": of_er7(IPC).decode(), "statements": [study]},
    ]
    one, two, none, nameless, refused, beside_ipc = run(tmp_path, requests)
    pointer, status = "ZDS|1.2.3^^Application^DICOM", "AO^Authorized Original^99SOPSTATUS"
    head = "MSH|^~\\&|\rPID|1\r"
    assert XML.er7(one["value"]).decode() == f"{head}{pointer}||||{status}\r"
    assert XML.er7(two["value"]).decode() == (
        f"{head}{pointer}||||{status}\r{pointer}|1.2.3.1||1.2.3.1.1|{status}\r"
    )
    assert XML.er7(none["value"]).decode().rstrip("|\r") == f"{head}{pointer}"
    assert nameless["error"].startswith("error hl7/no-study-uid ZDS: ")
    assert refused["error"].startswith("error hl7/not-for-the-study ZDS: ")
    assert beside_ipc["error"].startswith("error hl7/ipc ZDS: ")
    issues = XML.encode([SOPInstance("1.2.3", attributes=study["attributes"])], of_er7(IPC)).issues
    assert "hl7/ipc" in [issue.code for issue in issues]


def test_text(tmp_path):
    """Escapes and date-times, one by one."""
    texts = [
        "",
        "a",
        "|^~\\&",
        "\r\n\t",
        "a\\.br\\b",
        "\\X0D\\",
        '""',
        " x ",
        "\x7f",
        "患者",
        "\\E",
    ]
    texts += [text for text in drawn(COMMENTS, 150) if text]
    escaped = [
        "\\XE682A3\\",
        "\\XFF\\",
        "\\X0d0A\\",
        "\\Z1\\",
        "\\",
        "\\\\",
        "\\T",
        "\\P\\",
        "\\F\\\\S\\",
        "a\\X000d\\\\X000A\\b\\X00\\\\X0D\\\\X000D0A\\",
        "gr\\XC3\\\\XBC\\n\\XC3\\ \\XBC\\\\X41\\\\XC3\\\\F\\",
        "\\XFF\\F\\",
        "\\H\\a\\N\\\\.sp\\\\.sp2\\\\.BR\\\\.ce\\\\.sk3\\\\.sk+1\\\\.in+4\\\\.ti-2\\\\.fi\\\\.nf\\",
        "\\.sp 2\\\\.sk 1\\\\.ti -2\\",
        "\\.sp99\\\\.sp999\\ \\.sp-1\\ \\.sp0\\ \\.xx\\ \\h\\",
    ]
    times = [text for text in drawn(DATE_TIMES, 300) if text]
    times += ["19000229", "20000229", "20240101000060.1234", "0000", "2024010124", "2024+1401"]
    headers = ("|^~\\&amp;", "|^~\\&amp;#", "|^~", "$%*!=")
    requests, wanted = [], []
    for mark in headers:
        header = f"<MSH><MSH.1>{mark[0]}</MSH.1><MSH.2>{mark[1:]}</MSH.2></MSH>"
        xml = f"<HL7Message>{header}</HL7Message>"
        (item,) = outline.messages(XML.er7(xml), "utf-8")
        for text in texts:
            requests.append({"operation": "escape", "xml": xml, "text": text})
            wanted.append(er7.escape(text, item.delimiters))
        for text in [*texts, *escaped]:
            requests.append({"operation": "unescape", "xml": xml, "text": text})
            wanted.append(er7.unescape(text, item.delimiters, "utf-8"))
    for text in times:
        requests.append({"operation": "dtm", "text": text})
        wanted.append(values.dt_to_dtm(text))
    for request, answer, want in zip(requests, run(tmp_path, requests), wanted, strict=True):
        assert answer.get("value", answer) == want, request


TAKEN_BACK = [
    ["ORC|CA", "OBR|1"],
    ["ORC|oc^x", "OBR|1"],
    ["OBR|1" + "|" * 24 + " x "],
    ["OBR|1", "OBX|1|ST|113014^DICOM Study^DCM||1.2.3 ||||||D"],
    ["OBR|1", "OBX|1|ST|110180^x^DCM||1.2.3||||||W"],
    ["OBR|1", "OBX|1|ST|UID^^L^113014^x^DCM||1.2.3||||||D"],
]
IN_FORCE = [
    ["ORC|RE", "OBR|1" + "|" * 24 + "F"],
    ["ORC|CA", "OBR|1", "ORC|RE", "OBR|2"],
    ["OBR|1", "OBX|1|ST|113014^DICOM Study^DCM||9.9||||||X"],
    ["OBR|1", "OBX|1|TX|1^a^b||x||||||X"],
]


def test_what_a_message_takes_back_is_neither_read_nor_written(tmp_path):
    head, zds = (
        r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1",
        "ZDS|1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1|AO",
    )
    new = {
        "studyInstanceUID": "1.2.3",
        "seriesInstanceUID": "1.2.3.1",
        "sopInstanceUID": "1.2.3.1.2",
    }
    new["attributes"] = {"SOPInstanceStatus": "OR"}
    requests = []
    for lines in (*TAKEN_BACK, *IN_FORCE):
        xml = of_er7("\r".join([head, "PID|1", *lines, zds, ""]).encode()).decode()
        assert len(XML.decode(xml).value) == (lines in IN_FORCE)
        requests.append({"operation": "read", "xml": xml})
        requests.append({"operation": "write", "xml": xml, "statements": [new]})
    answers = run(tmp_path, requests)
    for index, lines in enumerate((*TAKEN_BACK, *IN_FORCE)):
        read, written = answers[2 * index : 2 * index + 2]
        assert len(read["value"]) == (lines in IN_FORCE), lines
        assert ("hl7/withdrawn" in str(written)) == (lines in TAKEN_BACK), lines


# --- DICOM --------------------------------------------------------------------------------------


def test_a_data_set_says_the_same(tmp_path):
    datasets = [pydicom.dcmread(FOLDER / case / "image.dcm") for case in CASES]
    requests = [
        {"operation": "dicom", "xml": dicom_xml(dataset), "holder": "PACS1"} for dataset in datasets
    ]
    answers = run(tmp_path, requests)
    for case, dataset, answer in zip(CASES, datasets, answers, strict=True):
        read = codec("dicom").decode(dataset, holder="PACS1").value
        said = in_python(answer["value"])
        assert (said,) == read or (not read and not said.attributes), case
        offset = answer["value"]["offset"]
        assert offset == next(
            (o for x in read for _, v in x.attributes if (o := context_offset(v))), ""
        )


TEMPLATE = of_er7("".join(f"{line}\r" for line in ORU).encode()).decode()


def test_a_data_set_becomes_a_message(tmp_path):
    code = step_script(next(c for c in CHANNELS if c.listener == "dicom"), load_tables())
    datasets = {case: pydicom.dcmread(FOLDER / case / "image.dcm") for case in CASES}
    datasets["authorized-original"].PatientName = "Müller^Eva^M^Dr.^MD=x"
    datasets["authorized-original"].PatientID = "a|b&c"
    datasets["authorized-original"].PatientBirthDate = "19700102"
    datasets["authorized-original"].PatientSex = "O"
    datasets["authorized-original"].AccessionNumber = "A-1"
    requests = [
        {
            "operation": "step",
            "xml": dicom_xml(d),
            "template": TEMPLATE,
            "script": code,
            "settings": {"sopstatus.errors": "log"},
        }
        for d in datasets.values()
    ]
    made = {}
    for (case, dataset), answer in zip(
        datasets.items(), run(tmp_path, requests, library=False), strict=True
    ):
        assert "error" not in answer, (case, answer)
        made[case] = XML.er7(answer["value"])
        assert len(answer["logged"]) == (1 if case == "unknown-term" else 0)
        assert XML.decode(answer["value"]).value == codec("dicom").decode(dataset).value
        assert XML.instances(answer["value"]) == (
            codec("dicom").instances(dataset) if case != "absent" else ()
        )
    lines = made["authorized-original"].decode().split("\r")
    assert lines[1] == "PID|||a\\F\\b\\T\\c||Müller^Eva^M^MD^Dr.||19700102|O"
    assert lines[2] == (
        "OBR|1|||18748-4^Diagnostic imaging study^LN" + "|" * 14 + "A-1" + "|" * 7 + "F"
    )
    assert made["original"].decode().split("\r")[1].startswith("PID|||SYNTHETIC||SYNTHETIC||")
    assert [line[:3] for line in lines] == ["MSH", "PID", "OBR", "OBX", "ZDS", ""]
    assert "|AO^Authorized Original^99SOPSTATUS|" in lines[4]


VALUES = {
    "SOPInstanceStatus": ["AO", "XX", "ao", "Original", "AO\\OR", "DOE^JANE", " AC "],
    "SOPAuthorizationDateTime": ["2024", "20240230", "2024-2025", "noon", "20240101\\20240102"],
}


def test_a_bad_value_has_the_line_that_the_codec_has(tmp_path):
    code = step_script(next(c for c in CHANNELS if c.listener == "dicom"), load_tables())
    datasets = []
    for keyword, texts in VALUES.items():
        for text in texts:
            datasets.append(pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm"))
            element = datasets[-1][keyword]
            datasets[-1][keyword] = pydicom.DataElement(
                element.tag, element.VR, text, validation_mode=pydicom.config.IGNORE
            )
    step = {"operation": "step", "template": TEMPLATE, "script": code}
    requests = [
        step | {"xml": dicom_xml(dataset), "settings": settings}
        for dataset in datasets
        for settings in ({}, {"sopstatus.errors": "log"})
    ]
    answers = iter(run(tmp_path, requests, library=False))
    stopped = 0
    for dataset in datasets:
        issues = codec("dicom").decode(dataset).issues
        lines = [
            f"{i.severity} {i.code} {i.location}: {i.diagnostics}" for i in issues if i.is_error
        ]
        stop, log = next(answers), next(answers)
        assert stop.get("error", "") == "\n".join(lines)
        assert log["logged"] == (["\n".join(lines)] if lines else [])
        assert XML.decode(log["value"]).value == codec("dicom").decode(dataset).value
        stopped += bool(lines)
    assert stopped == 9


def test_a_script_keeps_to_the_character_set_of_the_message(tmp_path):
    """What MSH-18 cannot hold stands in ZDS-9, with a line in the log, as the codec does it."""
    cases = [
        (of_er7(message(charset).encode(), "utf-8").decode(), about(text), fits)
        for charset, text, fits in SETS
    ]
    requests = [
        {"operation": "write", "xml": xml, "statements": [in_script(x)]} for xml, x, _ in cases
    ]
    for (xml, x, fits), answer in zip(cases, run(tmp_path, requests), strict=True):
        assert XML.er7(answer["value"]) == XML.er7(XML.encode([x], xml).value), xml
        assert [line.split()[1] for line in answer["logged"]] == ([] if fits else ["hl7/charset"])
