"""The files of samples/engines, each run as its host runs it: see sample_hosts.py."""

import base64
import json
import types

import pytest
from samples_of import CASES, ROOT, sample
from sopstatus import transformer
from sopstatus.documents import content
from sopstatus.engines.messagefoundry import sendable

from engines.sample_hosts import PLACE, FlowFile, bare_socket, intersystems, loaded, nifi

CASE = "authorized-original"
SAYING = [case for case in CASES if case != "absent"]  # a message that names no study


def written(case):
    return content.dump_json(transformer("hl7", "fhir")(sample(case, "hl7")).value)


def test_they_are_short_and_no_cases():
    files = sorted(PLACE.glob("*.py"))
    assert "engines" not in CASES
    for file in files:
        assert 20 <= len(file.read_text().splitlines()) <= 42, file.name


def test_the_pages_name_them_all():
    for page in (PLACE / "README.md", ROOT / "docs" / "engines.md"):
        text = page.read_text()
        assert not [file.name for file in PLACE.glob("*.py") if file.name not in text]


UTF_8 = [case for case in SAYING if b"8859/1" not in sample(case, "hl7")]  # else: as base64


@pytest.mark.parametrize(
    ("case", "encoded"), [*((c, True) for c in SAYING), *((c, False) for c in UTF_8)]
)
def test_aws_lambda(case, encoded, capsys):
    handler = loaded("aws_lambda").handler
    message = sample(case, "hl7")
    body = base64.b64encode(message).decode() if encoded else message.decode()
    told = handler({"version": "2.0", "body": body, "isBase64Encoded": encoded}, None)
    assert (told["statusCode"], told["body"].encode()) == (200, written(case))
    refused = handler({"body": None}, None)
    assert refused["statusCode"] == 400
    assert json.loads(refused["body"])["resourceType"] == "OperationOutcome"
    assert "document/empty" in capsys.readouterr().out


def test_nifi():
    with nifi() as processor:
        for case in SAYING:
            told = processor.transform(None, FlowFile(sample(case, "hl7")))
            assert (told.relationship, told.contents) == ("success", written(case))
            assert told.attributes["mime.type"] == "application/fhir+json"
        told = processor.transform(None, FlowFile(b"x"))
        assert (told.relationship, told.contents) == ("failure", None)
        assert told.attributes["sopstatus.issues"].startswith("fatal hl7/no-msh")


def test_intersystems():
    with intersystems() as (process, logged):
        message = sample(CASE, "hl7").decode()
        told = process.OnRequestHelper(types.SimpleNamespace(StringValue=message))
        assert (told["status"], told["response_available"]) == (1, 1)
        assert told["response"].StringValue.encode() == written(CASE)
        assert process.fullname() == "SopStatus.HL7ToFHIR"
        bad = message.replace("|AO^", "|XX^")
        process.OnRequestHelper(types.SimpleNamespace(StringValue=bad))
        assert "value/unknown-term" in str(logged)
        told = process.OnRequestHelper(types.SimpleNamespace(StringValue="x"))
        assert (told["status"][:21], told["response_available"]) == ("0 5001 fatal hl7/no-m", 0)


ADT = b"MSH|^~\\&|ADT|SITE|PACS|SITE|20240102030405||ADT^A08|1|P|2.5.1\rEVN||20240102030405\rPID|1||X\r"
FOREIGN = ADT + b"ZDS|ACCESSION-1^A\r"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ADT, "document/says-nothing"),
        (FOREIGN, "document/says-nothing"),
        (sample("absent", "hl7"), "document/states-nothing"),  # it names a study
    ],
    ids=["ADT", "a foreign ZDS", "absent"],
)
def test_nothing_to_say_is_nothing_sent(message, code, capsys):
    told = loaded("aws_lambda").handler({"body": message.decode()}, None)
    assert told["statusCode"] == 422
    assert code in told["body"]
    with nifi() as processor:
        told = processor.transform(None, FlowFile(message))
        assert (told.relationship, told.contents) == ("failure", None)
        assert code in told.attributes["sopstatus.issues"]
    with intersystems() as (process, logged):
        told = process.OnRequestHelper(types.SimpleNamespace(StringValue=message.decode()))
        assert (told["status"], told["response_available"]) == (1, 0)
        assert code in str(logged)
    with bare_socket() as ask:
        assert code.encode() in ask(message)
    raw = types.SimpleNamespace(is_binary=True, raw_bytes=message)
    assert sendable(transformer("hl7", "fhir"))(raw) is None


def test_a_bare_socket():
    with bare_socket() as ask:
        assert ask(sample(CASE, "hl7")) == written(CASE)
        assert b"OperationOutcome" in ask(b"x")
        assert ask(b"MSH" * (1 << 20)) == b""
