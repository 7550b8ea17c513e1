"""Statements of a source, added where a message is about the study and does not say them itself."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from engines.destination import Receiver
from engines.running import Client, code, message, ours
from samples_of import CASES, FOLDER, bare, sample
from sopstatus import DocumentError, Link, SOPInstance, codec
from sopstatus.engines.enrich import enricher
from sopstatus.engines.mllp.work import work
from sopstatus.ledger import Ledger
from sopstatus.sources import folder as sources
from sopstatus.sources.folder import FolderSource

HL7 = codec("hl7")
CASE = "authorized-original"
(SAID,) = HL7.decode(sample(CASE, "hl7")).value


def done(document, source):
    return work(limit=1 << 20, source=source)(document, Link())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    shutil.copy(FOLDER / CASE / "image.dcm", tmp_path / "deep" / "er")
    (tmp_path / "readme.txt").write_text("no document of ours")
    (tmp_path / "empty.dcm").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["image.dcm", "imaging-study.json", "message.hl7", "metadata.json"]
)
def test_a_folder_of_any_format(name, tmp_path):
    shutil.copy(FOLDER / CASE / name, tmp_path)
    outcome = done(bare(CASE, "hl7"), FolderSource(tmp_path))
    (found,) = HL7.decode(outcome.message).value
    assert found == SAID
    assert outcome.message == sample(CASE, "hl7")
    assert not outcome.failed


@pytest.mark.parametrize("case", CASES)
def test_a_message_that_says_it_all_passes_byte_for_byte(case, tmp_path):
    shutil.copy(FOLDER / case / "image.dcm", tmp_path)
    source = FolderSource(tmp_path)
    data = sample(case, "hl7")
    outcome = done(data, source)
    if not outcome.failed:
        assert outcome.message == data
        again = done(outcome.message, source)
        assert again.message == outcome.message


def test_what_the_message_says_stays(folder):
    other = SOPInstance(*SAID.identity[:2], SAID.sop_class_uid, SAID.sop_instance_uid, "",
                        {"SOPInstanceStatus": "NS"})  # fmt: skip
    data = HL7.encode([other], sample(CASE, "hl7")).value
    outcome = done(data, FolderSource(folder))
    assert (outcome.message, outcome.issues) == (data, ())
    (note,) = outcome.notes
    assert (note.code, note.severity) == ("source/contradiction", "warning")
    assert "about 1 copies" in str(note)
    (note,) = enricher(FolderSource(folder))(data).issues
    assert note.code == "source/contradiction"
    assert not done(sample(CASE, "hl7"), FolderSource(folder)).notes


def test_another_study_is_not_touched(folder):
    data = bare("original", "hl7")
    assert done(data, FolderSource(folder)).message == data


def test_the_holder_of_the_folder(folder):
    outcome = done(bare(CASE, "hl7"), FolderSource(folder, holder="ARCHIVE"))
    assert [s.holder for s in HL7.decode(outcome.message).value] == ["ARCHIVE"]


def test_an_order_gets_one_statement_or_none(tmp_path):
    shutil.copy(FOLDER / "two-series" / "image.dcm", tmp_path / "1.dcm")
    shutil.copy(FOLDER / "two-series" / "imaging-study.json", tmp_path)
    source = FolderSource(tmp_path)
    (study, *_) = {s.study_instance_uid for s in HL7.decode(sample("two-series", "hl7")).value}
    order = (
        "MSH|^~\\&|RIS|H|PACS|H|2024||ORM^O01|1|P|2.3.1\rPID|1\rORC|NW|1\rOBR|1|1||CT\r"
        f"ZDS|{study}^V^Application^DICOM\r"
    ).encode()
    outcome = done(order, source)
    assert outcome.message.count(b"ZDS|") == 1
    assert not outcome.failed, "what the source says is no fault of the sender's"
    assert "hl7/not-for-the-study" in {i.code for i in outcome.notes}


def test_a_file_that_changes_within_one_tick_and_keeps_its_size_is_seen(folder, monkeypatch):
    monkeypatch.setattr(sources, "_FRESH", 0.0)
    source = FolderSource(folder)
    target = folder / "deep" / "er" / "image.dcm"
    before, data = target.stat(), target.read_bytes()
    target.write_bytes(data.replace(b"CS\x02\x00AO", b"CS\x02\x00NS"))
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    (found,) = source.statements(SAID.study_instance_uid)
    assert found["SOPInstanceStatus"] == "NS"


def test_while_a_file_cannot_be_read_nothing_is_said_and_then_it_is_read(monkeypatch):
    """It may be about any study, and what stands in the way (rights, open files) leaves no mark on it."""
    monkeypatch.setattr(sources, "_FRESH", 0.0)
    root = os.geteuid() == 0
    with TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        shutil.copy(FOLDER / CASE / "image.dcm", name)
        target = Path(name) / "image.dcm"
        target.chmod(0o600 if root else 0)
        if root:
            os.seteuid(65534)
        try:
            source = FolderSource(name)
            outcome = done(bare(CASE, "hl7"), source)
            with pytest.raises(DocumentError, match="source/unavailable"):
                source.statements("1.2.3")
        finally:
            if root:
                os.seteuid(0)
        assert outcome.trouble and not outcome.message
        if not root:
            target.chmod(0o600)
        assert source.statements(SAID.study_instance_uid) == [SAID]
        (target.parent / "loop").symlink_to("loop")
        with pytest.raises(DocumentError, match="source/unavailable"):
            source.statements(SAID.study_instance_uid)


def test_a_folder_that_changes_is_seen(folder, monkeypatch):
    monkeypatch.setattr(sources, "_FRESH", 0.0)
    source = FolderSource(folder)
    assert source.statements(SAID.study_instance_uid) == [SAID]
    target = folder / "deep" / "er" / "image.dcm"
    data = bytearray(target.read_bytes())
    target.write_bytes(codec("dicom").encode([
        SOPInstance(*SAID.identity[:2], SAID.sop_class_uid, SAID.sop_instance_uid, "",
                    {"SOPInstanceStatus": "OR"})], bytes(data)).value)  # fmt: skip
    (found,) = source.statements(SAID.study_instance_uid)
    assert found["SOPInstanceStatus"] == "OR"
    target.unlink()
    assert source.statements(SAID.study_instance_uid) == []


def test_a_ledger(tmp_path):
    with Ledger(str(tmp_path / "ledger.db")) as ledger:
        image = codec("dicom").decode(sample(CASE, "dicom"), holder="ARCHIVE").value
        ledger.observe(image)
        outcome = done(bare(CASE, "hl7"), ledger)
        (found,) = HL7.decode(outcome.message).value
        assert found.holder == "ARCHIVE"
        assert dict(found.attributes) == {"SOPInstanceStatus": "AO"}
        assert found.identity[:3] == SAID.identity[:3]
        assert ledger.statements("1.2.3") == []


@pytest.mark.parametrize("kind", ["folder", "ledger"])
def test_through_the_listener(kind, folder, tmp_path):
    source = folder
    if kind == "ledger":
        source = tmp_path / "ledger.db"
        with Ledger(str(source)) as ledger:
            ledger.observe(codec("dicom").decode(sample(CASE, "dicom"), holder="ARCHIVE").value)
    with (
        Receiver() as receiver,
        ours("--source", str(source), "--forward", receiver.address,
             "--spool", str(tmp_path / "spool")) as running,
        Client(running.port) as client,
    ):  # fmt: skip
        plain = message("2").encode()
        assert [code(client.ask(m)) for m in (bare(CASE, "hl7"), plain)] == ["AA", "AA"]
        receiver.wait(2)
    assert b"|AO^Authorized Original^99SOPSTATUS" in receiver.received[0]
    assert receiver.received[1] == plain


def test_what_the_source_says_and_the_message_cannot_take_is_a_warning(tmp_path):
    images = codec("dicom").decode(sample("two-series", "dicom")).value
    uid = images[0].study_instance_uid

    class Twice:
        def statements(self, study):
            other = replace(images[0], sop_instance_uid="1.2.3",
                            attributes={"SOPInstanceStatus": "NS"})  # fmt: skip
            return [*images, other]

    order = f"MSH|^~\\&|A|B|C|D|2024||ORM^O01|1|T|2.3.1\rORC|NW|1\rOBR|1|1\rZDS|{uid}^^Application^DICOM\r"
    result = enricher(Twice())(order)
    assert result.value == order
    assert [(i.severity, i.code) for i in result.issues] == [("warning", "hl7/not-for-the-study")]
    bad = order.replace("DICOM", "DICOM||||XX")
    result = enricher(Twice())(bad)
    assert result.value == bad
    assert ("error", "value/unknown-term") in [(i.severity, i.code) for i in result.issues]
