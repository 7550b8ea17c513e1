"""Ask a service, without a socket, for what shows one fault."""

import asyncio
import json
import sys
import time

from sopstatus import Limits, Link
from sopstatus.engines.http import application
from sopstatus.engines.http.door import Door
from sopstatus.engines.http.hosts import Hosts, spare
from sopstatus.engines.http.offer import Offered
from sopstatus.engines.http.service import Service, Settings
from sopstatus.model import Issue
from structlog.testing import capture_logs

HL7, FHIR = "application/hl7-v2", "application/fhir+json"
MESSAGE = b"MSH|^~\\&|||||20240102||ORU^R01|1|P|2.5.1\r"


def broken(document, into=None, *, link=None):
    raise RuntimeError


def slow(document, into=None, *, link=None):
    time.sleep(0.5)


def call(path="/transform/hl7-to-fhir", body=MESSAGE, method="POST", query="", **headers):
    return path, body, method, query, {"content-type": HL7, **headers}


NDJSON = {"content-type": "application/x-ndjson"}
ASKED = {
    "no-route": call("/nothing"),
    "unknown-name": call("/transform/hl7-to-paper"),
    "method": call(method="GET"),
    "unauthorized": call(),
    "media-type": call(**{"content-type": "text/plain"}),
    "coding": call(**{"content-encoding": "br"}),
    "not-gzip": call(**{"content-encoding": "gzip"}),
    "not-acceptable": call(accept="text/html"),
    "parameter": call(query="release=R4"),
    "multipart": call(**{"content-type": "multipart/related"}),
    "no-into": call("/transform/hl7-to-dicom"),
    "too-large": call(),
    "too-slow": call(body=None),
    "took-too-long": call("/transform/slow", MESSAGE * 1000),
    "busy": call(),
    "batch-line": call("/batch", b'{"transform": "hl7-to-fhir"}\n', **NDJSON),
    "failed": call("/transform/broken"),
    "other-host": call(host="evil.example"),
    "other-origin": call(host="localhost", origin="https://evil.example"),
    "no-content-type": call(host="localhost", **{"content-type": ""}),
    "full": call(),
}
fault = sys.argv[1]
settings = Settings(
    tokens=(b"a token of this service",) if fault == "unauthorized" else (),
    max_body=10 if fault == "too-large" else 1 << 20,
    timeout=0.05,
    concurrency=0 if fault == "busy" else 8,
)
offered = Offered([], Limits(), Link(), {"broken": broken, "slow": slow})


async def ask(path, body, method, query, headers):
    sent = []

    async def receive():
        if body is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"content-length", b"%d" % len(body or b""))]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    service = Service(settings, offered)
    app = application(service)
    if "host" in headers:
        app = Hosts(app, service, Door("8410", loopback=True, tls=False))
    await (spare(app, service, 1024) if fault == "full" else app)(scope, receive, send)
    return json.loads(b"".join(sent))


with capture_logs():
    issues = [Issue(**told) for told in asyncio.run(ask(*ASKED[fault]))["issues"]]
