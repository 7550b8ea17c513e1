"""Store and forward: what a destination may do, what a disk may do, and dead letters."""

import contextlib
import json
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme
from engines.destination import CLOSE, RESET, SILENT, Receiver, ack
from engines.running import Client, code, codes, message, ours
from samples_of import sample
from sopstatus.engines.delivery.spool import New, Spool
from sopstatus.engines.delivery.verdict import judge
from sopstatus.engines.mllp.frame import frame

from tools import need

ROOT = Path(__file__).resolve().parents[3]


def forwarding(spool, address, *options, **more):
    return ours("--forward", address, "--spool", str(spool), *options, **more)


def command(*arguments):
    """Run ``sopstatus spool``; return the exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "sopstatus", "spool", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def rows(spool, state=""):
    _, out = command("list", spool, "--json", *(["--state", state] if state else []))
    return json.loads(out)


def ask(port, *control_ids):
    with Client(port) as client:
        for control_id in control_ids:
            assert code(client.ask(message(control_id))) == "AA"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_what_is_acknowledged_arrives_byte_for_byte_and_in_order(tmp_path):
    sent = [message(n, extra=f"{'|' * (n % 9)}") + f"NTE|{'x' * (n * 700)}\n\r" for n in range(40)]
    with Receiver() as receiver, forwarding(tmp_path, receiver.address) as running:
        with Client(running.port) as client:
            client.send(b"".join(frame(m.encode()) for m in sent))
            assert [c for c, _ in codes(client.answers(40))] == [b"AA"] * 40
        receiver.wait(40)
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert [m.decode() for m in receiver.received] == sent
    told = rows(tmp_path)
    assert [row["state"] for row in told] == ["sent"] * 40
    assert {row["attempts"] for row in told} == {0}
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"DOE" not in text, "what is sent leaves no text behind"
    assert (
        tmp_path.stat().st_mode & 0o777 == 0o700
        or (tmp_path / "spool.db").stat().st_mode & 0o77 == 0
    )


def test_what_has_errors_is_refused_and_goes_nowhere(tmp_path):
    with Receiver() as receiver, forwarding(tmp_path, receiver.address) as running:
        with Client(running.port) as client:
            assert code(client.ask(message("1", status="XX"))) == "AE"
            assert code(client.ask(message("2"))) == "AA"
        assert receiver.wait(1) == ["2"]


def first(*answers):
    """Behave like this at first, and well afterwards."""
    return lambda n, m: answers[n](m) if n < len(answers) else ack(m)


@pytest.mark.parametrize(
    ("answers", "repeated"),
    [
        ([lambda m: RESET], True),
        ([lambda m: CLOSE], True),
        ([lambda m: SILENT], True),
        ([lambda m: ack(m, "AR")], False),
        ([lambda m: ack(m, "CR"), lambda m: ack(m, "AR")], False),
        ([lambda m: ack(m, "AA", b"another")], True),
        ([lambda m: b"hello"], True),
        ([lambda m: b"\x0bMSH|\x1c\r"], True),
        ([lambda m: ack(m, "XX")], True),
        ([lambda m: ack(m).partition(b"MSA")[0]], True),
        ([lambda m: b"\x0b" + ack(m)[:-5]], True),  # no end
    ],
)
def test_it_is_sent_again_until_it_is_answered(tmp_path, answers, repeated):
    with (
        Receiver(first(*answers)) as receiver,
        forwarding(tmp_path, receiver.address, "--answer-timeout", "0.4") as running,
    ):
        ask(running.port, "1", "2")
        expected = ["1"] * (len(answers) + 1) + ["2"]
        assert receiver.wait(len(expected)) == expected
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        told = running.told()
    assert len(set(receiver.received)) == 2, "the same bytes again"
    one, two = rows(tmp_path)
    assert (one["attempts"], one["repeated"]) == (len(answers), repeated)
    assert (two["attempts"], two["repeated"]) == (0, False)
    assert told.count("delivery-retry") == len(answers)
    assert ("delivery-sent-again" in told) is repeated


@pytest.mark.parametrize("spell", [
    lambda a: b"\x0b" + a + b"\x1c",  # no CR
    lambda a: b"\n\x0b" + a + b"\x1c\r\n",
    lambda a: b"\x0b" + a[:20] + b"\x0b" + a + b"\x1c\r",  # begun anew
])  # fmt: skip
def test_an_answer_may_be_framed_laxly(tmp_path, spell):
    with (
        Receiver(lambda n, m: spell(ack(m))) as receiver,
        forwarding(tmp_path, receiver.address) as running,
    ):
        ask(running.port, "1", "2")
        assert receiver.wait(2) == ["1", "2"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert [row["state"] for row in rows(tmp_path)] == ["sent", "sent"]


def test_an_answer_that_comes_too_late_answers_nothing(tmp_path):
    def late(number, message):
        if number == 0:
            time.sleep(1.2)
        return ack(message)

    with (
        Receiver(late) as receiver,
        forwarding(tmp_path, receiver.address, "--answer-timeout", "0.4") as running,
    ):
        ask(running.port, "1", "2", "3")
        found = receiver.wait(4)
    assert found == ["1", "1", "2", "3"]


def test_a_second_answer_to_one_message_is_not_taken_for_the_next(tmp_path):
    def both(number, message):
        return [ack(message, "CA"), ack(message, "AE" if number == 0 else "AA")]

    with Receiver(both) as receiver, forwarding(tmp_path, receiver.address) as running:
        with Client(running.port) as client:
            for n in range(3):
                client.send(frame(message(n, extra="|||AL|AL").encode()))
            assert codes(client.answers(6))[::2] == [(b"CA", b"%d" % n) for n in range(3)]
        assert receiver.wait(3) == ["0", "1", "2"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        told = running.told()
    assert told.count("delivery-application-refused") == 1
    assert [row["state"] for row in rows(tmp_path)] == ["sent"] * 3


def test_a_message_that_wants_no_answer_is_sent_once(tmp_path):
    with (
        Receiver(lambda n, m: SILENT) as receiver,
        forwarding(tmp_path, receiver.address) as running,
        Client(running.port) as client,
    ):
        client.send(frame(message(1, extra="|||NE|NE").encode()))
        client.send(frame(message(2, extra="|||NE|NE").encode()))
        assert receiver.wait(2) == ["1", "2"]


def test_nobody_is_there_and_then_somebody_is(tmp_path):
    port = free_port()
    with forwarding(tmp_path, f"127.0.0.1:{port}") as running:
        ask(running.port, "1", "2")
        while not rows(tmp_path)[0]["attempts"]:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    waiting = rows(tmp_path)[0]
    assert (waiting["reason"], waiting["repeated"]) == ("no-connection", False)
    with forwarding(tmp_path, f"127.0.0.1:{port}"), Receiver(port=port) as receiver:
        assert receiver.wait(2) == ["1", "2"]
    assert waiting["attempts"] <= rows(tmp_path)[0]["attempts"], "it goes on counting"


@pytest.mark.parametrize("refused", ["AE", "CE"])
def test_dead_letters_are_shown_mended_and_replayed(tmp_path, refused):
    err = "ERR||PID^1^5|101^Required field missing^HL70357|E||||DOE^JANE is missing\r"

    def behave(number, text):
        return ack(text, refused) + err.encode() if b"|bad|" in text else ack(text)

    spool = tmp_path / "spool"
    with Receiver(behave) as receiver, forwarding(spool, receiver.address) as running:
        ask(running.port, "1", "bad", "2")
        assert receiver.wait(3) == ["1", "bad", "2"], "the others go on"
        while not (dead := rows(spool, "dead")):
            time.sleep(0.05)
        (row,) = dead
        assert row["control_id"] == "bad"
        assert row["answer"] == f"{refused} PID^1^5 101"
        for arguments in (
            ("list", spool),
            ("show", spool, row["id"]),
            ("show", spool, row["id"], "--json"),
        ):
            status, out = command(*arguments)
            assert status == (1 if arguments[0] == "list" else 0)
            assert "bad" in out and "DOE" not in out and "4711" not in out
        copy = tmp_path / "letter.hl7"
        assert command("export", spool, row["id"], "-o", copy) == (0, "")
        assert copy.stat().st_mode & 0o777 == 0o600
        text = copy.read_bytes()
        assert text == message("bad").encode()
        assert command("export", spool, row["id"], "-o", copy)[0] == 3, "nothing is overwritten"
        copy.write_bytes(text.replace(b"|bad|", b"|good|"))
        status, out = command("replay", spool, row["id"], "--with", copy)
        assert (status, out) == (0, f"queued as {row['id'] + 2}\n")
        assert receiver.wait(4)[3] == "good"
        assert command("replay", spool, row["id"])[0] == 3, "only once"
    assert [row["state"] for row in rows(spool)] == ["sent", "replayed", "sent", "sent"]
    assert rows(spool)[3]["replay_of"] == row["id"]


def test_a_dead_letter_goes_to_another_destination(tmp_path):
    with Receiver(lambda n, m: ack(m, "AE")) as receiver:
        with forwarding(tmp_path, receiver.address) as running:
            ask(running.port, "1")
            while not rows(tmp_path, "dead"):
                time.sleep(0.05)
        assert command("replay", tmp_path, 1, "--to", receiver.address) == (1, "AE\n")
    assert rows(tmp_path)[0]["state"] == "dead"
    with Receiver() as other:
        assert command("replay", tmp_path, 1, "--to", other.address) == (0, "AA\n")
        assert other.wait(1) == ["1"]
    assert rows(tmp_path)[0]["state"] == "replayed"


def test_a_message_that_is_always_rejected_can_be_given_up(tmp_path):
    def behave(number, text):
        return ack(text, "AR" if b"|bad|" in text else "AA")

    with (
        Receiver(behave) as receiver,
        forwarding(tmp_path, receiver.address, "--give-up-after", "2") as running,
    ):
        ask(running.port, "bad", "good")
        assert receiver.wait(3) == ["bad", "bad", "good"]
        (row,) = rows(tmp_path, "dead")
    assert (row["reason"], row["answer"]) == ("rejected", "AR")


def test_the_same_message_twice_is_marked_and_delivered(tmp_path):
    with Receiver() as receiver, forwarding(tmp_path, receiver.address) as running:
        ask(running.port, "1", "1", "2")
        assert receiver.wait(3) == ["1", "1", "2"]
    assert [row["repeated"] for row in rows(tmp_path)] == [False, True, False]


def test_what_is_no_message_is_not_forwarded(tmp_path):
    options = ("--transformer", "hl7-to-fhir")
    with (
        Receiver() as receiver,
        forwarding(tmp_path, receiver.address, *options) as running,
        Client(running.port) as client,
    ):
        answer = client.ask(sample("authorized-original", "hl7"))
        assert code(answer) == "AR" and b"hl7/no-msh" in answer
        nothing = message("9").partition("ZDS")[0].encode()
        assert code(client.ask(nothing)) == "AA"
    assert rows(tmp_path) == []


def test_over_tls_to_who_has_the_certificate(tmp_path):
    """From one listener of ours to another, which lets in who shows a certificate."""
    ca, folder = trustme.CA(), tmp_path
    ca.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    for name in ("localhost", "ris"):
        certificate = ca.issue_cert(name).private_key_and_cert_chain_pem
        certificate.write_to_path(folder / f"{name}.pem")
    own = ("--forward-cert", str(folder / "ris.pem"))
    with ours(
        *("--tls-cert", str(folder / "localhost.pem"), "--tls-client-ca", str(folder / "ca.pem"))
    ) as receiver:
        address = f"localhost:{receiver.port}"
        good, bad = (("--forward-ca", str(folder / f"{name}.pem")) for name in ("ca", "other"))
        with forwarding(tmp_path / "spool", address, *bad, *own) as running:
            ask(running.port, "1")
            while not rows(tmp_path / "spool")[0]["attempts"]:
                time.sleep(0.05)
        assert rows(tmp_path / "spool")[0]["reason"] == "tls"
        with forwarding(tmp_path / "spool", address, *good, *own) as running:
            ask(running.port, "2")
            while [row["state"] for row in rows(tmp_path / "spool")] != ["sent", "sent"]:
                time.sleep(0.05)
    assert rows(tmp_path / "spool")[0]["answer"] == ""


def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


def test_a_full_disk_rejects_and_what_was_acknowledged_still_arrives(tmp_path):
    """No file may grow beyond 600 KB; the messages wait, for nobody takes them."""
    port = free_port()
    accepted, rejected = [], 0
    with forwarding(tmp_path, f"127.0.0.1:{port}", preexec_fn=limited) as running:
        with Client(running.port) as client:
            for n in range(60):
                answer = client.ask(message(n) + "NTE|" + "x" * 20_000 + "\r")
                if code(answer) == "AA":
                    accepted.append(str(n))
                else:
                    assert code(answer) == "AR" and b"mllp/not-stored" in answer
                    rejected += 1
        assert accepted and rejected
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        told = running.told()
        assert "DOE" not in told
    with forwarding(tmp_path, f"127.0.0.1:{port}"), Receiver(port=port) as receiver:
        assert receiver.wait(len(accepted)) == accepted


def test_one_process_delivers_from_a_spool(tmp_path):
    with Receiver() as receiver, forwarding(tmp_path, receiver.address):
        done = subprocess.run(
            [sys.executable, "-m", "sopstatus", "mllp", "--port", "0", "--forward",
             receiver.address, "--spool", str(tmp_path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 3 and "another process delivers from it" in done.stderr


def test_a_spool_of_another_time_delivers_what_it_holds(tmp_path):
    """The progress of a database that is gone, or came back from a backup, skips nothing."""
    spool = Spool(tmp_path)
    spool.add([New(message(n).encode(), 1) for n in range(3)])
    spool.begin(3, 3)
    spool.close()
    for path in tmp_path.glob("spool.db*"):
        path.unlink()
    spool = Spool(tmp_path)
    spool.add([New(b"MSH|^~\\&|x\r", 1)])
    assert spool.recover() == 0
    assert [entry.state for entry in spool.entries()] == ["queued"]
    spool.begin(50, 51)
    assert spool.recover() == 1
    spool.add([New(b"MSH|^~\\&|y\r", 1)])
    assert [entry.state for entry in spool.entries()] == ["sent", "queued"]
    spool.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"MSA|AA|1", ("done", "", "AA")),
        (b"MSA|CA|1", ("done", "", "CA")),
        (b"MSA|AE|1", ("dead-letter", "refused", "AE")),
        (b"MSA| ce |1", ("dead-letter", "refused", "CE")),
        (b"MSA|AR|1", ("again", "rejected", "AR")),
        (b"MSA|AA|2", ("again", "other-control-id", "AA")),
        (b"MSA|AA|0", ("skip", "application", "AA")),
        (b"MSA|AE|0", ("skip", "application-refused", "AE")),
        (b"MSA|ZZ|1", ("again", "no-acknowledgment", "")),
        (b"MSA||1", ("again", "no-acknowledgment", "")),
        (b"PID|1", ("again", "no-acknowledgment", "")),
        (b"MSA|AE|1\rERR||PID^1^5|101^x|E\rERR||DOE^JANE|DOE^JANE|E", ("dead-letter", "refused", "AE PID^1^5 101")),
        (b"MSA|AA|1\rMSH|^~\\&|\rMSA|AE|2\rMSH|^~\\&|\rMSA|AR|3", ("again", "rejected", "AR")),
    ],
)  # fmt: skip
def test_judge(answer, expected):
    assert judge(b"MSH|^~\\&|A\r" + answer, b"1", [b"0"])[:3] == expected


def test_a_message_without_a_number_is_answered_by_any():
    assert judge(b"MSH|^~\\&|A\rMSA|AA|\r", b"").kind == "done"
    assert judge(b"MSH|^~\\&|A\rMSA|AA|7\r", b"").kind == "done"
    assert judge(b"", b"").kind == "again"


def test_the_folder_is_its_owner_s_alone(tmp_path):
    spool = Spool(tmp_path / "new")
    spool.close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "new").iterdir()} == {0o600}


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]
FOREIGN = {
    **{
        f"{method} with a block in its body": (
            b"%s / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\r\n%s"
            % (method.encode(), frame(message("EVIL").encode())),
            "http",
        )
        for method in METHODS
    },
    "HTTP/0.9": (b"GET /\r\n" + frame(message("EVIL").encode()), "http"),
    "empty lines": (b"\r\n\n\rPOST / HTTP/1.1\r\n\r\n" + frame(message("EVIL").encode()), "http"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(message("EVIL").encode()), "http"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01" + frame(message("EVIL").encode()), "tls"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_what_begins_as_another_protocol_queues_nothing(tmp_path_factory, another, kind, step):
    """Whole or byte by byte: the connection is closed without an answer, which is logged."""
    running, spool = another
    data, reason = FOREIGN[kind]
    before = len(running.told().splitlines())
    with Client(running.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for start in range(0, len(data), step):
                client.send(data[start : start + step])
        except ConnectionError:
            pass  # it was closed on the way
        assert client.answers(1) == []
    with Client(running.port) as client:  # in order, so what came before has been dealt with
        assert code(client.ask(b"hello")) == "AR"
    events = [json.loads(line) for line in running.told().splitlines()[before:]]
    assert ("mllp-aborted", reason) in {(e["event"], e.get("reason")) for e in events}
    assert rows(spool) == []


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    spool = tmp_path_factory.mktemp("spool")
    with forwarding(spool, f"127.0.0.1:{free_port()}") as running:
        yield running, spool


@pytest.mark.parametrize(
    "before", [b"", b"\r\n\r\n", b"G", b"\x16", b"POS", b"GETTING ", b"\n" * 5000]
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_what_only_looks_like_it_is_answered(before, step):
    with ours() as running, Client(running.port) as client:
        data = before + frame(message("7").encode())
        for start in range(0, len(data), step):
            client.send(data[start : start + step])
        garbage = bool(before.strip(b"\r\n"))
        found = client.answers(1 + garbage)
        assert codes(found)[-1] == (b"AA", b"7")
        assert len(found) == 1 + garbage


@pytest.mark.parametrize("first", [b"PO", b"\x16"])
def test_a_beginning_that_stays_one_is_let_go(first):
    with ours("--block-timeout", "0.6") as running, Client(running.port) as client:
        client.send(first)
        assert client.answers(1) == []
    with ours() as running, Client(running.port) as client:
        client.send(first)
        client.socket.shutdown(socket.SHUT_WR)
        (answer,) = client.answers(2)
        assert b"mllp/not-framed" in answer


def held(folder, count=200):
    """Make a spool that holds messages, three of which were delivered."""
    spool = Spool(folder)
    spool.add(
        [New(message(n, extra="|" * 9).encode() + b"NTE|" + b"x" * 3000, 1) for n in range(count)]
    )
    spool.begin(3, 3)
    spool.close()
    return folder / "spool.db"


def no_database(file):
    file.write_bytes(b"no database " * 1000)


def cut_off(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 + 100])


def cut_to_nothing(file):
    file.write_bytes(b"")


def zeros(file):
    file.write_bytes(bytes(file.stat().st_size))


def broken_pages(file):
    data = bytearray(file.read_bytes())
    data[4096 * 4 : -4096] = b"\xa5" * (len(data) - 4096 * 5)
    file.write_bytes(data)


def broken_schema(file):
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xa5" * 3996
    file.write_bytes(data)


def other_tables(file):
    changed(file, "DROP TABLE message; CREATE TABLE message (x)")


def other_number(file):
    changed(file, "DROP TABLE spool; CREATE TABLE spool (own TEXT); INSERT INTO spool VALUES ('x')")


def changed(file, script):
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.executescript(script)


DAMAGE = (no_database, cut_off, cut_to_nothing, zeros, broken_pages, broken_schema, other_tables,
          other_number)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_spool_says_what_to_do(tmp_path, damage):
    damage(held(tmp_path))
    listening = ("mllp", "--port", "0", "--forward", "127.0.0.1:1", "--spool", str(tmp_path))
    asked = [("spool", "list", str(tmp_path)), ("spool", "show", str(tmp_path), "5"), listening]
    for arguments in asked:
        done = subprocess.run(
            [sys.executable, "-m", "sopstatus", *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 3, (arguments, done.stderr)
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("fatal mllp/damaged-spool")
        assert "sqlite3 spool.db .dump" in line


def test_a_spool_that_is_damaged_while_it_runs(tmp_path):
    """Messages are refused, so their senders keep them; the process lives and says what to do."""
    with (
        forwarding(tmp_path, f"127.0.0.1:{free_port()}") as running,
        Client(running.port) as client,
    ):
        assert code(client.ask(message("1"))) == "AA"
        changed(tmp_path / "spool.db", "DROP TABLE message")
        answer = client.ask(message("2"))
        assert code(answer) == "AR" and b"mllp/damaged-spool" in answer
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) in (0, 3)
        assert "mllp/damaged-spool" in running.told() and "Traceback" not in running.told()


def test_what_the_remedy_recovers_is_delivered(tmp_path):
    """As docs/mllp.md says: pages in the middle are broken, the rest arrives, and nothing twice."""
    need("sqlite3", "sqlite3")
    folder = tmp_path / "DIR"
    broken_pages_between(held(folder))
    remedy = (ROOT / "docs" / "mllp.md").read_text().partition("```sh\ncp -a DIR")[2]
    script = "cp -a DIR" + remedy.partition("```")[0]
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    whole = [message(n, extra="|" * 9) for n in range(200)]
    with Receiver() as receiver:
        with forwarding(folder, receiver.address) as running:
            while any(row["state"] == "queued" for row in rows(folder)):
                time.sleep(0.1)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        heads = [one.decode().partition("NTE|")[0] for one in receiver.received]
    assert len(heads) == len(set(heads)) > 50
    assert heads == [one for one in whole if one in heads]


def broken_pages_between(file):
    """Break the pages of some messages, and none that the database itself needs."""
    data = bytearray(file.read_bytes())
    middle = data.index(b"|50|", len(data) // 8) // 4096 * 4096
    data[middle : middle + 4096 * 3] = b"\xa5" * (4096 * 3)
    file.write_bytes(data)
