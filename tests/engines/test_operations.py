"""What operators see: metrics, health, readiness, and logs that find a message or a request."""

import ast
import contextlib
import json
import re
import shutil
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import httpx
import jsonschema
import promql_parser
import pytest
import trustme
import yaml
from bench.orthanc import images
from prometheus_client.parser import text_string_to_metric_families
from samples_of import FOLDER, sample
from serving import MEDIA, service
from small_disk import empty, fill, small_disk
from sopstatus.audit import log as audit_log
from sopstatus.catalogue import catalogue
from sopstatus.cli import main
from sopstatus.engines.http.metrics import Metrics
from sopstatus.ledger import Ledger

from engines import orthanc_running
from engines.destination import RESET, Receiver, ack
from engines.gateway.fhir_stub import stub
from engines.gateway.served import FHIR, said, stating, study
from engines.gateway.served import gateway as fronted
from engines.gateway.test_process import raw_server, until
from engines.running import Client, code, message, ours
from engines.test_trust import wait_for

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "plugin" / "sopstatus"
RECORDS = ROOT / "tests" / "issue_samples" / "audit" / "whole.jsonl"


def events(running, name=""):
    whole, _, _ = running.told().rpartition("\n")  # the last line may be on its way
    told = [json.loads(line) for line in whole.splitlines()]
    return [event for event in told if not name or event["event"] == name]


class Operators:
    """What an operator asks ``mllp --metrics-port``."""

    def __init__(self, running):
        (told,) = wait_for(lambda: events(running, "operator-listening"))
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{told['port']}", trust_env=False)

    def samples(self):
        return samples(self.client.get("/metrics").text)

    def ready(self):
        answer = self.client.get("/readyz")
        return answer.status_code, answer.json().get("not-reached", {})


def samples(text):
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@contextlib.contextmanager
def listening(*options, **more):
    with ours("--metrics-port", "0", "--log-level", "info", *options, **more) as running:
        operators = Operators(running)
        with operators.client:
            yield running, operators


def test_what_a_listener_does_is_counted_and_logged_message_by_message(tmp_path):
    behave = [ack, lambda m: ack(m, "AE"), lambda _: RESET, ack]

    def answer(number, came):
        return behave[min(number, 3)](came)

    with (
        Receiver(answer) as receiver,
        listening("--forward", receiver.address, "--spool", str(tmp_path)) as (running, asked),
    ):
        name = receiver.address
        with Client(running.port) as client:
            assert code(client.ask(message("OK-1"))) == "AA"
            assert code(client.ask(message("BAD", status="XX^^99SOPSTATUS"))) == "AE"
            assert code(client.ask(message("DEAD"))) == "AA"
            assert code(client.ask(message("AGAIN"))) == "AA"
            assert code(client.ask(b"garbage")) == "AR"
            found = wait_for(
                lambda: (s := asked.samples())["sopstatus_delivered_total", name] == 2 and s
            )
            assert found["sopstatus_connections",] == 1
        assert found["sopstatus_messages_total", "AA"] == 3
        assert found["sopstatus_messages_total", "AE"] == 1
        assert found["sopstatus_messages_total", "AR"] == 1
        assert found["sopstatus_message_seconds_count",] == 5
        assert found["sopstatus_issues_total", "value/unknown-term", "error"] == 1
        assert found["sopstatus_retries_total", name, "stale-connection"] >= 1 or found[
            "sopstatus_retries_total", name, "reset"] >= 1  # fmt: skip
        assert found["sopstatus_dead_letters_total", name, "refused"] == 1
        assert found["sopstatus_spool_messages", name, "dead"] == 1
        assert found["sopstatus_destination_up", name] == 1
        told = {e["control_id"]: e for e in events(running, "mllp-message")}
        assert {k: (e["answer"], e["level"]) for k, e in told.items()} == {
            "OK-1": ("AA", "info"), "BAD": ("AE", "warning"), "DEAD": ("AA", "info"),
            "AGAIN": ("AA", "info"), "(left out)": ("AR", "warning"),
        }  # fmt: skip
        assert told["OK-1"]["peer"] == "127.0.0.1" and told["OK-1"]["stream"] == 1
        assert told["OK-1"]["ms"] >= 0 and told["OK-1"]["changed"] is False
        (fault,) = events(running, "value/unknown-term")
        assert (fault["control_id"], fault["level"]) == ("BAD", "warning")
        (dead,) = events(running, "delivery-dead-letter")
        assert (dead["control_id"], dead["destination"], dead["attempts"]) == ("DEAD", name, 1)
        for retry in events(running, "delivery-retry"):
            assert (retry["control_id"], retry["destination"]) == ("AGAIN", name)
        assert "DOE" not in running.told()


