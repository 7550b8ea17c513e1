"""The files of samples/engines, each run as its host runs it.

``nifiapi`` ships with NiFi alone and ``iris`` with IRIS alone: both are stubbed here, no more than the
calls that a sample makes. intersystems_pyprod itself is the real one.
"""

import base64
import importlib.util
import json
import socket
import subprocess
import sys
import types

import pytest
from samples_of import CASES, FOLDER, sample
from sopstatus import content, transformer

PLACE = FOLDER / "engines"
CASE = "authorized-original"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, PLACE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pyprod looks there
    spec.loader.exec_module(module)
    return module


def written(case):
    return content.dump_json(transformer("hl7", "fhir")(sample(case, "hl7")).value)


def test_they_are_short_and_no_cases():
    files = sorted(PLACE.glob("*.py"))
    assert "engines" not in CASES
    for file in files:
        assert 20 <= len(file.read_text().splitlines()) <= 42, file.name


UTF_8 = [case for case in CASES if b"8859/1" not in sample(case, "hl7")]  # else: as base64


@pytest.mark.parametrize(
    ("case", "encoded"), [*((c, True) for c in CASES), *((c, False) for c in UTF_8)]
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


class Result:
    def __init__(self, relationship, attributes=None, contents=None):
        self.relationship, self.attributes, self.contents = relationship, attributes, contents


class FlowFile:
    def __init__(self, contents):
        self.getContentsAsBytes = lambda: contents


def test_nifi(monkeypatch):
    stub = types.ModuleType("nifiapi.flowfiletransform")
    stub.FlowFileTransform, stub.FlowFileTransformResult = object, Result
    monkeypatch.setitem(sys.modules, "nifiapi", types.ModuleType("nifiapi"))
    monkeypatch.setitem(sys.modules, "nifiapi.flowfiletransform", stub)
    processor = loaded("nifi_flowfile_transform").SopStatusToFhir(jvm=None)
    for case in CASES:
        told = processor.transform(None, FlowFile(sample(case, "hl7")))
        assert (told.relationship, told.contents) == ("success", written(case))
        assert told.attributes["mime.type"] == "application/fhir+json"
    told = processor.transform(None, FlowFile(b"x"))
    assert (told.relationship, told.contents) == ("failure", None)
    assert told.attributes["sopstatus.issues"].startswith("fatal hl7/no-msh")


def test_intersystems(monkeypatch):
    logged = []
    response = types.SimpleNamespace(_New=types.SimpleNamespace)
    log = types.SimpleNamespace(LogInfo=lambda *told: logged.append(told))
    iris = types.ModuleType("iris")
    iris.Ens = types.SimpleNamespace(StringResponse=response, Util=types.SimpleNamespace(Log=log))
    iris.system = types.SimpleNamespace(
        Status=types.SimpleNamespace(Error=lambda code, text: f"0 {code} {text}")
    )
    monkeypatch.setitem(sys.modules, "iris", iris)
    process = loaded("intersystems_on_request").HL7ToFHIR(None)
    message = sample(CASE, "hl7").decode()
    told = process.OnRequestHelper(types.SimpleNamespace(StringValue=message))
    assert (told["status"], told["response_available"]) == (1, 1)
    assert told["response"].StringValue.encode() == written(CASE)
    assert process.fullname() == "SopStatus.HL7ToFHIR"
    process.OnRequestHelper(types.SimpleNamespace(StringValue=message.replace("|AO^", "|XX^")))
    assert "value/unknown-term" in str(logged)
    told = process.OnRequestHelper(types.SimpleNamespace(StringValue="x"))
    assert (told["status"][:21], told["response_available"]) == ("0 5001 fatal hl7/no-m", 0)


def test_a_bare_socket():
    command = [sys.executable, str(PLACE / "bare_socket.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        port = int(process.stdout.readline())
        for message, want in (
            (sample(CASE, "hl7"), written(CASE)),
            (b"x", b"OperationOutcome"),
            (b"MSH" * (1 << 20), b""),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
                answer = b""
                try:
                    sock.sendall(message)
                    sock.shutdown(socket.SHUT_WR)
                    while piece := sock.recv(65536):
                        answer += piece
                except OSError:  # it does not read what is too long
                    assert len(message) > 1 << 20
                assert want in answer
                assert want or not answer
        process.terminate()
