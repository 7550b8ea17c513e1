"""The framer: any cutting of the stream gives the same blocks, and nothing is lost or merged."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sopstatus.engines.mllp.frame import (
    BROKEN_OFF,
    HEAD,
    NOT_FRAMED,
    TOO_LARGE,
    Block,
    Framer,
    frame,
)

A, B = b"MSH|^~\\&|A\rPID|1\r", b"MSH|^~\\&|B\r"


def whole(data):
    return Block(data, "", len(data))


def fed(chunks, limit=1 << 20):
    framer = Framer(limit)
    return [block for chunk in chunks for block in framer.feed(chunk)] + framer.close()


def cut(stream, places):
    places = sorted({min(p, len(stream)) for p in places})
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@pytest.mark.parametrize(
    ("stream", "blocks"),
    [
        (frame(A), [whole(A)]),
        (frame(A) + frame(B), [whole(A), whole(B)]),
        (frame(A) + b"\n" + frame(B) + b"\r\n", [whole(A), whole(B)]),
        (b"\x0b" + A + b"\x1c\n" + frame(B), [whole(A), whole(B)]),
        (b"\x0b" + A + b"\x1c" + frame(B), [whole(A), whole(B)]),
        (b"\x0b" + A + b"\x1c", [whole(A)]),
        (frame(A + b"\r\r" + A), [whole(A + b"\r\r" + A)]),  # blank lines
        (frame(b""), [whole(b"")]),
        (frame(b"a\x1cb"), [whole(b"a\x1cb")]),
        (frame(b"TX|a\x0bb\r"), [whole(b"TX|a\x0bb\r")]),  # Word's line break
        (b"hello" + frame(A), [Block(b"", NOT_FRAMED, 0), whole(A)]),
        (A, [Block(b"", NOT_FRAMED, 0)]),
        (b"x\r\ny" + frame(A) + b"z", [Block(b"", NOT_FRAMED, 0), whole(A), Block(b"", NOT_FRAMED, 0)]),
        (b"\x0b" + A, [Block(A, BROKEN_OFF, len(A))]),
        (b"\x0b" + A[:9] + frame(B), [Block(A[:9], BROKEN_OFF, 9), whole(B)]),
        (b"\x0b\x0b" + B + b"\x1c\r", [whole(B)]),
        (b"", []),
        (b"\r\n \x1c\r\x00", []),
    ],
)  # fmt: skip
def test_blocks(stream, blocks):
    assert fed([stream]) == blocks
    assert fed(bytes([byte]) for byte in stream) == blocks


@pytest.mark.parametrize("size", [99, 100, 101, 5000, 100_000])
def test_a_message_that_is_too_long_leaves_its_beginning(size):
    data = bytes(65 + n % 26 for n in range(size))
    stream = frame(data) + frame(A)
    expected = whole(data) if size <= 100 else Block(data[:100], TOO_LARGE, size)
    for step in (1, 7, 4096, len(stream)):
        chunks = [stream[n : n + step] for n in range(0, len(stream), step)]
        assert fed(chunks, 100) == [expected, whole(A)]


def test_what_is_kept_of_an_endless_message_is_bounded():
    framer = Framer(1 << 20)
    framer.feed(b"\x0bMSH|^~\\&|A|")
    for _ in range(400):
        assert framer.feed(b"x" * 65536) == []
        assert framer.held <= (1 << 20) + 65536
    (block,) = framer.feed(b"\x1c\r")
    assert (block.fault, block.size, len(block.data)) == (TOO_LARGE, 11 + 400 * 65536, HEAD)
    assert framer.feed(frame(A)) == [whole(A)]
    assert framer.held == 0


def test_a_missing_cr_is_waited_for_and_then_not_missed():
    framer = Framer()
    assert framer.feed(b"\x0b" + A + b"\x1c") == []
    assert framer.waits
    assert framer.quiet() == [whole(A)]
    assert framer.quiet() == []
    assert framer.feed(b"\r" + frame(B)) == [whole(B)]  # late
    framer.feed(b"\x0b" + A)
    assert framer.quiet() == [], "a block that has no end is not one"
    assert framer.feed(b"\x1c\r") == [whole(A)]


def test_every_byte_is_looked_at_a_bounded_number_of_times():
    """Twice the bytes cost twice the steps, not four times: of steps counted, not timed."""

    def steps(size):
        framer, count = Framer(1 << 30), 0

        def trace(event, arg):
            nonlocal count
            count += 1

        # FS within the content in every chunk is the worst case of the search
        chunks = [b"\x0b", *[b"x" * 99 + b"\x1c"] * (size // 100), b"y\x1c\r"]
        sys.setprofile(lambda frame, event, arg: trace(event, arg))
        try:
            found = [block for chunk in chunks for block in framer.feed(chunk)]
        finally:
            sys.setprofile(None)
        assert [block.size for block in found] == [size + 1]
        return count

    assert steps(400_000) < 2.2 * steps(200_000)


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\x0b", b"\x1c", b"\x1c\r", b"\r", b"\n", b"MSH", frame(A), frame(B)]),
    ),
    max_size=12,
)
PLACES = st.lists(st.integers(0, 300), max_size=12)


@given(PIECES, PLACES, st.sampled_from([0, 1, 5, 40, 1 << 20]))
def test_any_cutting_gives_the_same_blocks(pieces, places, limit):
    stream = b"".join(pieces)
    assert fed(cut(stream, places), limit) == fed([stream], limit)
    assert fed([stream[n : n + 1] for n in range(len(stream))], limit) == fed([stream], limit)


# what a message may be made of: anything but the two characters of the frame
TEXT = st.binary(max_size=60).map(lambda b: b.replace(b"\x0b", b"").replace(b"\x1c", b""))
GAPS = st.text("\r\n \t", max_size=3).map(str.encode)
ENDS = st.sampled_from([b"\x1c\r", b"\x1c\n", b"\x1c\r\n"])


@given(st.lists(st.tuples(GAPS, TEXT, ENDS), max_size=8), PLACES)
def test_nothing_is_lost_or_merged(sent, places):
    stream = b"".join(gap + b"\x0b" + text + end for gap, text, end in sent)
    assert fed(cut(stream, places)) == [whole(text) for _, text, _ in sent]


@given(TEXT)
def test_a_frame_is_read_back(text):
    assert fed([frame(text)]) == [whole(text)]
