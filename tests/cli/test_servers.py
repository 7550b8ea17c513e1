"""The commands that listen: one spelling, one unit and one exit code for what they share."""

import socket

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
