"""``sopstatus export``: what is written is read again and says what the files said."""

import json
import re
from collections import Counter
from pathlib import Path

import hl7
import pydicom
import pytest
from sopstatus import codec, scan
from sopstatus.__main__ import main
from sopstatus.ledger import Ledger

from archive.made import made

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    made(folder, 300)
    return folder


@pytest.fixture(scope="module")
def scanned(archive, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    main(["scan", str(archive), "-o", str(out), "--holder", "PACS", "--part-rows", "50"])
    return out


@pytest.fixture(scope="module")
def said(archive):
    found = [one for told in scan([archive], workers=1, holder="PACS") for one in told.instances]
    return [one for one in found if one.study_instance_uid]


def plain(instances):
    return Counter((one.identity, one.attributes) for one in instances if one.attributes)


def test_an_imaging_study_a_study(scanned, said, tmp_path):
    out = tmp_path / "ImagingStudy.ndjson"
    main(["export", str(scanned), "--to", "fhir", "-o", str(out)])
    studies = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(studies) == len({one.study_instance_uid for one in said})
    under = codec("fhir")
    found = [one for study in studies for one in under.decode(study).value]
    assert plain(found) == plain(said)
    known = [one for study in studies for one in under.instances(study)]
    uids = {one.sop_instance_uid for one in said if one.sop_instance_uid}
    assert {one.sop_instance_uid for one in known} == uids
    series = [series for study in studies for series in study["series"]]
    assert {one["modality"]["code"] for one in series if "code" in one["modality"]} >= {"CT", "MR"}
    assert studies[0]["started"].startswith("20")


def test_a_batch_of_messages(scanned, said, tmp_path):
    out = tmp_path / "batch.hl7"
    main(["export", str(scanned), "--to", "hl7", "-o", str(out)])
    data = out.read_bytes()
    assert plain(codec("hl7").decode(data).value) == plain(said)
    read = hl7.parse_file(data.decode())  # another's reader
    (batch,) = read
    assert len(batch) == len({one.study_instance_uid for one in said})
    assert data.startswith(b"FHS|") and data.endswith(b"\rFTS|1\r")


def test_a_scan_writes_them_itself(archive, scanned, tmp_path, capsys):
    kinds = ("fhir", "hl7", "ledger")
    asked = [word for kind in kinds for word in ("--to", kind, str(tmp_path / f"by-scan.{kind}"))]
    main(["scan", str(archive), "-o", str(tmp_path / "out"), "--holder", "PACS", *asked])
    for kind in ("fhir", "hl7"):
        out = tmp_path / f"by-export.{kind}"
        main(["export", str(scanned), "--to", kind, "-o", str(out)])
        mine, same = (tmp_path / f"by-scan.{kind}").read_bytes(), out.read_bytes()
        assert without_times(mine) == without_times(same)
    capsys.readouterr()
    assert main(["export", str(scanned), "--to", "changes", "-o", asked[-1]]) == 0
    assert capsys.readouterr().out == "0 changed\n"
    assert main(["scan", str(archive), "-o", str(tmp_path / "x"), "--to", "csv", "x"]) == 2
    assert "--to csv" in capsys.readouterr().err


def without_times(data):
    return re.sub(rb"20[0-9]{12}\+0000", b"", data)


def test_into_the_ledger_and_what_has_changed_since(archive, scanned, said, tmp_path, capsys):
    database = str(tmp_path / "ledger.db")
    assert main(["export", str(scanned), "--to", "ledger", "-o", database]) == 0
    assert main(["export", str(scanned), "--to", "ledger", "-o", database]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 new, ")
    known = {one.sop_instance_uid for one in said if one.sop_instance_uid}
    with Ledger(database) as ledger:
        assert len(ledger) == len(known)
    assert main(["export", str(scanned), "--to", "changes", "-o", database]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 changed"

    new = tmp_path / "archive"
    made(new, 45)
    first = next(one for one in said if dict(one.attributes).get("SOPInstanceStatus") == "OR")
    (path,) = [
        Path(one.source) for one in scan([archive]) if first.sop_instance_uid in str(one.instances)
    ]
    image = pydicom.dcmread(path)
    image.SOPInstanceStatus = "AO"
    image.save_as(new / "changed.dcm")
    (new / path.relative_to(archive)).unlink()
    out = tmp_path / "out"
    arguments = ["scan", str(new), "-o", str(out), "--holder", "PACS", "--against", database]
    assert main(arguments) == 0
    line = f"{first.sop_instance_uid}  {'PACS':<16}  OR -> AO"
    assert capsys.readouterr().out.splitlines()[1:] == [line, "1 changed"]
    assert main(["export", str(out), "--to", "changes", "-o", database, "--json"]) == 0
    changes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert changes == [
        {
            "sop_instance_uid": first.sop_instance_uid,
            "holder": "PACS",
            "before": "OR",
            "after": "AO",
        }
    ]


def test_a_scan_that_has_not_ended_is_no_export(archive, tmp_path, capsys):
    out = tmp_path / "out"
    main(["scan", str(archive / "000001"), "-o", str(out)])
    (out / "summary.json").unlink()
    target = tmp_path / "x.ndjson"
    assert main(["export", str(out), "--to", "fhir", "-o", str(target)]) == 3
    assert "archive/not-ended OUT" in capsys.readouterr().err
    assert not target.exists()
