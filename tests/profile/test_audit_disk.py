"""The audit file where the disk is full, and where a process is killed or the power fails."""

import itertools
import json
import os
import signal
import time
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from engines.gateway.fhir_stub import stub
from engines.gateway.served import FHIR, gateway, said, stating
from fhir.resources.auditevent import AuditEvent
from samples_of import FOLDER, bare, sample
from serving import parts, service
from small_disk import empty, fill, small_disk
from sopstatus import DocumentError
from sopstatus.audit import log as audit_log
from sopstatus.audit.dicom import message
from sopstatus.audit.fhir import audit_event
from sopstatus.audit.record import TORN_LINE
from sopstatus.cli import main
from sopstatus.ledger import Ledger

CASE = FOLDER / "authorized-original"
WHOLE = FOLDER.parent / "tests" / "issue_samples" / "audit" / "whole.jsonl"
RECORDS = [
    replace(record, sop_instance_uid=f"1.2.3.{n}")
    for n in range(8)
    for record in audit_log.read(WHOLE)
]
FILES = parts(
    sample("authorized-original", "hl7"), bare("authorized-original", "dicom"), "hl7", "dicom"
)


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 KiB."""
    with small_disk(tmp_path / "disk") as place:
        yield place


def codes(issues):
    return [found.code for found in issues]


def refused(file, records):
    with pytest.raises(DocumentError) as caught:
        audit_log.append(file, records)
    return caught.value.issues[0]


def test_a_full_disk_leaves_the_file_as_it_was(disk):
    """Wherever in a line the room ends: the page that is half full takes the beginning of one."""
    file = disk / "audit.jsonl"
    before = audit_log.append(file, RECORDS[:3])
    fill(disk)
    done = 0
    for n in range(30):
        size = file.stat().st_size
        try:
            audit_log.append(file, RECORDS[n % len(RECORDS) :][: 1 + n % 3])
            done += 1
        except DocumentError as error:
            (told,) = error.issues
            assert (told.code, told.location) == ("document/unwritable", "--audit")
            assert "(No space left on device)" in told.diagnostics
            assert file.stat().st_size == size
            assert audit_log.verify(file) == ()
    assert done < 30
    empty(disk)
    last = audit_log.append(file, RECORDS[:1])
    assert before != last
    assert audit_log.verify(file, last=last) == ()


def test_a_torn_line_stays_where_the_disk_is_full(disk):
    """It is evidence until a record says that it was there."""
    file = disk / "audit.jsonl"
    audit_log.append(file, RECORDS[:3])
    whole = file.read_bytes()
    torn = whole + whole[:200]
    file.write_bytes(torn)
    fill(disk)
    many = RECORDS * 20
    assert refused(file, many).code == "document/unwritable"
    assert file.read_bytes() == torn
    empty(disk)
    audit_log.append(file, many[:5])
    assert [(f.code, f.location) for f in audit_log.verify(file)] == [("audit/torn-line", "line 4")]


def appending(file):
    """Append 40 times in a process whose exit code is how often that went well."""
    child = os.fork()
    if child:
        return child
    done = 0
    for _ in range(40):
        try:
            audit_log.append(file, RECORDS[:1])
            done += 1
        except DocumentError:
            pass
    os._exit(done)


def test_two_that_append_on_a_full_disk(disk):
    file = disk / "audit.jsonl"
    audit_log.append(file, RECORDS[:1])
    fill(disk, leave=3)
    children = [appending(file) for _ in range(2)]
    done = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert 0 < done < 80
    assert audit_log.verify(file) == ()
    assert len(list(audit_log.read(file))) == 1 + done


def test_a_line_cut_off_anywhere_is_replaced_and_recorded(tmp_path):
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, RECORDS[:3])
    whole = file.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for cut in (*range(start + 1, start + 30), *range(start + 30, len(whole), 50), len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert codes(audit_log.verify(file)) == ["audit/not-record"]
        last = audit_log.append(file, RECORDS[3:4])
        assert file.read_bytes().startswith(whole[:start])
        (told,) = audit_log.verify(file, last=last)
        assert (told.code, told.location, told.severity) == (
            "audit/torn-line",
            "line 3",
            "warning",
        )
        *kept, torn, new = audit_log.read(file)
        assert (kept, new) == (RECORDS[:2], RECORDS[3])
        assert torn.event == TORN_LINE
        assert torn.time


@pytest.mark.parametrize(
    "torn", [b'{"rec', b'{"record":{"event":"sy', bytes(700), b'{"record":' + bytes(99)]
)
@pytest.mark.parametrize("lines", [0, 2])
def test_what_a_power_failure_leaves(tmp_path, torn, lines):
    """Of a first line too; the length may be on the disk before the bytes, which then are zero."""
    file = tmp_path / "audit.jsonl"
    if lines:
        audit_log.append(file, RECORDS[:lines])
    with file.open("ab") as opened:
        opened.write(torn)
    audit_log.append(file, RECORDS[:1])
    assert codes(audit_log.verify(file)) == ["audit/torn-line"]
    assert len(list(audit_log.read(file))) == lines + 2


@pytest.mark.parametrize(
    "text", [b"my notes", b"x" * (2 << 20), b"my\nnotes\n", b"notes\nof mine", b"\n"]
)
def test_a_file_of_somebody_else_is_not_touched(tmp_path, text):
    file = tmp_path / "notes"
    file.write_bytes(text)
    assert refused(file, RECORDS[:1]).code == "audit/not-record"
    assert file.read_bytes() == text


def test_killed_in_the_middle(tmp_path):
    """Whatever the moment: what `append` has confirmed is there, and the next one goes on."""
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, RECORDS[:1])
    torn = confirmed = 0
    for wait in (0.005 * n for n in range(1, 13)):
        ends, begins = os.pipe()
        child = os.fork()
        if not child:
            for _ in itertools.count():
                audit_log.append(file, RECORDS * 200)
                os.write(begins, b".")
        os.close(begins)
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(ends, "rb") as told:
            confirmed += len(told.read())
        torn += not file.read_bytes().endswith(b"\n")
        audit_log.append(file, RECORDS[:1])
    told = audit_log.verify(file)
    assert codes(told) == ["audit/torn-line"] * torn
    assert len(list(audit_log.read(file))) >= 1 + confirmed * 200 * len(RECORDS) + 12 + torn


def test_killed_while_a_line_is_replaced(tmp_path):
    """The new lines are shorter than what they replace: what is behind them is no line either."""
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, RECORDS[:2])
    whole = file.read_bytes()
    audit_log.append(file, [])
    file.write_bytes(whole + b'{"record":' + b"x" * 9000)
    audit_log.append(file, RECORDS[:1])
    text = file.read_bytes()
    file.write_bytes(text + b"x" * (len(whole) + 9000 - len(text)))  # not cut to its length yet
    audit_log.append(file, RECORDS[:1])
    assert codes(audit_log.verify(file)) == ["audit/torn-line"] * 2


@pytest.fixture
def torn(tmp_path):
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, RECORDS[:2])
    file.write_bytes(file.read_bytes()[:-9])
    audit_log.append(file, [])
    return file


def test_it_is_told_by_every_command(torn, capsys, tmp_path):
    assert main(["audit", "verify", str(torn)]) == 0
    said = capsys.readouterr()
    assert said.out == "the chain is whole\n"
    assert said.err.startswith("warning audit/torn-line line 2: ")
    for form in ("json", "fhir", "dicom"):
        assert main(["audit", "show", str(torn), "--as", form]) == 0
        assert "torn-line" in capsys.readouterr().out
    assert main(["ledger", "add", str(tmp_path / "ledger.db"), str(torn)]) == 0
    assert capsys.readouterr().out == "1 new, 0 known\n"


def test_its_record_in_other_spellings(torn):
    *_, record = audit_log.read(torn)
    for release in ("R4", "R5"):
        resource = audit_event(record, release)
        assert "Audit Log Used" in json.dumps(resource)
        if release == "R5":
            AuditEvent.model_validate(resource)
    assert ET.fromstring(message(record))[0][0].get("csd-code") == "110101"
    with Ledger() as ledger:
        assert ledger.add([record]).issues == ()


def test_convert_writes_nothing_without_its_record(disk, tmp_path, capsys):
    audit, into, out = disk / "audit.jsonl", tmp_path / "bare.dcm", tmp_path / "out.dcm"
    command = ["convert", str(CASE / "message.hl7"), "--to", "dicom", "--holder", "PACS", "--into",
               str(into), "-o", str(out), "--audit", str(audit), "--trusted-link"]  # fmt: skip
    fill(disk)
    into.write_bytes(bare("authorized-original", "dicom"))
    assert main(command) == 3
    assert "document/unwritable --audit" in capsys.readouterr().err
    assert not out.exists()
    assert not audit.exists() or not audit.read_bytes()
    empty(disk)
    assert main(command) == 0
    assert audit_log.verify(audit) == ()


def test_the_service_answers_503_until_there_is_room(disk):
    audit = disk / "audit.jsonl"
    with service("--trusted-link", "--audit", audit) as running, running.client() as client:

        def post():
            return client.post("/transform/hl7-to-dicom", files=FILES)

        assert post().status_code == 200
        fill(disk)
        before = audit.read_bytes()
        answers = [post() for _ in range(8)]
        assert answers[-1].status_code == 503
        assert {a.status_code for a in answers} <= {200, 503}
        assert answers[-1].headers["retry-after"]
        assert "document/unwritable" in answers[-1].text
        assert audit.read_bytes().startswith(before)
        empty(disk)
        assert post().status_code == 200
    assert audit_log.verify(audit) == ()
    assert len(list(audit_log.read(audit))) == 2 + [a.status_code for a in answers].count(200)


def test_the_service_answers_503_where_its_file_is_broken(tmp_path):
    """It is no fault of the request."""
    audit = tmp_path / "audit.jsonl"
    audit.write_text("my notes\n")
    with service("--trusted-link", "--audit", audit) as running, running.client() as client:
        answer = client.post("/transform/hl7-to-dicom", files=FILES)
        assert answer.status_code == 503
        assert "audit/not-record" in answer.text


def test_a_fifo_that_nobody_reads_is_no_reason_to_wait(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    told = refused(tmp_path / "fifo", RECORDS[:1])
    assert (told.code, told.location) == ("document/unwritable", "--audit")
    with open(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        audit_log.append(tmp_path / "fifo", RECORDS[:2])
        (tmp_path / "got").write_bytes(reader.read())
    assert list(audit_log.read(tmp_path / "got")) == RECORDS[:2]
    assert audit_log.verify(tmp_path / "got") == ()


def test_the_gateway_sends_nothing_on_until_there_is_room(disk):
    audit, study = disk / "audit.jsonl", stating(said())
    with stub() as server, gateway(server.url, "--demote", "--audit", audit) as front:

        def post():
            server.reset()
            sent = front.post("/ImagingStudy", json=study, headers=FHIR)
            return sent, len(server.stored)

        fill(disk)
        answers = [post() for _ in range(8)]
        assert (answers[-1][0].status_code, answers[-1][1]) == (503, 0)
        assert answers[-1][0].headers["retry-after"]
        assert "document/unwritable" in answers[-1][0].text
        empty(disk)
        answers.append(post())
    assert {(answer.status_code, stored) for answer, stored in answers} <= {(201, 1), (503, 0)}
    assert answers[-1][1] == 1
    assert audit_log.verify(audit) == ()
    assert len(list(audit_log.read(audit))) == sum(stored for _, stored in answers)
