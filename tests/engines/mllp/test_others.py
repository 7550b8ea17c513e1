"""Our listener and forwarder with the clients and servers that others wrote."""

import re
import shlex
import time
from pathlib import Path

import hl7
import pytest
from engines.destination import CLOSE, Receiver, ack
from engines.mllp.test_forward import ask, forwarding, rows
from engines.running import message, ours, peer
from hl7.client import MLLPClient
from sopstatus.cli import parser
from sopstatus.engines.mllp import Settings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "mllp.md").read_text()


def delivered(spool):
    while any(row["state"] == "queued" for row in rows(spool)):
        time.sleep(0.05)
    return [row["state"] for row in rows(spool)]


def test_python_hl7_sends():
    with ours() as running, MLLPClient("127.0.0.1", running.port) as client:
        for n in range(3):
            answer = hl7.parse(client.send_message(message(n)))
            assert [str(f) for f in answer.segment("MSA")[1:3]] == ["AA", str(n)]


@pytest.mark.parametrize("name", ["python-hl7", "hl7apy"])
def test_others_receive(name, tmp_path):
    """hl7apy closes behind each answer: then the next message goes over a new connection."""
    with peer(name) as receiver, forwarding(tmp_path, f"127.0.0.1:{receiver.port}") as running:
        ask(running.port, *range(6))
        assert delivered(tmp_path) == ["sent"] * 6


def test_a_destination_that_lets_go_of_an_idle_connection_costs_no_time(tmp_path):
    """It is told at once, not after the pause of a retry; who takes nothing is asked again."""

    def behave(number, text):
        return CLOSE if number % 2 else ack(text)  # every second one on the same connection

    with Receiver(behave) as receiver, forwarding(tmp_path, receiver.address) as running:
        ask(running.port, *range(4))
        found = receiver.wait(7)
    assert found == ["0", "1", "1", "2", "2", "3", "3"]
    assert {row["reason"] for row in rows(tmp_path)} <= {"", "stale-connection"}


COMMANDS = [
    line.split("#")[0]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("sopstatus")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_s_commands_are_ours(command):
    given = shlex.split(command)[1:]
    assert parser(given[0]).parse_args(given[1:])


def test_the_page_s_bounds_are_the_defaults():
    defaults, options = Settings(), parser("mllp").parse_args(["--port", "1"])
    told = dict(re.findall(r"^\| `--([a-z-]+)`[^|]*\| (\d+)", PAGE, re.MULTILINE))
    assert {name: float(number) for name, number in told.items()} == {
        "max-body": options.max_body,
        "connections": options.connections,
        "block-timeout": options.block_timeout,
        "idle-timeout": options.idle_timeout,
    }
    assert (defaults.block, defaults.idle) == (options.block_timeout, options.idle_timeout)
    assert (defaults.limit, defaults.connections) == (options.max_body, options.connections)
    assert f"{defaults.pending} unanswered messages a connection, {defaults.held >> 20} MiB" in PAGE
