"""What a web page elsewhere can do to a service on this machine: nothing; raw requests and Chromium."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsers import browser  # noqa: F401 - a fixture
from engines.gateway.served import gateway, said, stating
from samples_of import sample
from serving import MEDIA, command, service, workbench

from tools import need

MESSAGE = sample("authorized-original", "hl7")
FHIR = "application/fhir+json"


class Store(BaseHTTPRequestHandler):
    """A FHIR server that keeps what it is sent, and lets every page read (CORS)."""

    def do_GET(self):
        length = int(self.headers.get("content-length", 0))
        self.server.heard.append((self.command, self.path, self.rfile.read(length)))
        body = b'{"resourceType": "Patient", "id": "SECRET"}'
        self.send_response(200)
        for name, value in (
            ("Content-Type", FHIR),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Headers", "*"),
            ("Access-Control-Allow-Methods", "*"),
            ("Content-Length", str(len(body))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@contextmanager
def store():
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        server.heard = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    file = tmp_path_factory.mktemp("token") / "upstream"
    file.write_text("the-gateways-own-token-there\n")
    return file


@pytest.fixture(scope="module")
def running(token):
    """Return the three services by their names, each with what it takes and where it tells of it."""
    with (
        store() as upstream,
        service() as served,
        workbench() as page,
        gateway(upstream.url, "--upstream-token-file", token) as front,
    ):
        ports = {"serve": served.port, "workbench": page.port}
        ports["gateway"] = int(front.url.rpartition(":")[2])
        yield ports, upstream


POSTS = {
    "serve": ("/transform/hl7-to-fhir", MEDIA["hl7"], MESSAGE),
    "workbench": ("/api/new", "application/json", b'{"from": "NS"}'),
    "gateway": ("/ImagingStudy", FHIR, json.dumps(stating(said())).encode()),
}
GETS = {"serve": "/openapi.json", "workbench": "/", "gateway": "/Patient/1"}
NAMES = tuple(POSTS)


def raw(port, data):
    """Send bytes, and return the statuses of what comes back until the connection closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(data)
        answer = b""
        try:
            while piece := sock.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    return answer


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


