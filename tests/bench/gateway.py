"""Gateway rows: the same request to a FHIR facade alone, and through the gateway before it.

All are processes of their own on loopback, one kept connection each. ``a bare proxy`` is the same
server and HTTP client without a hook: what lies above it is ours. The archive is a stand-in in a
process of its own, asked once for each study and ten seconds.
"""

import http.client
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager

from sopstatus import SOPInstance, codec

from bench.harness import OURS, Row

FACADE = """
import json, socket, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
FHIR = "application/fhir+json"
STUDY = open(sys.argv[1], "rb").read()
async def study(request):
    if request.method == "PUT":
        await request.body()
    return Response(STUDY, media_type=FHIR)
async def patient(request):
    return Response(b'{"resourceType": "Patient", "id": "1"}', media_type=FHIR)
routes = [Route("/fhir/ImagingStudy/1", study, methods=["GET", "PUT"]), Route("/fhir/Patient/1", patient)]
app = Starlette(routes=routes)
sock = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
uvicorn.Server(config).run(sockets=[sock])
"""
PROXY = """
import json, socket, sys, uvicorn
from sopstatus.engines.gateway.upstream import Upstream
sock = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
config = uvicorn.Config(Upstream(sys.argv[1]), log_config=None, access_log=False, ws="none", lifespan="off")
uvicorn.Server(config).run(sockets=[sock])
"""
ARCHIVE = """
import json, sys, time
from sopstatus.testing.archive import Archive
from sopstatus.testing.dicomweb import application
from sopstatus.testing.running import running
archive = Archive()
archive.instances = {}
class Kept:
    def __init__(self, metadata): self.metadata = metadata
    def uid(self, tag): return self.metadata[tag]["Value"][0]
for one in json.load(open(sys.argv[1])):
    archive.instances[one["00080018"]["Value"][0]] = Kept(one)
with running(application(archive, "/web")) as url:
    print(json.dumps({"port": int(url.rpartition(":")[2])}), flush=True)
    time.sleep(100_000)
"""
STUDY, SERIES, CT = "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2"


@contextmanager
def process(*command):
    """Run a program that prints its port as JSON."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as running:
        try:
            yield json.loads(running.stdout.readline())["port"]
        finally:
            running.kill()


def call(port, path, body=None):
    """Return a callable that makes one request over a kept connection."""
    headers = {"content-type": "application/fhir+json"} if body else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask():
        connection.request("PUT" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, data[:500]
        return data

    return ask


def said(count):
    """Return statements about so many instances."""
    return [
        SOPInstance(STUDY, SERIES, CT, f"{SERIES}.{n}", "", {"SOPInstanceStatus": "AO"})
        for n in range(count)
    ]


def rows():
    """Yield the rows."""
    import tempfile
    from pathlib import Path

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for count in (10, 1000):
            statements = said(count)
            stating = codec("fhir").encode(statements).value
            stating |= {"subject": {"display": "SYNTHETIC"}, "id": "1"}
            file, bare = folder / f"{count}.json", folder / f"{count}-bare.json"
            file.write_text(json.dumps(stating))
            nobody = [SOPInstance(*x.identity[:2], CT, x.sop_instance_uid) for x in statements]
            bare.write_text(json.dumps(codec("fhir").blank(nobody)))
            metadata = folder / f"{count}-metadata.json"
            metadata.write_text(json.dumps(codec("dicom-json").encode(statements).value))
            yield from _of(stack, file, bare, metadata, count)


NOTE = (
    "A bare proxy hands bytes on unread. By profile (samples of processor time: 5,700 and 6,100), 1,000 instances "
    "stored: decoding every statement 49 %, parsing the resource, once, 16 %, its depth 11 %, HTTP to the server and "
    "back 15 %, receiving the body, the web server, limits, log and metrics the rest. Read with what the archive "
    "knows: adding the statements 34 %, reading what the resource lists and says 12 %, printing the whole answer again "
    "27 %, parsing and depth 10 %, HTTP to the server and back 5 %; the archive is asked once in ten seconds."
)


def _of(stack, file, bare, metadata, count):
    facade = stack.enter_context(process("-c", FACADE, str(file)))
    silent = stack.enter_context(process("-c", FACADE, str(bare)))
    archive = stack.enter_context(process("-c", ARCHIVE, str(metadata)))
    proxy = stack.enter_context(process("-c", PROXY, f"http://127.0.0.1:{facade}/fhir"))
    gateway = ("-m", "sopstatus", "gateway", "--port", "0", "--on-failure", "closed", "--upstream")
    front = stack.enter_context(process(*gateway, f"http://127.0.0.1:{facade}/fhir"))
    options = ("--archive", f"http://127.0.0.1:{archive}/web", "--enrich", "read")
    adding = stack.enter_context(process(*gateway, f"http://127.0.0.1:{silent}/fhir", *options))
    limits = frozenset(("the server alone", "a bare proxy"))
    size, body = f"{count} instances", file.read_bytes()

    def row(work, path, ours, body=None, aim=0.0, shown=""):
        contenders = {
            OURS: call(ours, path, body),
            "a bare proxy": call(proxy, path, body),
            "the server alone": call(facade, f"/fhir{path}", body),
        }
        aims = {"a bare proxy": aim} if aim and count == 1000 else {}
        told = {"limits": limits, "note": NOTE, "shown": shown if count == 1000 else ""}
        return Row(f"gateway: {work}", size, contenders, aims, **told)

    if count == 10:
        yield row("a resource that is not ours", "/Patient/1", front)
    yield row("a study read as it is", "/ImagingStudy/1", front)
    stored = "a study stored, its statements checked"
    yield row(
        stored,
        "/ImagingStudy/1",
        front,
        body,
        1 / 3.5,
        "gateway: a study of 1,000 instances stored",
    )
    yield row("a study read, with what the archive knows", "/ImagingStudy/1", adding, aim=1 / 3)
