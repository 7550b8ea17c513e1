"""``sopstatus bundle``: what a ticket needs is there, and nothing of a patient or a secret."""

import json
import zipfile

import pydicom
import pytest
from engines.destination import Receiver, ack
from engines.mllp.test_forward import forwarding
from engines.running import Client, message
from engines.test_trust import wait_for
from samples_of import sample
from sopstatus import load_tables
from sopstatus.cli import main

MARK = "ZQX"
NAME = f"{MARK}DOE^{MARK}JANE"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for case, name in ("authorized-original", "message.hl7"), ("unknown-term", "bad.hl7"):
        data = sample(case, "hl7").replace(b"PID|", f"PID|{NAME}|".encode())
        (tmp_path / name).write_bytes(data + f"NTE|1||{NAME}\r".encode())
    image = pydicom.dcmread(pydicom.filebase.DicomBytesIO(sample("authorized-original", "dicom")))
    image.PatientName = image.SOPAuthorizationComment = NAME
    image.save_as(tmp_path / "image.dcm")
    (tmp_path / "none.bin").write_bytes(NAME.encode())
    return tmp_path


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_bundle_holds_what_a_ticket_needs_and_no_patient(place, monkeypatch, capsys):
    (place / "sopstatus.toml").write_text(
        f'[mllp]\nforward = "ris:2575"\nsource = "https://{MARK}user:{MARK}word@archive/dicom?key={MARK}"\n'
        f'source-token = "{MARK}"\nhost = "http://[{MARK}"\n'
    )
    monkeypatch.setenv("SOPSTATUS_LOG_LEVEL", "debug")
    monkeypatch.setenv("SOPSTATUS_NOTHING", MARK)
    events = [
        {"event": "mllp-message", "control_id": NAME, "peer": MARK, "answer": "AE", "ms": 1.5},
        {"event": "value/unknown-term", "diagnostics": f'"{MARK}" is', "location": "ZDS[1]-5"},
        {"event": f"{MARK} {NAME}"}, {"event": "failed", "reason": NAME}, [MARK], MARK,
    ]  # fmt: skip
    (place / "log").write_text("".join(f"{json.dumps(one)}\n" for one in events) + f"{MARK}\n")
    given = ["message.hl7", "bad.hl7", "image.dcm", "none.bin", "--events", "log"]
    assert main(["bundle", *given, "-o", "ticket.zip"]) == 0
    found = contents(place / "ticket.zip")
    assert (place / "ticket.zip").stat().st_mode & 0o777 == 0o600
    assert MARK not in str(found) + capsys.readouterr().out
    assert json.loads(found["tables.json"])["sha256"] == load_tables().sha256
    assert json.loads(found["versions.json"])["packages"]["pydicom"] == pydicom.__version__
    settings = json.loads(found["settings.json"])
    assert settings["environment"] == {"LOG_LEVEL": "debug"}
    mllp = {"forward": "ris:2575", "source": "https://archive/dicom", "host": "(left out)"}
    assert settings["file"]["mllp"] == mllp
    assert "ZDS" in found["document-1.txt"] and "(0100,0410)" in found["document-3.txt"]
    assert "value/unknown-term" in found["document-2.txt"]
    assert "document/unknown-format" in found["document-4.txt"]
    told = [json.loads(line) for line in found["events.jsonl"].splitlines()]
    assert told == [
        {"event": "mllp-message", "ms": 1.5, "answer": "AE"},
        {"event": "value/unknown-term", "location": "ZDS[1]-5"},
        {"event": "failed"},
    ]


def test_the_events_of_a_listener_go_in(place):
    with (
        Receiver(lambda _, m: ack(m, "AE")) as receiver,
        forwarding(place / "spool", receiver.address, "--log-level", "info") as running,
        Client(running.port) as client,
    ):
        client.ask(message(MARK, name=NAME))
        wait_for(lambda: "delivery-dead-letter" in running.told())
        (place / "log").write_text(running.told())
    assert main(["bundle", "--events", "log", "--last", "5", "-o", "t.zip"]) == 0
    found = contents(place / "t.zip")
    assert '"event": "delivery-dead-letter"' in found["events.jsonl"]
    assert MARK not in str(found)
    assert main(["bundle", "-o", "t.zip"]) == 3  # nothing is replaced


def test_what_stands_in_the_place_of_a_code_a_name_or_a_key_stays_out(place):
    """A status that is a name, a private creator, a segment, an element, a type of resource, a key."""
    image = pydicom.dcmread(place / "image.dcm")
    image.SOPInstanceStatus = image.RetrieveAETitle = MARK
    image.private_block(0x0099, MARK, create=True).add_new(1, "LO", MARK)
    image.save_as(place / "1.dcm")
    message_ = sample("authorized-original", "hl7").replace(b"AO", MARK.encode())
    (place / "2.hl7").write_bytes(message_ + f"{MARK}|{MARK}\rZ{MARK[:2]}|{MARK}\r".encode())
    xml = sample("authorized-original", "hl7-xml").replace(b">AO<", f">{MARK}<".encode())
    (place / "3.xml").write_bytes(xml.replace(b"</PID>", f"<{MARK}>{MARK}</{MARK}></PID>".encode()))
    study = json.loads(
        json.dumps(sample("authorized-original", "fhir")).replace('"AO"', f'"{MARK}"')
    )
    study |= {"id": MARK, MARK: {MARK: MARK}, "subject": {"reference": f"Patient/{MARK}"}}
    study["contained"] = [{"resourceType": MARK, "id": MARK}]
    study["extension"] = [{"url": f"http://x/{MARK}", "valueString": MARK}]
    others = ({MARK: {MARK: 1}}, {"resourceType": MARK})
    for number, document in enumerate((study, *others), 4):
        (place / f"{number}.json").write_text(json.dumps(document))
    names = sorted(path.name for path in place.iterdir() if path.stem.isdecimal())
    assert main(["bundle", *names, "-o", "t.zip"]) == 0 and len(names) == 6
    found = contents(place / "t.zip")
    assert MARK not in str(found)
    for number in (1, 2, 3, 4):
        assert "unknown" in found[f"document-{number}.txt"], found[f"document-{number}.txt"]
