"""What each host logs, answers and prints at debug level holds no patient data (the service: http/)."""

import json

import pytest
from sopstatus.cli import main
from sopstatus.engines.mllp.frame import frame
from sopstatus.testing.running import running
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from test_no_patient_data import ALL, MARK, NAME, searched

from engines.gateway.served import FHIR, gateway
from engines.running import Client, ours


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number, (_, data) in enumerate(ALL["dicom"]):
        (folder / f"{number}.dcm").write_bytes(data)
    return folder


def test_the_listener(images):
    options = ("--source", str(images), "--holder", "PACS", "--log-level", "debug")
    with ours(*options) as server:
        for about, message in ALL["hl7"]:
            with Client(server.port) as client:
                client.send(frame(message))
                answers = client.answers(1)
                assert answers
                if about != "type":  # an acknowledgment repeats the trigger event (2.9.2)
                    searched(*answers)
        logged = server.told()
    assert logged.count("\n") > len(ALL["hl7"])
    searched(logged)


def test_the_gateway():
    async def upstream(request):
        return JSONResponse({"resourceType": "Patient", "id": NAME}, 201)

    routes = [Route("/fhir/{rest:path}", upstream, methods=["GET", "POST", "PUT"])]
    with (
        running(Starlette(routes=routes)) as url,
        gateway(f"{url}/fhir", "--log-level", "debug") as front,
    ):
        refused = 0
        for _, document in ALL["fhir"]:
            body = json.dumps(document, skipkeys=True)
            for path in ("/ImagingStudy", f"/ImagingStudy/$sop-status?{MARK}={NAME}", f"/{MARK}"):
                answer = front.post(path, content=body, headers=FHIR)
                if answer.status_code >= 400:
                    refused += 1
                    searched(answer.text, answer.headers)
        assert refused > 50
        logged = front.text()
    assert logged.count("\n") > 50
    searched(logged)


def test_scans_and_what_is_made_of_them(images, tmp_path, capsys, caplog):
    caplog.set_level("DEBUG")
    out, ledger = tmp_path / "out", str(tmp_path / "ledger.db")
    to = [
        word
        for kind, name in (("fhir", "x.ndjson"), ("hl7", "x.hl7"), ("ledger", "ledger.db"))
        for word in ("--to", kind, str(tmp_path / name))
    ]
    scan = ["scan", str(images), "--holder", "PACS", "--context", "--part-rows", "9"]
    main([*scan, "-o", str(out), "-v", *to])
    assert MARK in (tmp_path / "x.hl7").read_text(), "else nothing could appear"
    main(["report", str(out), "-v"])
    main(["export", str(out), "--to", "changes", "--ledger", ledger])
    captured = capsys.readouterr()
    assert captured.out.count("\n") > 3
    searched(captured.out, captured.err, caplog.text)
    searched((tmp_path / "ledger.db").read_bytes(), (out / "report.html").read_bytes())
