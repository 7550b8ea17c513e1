"""The header of a large DICOM file: every element in its place, long binary values emptied."""

from __future__ import annotations

from itertools import pairwise
from typing import BinaryIO

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10.plan import Plan
from sopstatus.codecs.part10.walk import Lost, survey
from sopstatus.codecs.part10.window import File, Window
from sopstatus.codecs.shared.data_set import TWINS
from sopstatus.limits import Limits
from sopstatus.model import DocumentError

LARGEST = 48 << 20
"""Bytes of a file that a page can hold."""
_LONG = 1 << 17
_BINARY = (
    b"OB",
    b"OD",
    b"OF",
    b"OL",
    b"OV",
    b"OW",
)  # 32 bits of length behind two zeros (PS3.5 7.1.2)
_PIXELS = b"\xe0\x7f"


def header(file: BinaryIO, limits: Limits) -> bytes:
    """Return what a page reads of a Part 10 file.

    Of one that is not in order, for which every byte may count, that is the whole. Raise
    `DocumentError` where it is too large.
    """
    size = file.seek(0, 2)
    file.seek(0)
    long = _long(file, limits, size)
    if size - sum(end - value for value, end in long) > LARGEST:
        raise document_error("document/too-large", "", limit=LARGEST)
    pieces, at = [], 0
    for value, end in [*long, (size, size)]:
        file.seek(at)
        piece = file.read(value - at)
        pieces.append(piece if value == size else piece[:-4] + bytes(4))
        at = end
    return b"".join(pieces)


def _long(file: BinaryIO, limits: Limits, size: int) -> list[tuple[int, int]]:
    """Return where long binary values begin and end; of a file that is not in order, none."""
    try:
        found = survey(Window(b"", File(file), limits), Plan(TWINS.values()))
    except (Lost, DocumentError):
        return []
    told, passed = found.findings, found.passed()
    if found.deflated or found.big or told.faults or told.odd or passed[-1][1] != size:
        return []
    if any(count > 1 for count in told.counts.values()):
        return []
    long = []
    for (_, start), (_, end) in pairwise(passed):
        if end - start > _LONG:
            file.seek(start)
            head = file.read(6)
            if head[:2] == _PIXELS if found.implicit else head[4:] in _BINARY:
                long.append((start + (8 if found.implicit else 12), end))
    return long
