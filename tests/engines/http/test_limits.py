"""Limits on size, time, room and headers; bodies in pieces, packed, and from callers that dawdle."""

import gzip
import socket
import threading
import time

import pytest
from samples_of import sample
from serving import MEDIA, service
from sopstatus import transformer

MESSAGE = sample("authorized-original", "hl7")
URL = "/transform/hl7-to-fhir"
HL7 = {"content-type": MEDIA["hl7"]}
WANT = transformer("hl7", "fhir")(MESSAGE).value
LIMIT = 100_000


@pytest.fixture(scope="module")
def running():
    with service("--max-body", LIMIT, "--timeout", 2, "--concurrency", 2) as running:
        yield running


@pytest.fixture
def client(running):
    with running.client() as client:
        yield client


def in_pieces(data, size=7, wait=0.0):
    for start in range(0, len(data), size):
        time.sleep(wait)
        yield data[start : start + size]


def test_a_body_in_pieces(client):
    assert client.post(URL, content=in_pieces(MESSAGE), headers=HL7).json() == WANT
    slowly = in_pieces(MESSAGE, 500, 0.05)
    assert client.post(URL, content=slowly, headers=HL7).json() == WANT


@pytest.mark.parametrize("members", [1, 2])
def test_a_packed_body(client, members):
    cut = len(MESSAGE) // members
    pieces = [MESSAGE[n : n + cut] for n in range(0, len(MESSAGE), cut)]
    packed = b"".join(map(gzip.compress, pieces))
    answer = client.post(URL, content=packed, headers={**HL7, "content-encoding": "gzip"})
    assert answer.json() == WANT


def padded(size):
    """Return a message of so many bytes."""
    return MESSAGE + b"NTE|1||" + b"x" * (size - len(MESSAGE) - 8) + b"\r"


def test_the_largest_body(client):
    assert client.post(URL, content=padded(LIMIT), headers=HL7).json() == WANT