def test_a_spool_that_waits_shows_its_depth_and_age(tmp_path):
    with listening("--forward", "127.0.0.1:9", "--spool", str(tmp_path)) as (running, asked):
        with Client(running.port) as client:
            assert code(client.ask(message("1"))) == code(client.ask(message("2"))) == "AA"
        found = wait_for(
            lambda: (s := asked.samples())["sopstatus_destination_up", "127.0.0.1:9"] == 0 and s
        )
        assert found["sopstatus_spool_messages", "127.0.0.1:9", "queued"] == 2
        assert found["sopstatus_spool_oldest_seconds", "127.0.0.1:9"] > 0


def test_what_was_changed_is_counted_and_tables_are_told():
    with listening("--source", str(FOLDER / "authorized-original"), "--respond") as (run, asked):
        with Client(run.port) as client:
            text = sample("authorized-original", "hl7").split(b"\r")
            bare = b"\r".join(line for line in text if not line.startswith(b"ZDS"))
            study = next(line for line in text if line.startswith(b"ZDS")).split(b"|")[1]
            assert b"ZDS|" in client.ask(bare + b"ZDS|" + study + b"\r")
        found = asked.samples()
        assert found["sopstatus_transformations_total", "enrich"] == 1
        assert found["sopstatus_messages_total", "message"] == 1
        assert [key for key in found if key[0] == "sopstatus_tables_info"]
        assert events(run, "mllp-message")[0]["changed"] is True


def test_a_listener_is_ready_only_while_its_source_and_its_spool_are_there(tmp_path):
    source, spool = tmp_path / "source", tmp_path / "spool"
    shutil.copytree(FOLDER / "authorized-original", source)
    options = ("--source", source, "--forward", "127.0.0.1:9", "--spool", spool)
    with listening(*map(str, options)) as (_, asked):
        assert asked.client.get("/healthz").json() == {"status": "alive"}
        assert asked.ready() == (200, {})
        shutil.rmtree(source)
        status, faults = wait_for(lambda: (r := asked.ready())[0] == 503 and r)
        assert (status, set(faults)) == (503, {"source"})
        shutil.copytree(FOLDER / "authorized-original", source)
        wait_for(lambda: asked.ready() == (200, {}))
        assert asked.client.get("/nothing").status_code == 404


def test_a_listener_is_ready_only_while_its_ledger_is_there(tmp_path):
    """Also where another file has taken its name: that one is read."""
    file, kept = tmp_path / "ledger.db", tmp_path / "kept.db"
    image = str(FOLDER / "authorized-original" / "image.dcm")
    assert main(["ledger", "add", str(file), image, "--holder", "ARCHIVE"]) == 0
    text = sample("authorized-original", "hl7").split(b"\r")
    study = next(line for line in text if line.startswith(b"ZDS")).split(b"|")[1]
    bare = b"\r".join(line for line in text if not line.startswith(b"ZDS"))
    with listening("--source", str(file), "--respond") as (run, asked), Client(run.port) as client:
        silent = bare + b"ZDS|" + study + b"\r"

        def says():
            return b"|AO^" in client.ask(silent)

        assert asked.ready() == (200, {}) and says()
        file.rename(kept)
        wait_for(lambda: asked.ready() == (503, {"source": "ledger/unavailable"}))
        assert code(client.ask(silent)) == "AR" and not file.exists()
        Ledger(str(file)).close()
        wait_for(lambda: asked.ready() == (200, {}))
        assert not says()
        kept.replace(file)
        wait_for(says)


