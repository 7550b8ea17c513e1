"""A service that runs for long: tables that change, signals, metrics, logs, its own description."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families
from samples_of import sample
from serving import MEDIA, service
from sopstatus import load_tables
from sopstatus.codecs import FORMATS
from sopstatus.engines.http.media import MEDIA_TYPES
from sopstatus.engines.http.offer import PAIRS
from sopstatus.engines.http.openapi import openapi

MESSAGE = sample("authorized-original", "hl7")
URL = "/transform/hl7-to-fhir"
HL7 = {"content-type": MEDIA["hl7"]}
SITE = 'canonical = "https://fhir.example.org"\n'


def wait_for(check, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def metrics(client):
    """Return every sample by its name and labels."""
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for one in family.samples
    }


@pytest.mark.parametrize("how", ["watched", "SIGHUP"])
def test_tables_change_whole_or_not_at_all(tmp_path, how):
    tables = tmp_path / "tables"
    tables.mkdir()
    file = tables / "site.toml"
    file.write_text(SITE)

    def put(text):
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(file)
        if how == "SIGHUP":
            running.process.send_signal(signal.SIGHUP)

    with (
        service("--mappings", tables, "--log-level", "info") as running,
        running.client() as client,
    ):
        before = client.get("/readyz").json()
        assert before["sha256"] == load_tables(tables).sha256
        assert "https://fhir.example.org/" in client.post(URL, content=MESSAGE, headers=HL7).text

        put('canonicle = "https://fhir.example.com"\n')
        told = wait_for(lambda: client.get("/readyz").json().get("refused"))
        assert told == {"file": "site.toml", "line": 1, "key": "canonicle"}
        assert client.get("/readyz").json()["sha256"] == before["sha256"]
        assert client.get("/readyz").status_code == 200
        assert "https://fhir.example.org/" in client.post(URL, content=MESSAGE, headers=HL7).text
        assert "canonical" in running.events("tables-refused")[0]["fault"]  # did you mean

        put('canonical = "https://fhir.example.com"\n')
        wait_for(lambda: client.get("/readyz").json()["sha256"] != before["sha256"])
        after = client.get("/readyz").json()
        assert after["sha256"] == load_tables(tables).sha256
        assert "refused" not in after
        assert "https://fhir.example.com/" in client.post(URL, content=MESSAGE, headers=HL7).text
        assert running.events("tables-loaded")[-1]["sha256"] == after["sha256"]

        told = metrics(client)
        group = {"table": "sop-instance-status", "version": "1.0.0"}
        infos = [key for key in told if key[0] == "sopstatus_tables_info"]
        assert infos == [
            ("sopstatus_tables_info", *sorted({**group, "sha256": after["sha256"]}.items()))
        ]
        assert told["sopstatus_table_loads_total", ("result", "refused")] >= 1


def test_metrics():
    with service() as running, running.client() as client:
        for _ in range(3):
            client.post(URL, content=MESSAGE, headers=HL7)
        client.post(URL, content=MESSAGE.replace(b"|AO^", b"|XX^"), headers=HL7)
        client.post(URL, content=b"x", headers=HL7)
        client.get("/nowhere/JANE-DOE")
        client.post("/transform/JANE-DOE", content=b"")
        told = metrics(client)
    route = ("route", "/transform/{name}")
    assert told["sopstatus_requests_total", route, ("status", "200")] == 3
    assert told["sopstatus_requests_total", route, ("status", "422")] == 1
    assert told["sopstatus_requests_total", route, ("status", "400")] == 1
    assert told["sopstatus_requests_total", route, ("status", "404")] == 1
    assert told["sopstatus_requests_total", ("route", "other"), ("status", "404")] == 1
    assert told["sopstatus_request_seconds_count", route] == 6
    assert told["sopstatus_request_seconds_bucket", ("le", "+Inf"), route] == 6
    assert told["sopstatus_transformations_total", ("transform", "hl7-to-fhir")] == 3
    issues = ("sopstatus_issues_total", ("code", "value/unknown-term"), ("severity", "error"))
    assert told[issues] == 1
    assert told["sopstatus_issues_total", ("code", "hl7/no-msh"), ("severity", "fatal")] == 1
    assert told[("sopstatus_in_progress",)] == 0
    assert told[("process_resident_memory_bytes",)] > 0
    assert "JANE" not in str(told)


def test_logs():
    with service("--log-level", "info") as running, running.client() as client:
        client.post(URL, content=MESSAGE, headers=HL7)
        client.post(f"{URL}?holder={'JANE' * 9}", content=MESSAGE, headers=HL7)
        client.post("/transform/JANE-DOE?JANE=DOE", content=b"JANE", headers=HL7)
        (refused,) = wait_for(lambda: running.events("http/unknown-name"))  # after the answer
        (done,) = running.events("transformation")
        assert (done["route"], done["status"]) == ("/transform/", 200)
        assert done["transform"] == "hl7-to-fhir"
        assert done["seconds"] > 0
        assert done["tables"] == {"sop-instance-status": "1.0.0"}
        assert (refused["route"], refused["status"]) == ("/transform/", 404)
        running.stop()
        assert running.events()[-1]["event"] == "stopped"
        assert "JANE" not in running.text()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(sig):
    with service() as running:
        assert running.stop(sig) == 0
        assert running.text() == ""


def test_no_request_is_lost_when_it_ends():
    """Callers go on through the end: what was worked on was answered, and whole."""
    answered, errors = [], []

    def call(port):
        connection = None
        while True:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                    connection.connect()
                connection.request("POST", URL, MESSAGE, HL7)
                answer = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                return  # before a byte of an answer: nothing was begun
            try:
                assert json.loads(answer.read())["resourceType"] == "ImagingStudy"
                answered.append(answer.status)
            except Exception as error:
                errors.append(error)
                return
            if answer.will_close:
                connection.close()
                connection = None

    with service("--log-level", "info", notice=1) as running:
        callers = [threading.Thread(target=call, args=(running.port,)) for _ in range(8)]
        for caller in callers:
            caller.start()
        wait_for(lambda: len(answered) > 100)
        running.process.send_signal(signal.SIGTERM)
        with running.client() as client:
            answer = wait_for(lambda: (a := client.get("/readyz")).status_code == 503 and a)
            assert answer.json()["status"] == "draining"
            assert answer.headers["connection"] == "close"
        before = len(answered)
        assert running.process.wait(30) == 0
        for caller in callers:
            caller.join()
        assert errors == []
        assert len(answered) > before  # it went on while it was ending
        assert set(answered) == {200}
        assert len(running.events("transformation")) == len(answered)


def test_what_is_worked_on_at_the_end_is_answered():
    with service("--timeout", 20) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.putrequest("POST", URL)
        for name, value in {**HL7, "content-length": str(len(MESSAGE))}.items():
            connection.putheader(name, value)
        connection.endheaders(MESSAGE[:100])
        time.sleep(0.3)  # it has begun to read
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        assert running.process.poll() is None
        connection.send(MESSAGE[100:])
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        assert json.loads(answer.read())["resourceType"] == "ImagingStudy"
        connection.close()
        assert running.process.wait(30) == 0


def test_the_description():
    told = openapi("1", ["site-own"])
    OpenAPIV31SpecValidator(told).validate()
    post = told["paths"]["/transform/{name}"]["post"]
    assert post["parameters"][0]["schema"]["enum"] == [*PAIRS, "site-own"]
    assert set(MEDIA_TYPES) < set(post["requestBody"]["content"])
    for name in FORMATS:
        assert any(name in formats for formats in MEDIA_TYPES.values())
    with service() as running, running.client() as client:
        assert client.get("/openapi.json").json()["paths"].keys() == told["paths"].keys()


def test_what_is_described_is_so(tmp_path):
    """Schemathesis makes requests of the description, and holds the answers against it."""
    schemathesis = Path(sys.executable).with_name("schemathesis")
    with service() as running:
        done = subprocess.run(
            [
                *(schemathesis, "run", f"{running.url}/openapi.json"),
                *("--max-examples", "15", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
                *("--checks", "not_a_server_error,status_code_conformance,"
                  "content_type_conformance,response_schema_conformance"),
                *("--generation-database", "none", "--no-color"),
            ],
            capture_output=True, text=True, cwd=tmp_path, check=False,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "serializers",
                 "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        assert "Traceback" not in running.text()
