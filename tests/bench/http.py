"""HTTP rows: requests a second of the service, beside two handlers on the same server.

``empty`` reads the body and answers nothing; ``bare`` calls the transformer and answers its document,
with no limit, no check and no count. All are processes of Starlette on uvicorn with uvloop and httptools,
in turn under the same load of keep-alive connections; ``python -m bench.http`` prints the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from sopstatus import SOPInstance, codec

STATEMENT = SOPInstance(
    "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", "",
    {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "20240102030405.1234+0100"},
)  # fmt: skip
HEAD = (
    "MSH|^~\\&|RIS|H|PACS|H|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||4711^^^H^MR||DOE^JANE||19700101|F\rORC|RE|1|2\rOBR|1||A|CT^C^L|||20240102030405\r"
)
OBX = "OBX|{}|NM|8867-4^Heart rate^LN||72|/min^^UCUM|60-100|N|||F|||20240102030405+0100||||||\r"
EMPTY = """
import json, socket, sys, uvicorn
from sopstatus import content, transformer
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
    value = value if isinstance(value, bytes) else content.dump_json(value)
    return Response(value, media_type="application/hl7-v2")
app = Starlette(routes=[Route("/transform/{name}", globals()[sys.argv[1]], methods=["POST"])])
sock = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
uvicorn.Server(config).run(sockets=[sock])
"""
CONNECTIONS, REQUESTS, ROUNDS = 16, 3000, 7


@contextlib.contextmanager
def server(*command: str) -> Iterator[int]:
    """Run a server and yield its port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
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
    head = f"POST /transform/{name} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def multipart(document: bytes, into: bytes) -> tuple[bytes, str]:
    """Return a multipart/related body of two messages, and its media type."""
    part = b"--x\r\nContent-Type: application/hl7-v2\r\n\r\n%s\r\n"
    return part % document + part % into + b"--x--\r\n", "multipart/related; boundary=x"


def main() -> None:
    """Print requests a second, the share of the empty handler's, and percentiles."""
    import uvloop

    under = codec("hl7")
    bare = (HEAD + "".join(OBX.format(n) for n in range(1, 16))).encode()
    told = under.encode([STATEMENT], bare).value
    works = {
        "hl7-to-hl7, no statement": post("hl7-to-hl7", bare),
        "hl7-to-hl7, one ZDS": post("hl7-to-hl7", told),
        "hl7-to-hl7 into": post("hl7-to-hl7", *multipart(told, bare)),
        "hl7-to-fhir": post("hl7-to-fhir", told),
    }
    serve = (sys.executable, "-m", "sopstatus", "serve", "--port", "0")
    script = (sys.executable, "-c", EMPTY)
    with (
        server(*script, "empty") as empty,
        server(*script, "bare") as bare_,
        server(*serve) as ours,
    ):
        print(f"{len(told)} bytes, {CONNECTIONS} connections")
        for work, request in works.items():
            ports = {"empty": empty, "bare": bare_, "sopstatus": ours}
            rates: dict[str, list[float]] = {name: [] for name in ports}
            slow: dict[str, list[float]] = {name: [] for name in ports}
            for _ in range(ROUNDS):
                for name, port in ports.items():
                    start = time.perf_counter()
                    times = uvloop.run(load(port, request, REQUESTS))
                    rates[name].append(REQUESTS / (time.perf_counter() - start))
                    slow[name].append(statistics.quantiles(times, n=100)[98])
            for name, found in rates.items():
                share = max(found) / max(rates["empty"])
                p99 = min(slow[name]) * 1e3
                print(f"{work:26} {name:9} {max(found):8.0f}/s {share:6.0%}  p99 {p99:6.2f} ms")


if __name__ == "__main__":
    main()