BOMB = gzip.compress(b"\0" * (50 << 20))
TOO_LARGE = {
    "by a byte": lambda: (padded(LIMIT + 1), {}),
    "by far": lambda: (b"x" * (9 * LIMIT), {}),
    "in pieces": lambda: (in_pieces(b"x" * (2 * LIMIT), 4096), {}),
    "once unpacked": lambda: (gzip.compress(padded(LIMIT + 1)), {"content-encoding": "gzip"}),
    "a bomb": lambda: (BOMB, {"content-encoding": "gzip"}),
    "many members": lambda: (gzip.compress(b"") * 20, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_too_large(client, kind):
    body, headers = TOO_LARGE[kind]()
    if kind == "by far":  # it is not read to its end, so a caller may not get to read the answer
        headers["expect"] = "100-continue"
    answer = client.post(URL, content=body, headers={**HL7, **headers})
    want = (400, "http/not-gzip") if kind == "many members" else (413, "http/too-large")
    assert (answer.status_code, answer.json()["issues"][0]["code"]) == want
    assert client.post(URL, content=MESSAGE, headers=HL7).status_code == 200


def connected(running):
    return socket.create_connection(("127.0.0.1", running.port), timeout=20)


def head(length, more=""):
    kind = f"Content-Type: {MEDIA['hl7']}\r\nContent-Length: {length}\r\n"
    return f"POST {URL} HTTP/1.1\r\nHost: localhost\r\n{kind}{more}\r\n".encode()


def until_closed(sock):
    received = b""
    while piece := sock.recv(65536):
        received += piece
    return received


def test_a_body_that_stops(running):
    with connected(running) as sock:
        sock.sendall(head(len(MESSAGE)) + MESSAGE[:50])
        answer = until_closed(sock)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert b"http/too-slow" in answer


@pytest.mark.parametrize("start", [b"", b"POST /transform/hl7", head(10)[:-2]])
def test_headers_that_stop(running, start):
    with connected(running) as sock:
        sock.sendall(start)
        assert until_closed(sock) == b""


def test_a_caller_that_goes(running, client):
    with connected(running) as sock:
        sock.sendall(head(len(MESSAGE)) + MESSAGE[:50])
    assert client.post(URL, content=MESSAGE, headers=HL7).json() == WANT


def test_expect_continue(running):
    with connected(running) as sock:
        sock.sendall(head(len(MESSAGE), "Expect: 100-continue\r\nConnection: close\r\n"))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(MESSAGE)
        assert until_closed(sock).startswith(b"HTTP/1.1 200 ")


def test_one_connection_and_requests_one_after_another(running):
    request = head(len(MESSAGE)) + MESSAGE
    last = head(len(MESSAGE), "Connection: close\r\n") + MESSAGE
    with connected(running) as sock:
        sock.sendall(request * 4 + last)  # without waiting for any answer
        assert until_closed(sock).count(b"HTTP/1.1 200 OK") == 5


@pytest.mark.parametrize(
    "data",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        + b"".join(b"A%d: b\r\n" % n for n in range(20_000)),
        b"GET /" + b"x" * 200_000,
        b"GET / HTTP/1.1\r\nHost: " + b"x" * 200_000 + b"\r\n\r\n",
        b"POST /transform/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"MSH|^~\\&|\r",
    ],
    ids=["many headers", "long path", "long header", "length", "no HTTP"],
)
def test_what_is_no_request(running, data):
    with connected(running) as sock:
        try:
            sock.sendall(data)
            answer = until_closed(sock)
        except (ConnectionResetError, BrokenPipeError):  # it does not wait for the rest
            return
    assert answer.startswith(b"HTTP/1.1 400 ") or not answer


def test_room_for_two(running, client):
    """Two that dawdle take the places; the third is told when to come again."""
    with connected(running) as first, connected(running) as second:
        for sock in (first, second):
            sock.sendall(head(len(MESSAGE)) + MESSAGE[:50])
        until = time.monotonic() + 10
        status = 0
        while status != 503 and time.monotonic() < until:
            answer = client.post(URL, content=MESSAGE, headers=HL7)
            status = answer.status_code
        assert status == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["issues"][0]["code"] == "http/busy"
        assert client.get("/healthz").status_code == 200
        for sock in (first, second):
            sock.sendall(MESSAGE[50:])
            assert sock.recv(65536)
    assert client.post(URL, content=MESSAGE, headers=HL7).status_code == 200


SITE = """
import time
from sopstatus import Result
def slow(document, into=None, *, link=None):
    time.sleep(5)
    return Result(document)
def endless(document, into=None, *, link=None):
    time.sleep(100)
def broken(document, into=None, *, link=None):
    raise RuntimeError(document)
def own(document, into=None, *, link=None):
    return Result({"resourceType": "ImagingStudy", "status": "available"})
def text(document, into=None, *, link=None):
    return Result("a text that is a document of no format")
def nothing(document, into=None, *, link=None):
    return None
"""


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """A distribution of a site, installed where Python looks."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "site_transformers.py").write_text(SITE)
    info = folder / "site_transformers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: site-transformers\nVersion: 1.0\n")
    names = ("slow", "broken", "own", "endless", "text", "nothing")
    entries = "\n".join(f"site-{name} = site_transformers:{name}" for name in names)
    (info / "entry_points.txt").write_text(f"[sopstatus.transformers]\n{entries}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def site(site_folder):
    names = ("slow", "broken", "own", "text", "nothing")
    offered = [x for name in names for x in ("--transformer", f"site-{name}")]
    with service(*offered, "--timeout", 2, "--concurrency", 1) as running:
        yield running


def test_transformers_of_a_site(site):
    with site.client() as client:
        answer = client.post("/transform/site-own", content=MESSAGE, headers=HL7)
        assert answer.json() == {"resourceType": "ImagingStudy", "status": "available"}
        assert answer.headers["content-type"] == MEDIA["fhir"]
        line = {"transform": "site-own", "document": MESSAGE.decode()}
        answer = client.post("/batch", json=line, headers={"content-type": "application/x-ndjson"})
        assert answer.json()["document"]["status"] == "available"
        names = client.get("/openapi.json").json()["paths"]["/transform/{name}"]["post"]
        assert "site-own" in names["parameters"][0]["schema"]["enum"]


def test_a_fault_of_a_transformer_tells_nothing_of_the_document(site):
    with site.client() as client:
        answer = client.post("/transform/site-broken", content=MESSAGE, headers=HL7)
    assert (answer.status_code, answer.json()["issues"][0]["code"]) == (500, "http/failed")
    assert b"MSH" not in answer.content
    (event,) = site.events("failed")
    assert (event["error"], event["line"]) == ("RuntimeError", "site_transformers.py:10")
    assert event["transform"] == "site-broken"
    assert event["frames"][-1] == event["line"]
    assert event["frames"][0].startswith("engines/http/")


@pytest.mark.parametrize("name", ["text", "nothing"])
def test_what_a_transformer_returns_is_its_own_fault(site, name):
    """Not 400: the caller's document is good."""
    with site.client() as client:
        answer = client.post(f"/transform/site-{name}", content=MESSAGE, headers=HL7)
        line = {"transform": f"site-{name}", "document": MESSAGE.decode()}
        batch = client.post("/batch", json=line, headers={"content-type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["issues"][0]["code"]) == (500, "http/failed")
    assert (batch.json()["status"], batch.json()["issues"][0]["code"]) == (500, "http/failed")
    told = [x for x in site.events("failed") if x.get("transform") == f"site-{name}"]
    assert [x["route"] for x in told] == ["/transform/", "/transform/"]
    assert all(x["frames"][0].startswith("engines/http/") for x in told)


def test_work_that_takes_too_long_keeps_its_place(site):
    """The thread cannot be stopped: until it ends there is no room for another."""
    with site.client() as client:
        answer = client.post("/transform/site-slow", content=padded(LIMIT), headers=HL7)
        assert (answer.status_code, answer.json()["issues"][0]["code"]) == (
            504,
            "http/took-too-long",
        )
        statuses = []
        while 200 not in statuses:
            statuses.append(client.post(URL, content=MESSAGE, headers=HL7).status_code)
        assert set(statuses) == {503, 200}


def test_work_without_end_does_not_keep_the_process(site_folder):
    offered = ("--transformer", "site-endless", "--timeout", 2, "--grace", 1)
    with service(*offered, "--log-level", "info") as running, running.client() as client:
        answer = client.post("/transform/site-endless", content=padded(LIMIT), headers=HL7)
        assert answer.status_code == 504
        assert running.stop() == 1
        assert running.events("stopped")[0]["abandoned"] == 1


def test_many_callers(running):
    """More callers than places: each gets its document, or is told to come again."""
    statuses = []

    def call():
        with running.client() as client:
            for _ in range(30):
                answer = client.post(URL, content=MESSAGE, headers=HL7)
                statuses.append(answer.status_code)
                assert answer.status_code == 503 or answer.json() == WANT

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(statuses) == 240
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 0
