"""DICOM Part 10: find elements at the top level of a data set, and read nothing behind them.

The walker reads tag, VR and length only (PS3.5 7.1), skips sequences structurally (7.5) and stops
behind the last tag that is asked for, so pixel data is never read. Where it does not recognise what
it sees it raises `Lost`, and the caller asks pydicom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10_plan import DEPTH, LONG, META, SHORT, Plan, Runs
from sopstatus.codecs.part10_window import Inflater, Window

IMPLICIT_LITTLE = b"1.2.840.10008.1.2"
EXPLICIT_BIG = b"1.2.840.10008.1.2.2"
DEFLATED = (b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.8.1")
UNDEFINED = 0xFFFFFFFF
_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LOOK = 16  # bytes of the longest header, and the tag of the item that may follow
# by byte order: little, big
_EXPLICIT = Struct("<HH2sH").unpack_from, Struct(">HH2sH").unpack_from
_IMPLICIT = Struct("<HHI").unpack_from, Struct(">HHI").unpack_from
_LENGTH = Struct("<I").unpack_from, Struct(">I").unpack_from
_FIRST_ITEM = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"


class Lost(Exception):
    """The walker does not recognise what it sees."""


class Element(NamedTuple):
    """The span of an element in its file (or in what was inflated), and its value."""

    start: int
    value: int
    end: int
    vr: str  # "" in implicit VR
    data: bytes


@dataclass(slots=True)
class DataSet:
    """A data set as walked: its encoding, and the elements that were asked for.

    ``begin`` is where the data set follows the file meta information. ``doubtful``: what looks like
    one of the plan's nested elements, or its private creator, was passed.
    """

    window: Window
    begin: int
    implicit: bool
    big: bool
    deflated: bool
    elements: dict[int, Element] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)  # where an absent element would go
    doubtful: bool = False


def walk(window: Window, plan: Plan, *, strictly: bool = False, quickly: bool = True) -> DataSet:
    """Find the wanted elements at the top level of a Part 10 file.

    ``strictly`` looks at every element on the way, as writing needs: it finds group lengths and the
    places of absent elements. ``quickly`` passes runs of elements at one glance; it finds the same.
    Raise `DocumentError` where the file is none or ends inside an element, `Lost` where it cannot
    be followed.
    """
    dataset = _open(window, quickly=quickly)
    try:
        if strictly:
            _walk_strictly(dataset, plan)
        else:
            _walk(dataset, plan, quickly=quickly)
    except Lost:
        if dataset.deflated:
            dataset.window.drain()
        raise
    return dataset


def _walk_strictly(dataset: DataSet, plan: Plan) -> None:
    passed: list[tuple[int, int]] = []
    end = _walk(dataset, plan, passed, quickly=False)
    passed.append((plan.last + 1, end))
    for tag in plan.tags:
        dataset.places[tag] = next(at for other, at in passed if other > tag)


def _walk(
    dataset: DataSet, plan: Plan, passed: list[tuple[int, int]] | None = None, *, quickly: bool
) -> int:
    """Walk the top level, and return where it ends; ``passed`` collects tags and their places."""
    window, big, implicit = dataset.window, dataset.big, dataset.implicit
    position = 0 if dataset.deflated else dataset.begin - window.base
    runs = (plan.implicit if implicit else plan.explicit) if quickly and not big else None
    run = runs.top if runs else None
    wanted = plan.wanted if passed is None else plan.groups
    data, previous = window.data, -1
    while True:
        if run:
            match = run(data, position)
            position = match.end()
            if match.lastindex:
                previous = _take(match, dataset, plan, previous)
        if position + _LOOK > len(data):
            if window.source:
                position -= window.more(position, position + _LOOK)
                data = window.data
                continue
            if position + 8 > len(data):
                if data[position:].strip(b"\0"):
                    raise document_error("dicom/truncated", "")
                break
        tag, vr, start, length = _header(data, position, implicit=implicit, big=big)
        if tag <= previous:
            raise Lost
        previous = tag
        if passed is not None:
            passed.append((tag, window.base + position))
        if tag > plan.last:
            break
        if tag in plan.wanted and (vr == b"SQ" or length == UNDEFINED):
            raise Lost
        if length == UNDEFINED:
            position = _skip_items(dataset, plan, runs, start, implicit or vr == b"UN")
            data = window.data
            continue
        end = start + length
        items = (implicit or vr == b"SQ") and data[start : start + 4] == _FIRST_ITEM[big]
        looked = items or tag in wanted or tag in plan.creators
        if end > len(data):
            moved = window.more(position, end) if looked else window.skip(end)
            position, start, end, data = position - moved, start - moved, end - moved, window.data
            if end > len(data):
                raise document_error("dicom/truncated", _location(tag))
        if tag in wanted:
            _keep(dataset, tag, vr, position, start, end)
        elif looked:
            named = data.startswith(plan.name, start)
            dataset.doubtful |= bool(plan.occurs[big](data, start, end)) if items else named
        position = end
    return window.base + position


def _header(
    data: bytes, position: int, *, implicit: bool, big: bool
) -> tuple[int, bytes, int, int]:
    """Return tag, VR, and start and length of the value, of the element at this position."""
    if implicit:
        group, number, length = _IMPLICIT[big](data, position)
        return group << 16 | number, b"", position + 8, length
    group, number, vr, length = _EXPLICIT[big](data, position)
    if vr in SHORT:
        return group << 16 | number, vr, position + 8, length
    if vr not in LONG:
        raise Lost
    if position + 12 > len(data):
        raise document_error("dicom/truncated", _location(group << 16 | number))
    return group << 16 | number, vr, position + 12, _LENGTH[big](data, position + 8)[0]


def _take(match: re.Match[bytes], dataset: DataSet, plan: Plan, previous: int) -> int:
    """Keep the wanted elements that a run has passed; return the tag of the last."""
    base, data, implicit = dataset.window.base, dataset.window.data, dataset.implicit
    spans = match.regs
    passed = spans[0][1]
    for mark, tag in plan.marks:
        at = spans[mark][0]
        if at < 0 or at >= passed:  # behind it, a mark is left of a try
            continue
        if tag not in plan.wanted:
            dataset.doubtful = True  # the creator
            continue
        if tag <= previous:
            raise Lost
        previous, value = tag, at + 4
        end = value + data[at if implicit else at + 2]  # a run's lengths fit into a byte
        vr = "" if implicit else data[at : at + 2].decode()
        span = base + at - 4, base + value, base + end, vr, data[value:end]
        dataset.elements[tag] = tuple.__new__(Element, span)  # half the time
    return previous


def _keep(dataset: DataSet, tag: int, vr: bytes, position: int, start: int, end: int) -> None:
    base, value = dataset.window.base, dataset.window.data[start:end]
    span = base + position, base + start, base + end
    dataset.elements[tag] = Element(*span, vr.decode(), value)


def _open(window: Window, *, quickly: bool = True) -> DataSet:
    """Read the file meta information (PS3.10 7.1) and open the data set behind it."""
    window.more(0, 132)
    data, position, syntax = window.data, 132, b""
    if data[128:132] != b"DICM":
        raise document_error("dicom/not-part10", "")
    if quickly:
        match = META(data, position)
        position, at = match.end(), match.start(1) + 4
        if 4 <= at < position:
            syntax = data[at : at + data[at - 2]].rstrip(b"\0 ")
    while True:
        if position + _LOOK > len(data):
            position -= window.more(position, position + _LOOK)
            data = window.data
            if position + 8 > len(data):
                break
        if data[position : position + 2] != b"\2\0":
            break
        tag, _, start, length = _header(data, position, implicit=False, big=False)
        position = start + length
        if position > len(data):
            moved = window.more(start, position)
            start, position, data = start - moved, position - moved, window.data
            if position > len(data):
                raise document_error("dicom/truncated", _location(tag))
        if tag == _TRANSFER_SYNTAX:
            syntax = data[start:position].rstrip(b"\0 ")
    if not syntax:
        raise Lost
    begin = window.base + position
    if syntax in DEFLATED:
        inflater = Inflater(data[position:], window.source, window.limits)
        inflated = Window(b"", inflater, window.limits, window.first_read)
        return DataSet(inflated, begin, False, False, True)
    # some writers lie about it: what follows the first tag is a VR, or it is not
    letters = data[position + 4 : position + 6]
    implicit = (
        letters not in SHORT and letters not in LONG
        if len(letters) == 2
        else syntax == IMPLICIT_LITTLE
    )
    return DataSet(window, begin, implicit, syntax == EXPLICIT_BIG, False)


def _skip_items(
    dataset: DataSet, plan: Plan, runs: Runs | None, position: int, implicit: bool
) -> int:
    """Return the position behind a sequence (or fragments) of undefined length (PS3.5 7.5).

    What stands inside is in implicit VR or not; it is told of, never read.
    """
    window, big = dataset.window, dataset.big
    data, deepest = window.data, window.limits.depth
    levels = [implicit]  # of the sequences that are open: is it in implicit VR?
    in_item = False
    while levels:
        if len(levels) > deepest:
            raise document_error("dicom/too-deep", "", limit=deepest)
        if runs and levels[-1] == dataset.implicit and len(levels) + DEPTH <= deepest:
            position = (runs.item if in_item else runs.sequence)(data, position).end()
        if position + _LOOK > len(data):
            if window.source:
                position -= window.more(position, position + _LOOK)
                data = window.data
                continue
            if position + 8 > len(data):
                raise document_error("dicom/truncated", "")
        delimits = data[position : position + 2] == _FIRST_ITEM[big][:2]
        tag, vr, start, length = _header(data, position, implicit=delimits or levels[-1], big=big)
        if tag == (_ITEM_END if in_item else _SEQUENCE_END):
            if not in_item:
                levels.pop()
            position, in_item = start, not in_item  # in the item that surrounds the sequence
        elif in_item == delimits or (delimits and tag != _ITEM):
            raise Lost
        elif length == UNDEFINED:
            dataset.doubtful |= tag in plan.nested
            if in_item:
                levels.append(levels[-1] or vr == b"UN")
            position, in_item = start, not in_item
        else:
            dataset.doubtful |= tag in plan.nested
            # in implicit VR what begins with an item may be a sequence
            items = vr == b"SQ" or (levels[-1] and data[start : start + 4] == _FIRST_ITEM[big])
            looked = not dataset.doubtful and (delimits or items)
            end = start + length
            if end > len(data):
                moved = window.more(start, end) if looked else window.skip(end)
                start, end, data = start - moved, end - moved, window.data
                if end > len(data):
                    raise document_error("dicom/truncated", "")
            if looked:
                dataset.doubtful = plan.occurs[big](data, start, end) is not None
            position = end
    return position


def _location(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
