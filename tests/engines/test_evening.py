"""An operator's evening, and what starts the services: units, and a supervisor that is told.

By hand with more messages: ``MESSAGES=50000 pytest tests/engines/test_evening.py``.
"""

import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme
from small_disk import empty, fill, small_disk
from sopstatus.cli import parser
from sopstatus.engines import supervisor as told_by
from sopstatus.engines.mllp.frame import frame

from engines.destination import Receiver
from engines.mllp.test_forward import free_port
from engines.running import Client, codes, message
from engines.test_operations import events, listening
from engines.test_trust import wait_for
from tools import need

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "samples" / "operations"
MESSAGES = int(os.environ.get("MESSAGES", "3000"))


class Supervisor:
    """A socket that a service tells what it does, as systemd's."""

    def __init__(self, path, **more):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path).replace("@", "\0"))
        self.environment = {**os.environ, "NOTIFY_SOCKET": str(path), **more}
        self.lines = []

        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := self._socket.recv(4096):
            self.lines += data.decode().splitlines()

    def told(self, line):
        return line in self.lines

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Evening:
    """A listener with TLS and a spool, its sender, and a destination that comes and goes."""

    def __init__(self, folder, place):
        self.folder, self.spool, self.port = folder, place / "spool", free_port()
        self.acknowledged, self.received, self.receiver = [], [], None
        self.rotate()

    def rotate(self):
        """Put another certificate in place, of another CA."""
        ca = trustme.CA()
        made = ca.issue_cert("localhost").private_key_and_cert_chain_pem
        made.write_to_path(self.folder / "own.pem.new")
        (self.folder / "own.pem.new").replace(self.folder / "own.pem")
        self.tls = ssl.create_default_context(cadata=ca.cert_pem.bytes().decode())

    @contextmanager
    def running(self, supervisor):
        options = ("--tls-cert", self.folder / "own.pem", "--spool", self.spool)
        to = ("--forward", f"127.0.0.1:{self.port}")
        more = {"env": supervisor.environment}
        with listening(*map(str, options), *to, **more) as (running, asked):
            self.process, self.asked = running, asked
            yield running

    def client(self):
        def wrap(plain):
            return self.tls.wrap_socket(plain, server_hostname="localhost")

        return Client(self.process.port, wrap=wrap)

    def send(self, count):
        """Send so many messages; all have to be acknowledged."""
        with self.client() as client:
            for start in range(0, count, 50):
                number = len(self.acknowledged)
                ids = [str(number + n) for n in range(min(50, count - start))]
                client.send(b"".join(frame(message(i).encode()) for i in ids))
                found = codes(client.answers(len(ids)))
                assert [c for c, _ in found] == [b"AA"] * len(ids)
                self.acknowledged += ids

    def comes(self):
        self.receiver = Receiver(port=self.port)

    def goes(self):
        self.receiver.__exit__()
        self.received += self.receiver.ids()

    def sample(self, name, *labels):
        destination = f"127.0.0.1:{self.port}"
        labels = [destination if label is ... else label for label in labels]
        return self.asked.samples().get((name, *labels), 0)

    def arrived(self, count):
        def enough():
            return len(self.received) + len(self.receiver.ids()) >= count

        try:
            wait_for(enough, 40)
        except AssertionError:
            tail = self.process.told().splitlines()[-8:]
            pytest.fail("\n".join([f"{len(self.received)}, {len(self.receiver.ids())}", *tail]))


