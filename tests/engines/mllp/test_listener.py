"""The listener as a process: bounds, TLS, transformers, the end; real sockets only."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme
from engines.running import Client, code, codes, message, ours
from hypothesis import given, settings
from hypothesis import strategies as st
from samples_of import sample
from sopstatus.engines.mllp import Listener, Settings
from sopstatus.engines.mllp.frame import frame
from sopstatus.engines.mllp.work import work

TESTS = Path(__file__).resolve().parents[2]
WITH_TESTS = {**os.environ, "PYTHONPATH": str(TESTS)}
PLAIN = message().encode()


@pytest.fixture(scope="module")
def port():
    with ours("--max-body", str(1 << 20)) as running:
        yield running.port


def transforming(name, *options):
    return ours("--transformer", name, *options, env=WITH_TESTS)


@pytest.mark.parametrize(("accept", "application", "expected"), [
    ("AL", "AL", [b"CA", b"AA"]), ("AL", "NE", [b"CA"]), ("NE", "AL", [b"AA"]), ("NE", "NE", []),
])  # fmt: skip
def test_enhanced_mode(port, accept, application, expected):
    with Client(port) as client:
        client.send(frame(message("1", extra=f"|||{accept}|{application}").encode()))
        client.send(frame(message("2").encode()))
        found = codes(client.answers(len(expected) + 1))
    assert found == [*((c, b"1") for c in expected), (b"AA", b"2")]


@pytest.mark.parametrize(("term", "charset", "name"), [
    ("", "utf-8", "KÖLN"), ("8859/1", "latin-1", "KÖLN"), ("8859/5", "iso8859-5", "Москва"),
    ("UNICODE UTF-8", "utf-8", "患者"), ("GB 18030-2000", "gb18030", "患者"),
    ("~ISO IR87", "iso2022_jp_2", "患者"), ("ISO IR14", "shift_jis", "表ソ"),
])  # fmt: skip
def test_any_character_set(port, term, charset, name):
    text = message(extra="|" * 6 + term).replace("HOSPITAL", name)
    with Client(port) as client:
        answer = client.ask(text.encode(charset))
    assert code(answer) == "AA"
    assert answer.decode(charset).split("|")[5] == name


def test_a_message_that_is_too_long_is_refused_and_the_next_is_taken(port):
    with Client(port) as client:
        client.send(frame(PLAIN + b"OBX|" + b"x" * (2 << 20)))
        client.send(frame(message("78").encode()))
        found = client.answers(2)
    assert codes(found)[0][0] == b"AE" and codes(found)[1] == (b"AA", b"78")
    assert b"document/too-large" in found[0]


def test_a_sender_that_closes_its_half_is_answered(port):
    with Client(port) as client:
        client.send(frame(PLAIN)[:-1])
        client.socket.shutdown(socket.SHUT_WR)
        assert codes(client.answers(2)) == [(b"AA", b"77")]
    with Client(port) as client:
        client.send(frame(PLAIN)[:-2])
        client.socket.shutdown(socket.SHUT_WR)
        (answer,) = client.answers(2)
        assert code(answer) == "AR" and b"mllp/broken-off" in answer


def test_a_block_that_begins_anew_is_answered_once(port):
    with Client(port) as client:
        client.send(frame(PLAIN)[:40] + frame(message("78").encode()))
        client.send(frame(message("79").encode()))
        assert codes(client.answers(2)) == [(b"AA", b"78"), (b"AA", b"79")]


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(1, 40))
def test_whatever_came_before_a_message_is_answered(port, garbage, step):
    """Each block has an answer, also one without a message, and the message behind has its own."""
    blocks = [g.replace(b"\x0b", b"").replace(b"\x1c", b"") for g in garbage]
    stream = b"".join(map(frame, blocks)) + frame(message("last").encode())
    with Client(port) as client:
        for start in range(0, len(stream), step):
            client.send(stream[start : start + step])
        found = client.answers(len(blocks) + 1)
    assert codes(found)[-1] == (b"AA", b"last")
    assert all(answer.startswith(b"MSH") for answer in found)


def test_five_hundred_connections(port):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(500)]
        for n, client in enumerate(clients):
            client.send(frame(message(control_id=n).encode())[:30])
        for n, client in enumerate(clients):
            client.send(frame(message(control_id=n).encode())[30:])
        for n, client in enumerate(clients):
            assert codes(client.answers(1)) == [(b"AA", b"%d" % n)]


def test_connections_beyond_the_limit_are_closed():
    with (
        ours("--connections", "2") as running,
        Client(running.port) as a,
        Client(running.port) as b,
    ):
        assert code(a.ask(PLAIN)) == code(b.ask(PLAIN)) == "AA"
        with Client(running.port) as c:
            assert c.answers(1) == []
        a.socket.close()
        b.ask(PLAIN)
        with Client(running.port) as d:
            assert code(d.ask(PLAIN)) == "AA"


def test_slow_and_idle_peers_are_let_go():
    with (
        ours("--block-timeout", "0.6", "--idle-timeout", "0.6") as running,
        Client(running.port) as slow,
        Client(running.port) as lost,
    ):
        lost.send(b"hello")
        slow.send(b"\x0bMSH|^~\\&|A|B|C|D|2024||ORU^R01|88|P|2.5\r")
        with contextlib.suppress(OSError):
            for _ in range(100):  # a byte now and then does not keep it open
                slow.send(b"x")
                time.sleep(0.02)
                with Client(running.port) as other:
                    assert code(other.ask(PLAIN)) == "AA"
        ((answer, control_id),) = codes(slow.answers(2))
        assert (answer, control_id) == (b"AR", b"88")
        assert [c for c, _ in codes(lost.answers(2))] == [b"AR"]  # and then it was closed
        with Client(running.port) as idle:
            assert idle.answers(1) == []


def test_a_peer_that_takes_no_answers_is_not_read_and_let_go():
    with ours("--block-timeout", "1") as running, Client(running.port, timeout=2) as client:
        sent = 0
        with contextlib.suppress(OSError):  # a time-out or a reset, as it comes
            while True:
                client.send(frame(PLAIN) * 1000)
                sent += 1000
        assert sent * len(PLAIN) < 100 << 20
        assert memory(running.pid) < 150 << 20
        with Client(running.port) as other:
            assert code(other.ask(PLAIN)) == "AA"


def memory(pid):
    """Return the resident bytes of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) << 10


