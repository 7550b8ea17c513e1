"""``sopstatus send``: real listeners, ours and others', batches, TLS, and what is not accepted."""

import os
import subprocess
import sys
import time

import pytest
import trustme
from engines.destination import CLOSE, Receiver, ack
from engines.mllp.test_forward import free_port
from engines.running import message, ours, peer
from sopstatus.cli import main

COMMAND = [sys.executable, "-m", "sopstatus", "send"]


def sent(*arguments, **more):
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60, **more
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def file(tmp_path):
    (tmp_path / "one.hl7").write_text(message("1"))
    return tmp_path / "one.hl7"


def test_every_acknowledgment_is_printed(file, tmp_path):
    (tmp_path / "two.hl7").write_text(message("2", status="XX^^99SOPSTATUS"))
    with ours() as running:
        status, out, err = sent(file, tmp_path / "two.hl7", f"localhost:{running.port}")
    assert status == 1 and err == "2 sent, 1 accepted\n"
    assert "MSA|AA|1\n" in out and "MSA|AE|2|" in out and "value/unknown-term" in out


def test_the_messages_of_a_batch_and_of_standard_input_arrive_as_they_stand(tmp_path):
    batch = "BHS|^~\\&|A\r" + "".join(message(n, extra=f"|x{n}") for n in range(3)) + "BTS|3\r"
    with Receiver() as receiver:
        done = subprocess.run(
            [*COMMAND, "-", receiver.address, "--repeat", "2", "--rate", "50"],
            input=batch.encode(), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0 and done.stderr == b"6 sent, 6 accepted\n"
    assert receiver.ids() == ["0", "1", "2"] * 2
    assert receiver.received[1].decode() == message(1, extra="|x1")


def test_a_listener_of_others_answers(file):
    with peer("python-hl7") as running:
        status, out, _ = sent(file, f"127.0.0.1:{running.port}")
    assert status == 0 and "MSA|AA|1" in out


def test_what_is_not_answered_or_not_there_is_said(file):
    with Receiver(lambda *_: CLOSE) as receiver:
        assert sent(file, receiver.address) == (1, "1: closed\n\n", "1 sent, 0 accepted\n")
    assert sent(file, f"127.0.0.1:{free_port()}")[1] == "1: no-connection\n\n"
    with Receiver(lambda _, m: ack(m, "AR")) as receiver:
        assert sent(file, receiver.address)[0] == 1
    for wrong in ("nowhere", "localhost:0"):
        assert sent(file, wrong)[0] == 2
    assert sent(file.parent / "none.hl7", "localhost:1")[0] == 3


def test_tls(file, tmp_path):
    ca = trustme.CA()
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    options = ("--tls-cert", tmp_path / "own.pem", "--tls-client-ca", tmp_path / "ca.pem")
    with ours(*map(str, options)) as running:
        to = f"localhost:{running.port}"
        status, out, _ = sent(file, to, "--ca", tmp_path / "ca.pem", "--cert", tmp_path / "own.pem")
        assert status == 0 and "MSA|AA|1" in out
        assert sent(file, to, "--ca", tmp_path / "ca.pem")[0] == 1


def test_the_rate_is_kept(file):
    came = []
    with Receiver(lambda _, m: came.append(time.monotonic()) or ack(m)) as receiver:
        assert sent(file, receiver.address, "--repeat", "6", "--rate", "10")[0] == 0
    assert 0.45 < came[-1] - came[0] < 5


def test_what_is_printed_is_for_a_terminal(file):
    """An acknowledgment is somebody else's text: no escape gets through, and no charset stops it."""
    with Receiver(lambda _, m: ack(m) + "ERR|||é\x1b]0;x\x07\u202e\r".encode()) as receiver:
        status, out, err = sent(
            file, receiver.address, env={**os.environ, "PYTHONIOENCODING": "ascii"}
        )
    assert (status, err) == (0, "1 sent, 1 accepted\n")
    assert out.endswith("ERR|||\\xe9?]0;x??\n\n")


def test_a_certificate_without_a_ca_is_refused(capsys):
    assert main(["send", "message.hl7", "localhost:2575", "--cert", "own.pem"]) == 2
    assert "--cert needs --ca" in capsys.readouterr().err