def asked(name, *lines, get=False, target=None, version="1.1"):
    """Return a request with these headers; ``Connection: close`` ends it."""
    path, media, body = POSTS[name]
    more = [] if get else [f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    first = f"{'GET' if get else 'POST'} {target or (GETS[name] if get else path)} HTTP/{version}"
    head = "\r\n".join([first, *lines, *more, "Connection: close", "", ""])
    return head.encode("latin-1") + (b"" if get else body)


OTHER_HOSTS = (
    "evil.example", "evil.example:{port}", "face.cf:{port}", "127.0.0.1.evil.example:{port}",
    "localhost.evil.example:{port}", "evil.example@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example",
    "localhost.:{port}", "127.0.0.1.:{port}", "127.0.0.1:1", "localhost:1", "[::1]:1",
    "192.0.2.1:{port}", "0.0.0.0:{port}", "[::]:{port}", "[fe80::1%25lo]:{port}", "[::1%25lo]:{port}",
    "[::1%lo]:{port}", "2130706433:{port}", "0x7f000001:{port}", "0177.0.0.1:{port}", "127.1:{port}",
    "[::1", "::1", "localhost:{port}:{port}", "localhost:", "localhost, evil.example",
    "local\u017fhost", "\uff1127.0.0.1", "", " ", "a.localhost:{port}", "localhost/",
)  # fmt: skip
OUR_HOSTS = (
    "localhost", "localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "127.255.0.1:{port}",
    "[::1]:{port}", "[0:0:0:0:0:0:0:1]:{port}", "[::ffff:127.0.0.1]:{port}", "  localhost  ",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_other_name_is_answered(running, name):
    ports, upstream = running
    port, before = ports[name], len(upstream.heard)
    for host in OTHER_HOSTS:
        text = host.format(port=port).encode("utf-8").decode("latin-1")
        for get in (True, False):
            answer = raw(port, asked(name, f"Host: {text}", get=get))
            assert status(answer) in (400, 403), (host, answer[:200])
            assert b"SECRET" not in answer and b"access-control" not in answer.lower()
    assert len(upstream.heard) == before


@pytest.mark.parametrize("name", NAMES)
def test_this_machine_by_its_names(running, name):
    ports, _ = running
    for host in OUR_HOSTS:
        for get in (True, False):
            answer = raw(
                ports[name], asked(name, f"Host: {host.format(port=ports[name])}", get=get)
            )
            assert status(answer) == 200, (host, answer[:300])


TRICKS = {
    "two hosts": ["Host: localhost", "Host: evil.example"],
    "two hosts, the other way round": ["Host: evil.example", "Host: localhost"],
    "the same host twice": ["Host: localhost", "Host: localhost"],
    "a forwarded host": ["Host: evil.example", "X-Forwarded-Host: localhost"],
    "RFC 7239": ["Host: evil.example", "Forwarded: host=localhost"],
    "a rewritten host": ["Host: evil.example", "X-Original-Host: localhost", "X-Host: localhost"],
    "a folded line": ["Host: localhost", " evil.example"],
    "a blank before the colon": ["Host : localhost"],
    "no host": [],
    "a null origin": ["Host: localhost", "Origin: null"],
    "an empty origin": ["Host: localhost", "Origin:"],
    "an origin elsewhere": ["Host: localhost", "Origin: https://evil.example"],
    "an origin that begins as ours": ["Host: localhost", "Origin: http://localhost.evil.example"],
    "an origin with a user": ["Host: localhost", "Origin: http://localhost@evil.example"],
    "another port": ["Host: localhost", "Origin: http://localhost:3000"],
    "another name of ours": ["Host: localhost", "Origin: http://127.0.0.1"],
    "another scheme": ["Host: localhost", "Origin: ftp://localhost"],
    "an extension": ["Host: localhost", "Origin: chrome-extension://abcdefgh"],
    "no scheme": ["Host: localhost", "Origin: localhost"],
    "two origins": ["Host: localhost", "Origin: http://localhost", "Origin: http://evil.example"],
    "a list of origins": ["Host: localhost", "Origin: http://localhost http://evil.example"],
    "rebound": ["Host: evil.example", "Origin: http://evil.example"],
    "cross-site": ["Host: localhost", "Sec-Fetch-Site: cross-site"],
    "same-site": ["Host: localhost", "Sec-Fetch-Site: same-site"],
    "two fetch sites": ["Host: localhost", "Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"],
    "a link followed": [
        "Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate",
    ],
    "a socket": [
        "Host: localhost", "Origin: https://evil.example", "Upgrade: websocket",
        "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13",
    ],
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks(running, trick):
    ports, upstream = running
    before = len(upstream.heard)
    for name, port in ports.items():
        for version in ("1.1", "1.0"):
            for get in (True, False):
                answer = raw(port, asked(name, *TRICKS[trick], get=get, version=version))
                assert status(answer) in (400, 403), (name, version, get, answer[:200])
    assert len(upstream.heard) == before


def test_a_target_with_a_host_of_its_own(running):
    """RFC 9112 3.2.2: only a proxy gets this from a browser. The Host header still decides."""
    ports, upstream = running
    before = len(upstream.heard)
    for name, port in ports.items():
        target = f"http://localhost:{port}{GETS[name]}"
        answer = raw(port, asked(name, "Host: evil.example", get=True, target=target))
        assert status(answer) in (400, 403)
    assert len(upstream.heard) == before


def test_a_body_needs_a_content_type(running):
    ports, upstream = running
    before = len(upstream.heard)
    for name, port in ports.items():
        path, _, body = POSTS[name]
        sized = f"Content-Length: {len(body)}\r\n"
        for more in (sized, f"{sized}Content-Type:\r\n", "Transfer-Encoding: chunked\r\n"):
            chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n"
            answer = raw(port, head.encode() + (chunked if "chunked" in more else body))
            assert status(answer) == 415, answer
            assert b"http/no-content-type" in answer
    assert len(upstream.heard) == before


def test_a_trailer_is_no_header(running):
    """RFC 9110 6.5.1: what comes behind the body says nothing of the request."""
    ports, upstream = running
    before = len(upstream.heard)
    for name, port in ports.items():
        path, media, body = POSTS[name]
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"%x\r\n%s\r\n0\r\nContent-Type: %s\r\n\r\n" % (len(body), body, media.encode())
        assert status(raw(port, head.encode() + chunks)) == 415
        large = b"0\r\n" + b"A: " + b"x" * 200_000 + b"\r\n\r\n"
        assert status(raw(port, head.encode() + large)) in (400, 415, 0)
    assert len(upstream.heard) == before


def test_our_own_page_and_a_user(running):
    ports, _ = running
    for name, port in ports.items():
        host = f"Host: localhost:{port}"
        for more in (
            f"Origin: http://localhost:{port}", f"Origin: HTTP://LOCALHOST:{port}".lower(),
            "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none",
        ):  # fmt: skip
            assert status(raw(port, asked(name, host, more))) == 200


def test_allowed_hosts():
    allowed = ("--allowed-host", "pacs.example", "--allowed-host", "ris.example:8443")
    with service(*allowed) as running:

        def told(*lines):
            return status(raw(running.port, asked("serve", *lines)))

        assert told("Host: pacs.example") == told("Host: PACS.example:1") == 200
        assert told("Host: ris.example:8443") == 200
        assert told("Host: localhost") == 200
        assert told("Host: ris.example") == told("Host: x.pacs.example") == 403
        assert told("Host: localhost", "Origin: https://pacs.example") == 200
        assert told("Host: localhost", "Origin: https://ris.example:8443") == 200
        assert told("Host: localhost", "Origin: https://ris.example") == 403
        assert told("Host: pacs.example", "Origin: https://pacs.example") == 200
        answer = raw(
            running.port, asked("serve", "Host: localhost", "Origin: https://pacs.example")
        )
        assert b"access-control" not in answer.lower()
        assert {e["event"] for e in running.events()} - {"request"} == {
            "http/other-host",
            "http/other-origin",
        }


def test_elsewhere_a_host_is_looked_at_where_it_is_said(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("correct-horse-battery-staple\n")
    bearer = "Authorization: Bearer correct-horse-battery-staple"
    here = ("--host", "0.0.0.0", "--token-file", file)
    for more, want in (((), 200), (("--allowed-host", "pacs.example"), 403)):
        with service(*here, *more) as running:

            def told(*lines, port=running.port):
                return status(raw(port, asked("serve", *lines, bearer)))

            assert told("Host: anything.example") == told("Host: localhost") == told() == want
            assert told("Host: pacs.example", "Origin: http://evil.example") == 403
            assert told("Host: pacs.example", "Origin: http://pacs.example") == 200


@pytest.mark.parametrize("name", ["http://x", "a b", "x:y", "", "*", "x:123456", "::1"])
def test_a_name_that_no_host_can_be(name):
    done = subprocess.run(
        command("--allowed-host", name), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --allowed-host ")


ATTACK = """
async (ports) => {
  const told = [];
  for (const [port, path, type, body] of ports) {
    for (const host of ["127.0.0.1", "localhost"]) {
      const url = `http://${host}:${port}`;
      const tries = {
        get: [url + path, {}], opaque: [url + path, {mode: "no-cors"}],
        simple: [url + path, {method: "POST", mode: "no-cors", body,
                              headers: {"content-type": "text/plain"}}],
        blob: [url + path, {method: "POST", mode: "no-cors", body: new Blob([body])}],
        typed: [url + path, {method: "POST", body, headers: {"content-type": type}}],
        put: [url + path, {method: "PUT", body, headers: {"content-type": type}}],
      };
      for (const [how, [to, options]] of Object.entries(tries)) {
        try {
          const answer = await fetch(to, options);
          told.push([port, how, answer.type, answer.status]);
        } catch { told.push([port, how, "failed", 0]); }
      }
      const form = document.createElement("form");
      Object.assign(form, {method: "POST", action: url + path, enctype: "text/plain"});
      const frame = document.createElement("iframe");
      frame.name = form.target = `f${port}${host}`;
      const field = document.createElement("input");
      Object.assign(field, {name: body, value: ""});
      form.append(field);
      document.body.append(frame, form);
      await new Promise((done) => { frame.onload = done; form.submit(); setTimeout(done, 3000); });
      navigator.sendBeacon(url + path, new Blob([body], {type: "text/plain"}));
      const image = new Image();
      await new Promise((done) => { image.onerror = image.onload = done; image.src = url + path; });
    }
  }
  return told;
}
"""


def test_a_page_elsewhere_in_chromium(browser, running):  # noqa: F811
    """A page of another port of this machine, and one of a rebound name, get and do nothing."""
    ports, upstream = running
    targets = [[ports[n], POSTS[n][0], POSTS[n][1], POSTS[n][2].decode()] for n in NAMES]
    before = len(upstream.heard)
    with store() as evil:
        page = browser.new_page()
        page.goto(evil.url)
        told = page.evaluate(ATTACK, targets)
        page.close()
    assert len(told) == len(targets) * 2 * 6
    assert {kind for _, _, kind, _ in told} <= {"failed", "opaque"}
    assert upstream.heard[before:] == []


def test_a_rebound_name_in_chromium(running):
    """The browser takes the service for the page's own origin; the service does not."""
    ports, upstream = running
    before = len(upstream.heard)
    script = f"""
import os, json, sys
from playwright.sync_api import sync_playwright
rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
with sync_playwright() as playwright:
    found = playwright.chromium.launch(
        executable_path={need("chromium", "chromium")!r}, args=[rules, *sandbox])
    told = {{}}
    for name, (port, path) in json.loads(sys.argv[1]).items():
        page = found.new_page()
        told[name] = page.goto(f"http://evil.example:{{port}}{{path}}").status
        page.close()
    found.close()
print(json.dumps(told))
"""
    asks = {name: (port, GETS[name]) for name, port in ports.items()}
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(asks)],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == dict.fromkeys(NAMES, 403)
    assert upstream.heard[before:] == []


@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_it_says_that_it_is_alive_while_it_is_full(name):
    """Four connections stand open, and there is room for two: the process still says how it is."""
    own = "/-/" if name == "gateway" else "/"
    with (
        store() if name == "gateway" else nullcontext() as upstream,
        gateway(upstream.url, "--connections", 2)
        if name == "gateway"
        else service("--connections", 2) as running,
    ):
        port = int(running.url.rpartition(":")[2])
        held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(4)]
        get = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        held[0].sendall(get % GETS[name].encode())
        assert status(held[0].recv(65536)) == 200  # these two were there in time
        for path, want in ((f"{own}healthz", 200), (f"{own}readyz", 200), (GETS[name], 503)):
            answer = raw(port, asked(name, "Host: localhost", get=True, target=path))
            assert status(answer) == want, answer
            assert b"connection: close" in answer
            if want == 503:
                assert b"http/full" in answer and b"retry-after" in answer
        assert (
            status(raw(port, asked(name, "Host: evil.example", get=True, target=f"{own}readyz")))
            == 403
        )
        assert held[3].recv(1) == b""  # it asked nothing in time: no room is held beyond the bound
        held[1].sendall(get % GETS[name].encode())
        assert status(held[1].recv(65536)) == 200
        for sock in held:
            sock.close()
