"""Audit files and their spellings: the chain shows every fault, no comment ever, valid elsewhere."""

import json
from concurrent.futures import ProcessPoolExecutor
from xml.etree import ElementTree as ET

import pytest
from fhir.resources.auditevent import AuditEvent as R5AuditEvent
from fhir.resources.provenance import Provenance as R5Provenance
from fhir.resources.R4B.auditevent import AuditEvent as R4BAuditEvent
from fhir.resources.R4B.provenance import Provenance as R4BProvenance
from sopstatus import Link, SOPInstance
from sopstatus.audit import log as audit_log
from sopstatus.audit.dicom import message
from sopstatus.audit.fhir import audit_event, provenance
from sopstatus.profile import POLICIES, Circumstances, Copy, authorize, receive, send, transfer

MARKER = "SYNTHETIC-COMMENT-MARKER"
COMMENT = {
    "SOPInstanceStatus": "OR",
    "SOPAuthorizationComment": MARKER,
    "SOPAuthorizationDateTime": "20240102",
}
ORIGINAL = SOPInstance("1.2.3", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.5", "A", COMMENT)


def history():
    """Yield a record of every kind: done, refused, over every link and policy."""
    for link in (Link(secure=True, authenticated=True, conforms=True), Link(secure=False)):
        for policy in POLICIES:
            at = Circumstances(link, "SENDER", "RECEIVER", policy, "2024-01-02T03:04:05.000Z")
            held = Copy.of(ORIGINAL)
            done = authorize(
                held, certified=True, date_time="2024", equipment="C", comment=MARKER, at=at
            )
            assert MARKER in repr(done.copy)
            sent = transfer(done.copy, at=at)
            yield from (done.record, sent.record, send(done.copy, at=at).record)
            yield receive(ORIGINAL, at=at).record


RECORDS = list(history())


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, RECORDS[:3])
    audit_log.append(file, RECORDS[3:])
    return file


def test_it_reads_back(log):
    assert list(audit_log.read(log)) == RECORDS
    assert audit_log.verify(log) == ()
    assert MARKER not in log.read_text()


def test_every_fault_of_the_chain_shows(log):
    lines = log.read_text().splitlines(keepends=True)
    for n in range(len(lines) - 1):
        for broken in (
            lines[:n] + lines[n + 1 :],
            [*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]],
            [*lines[: n + 1], *lines[n:]],
            [*lines[:n], lines[n].replace('"SENDER"', '"ANOTHER"'), *lines[n + 1 :]],
            [*lines[:n], lines[n][:40] + "\n", *lines[n + 1 :]],
        ):
            log.write_text("".join(broken))
            (fault,) = audit_log.verify(log)
            assert fault.location in (f"line {n + 1}", f"line {n + 2}")


def test_a_cut_end_shows_against_its_hash(log):
    last = json.loads(log.read_text().splitlines()[-1])["hash"]
    assert audit_log.verify(log, last=last) == ()
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert audit_log.verify(log) == ()
    assert [f.code for f in audit_log.verify(log, last=last)] == ["audit/end-missing"]


def append_some(file):
    for record in RECORDS[:8]:
        audit_log.append(file, [record])


def test_processes_that_append_at_once(tmp_path):
    file = tmp_path / "audit.jsonl"
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(append_some, [file] * 4))
    assert len(list(audit_log.read(file))) == 32
    assert audit_log.verify(file) == ()


@pytest.mark.parametrize(
    ("release", "event", "origin"),
    [("R4", R4BAuditEvent, R4BProvenance), ("R4B", R4BAuditEvent, R4BProvenance),
     ("R5", R5AuditEvent, R5Provenance)],
)  # fmt: skip
def test_fhir(release, event, origin):
    for record in RECORDS:
        resource = audit_event(record, release)
        event.model_validate(resource)
        assert MARKER not in json.dumps(resource)
        assert record.table_sha256 in json.dumps(resource)
        if record.outcome == "done":
            made = provenance(record, release)
            origin.model_validate(made)
            assert MARKER not in json.dumps(made)
        else:
            with pytest.raises(ValueError, match="refused"):
                provenance(record, release)


def test_dicom():
    """The order and the required attributes of PS3.15 A.5.1."""
    for record in RECORDS:
        text = message(record)
        assert MARKER not in text
        root = ET.fromstring(text)
        names = [child.tag for child in root]
        people = names.count("ActiveParticipant")
        assert people in (1, 2)
        assert names == [
            "EventIdentification",
            *["ActiveParticipant"] * people,
            "AuditSourceIdentification",
            "ParticipantObjectIdentification",
        ]
        head, study = root[0], root[-1]
        assert head.get("EventOutcomeIndicator") == ("0" if record.outcome == "done" else "4")
        assert head[0].get("csd-code") in ("110102", "110103", "110104")
        for code in root.iter():
            if "csd-code" in code.attrib:
                assert {"codeSystemName", "originalText"} <= set(code.attrib)
        assert [c.tag for c in study][:2] == [
            "ParticipantObjectIDTypeCode",
            "ParticipantObjectName",
        ]
        assert study.get("ParticipantObjectID") == "1.2.3"
        assert study.find(".//Instance").get("UID") == "1.2.3.5"
