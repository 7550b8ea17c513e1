"""DICOM Part 10 bytes: find elements at the top level of a data set, and replace them.

The walker reads tag, VR and length only (PS3.5 7.1), skips sequences structurally (7.5) and stops
behind the last tag that is asked for, so pixel data is never read. Where it does not recognise what
it sees it raises `Lost`, and the caller asks pydicom.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from struct import Struct

from sopstatus.catalogue import document_error
from sopstatus.limits import DEFAULT, Limits

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1")
_TRANSFER_SYNTAX = 0x00020010
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_SHORT = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
     b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_FIRST_READ = 1 << 16


class Lost(Exception):
    """The walker does not recognise what it sees."""


@dataclass(slots=True)
class Element:
    """The span of an element of the data set, and of its value."""

    start: int
    value: int
    end: int
    vr: str  # "" in implicit VR


@dataclass(slots=True)
class Window:
    """Bytes that grow from a file only when more are needed."""

    data: bytes
    read: Callable[[int], bytes] | None = None
    limits: Limits = DEFAULT

    def need(self, end: int) -> bool:
        """Make the bytes before ``end`` available; tell whether they exist."""
        if end > len(self.data) and self.read:
            more = self.read(max(end - len(self.data), len(self.data), _FIRST_READ))
            if not more:
                self.read = None
            self.data += more
            return self.need(end)
        return end <= len(self.data)


@dataclass(slots=True)
class DataSet:
    """A data set as walked: its encoding, and the elements that were asked for."""

    window: Window
    start: int
    implicit: bool
    big: bool
    deflated: bool
    elements: dict[int, Element] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)  # where an absent element would go

    def value(self, tag: int) -> tuple[bytes, str] | None:
        """Return the value bytes and VR of an element, or ``None`` where it is absent."""
        found = self.elements.get(tag)
        return (self.window.data[found.value : found.end], found.vr) if found else None


def walk(window: Window, wanted: Iterable[int]) -> DataSet:
    """Find the wanted elements at the top level of a Part 10 file.

    Raise `DocumentError` where the file is none or ends inside an element, `Lost` where it cannot
    be followed.
    """
    dataset = _open(window)
    tags = sorted(wanted)
    groups = {tag & 0xFFFF0000 for tag in tags}  # group lengths, which a change must mend
    window, position = dataset.window, dataset.start
    header = Struct(">HH" if dataset.big else "<HH")
    short, long = Struct(">H" if dataset.big else "<H"), Struct(">I" if dataset.big else "<I")
    last, index, previous = tags[-1], 0, -1
    while True:
        if not window.need(position + 8):
            if window.data[position:].strip(b"\0"):
                raise document_error("dicom/truncated", _location(previous))
            break
        data = window.data
        group, number = header.unpack_from(data, position)
        tag = group << 16 | number
        if tag <= previous:
            raise Lost
        previous = tag
        while index < len(tags) and tags[index] < tag:
            dataset.places.setdefault(tags[index], position)
            index += 1
        if tag > last:
            return dataset
        vr, start, length = _length(window, position, dataset.implicit, short, long)
        if length == _UNDEFINED:
            end = _skip_items(
                window, start, dataset.implicit or vr == b"UN", header, short, long, 0
            )
        else:
            end = start + length
        if tag in groups or (index < len(tags) and tags[index] == tag):
            if not window.need(end):
                raise document_error("dicom/truncated", _location(tag))
            dataset.elements[tag] = Element(position, start, end, vr.decode())
        elif not window.need(end):
            raise document_error("dicom/truncated", _location(tag))
        position = end
    for tag in tags[index:]:
        dataset.places.setdefault(tag, position)
    return dataset


def _open(window: Window) -> DataSet:
    """Read the file meta information and open the data set behind it."""
    if not window.need(132) or window.data[128:132] != b"DICM":
        raise document_error("dicom/not-part10", "")
    header, short, long = Struct("<HH"), Struct("<H"), Struct("<I")
    position, syntax = 132, ""
    while window.need(position + 8):
        group, number = header.unpack_from(window.data, position)
        if group != 2:
            break
        _, start, length = _length(window, position, False, short, long)
        position = start + length
        if not window.need(position):
            raise document_error("dicom/truncated", _location(group << 16 | number))
        if number == _TRANSFER_SYNTAX & 0xFFFF:
            syntax = window.data[start:position].rstrip(b"\0 ").decode("latin-1")
    if not syntax:
        raise Lost
    if syntax in DEFLATED:
        return DataSet(_inflate(window, position), 0, False, False, True)
    implicit, big = syntax == IMPLICIT_LITTLE, syntax == EXPLICIT_BIG
    if window.need(position + 6):
        # some writers lie about it: what follows the first tag is a VR, or it is not
        letters = window.data[position + 4 : position + 6]
        implicit = letters not in _SHORT and letters not in _LONG
    return DataSet(window, position, implicit, big, False)


def _inflate(window: Window, start: int) -> Window:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pending = window.data[start:]

    def read(size: int) -> bytes:
        nonlocal pending
        out = b""
        size = min(size, window.limits.inflated - len(inflated.data) + 1)
        while len(out) < size and not inflater.eof:
            if not pending and window.read:
                pending = window.read(_FIRST_READ)
            try:
                more = inflater.decompress(pending, size - len(out))
            except zlib.error:
                raise document_error("dicom/not-deflated", "") from None
            if not more and not inflater.unconsumed_tail and not window.read:
                break
            pending = inflater.unconsumed_tail
            out += more
            if len(inflated.data) + len(out) > window.limits.inflated:
                raise document_error("dicom/too-large", "", limit=window.limits.inflated)
        return out

    inflated = Window(b"", read, window.limits)
    return inflated


def _length(
    window: Window, position: int, implicit: bool, short: Struct, long: Struct
) -> tuple[bytes, int, int]:
    """Return VR, start and length of the value of the element at this position."""
    data = window.data
    if implicit:
        return b"", position + 8, long.unpack_from(data, position + 4)[0]
    vr = data[position + 4 : position + 6]
    if vr in _SHORT:
        return vr, position + 8, short.unpack_from(data, position + 6)[0]
    if vr not in _LONG:
        raise Lost
    if not window.need(position + 12):
        raise document_error("dicom/truncated", "")
    return vr, position + 12, long.unpack_from(window.data, position + 8)[0]


def _skip_items(
    window: Window,
    position: int,
    implicit: bool,
    header: Struct,
    short: Struct,
    long: Struct,
    depth: int,
) -> int:
    """Return the position behind the delimiter of a sequence (or of fragments) of undefined length."""
    if depth > window.limits.depth:
        raise document_error("dicom/too-deep", "", limit=window.limits.depth)
    while True:
        if not window.need(position + 8):
            raise document_error("dicom/truncated", "")
        group, number = header.unpack_from(window.data, position)
        tag = group << 16 | number
        length = long.unpack_from(window.data, position + 4)[0]
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise Lost
        if length != _UNDEFINED:
            position += length
            continue
        while True:  # the elements of an item of undefined length
            if not window.need(position + 8):
                raise document_error("dicom/truncated", "")
            group, number = header.unpack_from(window.data, position)
            if group << 16 | number == _ITEM_END:
                position += 8
                break
            vr, position, length = _length(window, position, implicit, short, long)
            if length == _UNDEFINED:
                inner = implicit or vr == b"UN"
                position = _skip_items(window, position, inner, header, short, long, depth + 1)
            else:
                position += length


def element(dataset: DataSet, tag: int, vr: str, value: bytes) -> bytes | None:
    """Encode an element, padded to even length; ``None`` where its value is too long for the VR."""
    order = ">" if dataset.big else "<"
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = Struct(order + "HH").pack(tag >> 16, tag & 0xFFFF)
    if dataset.implicit:
        return head + Struct(order + "I").pack(len(value)) + value
    if vr.encode() in _LONG:
        return head + vr.encode() + b"\0\0" + Struct(order + "I").pack(len(value)) + value
    if len(value) > 0xFFFE:
        return None
    return head + vr.encode() + Struct(order + "H").pack(len(value)) + value


def rewrite(data: bytes, dataset: DataSet, changes: dict[int, bytes | None]) -> bytes:
    """Replace, add and (``None``) remove elements; every other byte stays as it is.

    Group lengths, retired but still met, are mended. A deflated data set is deflated again.
    """
    content = data
    if dataset.deflated:
        while dataset.window.need(len(dataset.window.data) + 1):
            pass
        content = dataset.window.data
    edits: list[tuple[int, int, bytes]] = []
    grown: dict[int, int] = {}
    for tag, encoded in changes.items():
        found = dataset.elements.get(tag)
        start, end = (found.start, found.end) if found else (dataset.places[tag],) * 2
        edits.append((start, end, encoded or b""))
        grown[tag & 0xFFFF0000] = (
            grown.get(tag & 0xFFFF0000, 0) + len(encoded or b"") - (end - start)
        )
    order = Struct(">I" if dataset.big else "<I")
    for tag, more in grown.items():
        if (found := dataset.elements.get(tag)) and found.end - found.value == 4:
            length = order.unpack_from(content, found.value)[0]
            edits.append((found.value, found.end, order.pack((length + more) & _UNDEFINED)))
    out: list[bytes] = []
    start = 0
    for begin, end, encoded in sorted(edits, key=lambda edit: edit[0]):
        out += content[start:begin], encoded
        start = end
    content = b"".join([*out, content[start:]])
    if not dataset.deflated:
        return content
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(content) + deflater.flush()
    return data[: _data_set_start(data)] + packed + b"\0" * (len(packed) % 2)


def _data_set_start(data: bytes) -> int:
    header, short, long = Struct("<HH"), Struct("<H"), Struct("<I")
    window, position = Window(data), 132
    while window.need(position + 8) and header.unpack_from(data, position)[0] == 2:
        _, start, length = _length(window, position, False, short, long)
        position = start + length
    return position


def _location(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag >= 0 else ""
