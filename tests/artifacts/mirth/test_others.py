"""What no field of a message carries is logged; a site's own table alone makes channels that work."""

import json
import re
from pathlib import Path

import pydicom
import pytest
from samples_of import FOLDER
from sopstatus import Limits, codec, load_tables
from sopstatus.artifacts.mirth import tables_script
from sopstatus.artifacts.mirth.channels import CHANNELS, step_script
from sopstatus.codecs.hl7_xml import of_er7

from artifacts.mirth.data_sets import dicom_xml
from artifacts.mirth.rhino import in_script, run
from artifacts.mirth.test_rows import TABLES, about
from artifacts.mirth.test_scripts import TEMPLATE

ROOT = Path(__file__).resolve().parents[3]
MADO = (ROOT / "samples" / "tables" / "ihe-mado" / "mado.toml").read_text()
POINTER = "1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1"
LINE = "warning hl7/not-carried -: NumberOfFrames was not carried: its row has no hl7; "
DICOM = next(c for c in CHANNELS if c.listener == "dicom")


def message(*segments):
    head = r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1"
    return of_er7("\r".join([head, "PID|1", *segments, ""]).encode()).decode()


def image(*, status=True):
    case = "authorized-original" if status else "absent"
    dataset = pydicom.dcmread(FOLDER / case / "image.dcm")
    dataset.NumberOfFrames = "12"
    return dicom_xml(dataset)


def no_fields(folder):
    """Tables of which one has no field in HL7."""
    text = "".join(line for line in MADO.splitlines(True) if not line.startswith("hl7 "))
    (folder / "t.toml").write_text(text.replace('[hl7]\nsegment = "ZDS"\n', ""))
    return load_tables(folder)


def test_what_no_field_carries_is_logged_and_stops_nothing(tmp_path):
    tables = no_fields(tmp_path)
    step = {"operation": "step", "template": TEMPLATE, "script": step_script(DICOM, tables)}
    (made,) = run(tmp_path, [step | {"xml": image()}], library=False)
    assert "<ZDS.5.1>AO<" in made["value"]
    assert [line.startswith(LINE) for line in made["logged"]] == [True]
    x = about(1, {"NumberOfFrames": "12"})
    (written,) = run(
        tmp_path, [{"operation": "write", "xml": message(), "statements": [in_script(x)]}], tables
    )
    told = codec("hl7-xml", tables=tables).encode([x], message()).issues
    assert written["logged"] == [str(issue) for issue in told]
    assert "<ZDS" not in written["value"]


@pytest.mark.parametrize("moved", [False, True])
def test_a_table_alone_makes_channels_that_work(moved, tmp_path):
    """In a segment of its own: beside the status, or with the status moved there."""
    (tmp_path / "t.toml").write_text(MADO.replace('segment = "ZDS"', 'segment = "ZFR"'))
    if moved:
        (tmp_path / "status.toml").write_text(
            'name = "sop-instance-status"\n[hl7]\nsegment = "ZFR"\n'
        )
    tables = load_tables(tmp_path)
    assert list(tables.segments) == (["ZFR"] if moved else ["ZDS", "ZFR"])
    step = {"operation": "step", "template": TEMPLATE, "script": step_script(DICOM, tables)}
    (made,) = run(tmp_path, [step | {"xml": image(status=moved)}], library=False)
    (found,) = codec("hl7-xml", tables=tables).decode(made["value"]).value
    assert len(found.attributes) == (5 if moved else 1)
    assert dict(found.attributes)["NumberOfFrames"] == "12"
    assert re.findall("<(Z..)>", made["value"]) == ["ZFR"]
    assert not made["logged"]
    cut = {"operation": "step", "script": "channelMap.put('n', sopstatusMessages(msg)[0].study);"}
    named = {"operation": "step", "script": "channelMap.put('n', sopstatusStudy(msg));"}
    bare = made["value"].replace("113014", "x")
    for answer in run(tmp_path, [one | {"xml": bare} for one in (cut, named)], tables):
        assert answer["channel"]["n"] == found.study_instance_uid


def test_a_message_is_cut_by_study_in_the_segments_of_every_name(tmp_path):
    zaq = TABLES.segments["ZAQ"][0].field
    other = POINTER.replace("1.2.3", "1.2.4")
    text = message(
        f"ZDS|{POINTER}|AO",
        f"ZAQ|{other}{'|' * (zaq - 4)}030Y",
        f"ZAQ|{POINTER}{'|' * (zaq - 4)}031Y",
    )
    script = "channelMap.put('made', JSON.stringify(sopstatusMessages(msg)));"
    taken_back = message("ORC|CA", "OBR|1", f"ZAQ|{POINTER}{'|' * (zaq - 4)}030Y")
    steps = [{"operation": "step", "script": script, "xml": xml} for xml in (text, taken_back)]
    cut, none = (json.loads(a["channel"]["made"]) for a in run(tmp_path, steps, TABLES))
    read = codec("hl7-xml", tables=TABLES).decode
    said = [[dict(x.attributes) for x in read(one["xml"]).value] for one in cut]
    assert [one["study"] for one in cut] == ["1.2.3", "1.2.4"]
    assert said == [[{"SOPInstanceStatus": "AO", "PatientAge": "031Y"}], [{"PatientAge": "030Y"}]]
    assert none == []


@pytest.mark.parametrize(("errors", "stops"), [("stop", True), ("log", False)])
def test_a_field_that_repeats_too_often_stops_the_message(errors, stops, tmp_path, monkeypatch):
    limits = Limits(repetitions=5)
    monkeypatch.setattr(tables_script, "DEFAULT", limits)
    row = TABLES.attributes["WindowCenter"]
    text = message(f"ZAQ|{POINTER}{'|' * (row.field - 4)}{'~'.join(['1'] * 6)}")
    step = {
        "operation": "step",
        "xml": text,
        "script": "sopstatusRead(msg);",
        "settings": {"sopstatus.errors": errors},
    }
    (answer,) = run(tmp_path, [step], TABLES)
    (line,) = [answer["error"]] if stops else answer["logged"]
    (told,) = [
        i for i in codec("hl7-xml", tables=TABLES, limits=limits).decode(text).issues if i.is_error
    ]
    assert line == str(told)
