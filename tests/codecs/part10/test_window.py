"""A window over a file: what it reads, how far, and where its bytes stand."""

import io
import zlib
from array import array
from functools import partial

import pytest
from sopstatus import DocumentError, Limits
from sopstatus.codecs.part10.window import FIRST_READ, File, Inflater, View, Window
from sopstatus.limits import DEFAULT

MIB = 1 << 20


class Told(io.BytesIO):
    """A file that remembers what it was asked for."""

    def __init__(self, data):
        super().__init__(data)
        self.asked, self.sought = [], []

    def read(self, size=-1):
        self.asked.append(size)
        return super().read(size)

    def seek(self, offset, whence=0):
        self.sought.append((offset, whence))
        return super().seek(offset, whence)


class Trickle(Told):
    """A file that gives three bytes at a time, as a pipe may."""

    def read(self, size=-1):
        return super().read(min(size, 3))


def numbers(count):
    return (bytes(range(251)) * (count // 251 + 1))[:count]


def opened(data, first_read=10, kind=Told, **limits):
    file = kind(data)
    return Window(b"", File(file), Limits(**limits), first_read), file


def state(window):
    return window.base, window.data


# --- a window ------------------------------------------------------------------------------------


def test_a_window_over_bytes_reads_nothing():
    window = Window(b"abc")
    assert (window.more(1, 99), window.skip(99)) == (0, 0)
    assert state(window) == (0, b"abc")
    assert (window.limits, window.first_read, window.source) == (DEFAULT, FIRST_READ, None)


def test_what_is_there_is_not_read_again():
    window, file = opened(numbers(100))
    assert window.more(0, 1) == 0
    assert state(window) == (0, numbers(10))
    for end in (1, 9, 10):
        assert window.more(5, end) == 0
    assert state(window) == (0, numbers(10))
    assert file.asked == [10]


def test_what_stands_before_the_anchor_is_dropped():
    window, _ = opened(numbers(100))
    window.more(0, 1)
    assert window.more(7, 12) == 7
    assert state(window) == (7, numbers(20)[7:])
    assert window.more(2, 15) == 2
    assert state(window) == (9, numbers(31)[9:])  # as much again as it held


@pytest.mark.parametrize(
    ("held", "anchor", "end", "asked"),
    [
        (0, 0, 1, 10),  # the first read
        (10, 10, 11, 10),
        (10, 0, 200, 190),  # what is missing
        (50, 0, 51, 50),  # as much again as is kept, so that growing costs no more than its end
        (50, 30, 51, 20),
        (50, 45, 51, 10),
    ],
)
def test_how_much_is_read_at_once(held, anchor, end, asked):
    file = Told(numbers(1000))
    file.read(held)
    window = Window(numbers(held), File(file), first_read=10)
    assert window.more(anchor, end) == anchor
    assert file.asked[1:] == [asked]
    assert state(window) == (anchor, numbers(held + asked)[anchor:])


def test_a_large_value_is_read_in_pieces():
    window, file = opened(numbers(3 * MIB))
    window.more(0, 2 * MIB + 5)
    assert file.asked == [MIB, MIB, 5]
    assert state(window) == (0, numbers(2 * MIB + 5))


@pytest.mark.parametrize("end", [1, 12, 20])
def test_a_source_that_gives_little_is_asked_again(end):
    window, file = opened(numbers(100), kind=Trickle)
    window.more(0, end)
    assert len(window.data) >= max(end, 10)
    assert window.data == numbers(len(window.data))
    assert max(file.asked) <= 3


def test_at_the_end_there_is_no_source_any_more():
    for size in (0, 5, 10):
        window, file = opened(numbers(size))
        assert window.more(0, 11) == 0
        assert state(window) == (0, numbers(size))
        assert window.source is None
        asked = list(file.asked)
        assert (window.more(3, 50), window.skip(50)) == (0, 0)
        assert file.asked == asked


def test_what_is_skipped_is_sought_and_not_read():
    window, file = opened(numbers(1000))
    window.more(0, 1)
    assert window.skip(500) == 499
    assert file.sought == [(489, 1)]
    assert state(window) == (499, numbers(509)[499:])  # the byte before it tells that it exists
    assert window.skip(301) == 300
    assert state(window) == (799, numbers(809)[799:])


def test_a_file_may_end_before_what_is_skipped():
    for size, there in ((499, b""), (500, numbers(500)[-1:])):
        window, _ = opened(numbers(size))
        window.more(0, 1)
        assert window.skip(500) == 499
        assert state(window) == (499, there)


# --- sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize("buffer", [numbers(20), bytearray(numbers(20)), array("H", range(10))])
def test_a_buffer_is_read_byte_by_byte(buffer):
    want = bytes(memoryview(buffer).cast("B"))
    view = View(memoryview(buffer))
    assert view.read(3) == want[:3]
    assert view.read(3) == want[3:6]
    view.skip(4)
    view.skip(1)
    assert view.read(4) == want[11:15]
    assert view.read(99) == want[15:]
    assert view.read(1) == b""
    assert type(View(memoryview(buffer)).read(1)) is bytes
    view.skip(99)
    assert view.read(1) == b""


def deflated(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def refused(call, *arguments):
    with pytest.raises(DocumentError) as error:
        call(*arguments)
    (issue,) = error.value.issues
    return issue.code, issue.location, issue.diagnostics


@pytest.mark.parametrize("pending", [0, 1, 50, None])
@pytest.mark.parametrize("kind", [Told, Trickle])
def test_inflated_bytes_are_given_in_order(pending, kind):
    data = numbers(70_000) + bytes(70_000)
    packed = deflated(data)
    begun = len(packed) if pending is None else pending
    file = kind(packed[begun:])
    inflater = Inflater(packed[:begun], File(file) if begun < len(packed) else None, Limits())
    found = b""
    while part := inflater.read(10_000):
        assert len(part) <= 10_000
        found += part
    assert found == data
    assert inflater.read(1) == b""


def test_a_deflated_data_set_is_read_a_little_at_a_time():
    file = Told(deflated(numbers(1000)))
    assert Inflater(b"", File(file), Limits()).read(20) == numbers(20)
    assert file.asked == [FIRST_READ]


def test_what_follows_a_deflated_data_set_is_none_of_it():
    packed = deflated(numbers(50))
    for begun in (0, 10, len(packed)):
        file = io.BytesIO(packed[begun:] + b"\0" * 9)
        inflater = Inflater(packed[:begun], File(file), Limits())
        assert inflater.read(99) + inflater.read(99) == numbers(50)
        assert inflater.read(99) == b""
    assert Inflater(packed + b"\0", None, Limits()).read(99) == numbers(50)


def test_a_deflated_data_set_may_end_too_early():
    packed = deflated(numbers(1000))
    for source in (None, File(io.BytesIO(b""))):
        inflater = Inflater(packed[: len(packed) // 2], source, Limits())
        found = [inflater.read(100)]
        with pytest.raises(DocumentError) as error:
            found.extend(iter(partial(inflater.read, 100), b""))
        assert [issue.code for issue in error.value.issues] == ["dicom/truncated"]
        assert numbers(1000).startswith(b"".join(found))
        assert len(b"".join(found)) < 1000


def test_what_is_not_deflated_is_told():
    assert refused(Inflater(b"\xff" * 20, None, Limits()).read, 10)[:2] == (
        "dicom/not-deflated",
        "",
    )


@pytest.mark.parametrize("size", [1, 7, 99, 10_000])
def test_inflated_bytes_have_a_limit(size):
    """What is met exactly is no fault, and nothing is inflated behind it."""
    packed = deflated(bytes(100))

    def inflate(limit):
        inflater = Inflater(packed, None, Limits(inflated=limit))
        return b"".join(iter(lambda: inflater.read(size), b""))

    assert inflate(100) == bytes(100)
    code, where, told = refused(inflate, 99)
    assert (code, where) == ("dicom/too-large", "")
    assert " 99 " in told
    bomb = Inflater(deflated(bytes(50 * MIB)), None, Limits(inflated=99))
    assert len(bomb.read(50)) == 50
    assert refused(bomb.read, 50 * MIB)[0] == "dicom/too-large"
    assert bomb._count == 100


def test_skipping_inflates_and_forgets():
    inflater = Inflater(deflated(numbers(3 * MIB)), None, Limits())
    inflater.skip(0)
    inflater.skip(4)
    inflater.skip(1)
    assert inflater.read(5) == numbers(10)[5:]
    inflater.skip(2 * MIB)
    assert inflater.read(3) == numbers(2 * MIB + 13)[-3:]
    inflater.skip(9 * MIB)
    assert inflater.read(1) == b""
    assert refused(Inflater(deflated(bytes(100)), None, Limits(inflated=9)).skip, 50)[0] == (
        "dicom/too-large"
    )
