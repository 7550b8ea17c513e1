"""Twice the bytes are twice the work for the MLLP framer, however they are cut and whatever they are."""

import pytest
from sopstatus.engines.mllp.frame import Framer, foreign, frame

from growth.counting import superlinear
from growth.families import HEAD

N = 64
BLOCK = frame(HEAD)
STREAMS = {
    "frames": lambda n: BLOCK * n,
    "empty frames": lambda n: frame(b"") * n,
    "frames of a byte": lambda n: frame(b"x") * n,
    "frames without CR": lambda n: b"\x0bx\x1c" * n,
    "one long message": lambda n: frame(b"x" * n),
    "a message that does not end": lambda n: b"\x0b" + b"x" * n,
    "bytes outside of a frame": lambda n: b"x" * n,
    "blank bytes between frames": lambda n: BLOCK + b"\r\n" * n + BLOCK,
    "starts": lambda n: b"\x0b" * n,
    "starts within a message": lambda n: frame(b"MSH|" + b"\x0bx" * n),
    "messages that break off": lambda n: b"\x0bMSH|^~\\&|" * n + b"\x1c\r",
    "ends": lambda n: b"\x0b" + b"\x1c" * n,
    "ends within a message": lambda n: frame(b"\x1cx" * n),
    "ends outside of a frame": lambda n: b"\x1c\r" * n,
    "starts and ends": lambda n: b"\x0b\x1c" * n,
    "NUL": lambda n: b"\x0b" + b"\0" * n + b"\x1c\r" + b"\0" * n,
}  # fmt: skip
CUTS = {"whole": 1 << 30, "byte by byte": 1, "three bytes at a time": 3}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("limit", [1 << 20, 40])
def test_streams(cut, limit):
    def make(name, n):
        stream, size = STREAMS[name](n), CUTS[cut]
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]

        def work():
            framer = Framer(limit)
            for piece in pieces:
                framer.feed(piece)
                assert framer.held <= limit + 2 * len(stream[:size]) + len(BLOCK)
            framer.quiet()
            framer.close()

        return work

    found = {name: superlinear(lambda n, name=name: make(name, n), N) for name in STREAMS}
    assert not {name: counts for name, counts in found.items() if counts}


def test_the_first_bytes_of_a_connection():
    for first in (b"\r\n", b"P", b"\x16", b"OPTION"):
        assert not superlinear(lambda n, first=first: lambda: foreign(first * n), N)
