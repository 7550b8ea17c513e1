"""DICOM Part 10: replace, add and remove elements of a walked data set; every other byte stays."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct

from sopstatus.codecs.part10 import UNDEFINED, DataSet
from sopstatus.codecs.part10_plan import LONG
from sopstatus.codecs.part10_window import Inflater, Source
from sopstatus.limits import Limits

Changes = Mapping[int, bytes | None]
"""By tag: the encoded element, ``None`` to remove it."""
Edit = tuple[int, int, bytes]
"""What stands instead of the bytes from one position to another."""
_CHUNK = 1 << 20


def element(dataset: DataSet, tag: int, vr: str, value: bytes) -> bytes | None:
    """Encode an element, padded to even length; ``None`` where its value is too long for the VR."""
    order = ">" if dataset.big else "<"
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = Struct(order + "HH").pack(tag >> 16, tag & 0xFFFF)
    if dataset.implicit:
        return head + Struct(order + "I").pack(len(value)) + value
    if vr.encode() in LONG:
        return head + vr.encode() + b"\0\0" + Struct(order + "I").pack(len(value)) + value
    if len(value) > 0xFFFE:
        return None
    return head + vr.encode() + Struct(order + "H").pack(len(value)) + value


def edits(dataset: DataSet, changes: Changes) -> list[Edit]:
    """Return what changes in a strictly walked data set, in order.

    Group lengths, retired but still met, are mended.
    """
    found: list[Edit] = []
    grown: dict[int, int] = {}
    for tag, encoded in sorted(changes.items()):
        old = dataset.elements.get(tag)
        start, end = (old.start, old.end) if old else (dataset.places[tag],) * 2
        found.append((start, end, encoded or b""))
        group = tag & 0xFFFF0000
        grown[group] = grown.get(group, 0) + len(encoded or b"") - (end - start)
    length = Struct(">I" if dataset.big else "<I")
    for group, more in grown.items():
        old = dataset.elements.get(group)
        if old and len(old.data) == 4:
            mended = (length.unpack(old.data)[0] + more) & UNDEFINED
            found.append((old.value, old.end, length.pack(mended)))
    return sorted(found, key=lambda edit: edit[0])


def rewrite(data: bytes, dataset: DataSet, changes: Changes) -> bytes:
    """Return a file's bytes with the changes made; what was deflated is deflated again."""
    made = edits(dataset, changes)
    if dataset.deflated:
        rest = deflated(data[dataset.begin :], None, made, dataset.window.limits)
        return b"".join([data[: dataset.begin], *rest])
    out: list[bytes] = []
    start = 0
    for begin, end, encoded in made:
        out += data[start:begin], encoded
        start = end
    return b"".join([*out, data[start:]])


def deflated(
    packed: bytes, source: Source | None, made: Iterable[Edit], limits: Limits
) -> Iterator[bytes]:
    """Yield a deflated data set (PS3.5 A.5), inflated, edited and deflated again, padded to even."""
    inflater = Inflater(packed, source, limits)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    position = length = 0
    for begin, end, encoded in [*made, (limits.inflated + 1, 0, b"")]:
        while position < begin and (chunk := inflater.read(min(_CHUNK, begin - position))):
            position += len(chunk)
            length += len(out := deflater.compress(chunk))
            yield out
        length += len(out := deflater.compress(encoded))
        yield out
        if position < end:
            inflater.skip(end - position)
            position = end
    length += len(out := deflater.flush())
    yield out + b"\0" * (length % 2)