@pytest.mark.parametrize("name", ["mllp", "gateway"])
def test_a_source_that_hangs_is_reported_in_seconds(name):
    """And whether the process lives, at once."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, contextlib.ExitStack() as stack:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        if name == "mllp":
            client = stack.enter_context(listening("--source", url))[1].client
            own, want = "/", {"source": "TimeoutError"}
        else:
            server = stack.enter_context(stub())
            options = ("--archive", url, "--enrich", "read")
            client = stack.enter_context(fronted(server.url, *options)).client
            own, want = "/-/", {"archive-1": "TimeoutError"}
        for _ in range(2):
            answer = client.get(f"{own}readyz", timeout=8)
            assert (answer.status_code, answer.json()["not-reached"]) == (503, want)
        assert client.get(f"{own}healthz", timeout=1).status_code == 200


def test_a_spool_whose_disk_hangs_is_reported(tmp_path):
    """In seconds, and everything else is still seen."""
    with (
        listening("--forward", "127.0.0.1:9", "--spool", str(tmp_path)) as (_, asked),
        contextlib.closing(sqlite3.connect(tmp_path / "spool.db", isolation_level=None)) as other,
    ):
        assert asked.ready() == (200, {})
        wait_for(lambda: asked.samples()["sopstatus_destination_up", "127.0.0.1:9"] == 1)
        other.execute("BEGIN IMMEDIATE")  # whoever writes waits, as for a disk
        time.sleep(2.1)
        asked.client.timeout = 9
        assert asked.ready() == (503, {"spool": "TimeoutError"})
        found = families(asked.client.get("/metrics").text)
        assert "sopstatus_connections" in found and "sopstatus_spool_messages" not in found
        assert asked.client.get("/healthz").status_code == 200
        other.execute("ROLLBACK")
        wait_for(lambda: asked.ready() == (200, {}))
        assert "sopstatus_spool_messages" in families(asked.client.get("/metrics").text)


HERE = "127.0.0.1", "localhost", "LOCALHOST:{port}", "[::1]"
ELSEWHERE = "evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1.evil.example", ""


def test_the_port_for_operators_answers_to_this_machine_s_names_alone():
    with listening() as (_, asked):
        port = asked.client.base_url.port

        def get(**headers):
            headers = {key: value.format(port=port) for key, value in headers.items()}
            return asked.client.get("/metrics", headers=headers).status_code

        assert {get(host=name) for name in HERE} == {200}
        assert {get(host=name) for name in ELSEWHERE} == {403}
        assert get(origin="http://evil.example") == 403
        assert get(**{"sec-fetch-site": "cross-site"}) == 403


def test_a_port_for_operators_that_is_taken_starts_nothing(tmp_path):
    """No connection is taken before it is clear that the service can run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "sopstatus", "mllp", "--port", "0", "--metrics-port", port]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout) == (4, "")
        assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
        with (
            pytest.raises(AssertionError, match=f'SopStatus "MetricsPort" {port}: Address'),
            orthanc_running.orthanc(tmp_path, ours={"MetricsPort": port}),
        ):
            pass


def test_two_who_look_at_once_see_all_of_it(tmp_path):
    """As a pair of Prometheus does."""
    options = ("--forward", "127.0.0.1:9", "--spool", str(tmp_path))
    with listening(*options) as (_, asked), ThreadPoolExecutor(6) as threads:
        found = threads.map(lambda _: families(asked.client.get("/metrics").text), range(300))
        for number, names in enumerate(found):
            assert {"sopstatus_spool_messages", "sopstatus_spool_oldest_seconds"} <= names, number


def test_callers_of_the_port_for_operators_hold_nobody_up():
    """Not slow ones, nor many; who goes leaves no line that is not an event."""
    with listening() as (running, asked):
        port = asked.client.base_url.port
        reset = struct.pack("ii", 1, 0)
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", port)) as going:
                going.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                going.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for one in slow:
            one.sendall(b"GET /met")
        assert asked.client.get("/healthz").status_code == 200

        def threads():
            return int(
                re.search(r"Threads:\s+(\d+)", Path(f"/proc/{running.pid}/status").read_text())[1]
            )

        wait_for(lambda: threads() < 30)
        until = time.monotonic() + 13  # the last ones send on, byte by byte
        while time.monotonic() < until:
            for one in slow[-10:]:
                with contextlib.suppress(OSError):
                    one.sendall(b"r")
            time.sleep(0.5)
        wait_for(lambda: threads() < 10)
        for one in slow:
            one.close()
        assert asked.client.get("/metrics", params={"a": 1}).status_code == 200
        assert events(running)  # each line is JSON


