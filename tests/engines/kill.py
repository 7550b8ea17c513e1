"""kill -9 of ``sopstatus mllp --forward`` under load, at random moments, many times.

By hand: ``make mllp-kill KILLS=200``. What was acknowledged must arrive, in the order of its
connection, and twice only where nobody could know: one message a kill, the one that was under way,
with its MSH-10 and marked.
"""

import contextlib
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from sopstatus.engines.delivery.spool import Spool
from sopstatus.engines.mllp.frame import frame

from engines.destination import Receiver
from engines.running import Client, codes, message, ours

SENDERS, AHEAD = 3, 8  # connections at a time, and messages without an answer on each


def _load(port, name, acknowledged):
    """Send until the connection breaks; note what was acknowledged, in order."""
    number = 0
    with contextlib.suppress(OSError, ValueError), Client(port) as client:
        while True:
            ids = [f"{name}.{number + n}" for n in range(AHEAD)]
            client.send(b"".join(frame(message(i).encode()) for i in ids))
            for code, control_id in codes(client.answers(AHEAD)):
                assert code == b"AA"
                acknowledged.append(control_id.decode())
            if len(acknowledged) < number + AHEAD:
                return
            number += AHEAD


def run(kills, folder, seed=0):
    """Kill so often; return what came, what was acknowledged, and the rows of the spool."""
    random_ = random.Random(seed)
    streams = []
    with Receiver() as receiver:
        options = ("--forward", receiver.address, "--spool", str(folder))
        for kill in range(kills):
            with ours(*options) as running:
                senders = []
                for n in range(SENDERS):
                    streams.append([])
                    arguments = (running.port, f"{kill}.{n}", streams[-1])
                    senders.append(threading.Thread(target=_load, args=arguments))
                    senders[-1].start()
                time.sleep(random_.uniform(0, 0.4))
                running.kill()
                running.wait()
                for sender in senders:
                    sender.join()
        with ours(*options):
            spool = Spool(folder)
            try:
                while spool.counts()["queued"]:
                    time.sleep(0.1)
                repeated = [e.control_id.decode() for e in spool.entries() if e.repeated]
            finally:
                spool.close()
    return receiver.ids(), streams, repeated


def check(kills, came, streams, repeated):
    """Raise `AssertionError` unless the promise was kept; return a line of figures."""
    count = Counter(came)
    acknowledged = [control_id for stream in streams for control_id in stream]
    assert acknowledged, "the kills came before anything was acknowledged"
    missing = [control_id for control_id in acknowledged if not count[control_id]]
    assert not missing, f"lost: {missing}"
    place = {}
    for index, control_id in enumerate(came):
        place.setdefault(control_id, index)
    for stream in streams:
        order = [place[control_id] for control_id in stream]
        assert order == sorted(order), "out of order"
    twice = {control_id: n for control_id, n in count.items() if n > 1}
    assert sum(n - 1 for n in twice.values()) <= kills, f"too many duplicates: {twice}"
    assert set(twice) <= set(repeated), "a duplicate that is not marked"
    unknown = len(count) - len(acknowledged)
    return (
        f"{kills} kills: {len(acknowledged)} messages acknowledged, {len(missing)} lost, "
        f"{len(twice)} sent twice and marked, {unknown} arrived whose acknowledgment was cut off"
    )


if __name__ == "__main__":
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        print(check(number, *run(number, Path(place) / "spool", seed=number)))
