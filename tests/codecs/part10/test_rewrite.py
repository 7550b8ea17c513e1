"""Elements as Part 10 has them, and what stands instead of what when a data set is rewritten."""

import io
import random
import struct
import zlib

import pytest
from part10_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, part10_file, plain
from sopstatus import DocumentError, Limits
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.plan import Plan
from sopstatus.codecs.part10.rewrite import deflated, edits, element, rewrite
from sopstatus.codecs.part10.window import File, Window

STATUS, COMMENT, PATIENT = 0x01000410, 0x01000424, 0x00100010
PLAN = Plan([STATUS, COMMENT])


def walked(data, **limits):
    return part10.survey(Window(data, None, Limits(**limits)), PLAN)


NAME = plain(PATIENT, "PN", b"A^B^")
OLD = plain(STATUS, "CS", b"OR")
NEW = plain(STATUS, "CS", b"AO")


@pytest.mark.parametrize(
    ("vr", "value", "explicit"),
    [
        ("CS", b"AO", b"CS\2\0AO"),
        ("CS", b"AOX", b"CS\4\0AOX "),
        ("UI", b"1.2", b"UI\x04\x001.2\x00"),
        ("LT", b"", b"LT\0\0"),
        ("LT", b"x" * 0xFFFE, b"LT\xfe\xff" + b"x" * 0xFFFE),
        ("LT", b"x" * 0xFFFD, b"LT\xfe\xff" + b"x" * 0xFFFD + b" "),
        ("LT", b"x" * 0xFFFF, None),
        ("UT", b"abc", b"UT\0\0\4\0\0\0abc "),
        ("UT", b"x" * 0x10000, b"UT\0\0\0\0\1\0" + b"x" * 0x10000),
    ],
)
def test_an_element_is_padded_and_has_its_vr_s_length(vr, value, explicit):
    little, implicit, big = (walked(part10_file(syntax=s)) for s in (EXPLICIT, IMPLICIT, BIG))
    made = element(little, STATUS, vr, value)
    assert made == (None if explicit is None else b"\0\1\x10\4" + explicit)
    padded = value + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = b"\0\1\x10\4" + struct.pack("<I", len(padded))
    assert element(implicit, STATUS, vr, value) == head + padded
    made = element(big, STATUS, vr, value)
    if explicit is None:
        assert made is None
    else:
        long = vr == "UT"
        length = struct.pack(">HI" if long else ">H", *([0] if long else []), len(padded))
        assert made == b"\1\0\4\x10" + vr.encode() + length + padded


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_an_element_is_replaced_added_and_removed(syntax):
    name, old, new = (
        plain(tag, vr, value, syntax)
        for tag, vr, value in (
            (PATIENT, "PN", b"A^B^"),
            (STATUS, "CS", b"OR"),
            (STATUS, "CS", b"AOAO"),
        )
    )
    more = plain(0x01000400, "SH", b"x ", syntax), plain(COMMENT, "LT", b"y ", syntax)
    with_it = part10_file(name, more[0], old, more[1], syntax=syntax)
    with_new = part10_file(name, more[0], new, more[1], syntax=syntax)
    without = part10_file(name, *more, syntax=syntax)
    assert rewrite(with_it, walked(with_it), {STATUS: new}) == with_new
    assert rewrite(with_it, walked(with_it), {STATUS: None}) == without
    assert rewrite(without, walked(without), {STATUS: new}) == with_new
    assert rewrite(without, walked(without), {STATUS: None}) == without
    assert rewrite(with_it, walked(with_it), {}) == with_it


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize(("said", "mended"), [(100, 108), (0xFFFFFFFF, 7), (0, 8)])
def test_a_group_length_counts_what_was_written(syntax, said, mended):
    order = ">I" if syntax == BIG else "<I"
    group, other = (
        plain(g << 16, "UL", struct.pack(order, n), syntax) for g, n in ((0x100, said), (0x7F, 50))
    )
    old, new = (plain(STATUS, "CS", v, syntax) for v in (b"OR", b"AO"))
    comment = plain(COMMENT, "LT", b"", syntax)
    data = part10_file(other, group, old, syntax=syntax)
    grown = plain(0x100 << 16, "UL", struct.pack(order, mended), syntax)
    want = part10_file(other, grown, new, comment, syntax=syntax)
    assert rewrite(data, walked(data), {STATUS: new, COMMENT: comment}) == want
    shrunk = plain(0x100 << 16, "UL", struct.pack(order, said - 10 & 0xFFFFFFFF), syntax)
    want = part10_file(other, shrunk, syntax=syntax)
    if len(old) == 10:
        assert rewrite(data, walked(data), {STATUS: None}) == want


