"""MLLP rows: our listener beside those of python-hl7 and hl7apy, as processes of their own.

A message goes out and its answer comes back: over one connection where the server leaves it open
(hl7apy closes it). The forwarder's row counts what one sync of the disk takes on the same disk.
"""

import os
import socket
import tempfile
from pathlib import Path

from engines.destination import Receiver
from engines.running import ours, peer
from sopstatus.engines.mllp_frame import frame

from bench.harness import OURS, Row
from bench.hl7 import message

HANDING_OVER = "nearly half of our time is two processes handing a message over: an asyncio echo's"
BATCH = 200  # messages that wait for their answers together


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


def rows():
    """Yield the rows."""
    with ours() as a, peer("python-hl7") as b, peer("hl7apy") as c:
        small = message(16)
        for count in (1, BATCH):
            contenders = {
                OURS: conversation(a.port, small, count),
                "python-hl7": conversation(b.port, small, count),
            }
            if count == 1:
                contenders["hl7apy"] = conversation(c.port, small, keep=False)
            aims = dict.fromkeys((name for name in contenders if name != OURS), 15.0)
            work = "MLLP: a message and its answer" if count == 1 else "MLLP: many in one write"
            size = f"{len(small)} bytes" if count == 1 else f"{count} messages"
            note = HANDING_OVER if count == 1 else ""
            yield Row(work, size, count * len(small), contenders, aims, note=note)
        large = message(600)
        contenders = {
            OURS: conversation(a.port, large),
            "python-hl7": conversation(b.port, large),
            "hl7apy": conversation(c.port, large, keep=False),
        }
        aims = dict.fromkeys(("python-hl7", "hl7apy"), 15.0)
        yield Row(
            "MLLP: a message and its answer", f"{len(large)} bytes", len(large), contenders, aims
        )
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver:
        options = ("--forward", receiver.address, "--spool", folder)
        with ours(*options) as running:
            contenders = {
                OURS: conversation(running.port, small, BATCH),
                "a sync of the disk": synced(folder),
            }
            limits = frozenset(("a sync of the disk",))
            yield Row(
                "MLLP: stored, then answered", f"{BATCH} messages", BATCH, contenders, limits=limits
            )
