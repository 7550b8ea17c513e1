"""convert --audit, audit verify and audit show."""

import json
from xml.etree import ElementTree as ET

import pytest
from samples_of import FOLDER, bare
from sopstatus.cli import main

CASE = FOLDER / "authorized-original"


@pytest.fixture
def log(tmp_path):
    file, image = tmp_path / "audit.jsonl", tmp_path / "image.dcm"
    image.write_bytes(bare(CASE.name, "dicom"))
    for _ in range(2):
        code = main(
            [
                "convert",
                str(CASE / "message.hl7"),
                "--to",
                "dicom",
                "--into",
                str(image),
                "-o",
                str(tmp_path / "out.dcm"),
                "--audit",
                str(file),
            ]
        )
        assert code == 0
    return file


def test_verify(log, capsys):
    assert main(["audit", "verify", str(log)]) == 0
    assert "whole" in capsys.readouterr().out
    log.write_text(log.read_text().replace('"after":"NS"', '"after":"AO"', 1))
    assert main(["audit", "verify", str(log)]) == 1
    assert "audit/changed line 1" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "fhir", "dicom"])
def test_show(log, capsys, form):
    capsys.readouterr()
    assert main(["audit", "show", str(log), "--as", form]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for line in lines:
        if form == "dicom":
            assert ET.fromstring(line).tag == "AuditMessage"
        else:
            assert json.loads(line)


def test_a_file_that_is_not_there(capsys):
    assert main(["audit", "verify", "no-such-file"]) == 3
    assert "document/unreadable no-such-file: " in capsys.readouterr().err
