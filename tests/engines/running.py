"""Real processes and sockets for the tests of the MLLP listener: ours, and those of others."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from sopstatus.engines.mllp.frame import Framer, frame

HERE = Path(__file__).parent


def message(
    control_id="77", status="AO", extra="", version="2.5.1", name="DOE^JANE", kind="ORU^R01"
):
    head = rf"MSH|^~\&|RIS|HOSPITAL|PACS|ARCHIVE|20240102||{kind}|{control_id}|T|{version}{extra}"
    return f"{head}\rPID|1||4711||{name}\rZDS|1.2.3|||1.2.3.4|{status}\r"


@contextlib.contextmanager
def process(*command, **options):
    """Run a program that prints "... PORT" when it listens; kill it at the end.

    ``told()`` returns what it wrote to standard error, which is a file: nothing waits for a reader.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, **options
        ) as running,
    ):

        def told():
            file = errors.fileno()  # where the process writes next is left alone
            return os.pread(file, os.fstat(file).st_size, 0).decode()

        running.told = told
        try:
            line = running.stdout.readline()
            assert line, told()
            running.port = int(line.split()[-1])
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)


@contextlib.contextmanager
def ours(*options, port=0, **more):
    """Run ``sopstatus mllp``; its events of level warning go to standard error."""
    command = (sys.executable, "-m", "sopstatus", "mllp", "--port", str(port))
    with process(*command, "--log-level", "warning", *options, **more) as running:
        yield running


def peer(name):
    """Run a listener that others wrote: "python-hl7" or "hl7apy"."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return process(sys.executable, HERE / "peers.py", name, env=environment)


class Client:
    """A sender with a socket of its own."""

    def __init__(self, port, *, timeout=20.0, wrap=lambda s: s):
        self.socket = wrap(socket.create_connection(("127.0.0.1", port), timeout=timeout))
        self._framer, self._blocks = Framer(), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answers(self, count, *, timeout=20.0):
        """Read so many answers, fewer where the connection closes or nothing comes."""
        self.socket.settimeout(timeout)
        try:
            while len(self._blocks) < count:
                data = self.socket.recv(65536)
                if not data:
                    break
                self._blocks += self._framer.feed(data)
        except (TimeoutError, ConnectionError):
            pass
        found, self._blocks = self._blocks[:count], self._blocks[count:]
        return [block.data for block in found]

    def ask(self, text):
        """Send a message and read its answer."""
        self.send(frame(text if isinstance(text, bytes) else text.encode()))
        (answer,) = self.answers(1)
        return answer


def codes(answers):
    """Return MSA-1 and MSA-2 of answers."""
    return [
        tuple(line.split(b"|")[1:3])
        for answer in answers
        for line in answer.split(b"\r")
        if line.startswith(b"MSA")
    ]


def code(answer):
    """Return MSA-1 of an answer."""
    ((found, _),) = codes([answer])
    return found.decode()