def test_an_operator_s_evening(tmp_path):
    """Nothing is lost, and each step was visible in the metrics, the log and to the supervisor."""
    part = MESSAGES // 6
    with (
        small_disk(tmp_path / "disk", 64 << 20 if MESSAGES < 10_000 else 512 << 20) as place,
        closing(Supervisor(tmp_path / "notify", WATCHDOG_USEC="400000")) as supervisor,
    ):
        evening = Evening(tmp_path, place)
        evening.comes()
        with evening.running(supervisor) as running:
            wait_for(lambda: supervisor.told("READY=1"))
            wait_for(lambda: supervisor.told("WATCHDOG=1"))
            assert evening.asked.ready() == (200, {})
            evening.send(2 * part)
            evening.arrived(2 * part)
            wait_for(lambda: evening.sample("sopstatus_delivered_total", ...) == 2 * part)

            evening.goes()  # the destination dies, and comes back
            evening.send(part)
            wait_for(lambda: evening.sample("sopstatus_destination_up", ...) == 0)
            assert evening.sample("sopstatus_spool_messages", ..., "queued") == part
            assert evening.sample("sopstatus_spool_oldest_seconds", ...) > 0
            retry = wait_for(lambda: events(running, "delivery-retry"))[0]
            assert retry["destination"] == f"127.0.0.1:{evening.port}"
            evening.comes()
            evening.arrived(3 * part)
            wait_for(lambda: evening.sample("sopstatus_destination_up", ...) == 1)

            evening.rotate()  # the certificate
            supervisor.lines.clear()
            running.send_signal(signal.SIGHUP)
            wait_for(lambda: supervisor.told("RELOADING=1") and supervisor.told("READY=1"))
            assert events(running, "reloaded")[-1]["what"] == "certificates"
            evening.send(part)

            fill(place, leave=40)  # the disk
            with evening.client() as client:
                assert codes([client.ask(message("refused"))])[0][0] == b"AR"
            assert evening.sample("sopstatus_issues_total", "mllp/no-room", "fatal") == 1
            assert events(running, "mllp-message")[-1]["level"] == "error"
            wait_for(lambda: evening.asked.ready() == (503, {"spool": "mllp/no-room"}))
            empty(place)
            evening.send(part)
            evening.arrived(5 * part)

            evening.goes()
            evening.send(MESSAGES - 5 * part)
            marked = {event["control_id"] for event in events(running, "delivery-sent-again")}
            running.kill()
            running.wait()
        evening.comes()
        supervisor.lines.clear()
        with evening.running(supervisor) as running:
            wait_for(lambda: supervisor.told("READY=1"))
            evening.arrived(MESSAGES)
            wait_for(lambda: evening.sample("sopstatus_spool_messages", ..., "queued") == 0)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
            wait_for(lambda: supervisor.told("STOPPING=1"))
            marked |= {event["control_id"] for event in events(running, "delivery-sent-again")}
        evening.goes()
    came = list(dict.fromkeys(evening.received))
    assert came == evening.acknowledged and len(came) == MESSAGES
    again = [one for one, number in Counter(evening.received).items() if number > 1]
    assert len(again) <= 3 and set(again) <= marked
    assert "refused" not in came


@pytest.mark.parametrize("place", ["file", "abstract"])
def test_an_http_service_tells_its_supervisor(tmp_path, place):
    name = tmp_path / "notify" if place == "file" else f"@sopstatus-{os.getpid()}"
    with closing(Supervisor(name, WATCHDOG_USEC="200000")) as supervisor:
        options = [sys.executable, "-m", "sopstatus", "serve", "--port", "0", "--notice", "0"]
        with subprocess.Popen(
            options, env=supervisor.environment, stdout=subprocess.DEVNULL
        ) as process:
            wait_for(lambda: supervisor.told("READY=1") and supervisor.told("WATCHDOG=1"))
            supervisor.lines.clear()
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: supervisor.told("RELOADING=1") and supervisor.told("READY=1"))
            process.terminate()
            assert process.wait(20) == 0
            wait_for(lambda: supervisor.told("STOPPING=1"))


def test_a_supervisor_that_does_not_read_holds_nothing_up(tmp_path, monkeypatch):
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(deaf):
        deaf.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(600):  # more than a socket's queue holds
            if not told_by.tell("WATCHDOG=1"):
                return
    raise AssertionError("the queue was never full")


UNITS = sorted(path.name for path in OPERATIONS.glob("*.service"))


def unit(name):
    return re.sub(r"\\\n\s*", "", (OPERATIONS / name).read_text())


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_one_and_hardened(tmp_path, name):
    """As systemd reads it: no warning, and an exposure below 2 of 10."""
    analyze = need("systemd-analyze", "systemd")
    text = (OPERATIONS / name).read_text()
    here = Path(sys.executable).parent / "sopstatus"
    (tmp_path / name).write_text(text.replace("/opt/sopstatus/bin/sopstatus", str(here)))
    command = [analyze, "verify", "--man=no", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if name in line]
    assert (done.returncode, told) == (0, [])
    command = [analyze, "security", "--offline=true", "--threshold=20", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    start = re.search(r"^ExecStart=\S+ (.*)$", unit(name), re.MULTILINE)[1]
    words = shlex.split(start)
    parser(words[0]).parse_args(words[1:])
    secrets = set(re.findall(r"^LoadCredential=([\w.-]+):", unit(name), re.MULTILINE))
    assert secrets == set(re.findall(r"%d/([\w.-]+)", start))
