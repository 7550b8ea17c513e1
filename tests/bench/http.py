"""HTTP rows: what a request takes the service, beside two handlers on the same server.

``empty`` reads the body and answers nothing; ``bare`` calls the transformer and answers its document,
with no limit, no check and no count. All are processes of Starlette on uvicorn with uvloop and httptools,
in turn under the same load of keep-alive connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import uvloop
from sopstatus import SOPInstance, codec

from bench.harness import OURS, Row
from bench.hl7 import message

NOTE = (
    "HL7 to HL7 without a message to write onto makes a new one, which names no patient, and so every such "
    "request has one issue (`hl7/no-patient`); HL7 onto HL7 is the ordinary request, and has none. By profile "
    "(6,000 samples of processor time each, without the socket), HL7 to HL7, HL7 onto HL7 and HL7 to FHIR: the "
    "transformer 48 %, 39 % and 52 %, the web server 11 %, 14 % and 11 %, counting and logging the one issue 12 %, "
    "nothing and nothing, cutting multipart 13 % of the second, printing the FHIR JSON 9 % of the third, receiving "
    "the body within its limits 4 %, the request's id, trace and event 4 to 5 %, hosts 2 %, sending and its "
    "headers 5 %, metrics 1 %, media types, routes, tokens and places the rest. Routes are one look into a "
    "dictionary; the two handlers beside ours go through Starlette's router, and check nothing. The transformer "
    "alone takes 3.5 to 4 times as long as the empty handler, more than the aim allows for the whole request."
)
STATEMENT = SOPInstance(
    "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", "",
    {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "20240102030405.1234+0100"},
)  # fmt: skip
EMPTY = """
import json, socket, sys, uvicorn
from sopstatus import transformer
from sopstatus.codecs.shared.json_document import dump_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
async def empty(request: Request) -> Response:
    await request.body()
    return Response(b"", media_type="application/hl7-v2")
MADE = {}
async def bare(request: Request) -> Response:
    body = await request.body()
    name, into = request.path_params["name"], None
    if b"--x" == body[:3]:
        body, into = (part.partition(b"\\r\\n\\r\\n")[2] for part in body.split(b"\\r\\n--x")[:2])
    carry = MADE.get(name) or MADE.setdefault(name, transformer(*name.split("-to-")))
    value = carry(body, into).value
    value = value if isinstance(value, bytes) else dump_json(value)
    return Response(value, media_type="application/hl7-v2")
app = Starlette(routes=[Route("/transform/{name}", globals()[sys.argv[1]], methods=["POST"])])
sock = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
uvicorn.Server(config).run(sockets=[sock])
"""
CONNECTIONS, REQUESTS = 16, 3000


@contextlib.contextmanager
def server(*command: str) -> Iterator[int]:
    """Run a server and yield its port."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()


async def load(port: int, request: bytes, requests: int) -> list[float]:
    """Send requests over keep-alive connections and return the seconds of each."""
    times: list[float] = []
    left = iter(range(requests))

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            start = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - start)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(caller())
    return times


def post(name: str, body: bytes, media: str = "application/hl7-v2") -> bytes:
    """Return a request as it goes over the wire."""
    head = f"POST /transform/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media}\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def multipart(document: bytes, into: bytes) -> tuple[bytes, str]:
    """Return a multipart/related body of two messages, and its media type."""
    part = b"--x\r\nContent-Type: application/hl7-v2\r\n\r\n%s\r\n"
    return part % document + part % into + b"--x--\r\n", "multipart/related; boundary=x"


def a_request(port: int, request: bytes) -> Callable[[], float]:
    """Return a callable: the microseconds that one of many requests takes a server."""

    def run() -> float:
        start = time.perf_counter()
        uvloop.run(load(port, request, REQUESTS))
        return (time.perf_counter() - start) / REQUESTS * 1e6

    return run


BARE = "the transformer in a bare handler"
AIMS = {
    "HL7 to HL7, one ZDS": {"an empty handler": 0.42, BARE: 0.95},
    "HL7 onto HL7": {BARE: 0.95},
    "HL7 to FHIR": {"an empty handler": 0.30, BARE: 0.95},
}
SHOWN = ("HL7 to FHIR",)


def rows() -> Iterator[Row]:
    """Yield the rows."""
    under = codec("hl7")
    bare = message(15)
    told = under.encode([STATEMENT], bare).value
    works = {
        "HL7 to HL7, one ZDS": post("hl7-to-hl7", told),
        "HL7 onto HL7": post("hl7-to-hl7", *multipart(told, bare)),
        "HL7 to FHIR": post("hl7-to-fhir", told),
    }
    serve = (sys.executable, "-m", "sopstatus", "serve", "--port", "0")
    script = (sys.executable, "-c", EMPTY)
    with server(*script, "empty") as a, server(*script, "bare") as b, server(*serve) as ours:
        for size, request in works.items():
            contenders = {
                OURS: a_request(ours, request),
                BARE: a_request(b, request),
                "an empty handler": a_request(a, request),
            }
            yield Row(
                "HTTP: a request of 1.7 KB under load", size, contenders, AIMS.get(size, {}),
                shown="HTTP: HL7 to FHIR" if size in SHOWN else "",
                limits=frozenset(["an empty handler"]), unit="us", note=NOTE,
            )  # fmt: skip
