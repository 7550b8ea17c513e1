"""Store and forward: what a destination may do, what a disk may do, and dead letters."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
import trustme
from samples_of import sample
from sopstatus.engines.forward_answer import judge
from sopstatus.engines.mllp_frame import frame
from sopstatus.engines.spool import New, Spool

from engines.destination import CLOSE, RESET, SILENT, Receiver, ack
from engines.running import Client, code, codes, message, ours


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
    assert told.count("mllp-retry") == len(answers)
    assert ("mllp-sent-again" in told) is repeated


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
    assert told.count("mllp-application-refused") == 1
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
    options = ("--transform", "hl7-to-fhir")
    with (
        Receiver() as receiver,
        forwarding(tmp_path, receiver.address, *options) as running,
        Client(running.port) as client,
    ):
        answer = client.ask(sample("authorized-original", "hl7"))
        assert code(answer) == "AR" and b"hl7/no-msh" in answer
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
        assert rows(tmp_path / "spool")[0]["reason"] == "no-connection"
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