def test_a_handshake_that_fails_is_counted_and_logged(tmp_path):
    ca, stranger = trustme.CA(), trustme.CA()
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    options = ("--tls-cert", tmp_path / "own.pem", "--tls-client-ca", tmp_path / "ca.pem")
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    stranger.issue_cert("ris.example").configure_cert(context)

    def knock(port):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.recv(1)

    with listening(*map(str, options)) as (running, asked):
        knock(running.port)
        (told,) = wait_for(lambda: events(running, "tls-failed"))
        assert told["level"] == "warning"
        assert asked.samples()["sopstatus_tls_failures_total", told["reason"]] == 1
    known = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    ca.issue_cert("ris.example").configure_cert(known)
    with service(*options) as running:
        knock(running.port)
        (told,) = wait_for(lambda: running.events("tls-failed"))
        url = f"https://localhost:{running.port}/metrics"
        found = samples(httpx.get(url, verify=known, trust_env=False).text)
        assert found["sopstatus_tls_failures_total", told["reason"]] == 1


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_is_found_by_its_id_and_its_trace():
    with service("--log-level", "info") as running, running.client() as client:
        headers = {"content-type": MEDIA["hl7"], "x-request-id": "r-1", "traceparent": PARENT}
        url, good = "/transform/hl7-to-fhir", sample("authorized-original", "hl7")
        answer = client.post(url, content=good, headers=headers)
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, "r-1")
        (told,) = wait_for(lambda: running.events("request"))
        assert (told["request"], told["trace"]) == ("r-1", PARENT.split("-")[1])
        assert (told["route"], told["status"], told["level"]) == ("/transform/", 200, "info")
        assert told["ms"] > 0 and told["peer"] == "127.0.0.1"
        del headers["x-request-id"]
        answer = client.post(url, content=b"garbage", headers=headers)
        made = answer.headers["x-request-id"]
        assert answer.status_code == 400 and len(made) == 32

        def both():
            found = [event for event in running.events() if event.get("request") == made]
            return len(found) == 2 and found

        assert {event["level"] for event in wait_for(both)} == {"warning"}
        headers["x-request-id"] = "DOE JANE"
        assert client.post(url, content=good, headers=headers).headers["x-request-id"] != "DOE JANE"
        assert "DOE" not in running.text()


ZERO, TRACE, SPAN = "0" * 32, "a" * 32, "b" * 16


