"""The commands that listen: one spelling, one unit and one exit code for what they share."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time

import pytest
from sopstatus.cli import main, parser

LISTENING = {
    "serve": [],
    "gateway": ["--upstream", "http://127.0.0.1:9", "--on-failure", "open"],
    "mllp": [],
    "workbench": [],
}
HERE = {"--port", "--max-body", "--connections", "--grace", "--log", "--log-level"}
REMOTE = {"--host", "--tls-cert", "--tls-key", "--tls-client-ca", "--conforming-peers"}


def actions(name):
    return {one.option_strings[-1]: one for one in parser(name)._actions if one.option_strings}


def test_what_is_shared_is_spelt_alike():
    given = {name: actions(name) for name in LISTENING}
    for name, options in given.items():
        assert set(options) & (HERE | REMOTE) == (HERE if name == "workbench" else HERE | REMOTE)
    for option in HERE | REMOTE:
        found = [options[option] for options in given.values() if option in options]
        for one in found:
            assert (one.type, one.metavar, one.choices) == (
                found[0].type,
                found[0].metavar,
                found[0].choices,
            )
            assert one.help.partition(" (default")[0] == found[0].help.partition(" (default")[0]


@pytest.mark.parametrize("name", LISTENING)
@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "65536"), ("--port", "-1"), ("--max-body", "0"), ("--connections", "0"),
     ("--grace", "-1")],
)  # fmt: skip
def test_usage(name, option, value, capsys):
    assert main([name, *LISTENING[name], "--port", "0", option, value]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: --") and option in told.err


@pytest.mark.parametrize("name", ["serve", "gateway", "mllp"])
@pytest.mark.parametrize(
    ("options", "needed"),
    [(["--tls-key", "x"], "--tls-cert"), (["--tls-client-ca", "x"], "--tls-cert"),
     (["--conforming-peers", "x"], "--tls-client-ca"), (["--host", "0.0.0.0"], "--tls-client-ca")],
)  # fmt: skip
def test_what_would_let_anybody_in(name, options, needed, capsys):
    assert main([name, *LISTENING[name], "--port", "0", *options]) == 2
    assert needed in capsys.readouterr().err


@pytest.mark.parametrize("name", LISTENING)
def test_a_port_that_is_taken(name, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([name, *LISTENING[name], "--port", str(port)]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: cannot listen on 127.0.0.1 port {port}: ")


@contextlib.contextmanager
def running(name, errors, soft, hard):
    """Run a server that may have so many open files; yield its process and its port."""
    limits = ["sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh"]
    command = [sys.executable, "-m", "sopstatus", name, *LISTENING[name], "--port", "0"]
    with (
        errors.open("w") as told,
        subprocess.Popen(
            [*limits, *command, "--connections", "300"],
            stdout=subprocess.PIPE, stderr=told, text=True,
        ) as process,
    ):  # fmt: skip
        try:
            yield int(re.findall(r"\d+", process.stdout.readline())[-1])
        finally:
            process.terminate()


def idle(port, count, stack):
    """Open so many connections, and return those that are not closed within a second or two."""
    opened = [
        stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        for _ in range(count)
    ]
    time.sleep(1.5)
    left = []
    for one in opened:
        one.setblocking(False)
        try:
            one.recv(1)
        except BlockingIOError:
            left.append(one)
        except ConnectionError:
            pass
    return left


def events(errors):
    return [json.loads(line) for line in errors.read_text().splitlines()]


@pytest.mark.parametrize("name", LISTENING)
def test_there_are_open_files_for_as_many_connections_as_are_taken(name, tmp_path):
    errors = tmp_path / "errors"
    with contextlib.ExitStack() as stack, running(name, errors, 200, 1000) as port:
        assert len(idle(port, 300, stack)) == 300
    assert not [e for e in events(errors) if e["event"] in ("fewer-connections", "loop-fault")]


@pytest.mark.parametrize("name", LISTENING)
def test_with_too_few_open_files_there_are_fewer_connections_and_few_words(name, tmp_path):
    """Before, each connection beyond them wrote thousands of tracebacks."""
    errors = tmp_path / "errors"
    with contextlib.ExitStack() as stack, running(name, errors, 200, 300) as port:
        idle(port, 500, stack)
        stack.pop_all().close()
        time.sleep(1.5)
        assert len(idle(port, 1, stack)) == 1
    (told,) = [e for e in events(errors) if e["event"] == "fewer-connections"]
    assert (told["connections"], told["files"]) == (172, 300)
    faults = [e for e in events(errors) if e["event"] == "loop-fault"]
    assert len(faults) < 10 and {e["reason"] for e in faults} <= {"EMFILE"}
