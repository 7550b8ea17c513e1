"""A body that is refused is freed with its answer: it does not wait for the garbage collector."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import service
from sopstatus.engines.mllp.frame import frame

from engines import running
from engines.gateway import served

BODY, TIMES = 4 << 20, 40  # ten bodies more would be a cycle for each


def _peak(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10


@contextmanager
def http():
    with service() as listening, listening.client() as client:
        headers = {"content-type": "application/fhir+json"}

        def refused():
            answer = client.post("/transform/fhir-to-hl7", content=b"[" * BODY, headers=headers)
            assert answer.status_code == 413

        yield listening.process.pid, refused


@contextmanager
def gateway():
    nobody = "http://127.0.0.1:9"
    study = {**served.stating(served.said(status="ZZ")), "description": "x" * BODY}
    with served.gateway(nobody) as listening:

        def refused():
            for content in (b"[" * BODY, json.dumps(study)):
                answer = listening.put("/ImagingStudy/1", content=content, headers=served.FHIR)
                assert answer.status_code >= 400

        yield listening.process.pid, refused


@contextmanager
def mllp():
    with (
        running.ours("--max-body", str(2 * BODY)) as listening,
        running.Client(listening.port) as client,
    ):

        def refused():
            client.send(frame(b"x" * BODY))
            (answer,) = client.answers(1)
            assert b"MSA|AR" in answer or b"MSA|AE" in answer

        yield listening.pid, refused


@pytest.mark.parametrize("server", [http, gateway, mllp])
def test_refused_bodies_are_freed(server):
    if not Path("/proc/self/status").is_file():
        pytest.skip("needs /proc, which tells the most memory that a process had")
    with server() as (pid, refused):
        for _ in range(3):
            refused()
        before = _peak(pid)
        for _ in range(TIMES):
            refused()
        assert _peak(pid) - before < 10 * BODY