@pytest.mark.parametrize(
    ("parent", "valid"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"01-{TRACE}-{SPAN}-01-more", True),
        (f"00-{TRACE}-{SPAN}-01-DOE", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (f"00-{ZERO}-{SPAN}-01", False),
        (f"00-{TRACE}-{ZERO[:16]}-01", False),
        (f"00-{TRACE.upper()}-{SPAN}-01", False),
        (f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01", False),
        ("DOE^JANE", False),
    ],
)
def test_a_trace_that_is_not_valid_is_not_one(parent, valid, traced):
    answer = traced.client.get("/nothing", headers={"traceparent": parent})
    request = answer.headers["x-request-id"]
    (told,) = wait_for(
        lambda: [e for e in traced.running.events("request") if e["request"] == request]
    )
    assert told.get("trace") == (TRACE if valid else None)
    assert "DOE" not in traced.running.text()


@pytest.fixture(scope="module")
def traced():
    with service() as running, running.client() as client:
        yield SimpleNamespace(running=running, client=client)


def test_a_request_tells_whether_a_document_was_changed():
    told = sample("authorized-original", "hl7")
    resource = sample("authorized-original", "fhir")
    lines = {
        "same": {"transform": "fhir-to-fhir", "document": resource, "into": resource},
        "other": {"transform": "fhir-to-hl7", "document": resource},
        "none": {"transform": "fhir-to-hl7", "document": 1},
    }
    expected = [
        ("hl7-to-fhir", told, True),
        ("hl7-to-fhir", b"garbage", None),
        (("same", "none"), None, False),
        (("same", "other"), None, True),
    ]
    with service("--log-level", "info") as running, running.client() as client:
        for asked, body, changed in expected:
            if isinstance(asked, tuple):
                body = b"\n".join(json.dumps(lines[name]).encode() for name in asked)
                url, media = "/batch", "application/x-ndjson"
            else:
                url, media = f"/transform/{asked}", MEDIA["hl7"]
            answer = client.post(url, content=body, headers={"content-type": media})
            request = answer.headers["x-request-id"]
            (event,) = wait_for(
                lambda request=request: [
                    one for one in running.events("request") if one["request"] == request
                ]
            )
            assert event.get("changed") is changed, asked


def test_a_gateway_tells_whether_it_has_changed_anything():
    with stub() as server, fronted(server.url, "--demote", "--log-level", "info") as front:
        for resource, changed in ((stating(said(0, "AO")), True), (study(), False)):
            answer = front.post("/ImagingStudy", json=resource, headers=FHIR)
            assert answer.status_code == 201
            assert _changed(front, answer) is changed
            read = front.get("/" + "/".join(next(reversed(server.resources))))
            assert (read.status_code, _changed(front, read)) == (200, False)


def _changed(front, answer):
    request = answer.headers["x-request-id"]

    def found():
        lines = [
            json.loads(line) for line in front.text().splitlines() if line[:1] + line[-1:] == "{}"
        ]
        return [one for one in lines if (one["event"], one.get("request")) == ("request", request)]

    return wait_for(found)[0]["changed"]


def test_the_gateway_passes_the_trace_on_and_is_ready_while_the_server_answers():
    came, statuses = [], [404]

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            came.append(dict(self.headers))
            self.send_response(statuses[0])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with fronted(f"http://127.0.0.1:{server.server_address[1]}") as front:
        assert front.get("/-/readyz").json()["status"] == "ready"
        front.get("/Patient/1", headers={"traceparent": PARENT, "x-request-id": "r-2"})
        assert came[-1]["traceparent"] == PARENT
        assert [v for k, v in came[-1].items() if k.lower() == "x-request-id"] == ["r-2"]

        def fault():
            answer = front.get("/-/readyz")
            return answer.status_code == 503 and answer.json()["not-reached"]

        statuses[:] = [503]  # a proxy before it answers, and the server is gone
        assert wait_for(fault) == {"upstream": "HTTPStatusError"}
        statuses[:] = [401]
        wait_for(lambda: front.get("/-/readyz").status_code == 200)
        server.shutdown()
        server.server_close()
        assert wait_for(fault) == {"upstream": "ConnectError"}


def test_a_service_whose_audit_file_cannot_be_written_is_not_ready(tmp_path):
    folder = tmp_path / "audit"
    folder.mkdir()
    with service("--audit", folder / "log") as running, running.client() as client:
        assert client.get("/readyz").json()["status"] == "ready"
        shutil.rmtree(folder)

        def refused():
            answer = client.get("/readyz")
            return answer.status_code == 503 and answer.json()["not-reached"]

        assert set(wait_for(refused)) == {"audit"}
        schema = client.get("/openapi.json").json()["components"]["schemas"]["Ready"]
        jsonschema.validate(client.get("/readyz").json(), schema | {"additionalProperties": False})


@pytest.mark.parametrize("made", [False, True], ids=["new file", "old file"])
@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_a_service_without_room_for_audit_records_is_not_ready(tmp_path, name, made):
    with small_disk(tmp_path / "disk") as disk, contextlib.ExitStack() as stack:
        audit = disk / "audit.jsonl"
        if made:
            audit_log.append(audit, audit_log.read(RECORDS))
        if name == "serve":
            running = stack.enter_context(service("--audit", audit))
            client, path = stack.enter_context(running.client()), "/readyz"
        else:
            server = stack.enter_context(stub())
            client = stack.enter_context(fronted(server.url, "--demote", "--audit", audit))
            path = "/-/readyz"

        def ready():
            answer = client.get(path)
            return answer.status_code, answer.json().get("not-reached", {})

        assert ready() == (200, {})
        fill(disk, leave=1)  # room for a line is none for the records of a document
        wait_for(lambda: ready() == (503, {"audit": "document/unwritable"}))
        empty(disk)
        wait_for(lambda: ready() == (200, {}))


PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_the_page_lists_all_metrics_and_no_other():
    listed = set(re.findall(r"^\| `(sopstatus_\w+)`", PAGE, re.MULTILINE))
    assert listed == {f.name for f in Metrics().registry.collect() if f.name[:4] == "sops"}


def shown_by(name):
    """Return the metrics that a server shows, as the page says."""
    rows = re.findall(r"^\| `(sopstatus_\w+)` \|[^|]*\| ([^|]*) \|", PAGE, re.MULTILINE)
    return {metric for metric, by in rows if by == "all" or name in by.split(", ")}


def families(text):
    return {
        family.name
        for family in text_string_to_metric_families(text)
        if family.samples and family.name[:4] == "sops" and not family.name.endswith("_created")
    }


@contextlib.contextmanager
def busy_listener(folder, keys):
    """A listener with TLS that has delivered, tried again, given up, refused and changed something."""
    behave = [ack, lambda _: RESET, lambda m: ack(m, "AE")]
    source = FOLDER / "authorized-original"
    bare = sample("authorized-original", "hl7").split(b"\r")
    study = next(line for line in bare if line.startswith(b"ZDS")).split(b"|")[1]
    bare = b"\r".join(line for line in bare if not line.startswith(b"ZDS"))
    with (
        Receiver(lambda number, came: behave[min(number, 2)](came)) as receiver,
        listening(
            *("--forward", receiver.address, "--spool", folder / "spool", "--source", str(source)),
            *keys.options,
        ) as (running, asked),
    ):
        keys.knock(running.port)
        with Client(running.port, wrap=keys.wrap) as client:
            for text in (message("1"), message("BAD", status="XX^^99SOPSTATUS")):
                client.ask(text)
            client.ask(bare + b"ZDS|" + study + b"\r")
            yield lambda: asked.client.get("/metrics").text


@contextlib.contextmanager
def busy_service(folder, keys):
    with service(*keys.options) as running:
        keys.knock(running.port)
        with httpx.Client(base_url=running.url, verify=keys.context, trust_env=False) as client:
            line = {"transform": "hl7-to-fhir", "document": "garbage"}
            good = line | {"document": sample("authorized-original", "hl7").decode()}
            body = "\n".join(map(json.dumps, (good, line, good)))
            client.post("/batch", content=body, headers={"content-type": "application/x-ndjson"})
            found = samples(client.get("/metrics").text)
            assert found["sopstatus_transformations_total", "hl7-to-fhir"] == 2
            yield lambda: client.get("/metrics").text


@contextlib.contextmanager
def busy_gateway(folder, keys):
    with stub() as server, fronted(server.url, "--demote", *keys.options) as front:
        keys.knock(httpx.URL(front.url).port)
        with httpx.Client(base_url=front.url, verify=keys.context, trust_env=False) as client:
            client.post("/ImagingStudy", json=stating(said(0, "AO")), headers=FHIR)
            found = samples(client.get("/-/metrics").text)
            assert found["sopstatus_destination_up", "upstream"] == 1
            yield lambda: client.get("/-/metrics").text


@contextlib.contextmanager
def busy_orthanc(folder, _):
    behave = [ack, lambda _: RESET, lambda m: ack(m, "AE")]
    port, image = orthanc_running.free_port(), (FOLDER / "authorized-original" / "image.dcm")
    data = image.read_bytes()
    with Receiver(lambda number, came: behave[min(number, 2)](came)) as receiver:
        to, ours = {"ris": {"MLLP": receiver.address}}, {"MetricsPort": port}
        with orthanc_running.orthanc(folder, to, ours=ours | {"ApplyProfile": True}) as running:
            next_one = images()
            running.rest(next(next_one))
            running.rest(next(next_one))
            assert running.rest(data[: len(data) // 2])["HttpStatus"] == 400
            url = f"http://127.0.0.1:{port}/metrics"
            yield lambda: httpx.get(url, trust_env=False).text


BUSY = {
    "mllp": busy_listener,
    "serve": busy_service,
    "gateway": busy_gateway,
    "orthanc": busy_orthanc,
}


class Keys:
    """A certificate for a server, and a client of another CA whose handshakes fail."""

    def __init__(self, folder):
        ca = trustme.CA()
        made = ca.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem
        made.write_to_path(folder / "own.pem")
        ca.cert_pem.write_to_path(folder / "ca.pem")
        self.options = ("--tls-cert", str(folder / "own.pem"))
        self.context = ssl.create_default_context(cafile=folder / "ca.pem")
        self._stranger = ssl.create_default_context()  # who does not know the CA, and says so

    def wrap(self, plain):
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def knock(self, port):
        with (
            pytest.raises(ssl.SSLError),
            socket.create_connection(("127.0.0.1", port)) as plain,
            self._stranger.wrap_socket(plain, server_hostname="localhost"),
        ):
            pass


@pytest.mark.parametrize("name", BUSY)
def test_each_server_shows_what_the_page_says(name, tmp_path):
    """No more either: a metric that a server never counts is not one of its own at 0."""
    with BUSY[name](tmp_path, Keys(tmp_path)) as metrics:
        with contextlib.suppress(AssertionError):
            wait_for(lambda: shown_by(name) <= families(metrics()))
        assert families(metrics()) == shown_by(name)


def gone(connection):
    until(connection, b"\r\n\r\n")
    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def test_a_gateway_shows_whether_its_server_answers():
    port = orthanc_running.free_port()
    with fronted(f"http://127.0.0.1:{port}") as front:

        def up():
            return samples(front.get("/-/metrics").text)["sopstatus_destination_up", "upstream"]

        assert up() == 0
        with raw_server(gone, port):
            assert front.get("/Patient/1").status_code == 204 and up() == 1
        assert front.get("/Patient/1").status_code == 502 and up() == 0


def test_a_caller_that_goes_is_no_fault_of_the_server():
    def listen(connection):
        while connection.recv(65536):
            pass

    with raw_server(listen) as url, fronted(url, "--log-level", "info") as front:
        where = httpx.URL(front.url)
        head = b"POST /Binary HTTP/1.1\r\nHost: %s\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nx"
        with socket.create_connection((where.host, where.port)) as caller:
            caller.sendall(head % where.netloc)
            time.sleep(0.3)
        lines = wait_for(
            lambda: [line for line in front.text().splitlines() if '"request"' in line]
        )
        assert json.loads(lines[-1])["level"] == "info" and '"error"' not in front.text()
        assert samples(front.get("/-/metrics").text)["sopstatus_destination_up", "upstream"] == 1


def test_the_page_lists_all_events_and_no_other():
    written = set()
    for file in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                known = called in ("event", "_tell", "info", "error", "_write")
                first = node.args[0] if node.args else None
                if known and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    written.add(first.value)
    table = PAGE.partition("| event |")[2]
    listed = {name for row in table.splitlines() for name in re.findall("`([a-z-]+)`", row[:80].split(" | ")[0])}  # fmt: skip
    assert listed == written


def test_every_alert_asks_for_metrics_that_there_are():
    rules = yaml.safe_load((ROOT / "samples" / "operations" / "alerts.yml").read_text())
    known = {"up"}
    for family in Metrics().registry.collect():
        known |= {family.name} | ({f"{family.name}_total"} if family.type == "counter" else set())
    asked = []

    def selectors(node):
        if isinstance(node, promql_parser.VectorSelector):
            asked.append(node.name)
        for part in ("expr", "lhs", "rhs", "vector_selector"):
            if (inner := getattr(node, part, None)) is not None:
                selectors(inner)
        for inner in getattr(node, "args", ()):
            selectors(inner)

    for group in rules["groups"]:
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
            selectors(promql_parser.parse(rule["expr"]))
            codes = re.findall(r'code=~"mllp/\((.*?)\)"', rule["expr"])
            for code_ in "|".join(codes).split("|") if codes else ():
                assert f"mllp/{code_}" in catalogue()
    assert len(asked) >= 8 and set(asked) <= known
