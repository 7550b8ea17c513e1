"""What the scripts cannot carry is never lost without a line: numbers, several values, other segments."""

import re
from pathlib import Path

import pydicom
import pytest
from samples_of import FOLDER
from sopstatus import codec, load_tables
from sopstatus.artifacts.mirth.channels import CHANNELS, step_script
from sopstatus.codecs.hl7_xml import of_er7

from mirth.data_sets import dicom_xml
from mirth.rhino import run
from mirth.test_scripts import TEMPLATE

ROOT = Path(__file__).resolve().parents[2]
MADO = load_tables(ROOT / "samples" / "tables" / "ihe-mado")
FORTY = load_tables(ROOT / "tests" / "testkit" / "forty")
POINTER = "1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1"
FRAMES = "NumberOfFrames was not carried: the scripts carry one code"
DICOM = next(c for c in CHANNELS if c.listener == "dicom")


def message(*segments):
    head = r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1"
    return of_er7("\r".join([head, "PID|1", *segments, ""]).encode()).decode()


def at(field, text):
    return f"ZDS|{POINTER}" + "|" * (field - 4) + text


@pytest.mark.parametrize(("errors", "stops"), [("stop", True), ("log", False)])
def test_a_data_set_that_says_more_stops_with_the_line(errors, stops, tmp_path):
    dataset = pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm")
    requests = []
    for frames in (None, "12", ""):
        if frames is not None:
            dataset.NumberOfFrames = frames
        requests.append(
            {
                "operation": "step",
                "xml": dicom_xml(dataset),
                "template": TEMPLATE,
                "script": step_script(DICOM, MADO),
                "settings": {"sopstatus.errors": errors},
            }
        )
    without, *others = run(tmp_path, requests, library=False)
    assert "error" not in without and not without["logged"]
    for answer in others:
        assert ("value" in answer) != stops
        (line,) = [answer["error"]] if stops else answer["logged"]
        assert line.startswith(f"warning hl7/not-carried (0028,0008): {FRAMES}")
        assert "sopstatus serve" in line


def test_what_no_message_has_is_logged_and_stops_nothing(tmp_path):
    table = (ROOT / "samples/tables/ihe-mado/mado.toml").read_text()
    text = "".join(line for line in table.splitlines(True) if not line.startswith("hl7 "))
    (tmp_path / "t.toml").write_text(text.replace('[hl7]\nsegment = "ZDS"\n', ""))
    dataset = pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm")
    dataset.NumberOfFrames = "12"
    request = {
        "operation": "step",
        "xml": dicom_xml(dataset),
        "template": TEMPLATE,
        "script": step_script(DICOM, load_tables(tmp_path)),
    }
    (answer,) = run(tmp_path, [request], library=False)
    assert "<ZDS.5.1>AO<" in answer["value"]
    assert "its row has no hl7" in answer["logged"][0]


def test_a_message_that_says_more_is_read_with_a_line_and_written_without_loss(tmp_path):
    said = {"studyInstanceUID": "1.2.3", "seriesInstanceUID": "1.2.3.1"}
    said |= {"sopInstanceUID": "1.2.3.1.1", "attributes": {"SOPInstanceStatus": "AO"}}
    more = {**said, "attributes": {"NumberOfFrames": "12"}}
    gone = {**said, "attributes": {}}
    held = message(at(5, "OR||||||12"))
    requests = [
        {"operation": "read", "xml": held},
        {"operation": "read", "xml": message(at(9, 'NumberOfFrames="1"'))},
        {"operation": "read", "xml": message(at(5, "OR"))},
        {"operation": "write", "xml": held, "statements": [said]},
        {"operation": "write", "xml": held, "statements": [gone]},
        {"operation": "write", "xml": held, "statements": [more]},
    ]
    read, exact, plain, written, emptied, refused = run(tmp_path, requests, MADO)
    for answer in (read, exact):
        assert answer["logged"][0].startswith(f"warning hl7/not-carried ZDS[1]-11: {FRAMES}")
    assert not plain["logged"]
    for answer in (written, emptied):
        (zds,) = re.findall("ZDS.*", codec("hl7-xml").er7(answer["value"]).decode())
        assert zds.strip().split("|")[11] == "12"
    assert refused["error"].startswith(f"warning hl7/not-carried ZDS-11: {FRAMES}")


def test_a_message_for_a_fhir_server_states_what_only_the_service_reads(tmp_path):
    """It goes on to the service, which carries it; a segment that is not cut by study stops."""
    step = {"operation": "step", "script": "channelMap.put('n', sopstatusMessages(msg).length);"}
    one, taken_back, none = run(
        tmp_path,
        [
            {**step, "xml": message(at(11, "12"))},
            {**step, "xml": message("ORC|CA", "OBR|1", at(11, "12"))},
            {**step, "xml": message(at(5, ""))},
        ],
        MADO,
    )
    assert [a["channel"]["n"][0] for a in (one, taken_back, none)] == ["1", "0", "0"]
    row = FORTY.segments["ZAQ"][0]
    other = f"ZAQ|{POINTER}" + "|" * (row.field - 4) + "1"
    stopped, logged = run(
        tmp_path,
        [
            {**step, "xml": message(at(5, "AO"), other)},
            {**step, "xml": message(at(5, "AO"), other), "settings": {"sopstatus.errors": "log"}},
        ],
        FORTY,
    )
    where = f"warning hl7/not-carried ZAQ[1]-{row.field}: {row.keyword} "
    assert stopped["error"].startswith(where)
    assert logged["logged"][0].startswith(where)
    assert logged["channel"]["n"][0] == "1"


def test_the_script_names_every_row_that_it_does_not_carry():
    script = step_script(DICOM, FORTY)
    for row in FORTY.segments["ZAQ"]:
        assert f'"keyword": "{row.keyword}"' in script