def test_a_group_length_of_another_size_is_none():
    odd = plain(0x100 << 16, "UL", b"\1\0")
    data = part10_file(odd, OLD)
    assert rewrite(data, walked(data), {STATUS: None}) == part10_file(odd)


def test_edits_are_in_order_and_say_what_they_replace():
    group = plain(0x100 << 16, "UL", b"\x0a\0\0\0")
    data = part10_file(NAME, group, OLD)
    at = data.index(group)
    comment = plain(COMMENT, "LT", b"")
    assert edits(walked(data), {COMMENT: comment, STATUS: None}) == [
        (at + 8, at + 12, b"\x08\0\0\0"),
        (at + 12, at + 22, b""),
        (at + 22, at + 22, comment),
    ]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_tags_are_in_order_as_numbers_and_not_as_bytes(syntax):
    """And an odd number, or one above 7FFF, is of its group all the same."""
    tags = 0x00400050, 0x00400100, 0x0040A491
    plan = Plan(tags)
    order = ">I" if syntax == BIG else "<I"
    lengths = (plain(0x00400000, "UL", struct.pack(order, count), syntax) for count in (0, 3 * 10))
    before, after = (part10_file(x, syntax=syntax) for x in lengths)
    dataset = part10.survey(Window(before), plan)
    made = {tag: element(dataset, tag, "CS", b"AO") for tag in reversed(tags)}
    assert made == {tag: plain(tag, "CS", b"AO", syntax) for tag in tags}
    want = after + b"".join(made[tag] for tag in tags)
    assert rewrite(before, dataset, made) == want
    again = part10.survey(Window(want), plan)
    assert rewrite(want, again, dict.fromkeys(tags)) == before


def inflated(parts):
    """What was deflated as it comes; the whole of it is of even length."""
    packed = b"".join(parts)
    assert len(packed) % 2 == 0
    opened = zlib.decompressobj(-zlib.MAX_WBITS)
    found = opened.decompress(packed)
    assert opened.eof and opened.unused_data in (b"", b"\0")
    return found


@pytest.mark.parametrize("size", [*range(12), (2 << 20) + 1])
def test_what_was_deflated_is_deflated_again(size):
    pixels = plain(0x7FE00010, "OB", b"")[:6] + b"\0\0" + struct.pack("<I", size) + b"p" * size
    data = part10_file(NAME, OLD, pixels, syntax=DEFLATED)
    dataset = walked(data)
    made = rewrite(data, dataset, {STATUS: NEW})
    assert made[: dataset.begin] == data[: dataset.begin]
    assert inflated([made[dataset.begin :]]) == NAME + NEW + pixels


@pytest.mark.parametrize("size", [1 << 10, 3 << 20])
def test_a_deflated_data_set_is_read_from_its_source(size):
    inside = bytes(range(256)) * (size >> 8)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(inside) + packer.flush()
    made = [(2, 2, b"new"), (5, 1 << 9, b""), (size, size, b"end")]
    want = inside[:2] + b"new" + inside[2:5] + inside[1 << 9 :] + b"end"
    for pending in (packed, packed[:7], b""):
        source = File(io.BytesIO(packed[len(pending) :]))
        assert inflated(deflated(pending, source, made, Limits())) == want


@pytest.mark.parametrize("more", range(8))
def test_what_does_not_shrink_is_of_even_length_too(more):
    """Here the deflated bytes come piece by piece, each of a length of its own."""
    inside = random.Random(more).randbytes((2 << 20) + 1000 * more)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(inside) + packer.flush()
    noise = random.Random(-more - 1).randbytes(100_000 + more)
    made = [(1 << 20, (1 << 20) + 10, noise)]
    want = inside[: 1 << 20] + noise + inside[(1 << 20) + 10 :]
    assert inflated(deflated(packed, None, made, Limits())) == want


def test_what_is_inflated_for_writing_has_a_limit():
    head = plain(0x7FE00010, "OB", b"")[:6] + b"\0\0" + struct.pack("<I", 100_000)
    data = part10_file(NAME, OLD, head + b"\0" * 100_000, syntax=DEFLATED)
    size = len(NAME + OLD + head) + 100_000
    with pytest.raises(DocumentError) as error:
        rewrite(data, walked(data, inflated=size - 1), {STATUS: NEW})
    (issue,) = error.value.issues
    assert (issue.code, issue.location) == ("dicom/too-large", "")
    made = rewrite(data, dataset := walked(data, inflated=size), {STATUS: NEW})
    assert inflated([made[dataset.begin :]]) == NAME + NEW + head + b"\0" * 100_000
