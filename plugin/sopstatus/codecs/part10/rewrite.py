"""DICOM Part 10: replace, add and remove elements of a walked data set; every other byte stays."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from struct import Struct

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10.plan import LONG
from sopstatus.codecs.part10.walk import UNDEFINED, DataSet, Element
from sopstatus.codecs.part10.window import Inflater, Source
from sopstatus.codecs.shared.splice import splice
from sopstatus.limits import Limits
from sopstatus.values import tag_text

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
    """Return what changes in a surveyed data set, in order.

    Group lengths, retired but still met, are mended.
    """
    found: list[Edit] = []
    for tag, encoded in sorted(changes.items()):
        old = dataset.elements.get(tag)
        start, end = (old.start, old.end) if old else (dataset.place(tag),) * 2
        found.append((start, end, encoded or b""))
    found += [(old.value, old.end, new) for old, new in _lengths(dataset, changes).values()]
    return sorted(found, key=lambda edit: edit[0])


def _lengths(dataset: DataSet, changes: Changes) -> dict[int, tuple[Element, bytes]]:
    """Return by tag the group lengths that change, and their new values."""
    grown: dict[int, int] = {}
    for tag, encoded in changes.items():
        old = dataset.elements.get(tag)
        group = tag & 0xFFFF0000
        grown[group] = (
            grown.get(group, 0) + len(encoded or b"") - (old.end - old.start if old else 0)
        )
    length = Struct(">I" if dataset.big else "<I")
    return {
        group: (old, length.pack((length.unpack(old.data)[0] + more) & UNDEFINED))
        for group, more in grown.items()
        if (old := dataset.elements.get(group)) and len(old.data) == 4
    }


def rewrite(data: bytes, dataset: DataSet, changes: Changes) -> bytes:
    """Return a file's bytes with the changes made; what was deflated is deflated again.

    Elements that are out of order are sorted.
    """
    begin, limits = dataset.begin, dataset.window.limits
    if "dicom/order" in dataset.findings.faults:
        if not dataset.deflated:
            return _sorted(data, dataset, changes)
        plain = Inflater(data[begin:], None, limits).rest()
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = deflater.compress(_sorted(plain, dataset, changes)) + deflater.flush()
        return data[:begin] + packed + b"\0" * (len(packed) % 2)
    made = edits(dataset, changes)
    if dataset.deflated:
        rest = deflated(data[begin:], None, made, limits)
        return b"".join([data[:begin], *rest])
    return splice(data, made)


def _sorted(data: bytes, dataset: DataSet, changes: Changes) -> bytes:
    """Return the bytes with the changes made and the elements by tag; each is as it was."""
    passed = dataset.passed()
    if passed[-1][1] > len(data):  # a value that is cut off would swallow what comes behind it
        raise document_error("dicom/not-rewritable", tag_text(passed[-2][0]))
    lengths = _lengths(dataset, changes)
    pieces = [(tag, encoded) for tag, encoded in changes.items() if encoded]
    for (tag, start), (_, end) in pairwise(passed):
        if tag in lengths:
            old, new = lengths[tag]
            pieces.append((tag, data[start : old.value] + new))
        elif tag not in changes:
            pieces.append((tag, data[start:end]))
    pieces.sort(key=lambda piece: piece[0])
    return b"".join([data[: passed[0][1]], *(piece for _, piece in pieces), data[passed[-1][1] :]])


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
