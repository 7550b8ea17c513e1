"""MLLP rows: our listener beside those of python-hl7 and hl7apy, as processes of their own.

A message goes out and its answer comes back: over one connection where the server leaves it open
(hl7apy closes it). The forwarder's row counts what one sync of the disk takes on the same disk.
"""

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from engines.destination import Receiver
from engines.running import ours, peer
from sopstatus.engines.mllp.frame import frame

from bench.harness import OURS, Row
from bench.hl7 import message

HANDING_OVER = (
    "By profile without the socket (4,000 samples of processor time), 1.6 KB: decoding every statement 38 %, the "
    "acknowledgment 29 % (10 of them read the MSH, apart from the decoder), framing 6 %, the header for the events "
    "5 %, connection, listener and log the rest. asyncio and the socket are a third of the whole; a loop that only "
    "sends the bytes back takes little less."
)
STORED = (
    "A message is on the disk before it is answered; those that wait together share a sync, whose time stands "
    "beside it. By processor time of a message (least of eight runs): not stored 140 us, stored and forwarded "
    "420 us (510 us with a task for each message). The thread that stores and forwarding, in the same process, "
    "are the most of what is more, and Python runs them one after the other."
)
BATCH = 200  # messages that wait for their answers together


ECHO = """
import asyncio

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def conversation(port, data, count=1, keep=True):
    """Return a callable that sends so many blocks in one write and reads as many answers."""
    sent = frame(data) * count
    opened = []

    def talk():
        if not opened:
            opened.append(socket.create_connection(("127.0.0.1", port)))
            opened[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened[0].sendall(sent)
        ends = 0
        while ends < count:
            found = opened[0].recv(1 << 20)
            assert found
            ends += found.count(b"\x1c")
        if not keep:
            opened.pop().close()

    return talk


def synced(folder):
    """Return a callable that writes a message to a file and syncs it."""
    file = os.open(Path(folder) / "sync", os.O_WRONLY | os.O_CREAT)
    data = message(16)

    def sync():
        os.write(file, data)
        os.fsync(file)

    return sync


@contextmanager
def echo():
    """Run a process that sends back what comes; give its port."""
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE) as running:
        try:
            yield int(running.stdout.readline())
        finally:
            running.kill()


NOT_STORED = "the same, not stored"


def rows():
    """Yield the rows."""
    aims = {"hl7apy": 15.0, "asyncio, sent back": 1 / 1.75}
    small, large = message(16), message(600)
    with ours() as a, peer("python-hl7") as b, peer("hl7apy") as c, echo() as port:
        for data in (small, large):
            contenders = {
                OURS: conversation(a.port, data),
                "python-hl7": conversation(b.port, data),
                "hl7apy": conversation(c.port, data, keep=False),
                "asyncio, sent back": conversation(port, data),
            }
            yield Row(
                "MLLP: a message and its answer", f"{len(data)} bytes", contenders,
                aims if data is small else {}, limits=frozenset(("asyncio, sent back",)), note=HANDING_OVER,
                shown="MLLP: a message and its answer" if data is small else "",
            )  # fmt: skip
        contenders = {
            OURS: conversation(a.port, small, BATCH),
            "python-hl7": conversation(b.port, small, BATCH),
        }
        yield Row("MLLP: many in one write", f"{BATCH} messages", contenders, {"python-hl7": 15.0})
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver:
        options = ("--forward", receiver.address, "--spool", folder)
        with ours(*options) as running, ours() as plain:
            contenders = {
                OURS: conversation(running.port, small, BATCH),
                NOT_STORED: conversation(plain.port, small, BATCH),
                "a sync of the disk": synced(folder),
            }
            limits = frozenset((NOT_STORED, "a sync of the disk"))
            yield Row(
                "MLLP: stored, then answered", f"{BATCH} messages", contenders,
                {NOT_STORED: 1 / 1.5}, limits=limits, note=STORED,
            )  # fmt: skip
