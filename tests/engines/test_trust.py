"""Who conforms, and files that change while a service runs: real TLS handshakes, tokens and lists."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from samples_of import bare, sample
from serving import command, parts, service
from sopstatus import codec
from sopstatus.cli import main
from sopstatus.engines import peers, trust_files
from sopstatus.engines.delivery.spool import New, Spool
from sopstatus.engines.delivery.verdict import Verdict
from sopstatus.engines.mllp import Listener, Settings
from sopstatus.engines.trust_files import Unsafe

from engines.gateway.served import FHIR, said, stating, statuses
from engines.gateway.served import gateway as fronted
from engines.gateway.test_process import echo, raw_server, until
from engines.mllp.test_forward import forwarding, free_port, rows
from engines.mllp.test_listener import PLAIN, WITH_TESTS
from engines.running import Client, ours

CASE = "authorized-original"
MESSAGE, BARE = sample(CASE, "hl7"), bare(CASE, "dicom")
TOKENS = ("correct-horse-battery-staple", "another-token-of-today")


def wait_for(check, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


class Keys:
    """The files of a listener and of its clients; each can be put in place anew, at once."""

    def __init__(self, folder):
        self.folder = folder
        self.server_ca, self.client_ca = trustme.CA(), trustme.CA()
        self.server()
        self.put("ca.pem", self.client_ca.cert_pem.bytes())
        self.client = self.client_ca.issue_cert(
            "ris.example", "192.0.2.7", "ris@example.org", common_name="RIS, <1>",
            organization_name="Krankenhaus Köln", organization_unit_name=" #3",
        )  # fmt: skip
        self.put("peers", b"DNS:nobody.example\n")

    def put(self, name, data):
        (self.folder / "new").write_bytes(data)
        (self.folder / "new").replace(self.folder / name)

    def server(self):
        """Put a new certificate of the listener in place; return its SHA-256."""
        made = self.server_ca.issue_cert("127.0.0.1", "localhost")
        self.put("server.pem", made.private_key_and_cert_chain_pem.bytes())
        certificate = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes())
        return certificate.fingerprint(hashes.SHA256())

    @property
    def options(self):
        pem = self.folder / "server.pem"
        return ("--tls-cert", pem, "--tls-key", pem, "--tls-client-ca", self.folder / "ca.pem",
                "--conforming-peers", self.folder / "peers")  # fmt: skip

    def context(self, client=None, **more):
        made = ssl.create_default_context()
        self.server_ca.configure_trust(made)
        (client or self.client).configure_cert(made)
        for name, value in more.items():
            setattr(made, name, value)
        return made


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


class Host:
    """One of the three services behind mutual TLS: asked over a new connection, or one that stays."""

    def __init__(self, name, keys, running, port, text):
        self.name, self.keys, self.running, self.port = name, keys, running, port
        self.text = text  # all that it has logged

    def connected(self, context=None):
        context = context or self.keys.context()
        if self.name == "mllp":
            return Client(
                self.port, wrap=lambda s: context.wrap_socket(s, server_hostname="localhost")
            )
        found = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        found.connect()
        return found

    def asked(self, connection):
        """Return whether the link was trusted; raise `OSError` or the like where none came about."""
        if self.name == "mllp":
            answer = connection.ask(PLAIN)
            return b"ZLK|all shown" in answer
        if self.name == "gateway":
            connection.request("POST", "/ImagingStudy", json.dumps(stating(said())), FHIR)
            return statuses(json.loads(connection.getresponse().read())) == ["AO"]
        data = parts(MESSAGE, BARE, "hl7", "dicom")
        request = httpx.Request("POST", "http://x/", files=data)
        headers = {"content-type": request.headers["content-type"]}
        connection.request("POST", "/transform/hl7-to-dicom", request.read(), headers)
        (statement,) = codec("dicom").decode(connection.getresponse().read()).value
        return statement["SOPInstanceStatus"] == "AO"

    def trusted(self, context=None):
        connection = self.connected(context)
        try:
            return self.asked(connection)
        finally:
            (connection.socket if self.name == "mllp" else connection).close()

    def shown(self):
        """Return the SHA-256 of the certificate that a new connection meets."""
        connection = self.connected()
        sock = connection.socket if self.name == "mllp" else connection.sock
        der = sock.getpeercert(binary_form=True)
        sock.close()
        return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256())

    def refuses(self, context):
        try:
            self.trusted(context)
        except (OSError, http.client.HTTPException, ValueError):
            return True
        return False

    def hup(self):
        self.running.send_signal(signal.SIGHUP)


@contextlib.contextmanager
def hosted(name, keys, *more):
    options = [*map(str, keys.options), *map(str, more)]
    if name == "mllp":
        named = ("--transformer", "engines.transforms:link_words", "--respond")
        with ours(*named, *options, env={**os.environ, **WITH_TESTS}) as running:
            yield Host(name, keys, running, running.port, running.told)
    elif name == "serve":
        with service(*options) as running:
            yield Host(name, keys, running.process, running.port, running.text)
    else:
        with raw_server(echo) as url, fronted(url, "--demote", *options) as front:
            port = int(front.url.rpartition(":")[2])
            yield Host(name, keys, front.process, port, front.text)


HOSTS = ("serve", "gateway", "mllp")


@pytest.mark.parametrize("name", HOSTS)
def test_a_list_that_changes(name, keys):
    """Also over a connection that stays open; a list that is broken leaves the old one in use."""
    with hosted(name, keys) as host:
        assert host.trusted() is False
        open_one = host.connected()
        assert host.asked(open_one) is False
        keys.put("peers", b"# the RIS\n\nDNS:RIS.example\n")
        wait_for(host.trusted)
        assert host.asked(open_one) is True
        other = keys.client_ca.issue_cert("pacs.example")
        assert host.trusted(keys.context(other)) is False
        keys.put("peers", b"everybody\n")
        host.hup()
        time.sleep(1.5)
        assert host.trusted() is True
        keys.put("peers", b"DNS:pacs.example\n")
        wait_for(lambda: not host.trusted())
        assert host.asked(open_one) is False
        assert host.trusted(keys.context(other)) is True
        (open_one.socket if name == "mllp" else open_one).close()


@pytest.mark.parametrize("how", ["watched", "SIGHUP"])
@pytest.mark.parametrize("name", HOSTS)
def test_certificates_that_change(name, how, keys):
    keys.put("peers", b"DNS:ris.example\n")
    with hosted(name, keys) as host:
        before = host.shown()
        open_one = host.connected()
        assert host.asked(open_one)
        if how == "SIGHUP":
            keys.put("server.pem", b"no certificate\n")
            host.hup()
            time.sleep(1.5)
            assert host.shown() == before  # the old one is in use
        after = keys.server()
        if how == "SIGHUP":
            host.hup()
        wait_for(lambda: host.shown() == after)
        assert host.asked(open_one)  # it is not cut off
        for _ in range(3):  # and again: the door is the same
            after = keys.server()
            wait_for(lambda after=after: host.shown() == after)
        assert host.trusted()
        host.running.send_signal(signal.SIGTERM)
        (open_one.socket if name == "mllp" else open_one).close()
        assert host.running.wait(30) == 0
        with pytest.raises(ConnectionError):
            host.connected()


@pytest.mark.parametrize("name", HOSTS)
def test_certificates_that_cannot_be_used_leave_the_old_ones(name, keys):
    """Half of a file, another's key, none, and one that would fill the memory; each is reported."""
    pem = keys.folder / "server.pem"
    whole, other = pem.read_bytes(), keys.server_ca.issue_cert("localhost")
    theirs = b"".join(one.bytes() for one in other.cert_chain_pems)
    key = whole[: whole.index(b"-----BEGIN CERT")]
    faults = {
        "half": (whole[: len(whole) // 2], "--tls-cert holds no certificate in PEM"),
        "another key's": (key + theirs, "--tls-key holds another key than that of the certificate"),
        "empty": (b"", "--tls-cert holds no certificate in PEM"),
        "gone": (None, "--tls-cert cannot be read"),
        "large": (17 << 20, "--tls-cert has more than 16 MiB"),
    }
    with hosted(name, keys) as host:
        before = host.shown()
        for number, (what, (data, reason)) in enumerate(faults.items(), 1):
            if data is None:
                pem.unlink()
            elif isinstance(data, int):
                with (keys.folder / "new").open("wb") as sparse:
                    sparse.truncate(data)
                (keys.folder / "new").replace(pem)
            else:
                keys.put("server.pem", data)

            event = not_reloaded(host, number)
            said = event.get("fault", event["reason"])
            assert re.match(reason, said), (what, event)
            assert event["what"] == "certificates" and host.shown() == before, what
        after = keys.server()
        wait_for(lambda: host.shown() == after)


def not_reloaded(host, number):
    """Wait for the last of so many events that something was not taken into use."""

    def told():
        found = [line for line in host.text().splitlines() if '"not-reloaded"' in line]
        return len(found) == number and json.loads(found[-1])

    return wait_for(told)


@pytest.mark.parametrize("name", HOSTS)
def test_a_file_that_cannot_be_looked_at(name, keys, tmp_path, monkeypatch):
    """The watch goes on and tells it once, and once each time that it is asked; then READY comes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with hosted(name, keys) as host:
            assert heard.recv(100) == b"READY=1"
            (keys.folder / "new").symlink_to("x" * 300)  # ENAMETOOLONG, for root too
            (keys.folder / "new").replace(keys.folder / "peers")
            event = not_reloaded(host, 1)
            assert event["level"] == "error" and event["what"] == "conforming-peers"
            assert "ENAMETOOLONG" in event["reason"] or "too long" in event["fault"]
            time.sleep(2.5)  # two more looks
            host.hup()
            assert heard.recv(100).startswith(b"RELOADING=1")
            assert heard.recv(100) == b"READY=1"
            not_reloaded(host, 2)
            assert host.trusted() is False
            keys.put("peers", b"DNS:ris.example\n")
            wait_for(host.trusted)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux bounds another process")
@pytest.mark.parametrize("name", HOSTS)
def test_certificates_that_change_while_no_file_can_be_opened(name, keys):
    """What fails for a passing reason is tried again, though no file changes any more."""
    with hosted(name, keys) as host:
        before = host.shown()
        bound = resource.prlimit(host.running.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(host.running.pid, resource.RLIMIT_NOFILE, (3, bound[1]))
        after = keys.server()
        assert not_reloaded(host, 1)["reason"] == "EMFILE"
        resource.prlimit(host.running.pid, resource.RLIMIT_NOFILE, bound)
        wait_for(lambda: host.shown() == after != before)


def test_a_listener_that_cannot_be_opened_anew_stays(keys):
    pem, ca = (str(keys.folder / name) for name in ("server.pem", "ca.pem"))

    async def shown(port):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=keys.context(), server_hostname="localhost"
        )
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256())

    async def run():
        listener = Listener(lambda *_: None, Settings())
        first = trust_files.server_tls(pem, "", ca)
        port = await listener.start(tls=first)
        before = await shown(port)
        after = keys.server()
        second = trust_files.server_tls(pem, "", ca)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                await listener.listen_anew(second)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert listener.tls is first and await shown(port) == before
        await listener.listen_anew(second)
        assert listener.tls is second and await shown(port) == after
        await listener.drain()

    asyncio.run(run())


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ca_that_is_taken_away(name, version, keys):
    """Whom it vouched for is let in no more, not by a TLS session of before either."""
    keys.put("peers", b"DNS:ris.example\n")
    new = trustme.CA()
    mine = keys.context(maximum_version=version, minimum_version=version)
    theirs = keys.context(new.issue_cert("ris.example"))
    with hosted(name, keys) as host:
        connection = host.connected(mine)
        assert host.asked(connection)
        sock = connection.socket if name == "mllp" else connection.sock
        session = sock.session
        sock.close()
        assert host.refuses(theirs)
        keys.put("ca.pem", new.cert_pem.bytes())
        wait_for(lambda: not host.refuses(theirs))
        assert host.refuses(mine)
        assert not resumes(host.port, mine, session)


def resumes(port, context, session):
    """Tell whether a TLS session of before is taken up again, and something answered over it."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as again,
        ):
            again.sendall(b"\x0bGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n\x1c\r")
            return again.recv(100) != b""
    except OSError:
        return False


@pytest.mark.parametrize("how", ["watched", "SIGHUP"])
def test_tokens_that_change(tmp_path, how):
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    with service("--token-file", file) as running, running.client() as client:

        def status(token):
            return client.get("/metrics", headers={"authorization": f"Bearer {token}"}).status_code

        def put(text):
            (tmp_path / "new").write_text(text)
            (tmp_path / "new").replace(file)
            if how == "SIGHUP":
                running.process.send_signal(signal.SIGHUP)

        assert (status(TOKENS[0]), status(TOKENS[1])) == (200, 401)
        put(f"{TOKENS[1]}\n")
        wait_for(lambda: status(TOKENS[1]) == 200)
        assert status(TOKENS[0]) == 401
        put("short\n")
        wait_for(lambda: running.events("not-reloaded"))
        assert (status(TOKENS[0]), status(TOKENS[1])) == (401, 200)
        put(f"{TOKENS[0]}\n")
        wait_for(lambda: status(TOKENS[0]) == 200)
        file.chmod(0o666)
        wait_for(lambda: len(running.events("not-reloaded")) >= 2)
        assert status(TOKENS[0]) == 200
        assert not any(token in running.text() for token in TOKENS)


def test_tokens_that_cannot_be_used_leave_the_old_ones(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    with service("--token-file", file) as running, running.client() as client:
        client.headers["authorization"] = f"Bearer {TOKENS[0]}"

        def refused(fault):
            wait_for(lambda: fault in [e.get("fault") for e in running.events("not-reloaded")])
            assert client.get("/metrics").status_code == 200

        file.write_bytes(b"")
        refused("--token-file needs a token a line, each of 16 characters or more")
        os.truncate(file, 4 << 30)  # sparse: whoever reads it whole has no memory left
        refused("--token-file has more than 16 MiB: name the right file")
        file.unlink()
        refused("--token-file cannot be read (No such file or directory)")
        file.symlink_to(tmp_path / "none" / "tokens")
        file.unlink()
        file.mkdir()
        refused("--token-file cannot be read (Is a directory)")
        file.rmdir()
        file.write_text(f"{TOKENS[1]}\n\n\r\n")
        client.headers["authorization"] = f"Bearer {TOKENS[1]}"
        wait_for(lambda: client.get("/metrics").status_code == 200)


@pytest.mark.parametrize("option", ["token", "peers", "ca", "cert"])
def test_a_file_that_would_fill_the_memory_is_not_read(tmp_path, keys, option):
    large = tmp_path / "large"
    large.touch(0o600)
    os.truncate(large, 17 << 20)
    pem = str(keys.folder / "server.pem")
    reads = {
        "token": lambda: trust_files.token(str(large), "--x"),
        "peers": lambda: peers.listed(str(large)),
        "ca": lambda: trust_files.client_tls(str(large), ""),
        "cert": lambda: trust_files.server_tls(pem, str(large), ""),
    }
    with pytest.raises(Unsafe, match="has more than 16 MiB"):
        reads[option]()


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key", "--tls-client-ca"])
def test_a_file_with_other_content_is_named(option, keys):
    pem = (keys.folder / "server.pem").read_bytes()
    keys.put("key.pem", pem[: pem.index(b"-----BEGIN CERT")])
    keys.put("cert.pem", pem[pem.index(b"-----BEGIN CERT") :])
    files = {"--tls-cert": "cert.pem", "--tls-key": "key.pem", "--tls-client-ca": "ca.pem"}
    what = "private key" if option == "--tls-key" else "certificate"
    for content in (
        b"no PEM\n",
        b"",
        pem[: pem.index(b"-----BEGIN CERT")].replace(b"PRIVATE", b"PUBLIC"),
    ):
        keys.put("other.pem", content)
        given = {**files, option: "other.pem"}
        with pytest.raises(Unsafe, match=f"^{option} holds no {what} in PEM"):
            trust_files.server_tls(*(str(keys.folder / name) for name in given.values()))
    ours = [str(keys.folder / name) for name in ("ca.pem", "other.pem")]
    for one, pair in (("--ca", ours[::-1]), ("--cert", ours)):
        with pytest.raises(Unsafe, match=f"^{one} holds no certificate in PEM"):
            trust_files.client_tls(*pair, ("--ca", "--cert"))


def test_a_pipe_is_read_once(tmp_path):
    """As `--token-file <(...)` gives one: it is used, and a reload does not wait for another writer."""
    pipe = tmp_path / "tokens"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=lambda: pipe.write_text(f"{TOKENS[0]}\n"))
    writer.start()
    with service("--token-file", pipe) as running, running.client() as client:
        writer.join()
        client.headers["authorization"] = f"Bearer {TOKENS[0]}"
        running.process.send_signal(signal.SIGHUP)
        wait_for(lambda: running.events("not-reloaded"))
        assert client.get("/metrics").status_code == 200
        assert running.stop() == 0


@pytest.mark.parametrize(
    "given",
    [
        ("serve", "--token-file"),
        ("gateway", "--upstream", "http://127.0.0.1:9", "--on-failure", "open", "--token-file"),
        ("mllp", "--source", "fhir+http://127.0.0.1:9", "--source-token-file"),
    ],
    ids=lambda given: given[0],
)
def test_a_hangup_does_not_end_a_start(given, tmp_path):
    pipe = tmp_path / "tokens"
    os.mkfifo(pipe, 0o600)
    line = [sys.executable, "-m", "sopstatus", *given, pipe, "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as starting:
        with pipe.open("w") as writer:  # it waits for its token
            starting.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            with contextlib.suppress(BrokenPipeError):
                writer.write(f"{TOKENS[0]}\n")
                writer.flush()
        try:
            assert b"listening" in starting.stdout.readline()
        finally:
            starting.terminate()
        assert starting.wait(30) == 0


def test_a_secret_of_a_container_that_changes(tmp_path):
    """Kubernetes: the file is a link through a folder that is itself a link, and that one changes."""
    for name, token in zip(("one", "two"), TOKENS, strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokens").write_text(token)
        (tmp_path / name / "tokens").chmod(0o444)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "tokens").symlink_to("..data/tokens")
    with service("--token-file", tmp_path / "tokens") as running, running.client() as client:
        assert running.events("readable-by-others")

        def status(token):
            return client.get("/metrics", headers={"authorization": f"Bearer {token}"}).status_code

        assert status(TOKENS[0]) == 200
        (tmp_path / "..new").symlink_to("two")
        (tmp_path / "..new").replace(tmp_path / "..data")
        wait_for(lambda: status(TOKENS[1]) == 200)
        assert status(TOKENS[0]) == 401


def test_the_token_for_the_server_changes(tmp_path):
    heard = []

    def talk(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        heard.append(data)
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    file = tmp_path / "upstream"
    file.write_text("the-first-token\n")
    with raw_server(talk) as url, fronted(url, "--upstream-token-file", file) as front:
        front.get("/Patient/1")
        assert b"authorization: Bearer the-first-token\r\n" in heard[-1]
        (tmp_path / "new").write_text("the-second-token\n")
        (tmp_path / "new").replace(file)

        def second():
            front.get("/Patient/1")
            return b"authorization: Bearer the-second-token\r\n" in heard[-1]

        wait_for(second)


def test_the_token_for_the_archive_changes(tmp_path):
    heard = []

    def talk(connection):
        heard.append(until(connection, b"\r\n\r\n"))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    file = tmp_path / "archive"
    file.write_text(f"{TOKENS[0]}\n")
    options = ("--enrich", "read", "--archive-token-file", file)
    with raw_server(talk) as url, fronted(url, "--archive", url, *options) as front:

        def shown(token):
            front.get("/-/readyz")  # it asks the archive
            return any(f"authorization: bearer {token}" in h.decode().lower() for h in heard)

        wait_for(lambda: shown(TOKENS[0]))
        assert not shown(TOKENS[1])
        (tmp_path / "new").write_text(f"{TOKENS[1]}\n")
        (tmp_path / "new").replace(file)
        wait_for(lambda: shown(TOKENS[1]))


@pytest.mark.parametrize("how", ["watched", "SIGHUP"])
def test_the_certificates_for_a_destination_change(tmp_path, how):
    """Both sides get a new CA: what waits is delivered without a restart of the one that forwards."""
    port, spool = free_port(), tmp_path / "spool"

    def authority(number):
        ca = trustme.CA()
        made = ca.issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
        for name, data in (("ca.pem", ca.cert_pem.bytes()), ("own.pem", made)):
            (tmp_path / "new").write_bytes(data)
            (tmp_path / "new").replace(tmp_path / name)
            (tmp_path / f"{number}-{name}").write_bytes(data)

    def destination(number):
        own, ca = (tmp_path / f"{number}-{name}.pem" for name in ("own", "ca"))
        return ours("--tls-cert", str(own), "--tls-client-ca", str(ca), port=port)

    authority(1)
    options = ("--forward-ca", tmp_path / "ca.pem", "--forward-cert", tmp_path / "own.pem")
    with (
        forwarding(spool, f"localhost:{port}", *map(str, options)) as running,
        Client(running.port) as client,
    ):
        with destination(1):
            client.ask(MESSAGE)
            wait_for(lambda: [row["state"] for row in rows(spool)] == ["sent"])
        authority(2)
        with destination(2):
            if how == "SIGHUP":
                running.send_signal(signal.SIGHUP)
            client.ask(MESSAGE)
            wait_for(lambda: [row["state"] for row in rows(spool)] == ["sent", "sent"])


@pytest.fixture
def certified(keys):
    """Return a function that tells whether a list with this line names the client."""
    der = x509.load_pem_x509_certificate(keys.client.cert_chain_pems[0].bytes())
    sha256 = der.fingerprint(hashes.SHA256()).hex()
    with hosted("mllp", keys) as host:

        def named(line):
            connection = host.connected(keys.context(check_hostname=True))
            connection.socket.close()
            return line.format(sha256=sha256, colons=":".join(
                sha256[n : n + 2].upper() for n in range(0, 64, 2)
            ))  # fmt: skip

        yield host, named


NAMING = (
    "sha256:{sha256}", "SHA256:{colons}", "sha256 Fingerprint={colons}", "SHA-256: {sha256}",
    "DNS:ris.example", "dns: RIS.EXAMPLE", "IP:192.0.2.7", "email:ris@example.org",
    "subject:CN=RIS\\, \\<1\\>,OU=\\ #3,O=Krankenhaus Köln",
    "subject=CN=RIS\\, \\<1\\>,OU=\\ #3,O=Krankenhaus Köln",
)  # fmt: skip
NOT_NAMING = (
    "sha256:" + "0" * 64, "DNS:ris.example.org", "DNS:example", "DNS:ris", "IP:192.0.2.8",
    "email:RIS@example.org", "subject:CN=RIS\\, \\<1\\>", "subject:CN=ris.example", "URI:ris.example",
)  # fmt: skip


def test_each_way_to_name_a_peer(certified, keys):
    host, named = certified
    for want, lines in ((True, NAMING), (False, NOT_NAMING)):
        for line in lines:
            keys.put("peers", f"\ufeff# a comment\r\n{named(line)}\r\n".encode())
            host.hup()
            wait_for(lambda want=want: host.trusted() is want, 10)
            keys.put("peers", b"DNS:ris.example\n" if not want else b"DNS:nobody\n")
            host.hup()
            wait_for(lambda want=want: host.trusted() is not want, 10)


@pytest.mark.parametrize(
    "text",
    ["", "\n# nobody\n", "*", "DNS:*", "DNS:*.example", "DNS:", "any", "ris.example", "sha256:ab",
     "sha256:" + "g" * 64, "IP:ris", "subject:", "CN=ris", "DNS:ris.example\n*\n", "\xff"],
)  # fmt: skip
def test_a_list_that_cannot_be_read(tmp_path, text):
    (tmp_path / "peers").write_bytes(text.encode("latin-1"))
    with pytest.raises(Unsafe, match="--conforming-peers"):
        peers.listed(str(tmp_path / "peers"))


def test_names_of_a_certificate_hold_nothing_that_two_could_share():
    """What a subject says is escaped, so that none can be spelt as another."""
    one = {"subject": ((("commonName", "a,O=b"),),)}
    two = {"subject": ((("organizationName", "b"),), (("commonName", "a"),))}
    assert peers.names(one, b"") != peers.names(two, b"")
    assert "subject:CN=a,O=b" in peers.names(two, b"")
    multi = {"subject": ((("commonName", "a"), ("userId", "7")),)}
    assert "subject:CN=a+UID=7" in peers.names(multi, b"")
    uri = {"subjectAltName": (("URI", "urn:oid:1.2.3"), ("DNS", "*.x"), ("DirName", "x"))}
    found = {name for name in peers.names(uri, b"") if not name.startswith(("sha256:", "subject:"))}
    assert found == {"URI:urn:oid:1.2.3"}


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666, 0o646, 0o664])
def test_a_file_that_others_may_write_decides_nothing(tmp_path, keys, mode):
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    file.chmod(mode)
    (tmp_path / "link").symlink_to(file)
    for given in (file, tmp_path / "link"):
        with pytest.raises(Unsafe, match="--token-file can be written by others"):
            trust_files.tokens(str(given))
        with pytest.raises(Unsafe, match="--source-token-file can be written by others"):
            trust_files.token(str(given), "--source-token-file")
    (keys.folder / "key.pem").write_bytes((keys.folder / "server.pem").read_bytes())
    for name, option in (
        ("peers", "--conforming-peers"),
        ("ca.pem", "--tls-client-ca"),
        ("server.pem", "--tls-cert"),
        ("key.pem", "--tls-key"),
    ):
        old = (keys.folder / name).stat().st_mode
        (keys.folder / name).chmod(mode)
        given = (*keys.options, "--tls-key", keys.folder / "key.pem")
        done = subprocess.run(
            command(*given), capture_output=True, text=True, timeout=30, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: {option} can be written by others: chmod go-w it\n"
        (keys.folder / name).chmod(old)


@pytest.mark.parametrize("command", ["mllp", "spool"])
@pytest.mark.parametrize(("name", "option"), [("ca.pem", "ca"), ("server.pem", "cert")])
def test_nor_does_one_of_a_destination(tmp_path, keys, capsys, command, name, option):
    (keys.folder / name).chmod(0o620)
    given, prefix = (
        ["mllp", "--port", 0, "--forward", "127.0.0.1:1", "--spool", tmp_path / "spool"],
        "--forward-",
    )
    if command == "spool":
        spool = Spool(tmp_path / "spool")
        (number,) = spool.add([New(MESSAGE, 1)])
        spool.bury(number, Verdict("refused", "AE"))
        spool.close()
        given = ["spool", "replay", tmp_path / "spool", number, "--to", "127.0.0.1:1"]
        prefix = "--"
    given += [f"{prefix}ca", keys.folder / "ca.pem", f"{prefix}cert", keys.folder / "server.pem"]
    assert main([str(one) for one in given]) == 2
    told = capsys.readouterr().err
    assert told == f"error: {prefix}{option} can be written by others: chmod go-w it\n"


def test_a_key_with_a_password_is_refused(keys):
    """OpenSSL would ask for it at the terminal, and a service would wait there for ever."""
    made = keys.client.private_key_pem.bytes()
    key = serialization.load_pem_private_key(made, None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    keys.put("server.pem", locked + keys.client.cert_chain_pems[0].bytes())
    pem = str(keys.folder / "server.pem")
    for made in (
        lambda: trust_files.server_tls(pem, "", ""),
        lambda: trust_files.client_tls(str(keys.folder / "ca.pem"), pem),
    ):
        with pytest.raises(Unsafe, match="has a password"):
            made()


def test_a_key_that_others_may_read_is_reported(keys):
    (keys.folder / "server.pem").chmod(0o644)
    with service(*keys.options) as running:
        (told,) = running.events("readable-by-others")
        assert told["option"] == "--tls-key"


def test_a_service_does_not_start_with_tokens_that_others_may_write(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    file.chmod(0o606)
    done = subprocess.run(
        command("--token-file", file), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --token-file can be written by others: chmod go-w it\n"


@pytest.mark.parametrize("which", ["file", "link"])
def test_a_file_of_another_user_decides_nothing(tmp_path, which):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    file, link = tmp_path / "tokens", tmp_path / "link"
    file.write_text(f"{TOKENS[0]}\n")
    link.symlink_to(file)
    os.chown(link if which == "link" else file, 65534, -1, follow_symlinks=False)
    with pytest.raises(Unsafe, match="--token-file belongs to another user"):
        trust_files.tokens(str(link))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"\xef\xbb\xbfcorrect-horse-battery\r\n", (b"correct-horse-battery",)),
        (b"correct-horse-battery", (b"correct-horse-battery",)),
        (b"\n\n  correct-horse-battery  \n\nanother-token-of-us\n", (b"correct-horse-battery", b"another-token-of-us")),
        ("correct-horse-battery".encode("utf-16"), None),
        ("correct-h\u00f6rse-battery".encode(), None),
        (b"correct-horse\0battery", None),
        (b"correct-horse\x1bbattery", None),
        (b"\xef\xbb\xbf", None),
        (b"", None),
    ],
)  # fmt: skip
def test_what_a_file_of_tokens_may_hold(tmp_path, text, want):
    file = tmp_path / "tokens"
    file.write_bytes(text)
    if want is None:
        with pytest.raises(Unsafe):
            trust_files.tokens(str(file))
        with pytest.raises(Unsafe):
            trust_files.token(str(file), "--upstream-token-file")
    else:
        assert trust_files.tokens(str(file)) == want


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, False), (0o400, False), (0o640, False), (0o444, True)]
)
def test_tokens_that_others_may_read_are_reported(tmp_path, mode, told):
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    file.chmod(mode)
    with service("--token-file", file) as running:
        assert bool(running.events("readable-by-others")) is told
