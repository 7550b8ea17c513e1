"""The process with raw sockets on both sides: streams, a server that breaks off, TLS, new tables."""

import http.client
import json
import signal
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import trustme

from engines.gateway.served import FHIR, gateway, said, stating, statuses


@contextmanager
def raw_server(talk, port=0):
    """Run a server whose every connection is handed to ``talk(socket)``."""
    faults = []

    def served():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                try:
                    if connection.recv(1, socket.MSG_PEEK):  # the gateway looks whether we are here
                        talk(connection)
                except Exception as error:
                    faults.append(error)

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=served, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
        listener.shutdown(socket.SHUT_RDWR)
    assert not faults, faults


def until(connection, end):
    data = b""
    while end not in data:
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    return data


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_both_directions_are_streamed():
    """No side gets ahead: each piece goes only once the one before has arrived."""
    heard, seen = threading.Event(), threading.Event()

    def talk(connection):
        until(connection, b"first")
        heard.set()
        until(connection, b"second")
        connection.sendall(HEAD % b"text/plain" + chunk(b"one"))
        assert seen.wait(20)
        connection.sendall(chunk(b"two") + b"0\r\n\r\n")

    with raw_server(talk) as url, gateway(url) as front:
        host, port = front.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.settimeout(20)
            head = b"POST /Binary HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.sendall(head + chunk(b"first"))
            assert heard.wait(20)
            client.sendall(chunk(b"second") + b"0\r\n\r\n")
            until(client, b"one")
            seen.set()
            until(client, b"two")


def test_an_answer_that_breaks_off_does_not_look_whole():
    def talk(connection):
        until(connection, b"\r\n\r\n")
        connection.sendall(HEAD % b"application/octet-stream" + chunk(b"x" * 1000))

    with raw_server(talk) as url, gateway(url) as front:
        connection = http.client.HTTPConnection(front.url.removeprefix("http://"), timeout=20)
        connection.request("GET", "/Binary/1")
        answer = connection.getresponse()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        connection.close()
        assert front.get("/-/healthz").status_code == 200
        assert "Traceback" not in front.text()


def echo(connection):
    """Answer a POST with what was sent."""
    data = until(connection, b"\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    while len(body) < length:
        body += connection.recv(65536)
    connection.sendall(
        b"HTTP/1.1 201 Created\r\nContent-Type: application/fhir+json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


def ask(connection):
    connection.request("GET", "/ImagingStudy/1")
    return connection.getresponse()


def test_mutual_tls_shows_the_link(tmp_path):
    ca = trustme.CA()
    server, client = ca.issue_cert("127.0.0.1"), ca.issue_cert("client.example")
    pem, key, roots = (str(tmp_path / name) for name in ("cert", "key", "ca"))
    server.private_key_pem.write_to_path(key)
    server.cert_chain_pems[0].write_to_path(pem)
    ca.cert_pem.write_to_path(roots)
    context = ssl.create_default_context()
    ca.configure_trust(context)
    client.configure_cert(context)
    tls = ("--tls-cert", pem, "--tls-key", key, "--tls-client-ca", roots, "--demote")
    (tmp_path / "this").write_text("DNS:client.example\n")
    (tmp_path / "that").write_text("DNS:other.example\n")
    this, that = (("--conforming-peers", tmp_path / name) for name in ("this", "that"))
    for options, status in ((tls, "NS"), ((*tls, *that), "NS"), ((*tls, *this), "AO")):
        with raw_server(echo) as url, gateway(url, *options) as front:
            port = int(front.url.rpartition(":")[2])
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
            connection.request("POST", "/ImagingStudy", json.dumps(stating(said())), FHIR)
            answer = connection.getresponse()
            assert statuses(json.loads(answer.read())) == [status]
            connection.close()
            stranger = ssl.create_default_context()
            ca.configure_trust(stranger)
            other = http.client.HTTPSConnection("127.0.0.1", port, context=stranger, timeout=20)
            other.connect()  # TLS 1.3: a client without a certificate hears of it afterwards
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
                ask(other)
            other.close()


def test_new_tables_are_taken_into_use(tmp_path):
    site = tmp_path / "site.toml"
    site.write_text('canonical = "https://fhir.example.org"\n')
    with raw_server(echo) as url, gateway(url, "--tag", "--mappings", tmp_path) as front:
        mine = json.dumps(stating(said())).replace(
            "https://w3id.org/sopstatus/fhir", "https://fhir.example.com"
        )
        before = front.post("/ImagingStudy", content=mine, headers=FHIR)
        assert "-rollup" not in before.text  # another site's extension
        (tmp_path / "new").write_text('canonical = "https://fhir.example.com"\n')
        (tmp_path / "new").replace(site)
        front.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            after = front.post("/ImagingStudy", content=mine, headers=FHIR)
            if "-rollup" in after.text:
                break
        assert "https://fhir.example.com/CodeSystem/sop-instance-status-rollup" in after.text


def test_tables_that_hide_the_status_are_not_taken_into_use(tmp_path):
    (tmp_path / "site.toml").write_text('canonical = "https://w3id.org/sopstatus/fhir"\n')
    with raw_server(echo) as url, gateway(url, "--demote", "--mappings", tmp_path) as front:
        (tmp_path / "off.toml").write_text('name = "sop-instance-status"\nenabled = false\n')
        front.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if "SOPInstanceStatus from the Security Profile" in front.text():
                break
            answer = front.post("/ImagingStudy", json=stating(said()), headers=FHIR)
            assert statuses(answer.json()) == ["NS"]
        assert "SOPInstanceStatus from the Security Profile" in front.text()
        answer = front.post("/ImagingStudy", json=stating(said()), headers=FHIR)
        assert (answer.status_code, statuses(answer.json())) == (201, ["NS"])