def test_memory_is_flat(port):
    """By hand with MLLP_MESSAGES=1000000."""
    count = int(os.environ.get("MLLP_MESSAGES", "10000"))
    with ours() as running, Client(running.port) as client:
        sizes = []
        for _ in range(4):
            for _ in range(count // 200):
                client.send(frame(PLAIN) * 50)
                assert len(client.answers(50)) == 50
            sizes.append(memory(running.pid))
        assert sizes[-1] - sizes[0] < 4 << 20, sizes


def test_a_transformer_s_message_is_the_answer():
    named = transforming("engines.transforms:link_words", "--respond")
    with named as running, Client(running.port) as client:
        answer = client.ask(PLAIN)
    assert answer == PLAIN + b"ZLK|not shown: secure, authenticated, conforms\r"


def test_an_entry_point_s_document_is_the_answer():
    with transforming("hl7-to-fhir", "--respond") as running, Client(running.port) as client:
        study = json.loads(client.ask(sample("authorized-original", "hl7")))
        assert study["resourceType"] == "ImagingStudy"
        assert code(client.ask(b"hello")) == "AR"


def test_one_of_ours_uses_the_tables_of_the_site(tmp_path):
    (tmp_path / "site.toml").write_text('canonical = "https://site.test/fhir"\n')
    options = ("--respond", "--mappings", str(tmp_path))
    with transforming("hl7-to-fhir", *options) as running, Client(running.port) as client:
        answer = client.ask(sample("authorized-original", "hl7"))
    assert b"https://site.test/fhir/StructureDefinition/sop-instance-status" in answer


def test_a_message_that_says_nothing_is_taken_and_nothing_is_sent():
    """An ADT message names no study: it is no fault of the sender's, and no ImagingStudy."""
    adt = message(kind="ADT^A08").partition("ZDS")[0].encode()
    told = ("--respond", "--log-level", "info")
    with transforming("hl7-to-fhir", *told) as running, Client(running.port) as client:
        answer = client.ask(adt)
        assert code(answer) == "AA"
        assert b"ERR|" not in answer
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        told = [line for line in running.told().splitlines() if "document/says-nothing" in line]
    assert not [line for line in told if "[info" not in line and '"info"' not in line]
    assert told


def test_a_transformer_that_fails_is_answered_and_names_nobody():
    with transforming("engines.transforms:broken", "--respond") as running:
        with Client(running.port) as client:
            answer = client.ask(PLAIN)
            assert code(answer) == "AR" and b"mllp/failed" in answer and b"KeyError" in answer
            assert code(client.ask(PLAIN)) == "AR"
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        told = running.told()
    assert "mllp/failed" in told
    for text in (answer.decode(), told):
        assert "DOE" not in text and "4711" not in text


def test_a_slow_transformer_holds_up_its_own_connection_only():
    slow = transforming("engines.transforms:slow", "--respond")
    with slow as running, Client(running.port) as one, Client(running.port) as two:
        one.send(frame(message("SLOW").encode()) + frame(message("after").encode()))
        assert b"|after|" not in two.ask(message("quick"))
        first, second = one.answers(2)
    assert b"|SLOW|" in first and b"|after|" in second
    assert b"ZTH|mllp-work" in first


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    made.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    made.issue_cert("ris.example").private_key_and_cert_chain_pem.write_to_path(folder / "ris.pem")
    made.issue_cert("pacs.example").private_key_and_cert_chain_pem.write_to_path(
        folder / "pacs.pem"
    )
    (folder / "peers").write_text("DNS:RIS.example\n")
    trustme.CA().issue_cert("x").private_key_and_cert_chain_pem.write_to_path(folder / "other.pem")
    return folder


def tls(folder, certificate):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if certificate:
        context.load_cert_chain(folder / certificate)
    return lambda plain: context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(
    ("client_ca", "option", "certificate", "words"),
    [
        (False, (), "", b"not shown: authenticated, conforms"),
        (False, (), "ris.pem", b"not shown: authenticated, conforms"),
        (True, (), "ris.pem", b"not shown: conforms"),
        (True, ("--conforming-peers", "peers"), "ris.pem", b"all shown"),
        (True, ("--conforming-peers", "peers"), "pacs.pem", b"not shown: conforms"),
        (True, ("--conforming-peers", "peers"), "", None),
        (True, ("--conforming-peers", "peers"), "other.pem", None),
    ],
)
def test_what_tls_shows_of_a_link(ca, client_ca, option, certificate, words):
    option = [ca / name if name == "peers" else name for name in option]
    options = ["--tls-cert", ca / "server.pem", *option]
    options += ["--tls-client-ca", ca / "ca.pem"] if client_ca else []
    with transforming("engines.transforms:link_words", "--respond", *map(str, options)) as running:
        with Client(running.port) as plain:
            plain.send(frame(PLAIN))
            assert codes(plain.answers(1)) == []
        try:
            with Client(running.port, wrap=tls(ca, certificate)) as client:
                client.send(frame(PLAIN))
                found = client.answers(1)
        except (ssl.SSLError, ConnectionError):
            found = []
    assert found == ([PLAIN + b"ZLK|" + words + b"\r"] if words else [])


def test_elsewhere_only_who_shows_a_certificate_is_let_in(ca):
    options = (
        "--host",
        "0.0.0.0",
        "--tls-cert",
        ca / "server.pem",
        "--tls-client-ca",
        ca / "ca.pem",
    )
    with ours(*map(str, options)) as running:
        with Client(running.port, wrap=tls(ca, "ris.pem")) as client:
            assert code(client.ask(PLAIN)) == "AA"
            client.send(frame(PLAIN) * 300)
            assert len(client.answers(300)) == 300
        with contextlib.suppress(OSError), Client(running.port, wrap=tls(ca, "")) as client:
            client.send(frame(PLAIN))
            assert client.answers(1) == []


def test_unfinished_messages_together_are_bounded():
    """Two senders begin what together is too much: one of them is let go, and the other answered."""

    async def main():
        listener = Listener(work(limit=1 << 20), Settings(limit=1 << 20, held=1 << 20))
        port = await listener.start()
        begun = b"\x0b" + PLAIN + b"OBX|" + b"x" * 700_000
        (one, to_one), (two, to_two) = [
            await asyncio.open_connection("127.0.0.1", port) for _ in range(2)
        ]
        to_one.write(begun)
        while listener.held < 700_000:
            await asyncio.sleep(0.01)
        to_two.write(begun)
        with contextlib.suppress(ConnectionError):
            assert await two.read() == b""
        to_one.write(b"\x1c\r")
        answer = await one.readuntil(b"\x1c\r")
        assert code(answer.strip(b"\x0b\x1c\r")) == "AA"
        assert listener.held == 0
        for writer in (to_one, to_two):
            writer.close()
        await listener.drain()

    asyncio.run(main())


def test_the_end_waits_for_what_has_begun():
    with ours() as running, Client(running.port) as busy, Client(running.port) as idle:
        assert code(idle.ask(PLAIN)) == "AA"
        data = frame(message("late").encode())
        busy.send(data[:30])
        assert code(idle.ask(PLAIN)) == "AA"  # so the thirty bytes are there
        running.send_signal(signal.SIGTERM)
        assert idle.answers(1) == []
        with pytest.raises(ConnectionError):
            Client(running.port)
        busy.send(data[30:])
        assert codes(busy.answers(2)) == [(b"AA", b"late")]
        assert running.wait(20) == 0


def run(*options):
    command = (sys.executable, "-m", "sopstatus", "mllp", *options)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", "0.0.0.0"), "--tls-client-ca"),
        (("--host", "192.0.2.1", "--tls-cert", "x.pem"), "--tls-client-ca"),
        (("--tls-client-ca", "x.pem"), "--tls-cert"),
        (("--conforming-peers", "x"), "--tls-client-ca"),
        (("--tls-key", "x.pem"), "--tls-cert"),
        (("--max-body", "0"), "--max-body"),
        (("--port", "70000"), "--port"),
        (("--forward", "localhost:1"), "--spool"),
        (("--transformer", "no-such-thing"), "no transformer"),
        (("--transformer", "no_such_module:x"), "no_such_module"),
        (("--tls-cert", "no-such-file.pem"), "No such file"),
    ],
)
def test_usage(options, told):
    done = run("--port", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and told in done.stderr


def test_a_port_that_is_taken(port):
    done = run("--port", str(port))
    assert done.returncode == 4
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1 port {port}: ")
