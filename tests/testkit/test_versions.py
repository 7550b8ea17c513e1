"""Which tables made it: in explanations, in audit records and, where asked for, in FHIR."""

import json

from samples_of import FOLDER, bare, sample
from sopstatus import load_tables
from sopstatus.audit import log as audit_log
from sopstatus.cli import main
from sopstatus.codecs.fhir.stamp import stamped
from sopstatus.explain import explain
from sopstatus.model import AuditRecord

RELEASED = FOLDER / "authorized-original"
(VERSION,) = load_tables().versions


def test_a_version_is_of_its_own_files(tmp_path):
    (tmp_path / "other.toml").write_text('name = "approval-status"\nenabled = true\n')
    approval, status = load_tables(tmp_path).versions
    assert status == VERSION
    assert approval.name == "approval-status"
    (tmp_path / "status.toml").write_text('name = "sop-instance-status"\nversion = "2.0.0"\n')
    changed = load_tables(tmp_path).versions[1]
    assert changed.version == "2.0.0"
    assert changed.sha256 != VERSION.sha256


def test_explain(capsys):
    told = explain(sample("authorized-original", "hl7"))
    assert told.tables == (VERSION,)
    assert told.to_dict(values=False)["tables"] == [VERSION._asdict()]
    assert main(["explain", str(RELEASED / "message.hl7")]) == 0
    assert f"{VERSION.name} {VERSION.version}  sha256:{VERSION.sha256}\n" in capsys.readouterr().out


def test_audit_records(tmp_path, capsys):
    log, out = tmp_path / "audit.jsonl", tmp_path / "out.dcm"
    image = tmp_path / "image.dcm"
    image.write_bytes(bare(RELEASED.name, "dicom"))
    files = [str(RELEASED / "message.hl7"), "--into", str(image)]
    main(["convert", *files, "--to", "dicom", "-o", str(out), "--audit", str(log)])
    (record,) = audit_log.read(log)
    assert record.mappings == str(VERSION)
    assert not audit_log.verify(log)
    capsys.readouterr()
    for form in ("fhir", "dicom"):
        assert main(["audit", "show", str(log), "--as", form]) == 0
        out = capsys.readouterr().out
        assert VERSION.sha256 in out or form == "dicom"
    log.write_text(log.read_text().replace(VERSION.sha256, "0" * 64))
    assert audit_log.verify(log)


def test_a_record_without_mappings_keeps_its_hash():
    said = dict.fromkeys(AuditRecord.__slots__, "")
    assert '"mappings"' not in audit_log.canonical(AuditRecord(**said))


def test_fhir_is_stamped_where_asked_for(tmp_path, capsys):
    message, study = str(RELEASED / "message.hl7"), str(tmp_path / "study.json")
    assert main(["convert", message, "--to", "fhir", "-o", study]) == 0
    origin = {"system": "https://w3id.org/sopstatus/fhir/origin", "code": "made"}
    assert json.loads((tmp_path / "study.json").read_text())["meta"] == {"tag": [origin]}
    assert main(["convert", message, "--to", "fhir", "-o", study, "--stamp", "--validate"]) == 0
    made = json.loads((tmp_path / "study.json").read_text())
    assert made["meta"]["tag"] == [
        origin,
        {
            "system": "https://w3id.org/sopstatus/fhir/mapping-tables",
            "version": VERSION.version,
            "code": VERSION.name,
            "display": f"sha256:{VERSION.sha256}",
        },
    ]


def test_a_stamp_replaces_an_older_one_and_leaves_other_tags():
    theirs = {"system": "http://elsewhere.test", "code": "x"}
    study = {"resourceType": "ImagingStudy", "meta": {"versionId": "1", "tag": [theirs]}}
    once = stamped(study, load_tables())
    assert stamped(once, load_tables()) == once
    assert once["meta"]["tag"][0] == theirs
    assert once["meta"]["versionId"] == "1"
    assert study["meta"]["tag"] == [theirs]
