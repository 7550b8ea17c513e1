"""A real MessageFoundry: its own process and environment, which ``make foundry`` installs.

The engine is AGPL and asks for much that we do not: it has a virtual environment of its own, and
talks to the tests over its sockets and its API only.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from samples_of import ROOT

from tools import need

PLACE = ROOT / "build" / "foundry" / ".venv" / "bin"
SETTINGS = """
[api]
port = {port}
[auth]
enabled = {login}
[ai]
environment = "test"
data_class = "synthetic"
production = false
[store]
path = "store.db"
[delivery]
retry_max_attempts = {attempts}
retry_backoff_seconds = 0.2
retry_backoff_multiplier = 1.0
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Engine:
    """What the engine tells over its API."""

    def __init__(self, port, output):
        self.port, self._output = port, output

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def told(self):
        """Return what the process wrote."""
        return self._output.read_text()

    def messages(self, control_id):
        """Return the messages with this MSH-10, the newest first."""
        return self.ask(f"/messages?control_id={control_id}")["messages"]

    def message(self, control_id):
        """Return all that is known of the newest message with this MSH-10."""
        (newest, *_) = self.messages(control_id)
        return self.ask(f"/messages/{newest['id']}")

    def settled(self, control_id, count=1):
        """Wait until so many messages with this MSH-10 are delivered or dead; return the newest."""

        def done():
            there = self.messages(control_id)
            return len(there) >= count and all(m["status"] in ("processed", "error") for m in there)

        wait_for(done)
        return self.message(control_id)

    def dead(self):
        """Return the dead letters by destination and MSH-10, and the reason."""
        letters = self.ask("/dead-letters?limit=500")["dead_letters"]
        return {(d["destination_name"], d["control_id"]): d["last_error"] for d in letters}


def wait_for(condition, seconds=60):
    """Wait until a condition holds, and return what it returned."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def engine(folder, *modules, attempts=3, environment=(), login=False, env="test", **values):
    """Run the engine with these configuration modules; ``values`` are what ``env()`` returns.

    With ``login`` its API asks who calls, as it does by itself. ``env`` names the environment.
    """
    program = need(str(PLACE / "messagefoundry"), remedy="make foundry")
    config = folder / "config"
    config.mkdir(exist_ok=True)
    for module in modules:
        shutil.copy(module, config)
    port, output = free_port(), folder / "output.txt"
    settings = folder / "messagefoundry.toml"
    settings.write_text(SETTINGS.format(port=port, attempts=attempts, login=str(login).lower()))
    told = {f"MEFOR_VALUE_{name.upper()}": str(value) for name, value in values.items()}
    command = [program, "serve", "--config", config, "--service-config", settings, "--env", env]
    with (
        output.open("a") as opened,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **told, **dict(environment)},
            stdout=opened,
            stderr=subprocess.STDOUT,
        ) as running,
    ):
        started = Engine(port, output)

        def is_up():
            assert running.poll() is None, started.told()
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                return started.ask("/health")

        try:
            wait_for(is_up)
            yield started
        finally:
            running.send_signal(signal.SIGKILL)
