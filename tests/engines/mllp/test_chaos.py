"""A destination that misbehaves at random: everything arrives in order, and nothing twice without need."""

import asyncio
import random

import pytest
import structlog
from engines.destination import CLOSE, RESET, SILENT, Receiver, ack
from engines.kill import check
from engines.running import message
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import log
from sopstatus.engines.delivery.forwarder import Destination, Forwarder
from sopstatus.engines.delivery.spool import Spool
from sopstatus.engines.delivery.verdict import AGAIN, DEAD_LETTER, DONE, SKIP, judge
from sopstatus.engines.delivery.writer import SpoolWriter
from sopstatus.engines.mllp.answer import header

DEEDS = {
    "AA": ack,
    "AE": lambda m: ack(m, "AE"),
    "AR": lambda m: ack(m, "AR"),
    "close": lambda m: CLOSE,
    "reset": lambda m: RESET,
    "garbage": lambda m: b"hello",
    "another": lambda m: ack(m, "AA", b"another"),
    "twice": lambda m: [ack(m), ack(m)],
}
WAITED_FOR = {5: lambda m: SILENT, 9: lambda m: b"\x0b" + ack(m)[:30]}  # by number; they take time
FINAL = {"AA": "sent", "twice": "sent", "AE": "dead"}
COUNT = 60


@pytest.fixture(autouse=True)
def _quiet():
    log.configure(json=True, level="critical")
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("seed", range(4))
def test_order_is_kept_and_what_is_answered_is_not_sent_again(seed, tmp_path):
    random_, done = random.Random(seed), []

    def behave(number, text):
        name = random_.choice(["AA", "AA", *DEEDS])
        deed = WAITED_FOR.get(number, DEEDS[name])
        done.append(
            (header(text).control_id.decode(), name if deed is DEEDS[name] else "no answer")
        )
        return deed(text)

    async def main(destination):
        writer = SpoolWriter(Spool(tmp_path))
        forwarder = Forwarder(writer, destination)
        running = asyncio.get_running_loop().create_task(forwarder.run())
        for n in range(COUNT):
            await writer.put(message(f"{n}").encode(), n % 3)
        while forwarder.sent + forwarder.dead < COUNT:
            await asyncio.sleep(0.01)
        forwarder.stop()
        await running
        await writer.close()

    with Receiver(behave) as receiver:
        asyncio.run(main(Destination("127.0.0.1", receiver.port, answer=1.0, first=0.001)))
    ids = [control_id for control_id, _ in done]
    assert list(dict.fromkeys(ids)) == [str(n) for n in range(COUNT)], (
        "nothing is lost or overtakes"
    )
    assert ids == sorted(ids, key=int), "nothing is sent again behind another"
    last = dict(done)
    spool = Spool(tmp_path)
    rows = list(spool.entries())
    spool.close()
    assert [row.state for row in rows] == [FINAL[last[str(n)]] for n in range(COUNT)]
    for row in rows:
        deeds = [name for control_id, name in done if control_id == row.control_id.decode()]
        assert not set(deeds[:-1]) & set(FINAL), "it was answered, and sent again"
        assert row.attempts == len(deeds) - (row.state == "sent")
        assert bool(row.repeated) is bool(set(deeds[:-1]) - {"AR"})


@given(st.binary(max_size=80), st.binary(max_size=4))
def test_any_answer_has_a_verdict(data, control_id):
    for answer in data, b"MSH|^~\\&|\rMSA|" + data, b"MSH" + data:
        verdict = judge(answer, control_id, [b"1"])
        assert verdict.kind in (DONE, DEAD_LETTER, AGAIN, SKIP)
        assert all(word.isascii() for word in verdict.answer.split())
    for text in data, b"MSH|" + data, b"MSH" + data:
        assert len(header(text)) == 5


STREAMS = [["1", "2", "3"]]


@pytest.mark.parametrize(
    ("came", "repeated", "fault"),
    [
        (["1", "3"], [], "lost"),
        (["1", "3", "2"], [], "out of order"),
        (["1", "2", "2", "3"], [], "not marked"),
        (["1", "2", "2", "3", "3"], ["2", "3"], "too many duplicates"),
    ],
)
def test_the_check_of_the_kills_finds_what_it_looks_for(came, repeated, fault):
    with pytest.raises(AssertionError, match=fault):
        check(1, came, STREAMS, repeated)
    assert "0 lost, 1 sent twice" in check(1, ["1", "2", "2", "3"], STREAMS, ["2"])
