"""DICOM Part 10: find elements at the top level of a data set.

The walker reads tag, VR and length only (PS3.5 7.1), skips sequences structurally (7.5) and seeks
over values, so pixel data is never read. Behind the last tag that is asked for it still looks at the
headers: a status may stand there too. It raises `Lost` where anything is out of the ordinary; then
`survey` looks at every element and says what is wrong, and raises `Lost` where pydicom has to be
asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10.plan import DEPTH, LONG, META, SHORT, Plan, Runs
from sopstatus.codecs.part10.window import Inflater, Window
from sopstatus.model import DocumentError
from sopstatus.values import tag_text

# Transfer syntaxes (PS3.5 annex A) that are not explicit VR little endian. Encapsulated ones are,
# Deflated Image Frame Compression too: it deflates frames (A.4.13)
IMPLICIT_LITTLE = b"1.2.840.10008.1.2"  # A.1
EXPLICIT_BIG = b"1.2.840.10008.1.2.2"  # A.3, retired
DEFLATED = frozenset(  # the whole data set is
    (
        b"1.2.840.10008.1.2.1.99",  # A.5, Deflated Explicit VR Little Endian
        b"1.2.840.10008.1.2.4.95",  # A.7, JPIP Referenced Deflate
        b"1.2.840.10008.1.2.4.205",  # A.12, JPIP HTJ2K Referenced Deflate
    )
)
UNDEFINED = 0xFFFFFFFF
FRAGMENTS = 64
"""How many fragments of encapsulated pixel data a walk that only reads seeks over."""
_BEHIND = 1 << 10  # bytes of a sequence behind the last tag that such a walk passes
_FRAMES = 0x52009230  # Per-frame Functional Groups Sequence is as long as there are frames
STRAY = (0x0000, 0x0002, 0xFFFE)  # commands, file meta information, delimiters
_HIGHEST = 0x00030000
_HIGHEST_STRAY = 0x0002FFFF
_DELIMITERS = 0xFFFE
_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_BYTES = (b"OB", b"OW")  # of undefined length they are fragments
_STEP = 64  # bytes of a sequence are passed as quickly as one value
_LEAP = 1 << 9  # bytes read behind a value
_CHUNK = 1 << 20
_NO_ZERO = re.compile(rb"[^\0]").search
_LOOK = 16  # bytes of the longest header, and the tag of the item that may follow
# by byte order: little, big
_EXPLICIT = Struct("<HH2sH").unpack_from, Struct(">HH2sH").unpack_from
_IMPLICIT = Struct("<HHI").unpack_from, Struct(">HHI").unpack_from
_LENGTH = Struct("<I").unpack_from, Struct(">I").unpack_from
_FIRST_ITEM = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"


class Lost(Exception):
    """The walker does not recognise what it sees."""


class _Long(Exception):
    """A sequence is longer than a walk that only reads looks into."""


class Element(NamedTuple):
    """The span of an element in its file (or in what was inflated), and its value."""

    start: int
    value: int
    end: int
    vr: str  # "" in implicit VR
    data: bytes


@dataclass(slots=True, eq=False)
class Findings:
    """What a survey finds out beside the elements.

    ``met`` has every element: its tag, where it begins and no bytes, or of several short ones in
    order the last tag, where the first begins, and their bytes; and at last where the data set ends.
    ``counts`` says how often each wanted tag stands there, ``faults`` what is wrong (issue code and
    tag; of each code the first), ``odd`` which wanted tags are sequences, or of a VR that is none.
    """

    met: list[tuple[int, int, bytes]] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)


_NONE = Findings()


@dataclass(slots=True)
class DataSet:
    """A data set as walked: its encoding, and the elements that were asked for.

    ``begin`` is where the data set follows the file meta information. ``doubtful``: what looks like
    one of the plan's nested elements, or its private creator, was passed. ``unseen`` is the tag
    behind which a walk that only reads did not look, 0 where it came to the end. A survey fills
    ``findings``.
    """

    window: Window
    begin: int
    implicit: bool
    big: bool
    deflated: bool
    elements: dict[int, Element] = field(default_factory=dict)
    doubtful: bool = False
    unseen: int = 0
    findings: Findings = _NONE

    def place(self, tag: int) -> int:
        """Return where an element belongs in a surveyed data set that has none of this tag."""
        found = next(one for one in self.findings.met if one[0] > tag)
        return next(at for other, at in self._each(*found) if other > tag)

    def count(self, tag: int) -> int:
        """Return how often a tag stands in a surveyed data set."""
        met = (one for one in self.findings.met if one[0] >= tag)
        return sum(other == tag for one in met for other, _ in self._each(*one))

    def passed(self) -> list[tuple[int, int]]:
        """Return every tag of a surveyed data set and where it begins, and at last where that ends."""
        return [one for met in self.findings.met for one in self._each(*met)]

    def _each(self, last: int, place: int, run: bytes) -> Iterator[tuple[int, int]]:
        if not run:
            yield last, place
        position = 0
        while position < len(run):
            tag, _, start, length = _header(run, position, implicit=False, big=False)
            yield tag, place + position
            position = start + length


def walk(
    window: Window, plan: Plan, *, quickly: bool = True, behind: bool | None = None
) -> DataSet:
    """Find the wanted elements at the top level of a Part 10 file.

    ``quickly`` passes runs of elements at one glance; it finds the same. ``behind`` says whether to
    look at the headers behind the last wanted tag: by default where that is cheap, and `unseen` says
    where it was not. Raise `DocumentError` where the file is none or ends inside an element that
    matters, `Lost` where anything is out of the ordinary.
    """
    dataset = opened(window, quickly=quickly)
    position, previous = _walk(dataset, plan, quickly=quickly)
    if behind is not False and previous >= 0:
        _look_behind(dataset, plan, position, previous, fully=behind is True)
    return dataset


def survey(window: Window, plan: Plan) -> DataSet:
    """Look at every element of the top level, as writing needs, and say what is wrong with it.

    Raise `DocumentError` as `walk` does, `Lost` where it cannot be followed.
    """
    dataset = opened(window)
    dataset.findings = Findings()
    dataset.findings.met.append((UNDEFINED, _survey(dataset, plan), b""))
    return dataset


def _walk(dataset: DataSet, plan: Plan, *, quickly: bool) -> tuple[int, int]:
    """Walk up to the last wanted tag; return where it ends, and the tag there, -1 at the end."""
    window, big, implicit = dataset.window, dataset.big, dataset.implicit
    position = 0 if dataset.deflated else dataset.begin - window.base
    runs = (plan.implicit if implicit else plan.explicit) if quickly and not big else None
    run = runs.top if runs else None
    wanted, looked, turn, previous = plan.wanted, plan.looked, plan.turn, -1
    data = window.data
    while True:
        if run:
            match = run(data, position)
            position = match.end()
            if match.lastindex:
                previous = _take(match.regs[1 : match.lastindex + 1], dataset, plan, previous)
                if previous < turn:
                    continue
                run = None
        if position + _LOOK > len(data):
            if window.source:
                position -= window.more(position, position + _LOOK)
                data = window.data
                continue
            if position + 8 > len(data):
                if data[position:].strip(b"\0"):
                    raise document_error("dicom/truncated", "")
                return position, -1
        tag, vr, start, length = _header(data, position, implicit=implicit, big=big)
        if tag > plan.last:
            return position, tag
        # what nobody asks for may stand in any order before the last group, as in a run
        if tag <= previous and (tag in wanted or previous >= turn):
            raise Lost
        if tag < _HIGHEST and tag >> 16 in STRAY:
            raise Lost
        if tag in wanted:
            if length == UNDEFINED or vr == b"SQ":
                raise Lost
            previous = tag
            run = None if tag >= turn else run
        if length == UNDEFINED:
            position = _skip_items(dataset, plan, runs, start, implicit or vr == b"UN")
            data = window.data
            continue
        end = start + length
        if not (implicit or tag in looked or vr == b"SQ") and end <= len(data):
            position = end
            continue
        position = _pass(dataset, plan, tag, vr, position, start, end, tag in wanted)
        data = window.data


def _pass(
    dataset: DataSet,
    plan: Plan,
    tag: int,
    vr: bytes,
    position: int,
    start: int,
    end: int,
    keep: bool,
) -> int:
    """Look at a value, or keep the element; return where it ends."""
    window, big, data = dataset.window, dataset.big, dataset.window.data
    items = (dataset.implicit or vr == b"SQ") and data[start : start + 4] == _FIRST_ITEM[big]
    looked = items or keep or tag in plan.creators
    if end > len(data):
        moved = window.more(position, end) if looked else window.skip(end)
        position, start, end, data = position - moved, start - moved, end - moved, window.data
        if end > len(data):
            raise document_error("dicom/truncated", tag_text(tag))
    if keep:
        _keep(dataset, tag, vr, position, start, end)
    elif looked:
        named = data.startswith(plan.name, start)
        dataset.doubtful |= bool(plan.occurs[big](data, start, end)) if items else named
    return end


def _look_behind(dataset: DataSet, plan: Plan, position: int, last: int, *, fully: bool) -> None:
    """Look at the headers behind the last wanted tag, from tag ``last`` on; the file may end anywhere."""
    window, big, implicit = dataset.window, dataset.big, dataset.implicit
    before = last - 1
    try:
        while True:
            inside = False
            while position + _LOOK > len(window.data) and window.source:
                position -= window.leap(position, _LEAP)
            if position + 8 > len(window.data):
                return
            tag, vr, start, length = _header(window.data, position, implicit=implicit, big=big)
            if tag <= before or tag >> 16 in STRAY:
                raise Lost
            before = tag
            if length != UNDEFINED:
                position = start + length
                continue
            if tag == _FRAMES and not fully:
                break
            inside = vr not in _BYTES  # a sequence, or what only looks like one
            found = _skip_behind(dataset, plan, start, vr, fully=fully)
            if found is None:
                break
            position = found
    except DocumentError as error:  # it concerns what is not read
        if error.issues[0].code == "dicom/truncated" and not inside:
            return
    dataset.unseen = max(before, last)


def _skip_behind(dataset: DataSet, plan: Plan, start: int, vr: bytes, *, fully: bool) -> int | None:
    """Return the position behind a value of undefined length; ``None`` where only that would be slow."""
    if vr in _BYTES:
        return _skip_fragments(dataset, start, UNDEFINED if fully else FRAGMENTS)
    doubtful, dataset.doubtful = dataset.doubtful, True  # nobody asks what stands inside here
    runs = None if dataset.big else plan.implicit if dataset.implicit else plan.explicit
    most = UNDEFINED if fully else _BEHIND
    try:
        return _skip_items(dataset, plan, runs, start, dataset.implicit or vr == b"UN", most)
    except _Long:
        return None
    finally:
        dataset.doubtful = doubtful


def _skip_fragments(dataset: DataSet, position: int, most: int) -> int | None:
    """Return the position behind the fragments of pixel data (PS3.5 A.4), ``None`` beyond ``most``."""
    window, big = dataset.window, dataset.big
    for _ in range(most):
        while position + 8 > len(window.data) and window.source:
            position -= window.leap(position, _LEAP)
        if position + 8 > len(window.data):
            raise document_error("dicom/truncated", "")
        group, number, length = _IMPLICIT[big](window.data, position)
        tag = group << 16 | number
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM or length == UNDEFINED:
            raise Lost
        position += length
    return None


def _survey(dataset: DataSet, plan: Plan) -> int:
    """Pass every element; return where the last one ends."""
    window, big, implicit = dataset.window, dataset.big, dataset.implicit
    position, highest = 0 if dataset.deflated else dataset.begin - window.base, -1
    runs = None if big else plan.implicit if implicit else plan.explicit
    met, counts, faults = dataset.findings.met, dataset.findings.counts, dataset.findings.faults
    while True:
        position, highest = _pass_ordinary(dataset, plan, position, highest)
        while position + _LOOK > len(window.data) and window.source:
            position -= window.leap(position, max(window.first_read, _LOOK))
        end = window.base + position
        position = _skip_padding(window, position)
        if position + 8 > len(window.data):
            if highest <= plan.last and window.data[position:].strip(b"\0"):
                raise document_error("dicom/truncated", "")
            return end
        place = window.base + position
        if place > end:
            faults.setdefault("dicom/stray", 0)
        group, number, _ = _IMPLICIT[big](window.data, position)
        if group == _DELIMITERS:
            faults.setdefault("dicom/stray", group << 16 | number)
            position += 8
            continue
        wanted = False
        try:
            tag, vr, start, length = _guessed(dataset, plan, position)
            wanted = tag in plan.wanted
            if group in STRAY:
                faults.setdefault("dicom/stray", tag)
            elif tag < highest or (tag == highest and not wanted):
                faults.setdefault("dicom/order", tag)
            highest = max(highest, tag)
            met.append((tag, place, b""))
            keep = tag in plan.groups and tag not in counts
            counts[tag] = counts.get(tag, 0) + 1
            if wanted and (length == UNDEFINED or vr == b"SQ"):
                dataset.findings.odd.add(tag)
                keep = False
            if length == UNDEFINED and highest > plan.last:
                found = _skip_behind(dataset, plan, start, vr, fully=True)
                position = len(window.data) if found is None else found
            elif length == UNDEFINED:
                position = _skip_items(dataset, plan, runs, start, implicit or vr == b"UN")
            elif highest > plan.last and not keep:
                position = start + length
            else:
                position = _pass(dataset, plan, tag, vr, position, start, start + length, keep)
        except DocumentError as error:
            # what is inflated has an end of its own, which has to be there
            cut = error.issues[0].code == "dicom/truncated" and not window.source
            if wanted or highest <= plan.last or not cut:
                raise
            return window.base + len(window.data)


def _pass_ordinary(dataset: DataSet, plan: Plan, begin: int, highest: int) -> tuple[int, int]:
    """Pass short elements in order, and keep those of the plan; return where they end, and the highest tag."""
    if dataset.implicit or dataset.big:
        return begin, highest
    data, base, findings = dataset.window.data, dataset.window.base, dataset.findings
    header, stops, groups = _EXPLICIT[False], plan.stops, plan.groups
    position, size, previous = begin, len(data), max(highest, _HIGHEST_STRAY)
    while position + _LOOK <= size:
        group, number, vr, length = header(data, position)
        tag, end = group << 16 | number, position + 8 + length
        if tag <= previous or vr not in SHORT or end > size or group == _DELIMITERS:
            break
        if tag in stops:
            if tag not in groups:
                break
            _keep(dataset, tag, vr, position, position + 8, end)
            findings.counts[tag] = 1
        position, previous = end, tag
    if position == begin:
        return begin, highest
    findings.met.append((previous, base + begin, data[begin:position]))
    return position, previous


def _skip_padding(window: Window, position: int) -> int:
    """Pass zeros behind an element, by whole headers: a kilobyte of them counts as an element."""
    begin, most = window.base + position, 1024 * window.limits.elements
    while window.data[position : position + 8] == bytes(8):
        found = _NO_ZERO(window.data, position)
        position += ((found.start() if found else len(window.data)) - position) // 8 * 8
        if window.base + position - begin > most:
            raise document_error("dicom/too-many-elements", "", limit=window.limits.elements)
        if position + 8 > len(window.data) and window.source:
            position -= window.leap(position, _CHUNK)
    return position


def _guessed(dataset: DataSet, plan: Plan, position: int) -> tuple[int, bytes, int, int]:
    """Do what `_header` does; what has a VR that is none ends where an element or the file does."""
    window, big = dataset.window, dataset.big
    try:
        return _header(window.data, position, implicit=dataset.implicit, big=big)
    except Lost:
        group, number, _, short = _EXPLICIT[big](window.data, position)
    tag = group << 16 | number
    # VRs to come have 32 bits behind two zeros (PS3.5 7.1.2), else DCMTK reads 16
    guesses = [(position + 8, short)]
    if not short and position + 12 <= len(window.data):
        guesses.insert(0, (position + 12, _LENGTH[big](window.data, position + 8)[0]))
    for start, length in guesses:
        if _is_plausible(window, start + length):
            dataset.findings.faults.setdefault("dicom/unknown-vr", tag)
            if tag in plan.wanted:
                dataset.findings.odd.add(tag)
            return tag, b"", start, length
    raise Lost


def _is_plausible(window: Window, position: int) -> bool:
    """Tell whether an element in explicit VR, or nothing, begins here."""
    found = window.glance(position - 1, 9)  # a byte before it tells of the end
    if len(found) < 2:
        return len(found) == 1
    return found[5:7] in SHORT or found[5:7] in LONG or not any(found[1:])


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
        raise document_error("dicom/truncated", tag_text(group << 16 | number))
    return group << 16 | number, vr, position + 12, _LENGTH[big](data, position + 8)[0]


def _take(spans: Iterable[tuple[int, int]], dataset: DataSet, plan: Plan, previous: int) -> int:
    """Keep the wanted elements that a run has passed; return the last one's tag."""
    base, data, elements = dataset.window.base, dataset.window.data, dataset.elements
    head, made = 4 if dataset.implicit else 6, tuple.__new__  # half the time of Element()
    for start, end in spans:
        if (found := plan.marks.get(data[start : start + head])) is None:
            if previous >= plan.turn:
                raise Lost
            dataset.doubtful = True  # the creator
            continue
        tag, vr = found
        if tag <= previous:
            raise Lost
        previous, value = tag, start + 8
        elements[tag] = made(Element, (base + start, base + value, base + end, vr, data[value:end]))
    return previous


def _keep(dataset: DataSet, tag: int, vr: bytes, position: int, start: int, end: int) -> None:
    base, value = dataset.window.base, dataset.window.data[start:end]
    span = base + position, base + start, base + end
    dataset.elements[tag] = Element(*span, vr.decode(), value)


def opened(window: Window, *, quickly: bool = True) -> DataSet:
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
                raise document_error("dicom/truncated", tag_text(tag))
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
    dataset: DataSet,
    plan: Plan,
    runs: Runs | None,
    position: int,
    implicit: bool,
    most: int = UNDEFINED,
) -> int:
    """Return the position behind a sequence (or fragments) of undefined length (PS3.5 7.5).

    What stands inside is in implicit VR or not; it is told of, never read. Raise `_Long` beyond
    ``most`` bytes.
    """
    window, big = dataset.window, dataset.big
    data, deepest, stop = window.data, window.limits.depth, window.base + position + most
    levels = [implicit]  # of the sequences that are open: is it in implicit VR?
    in_item = False
    while levels:
        if len(levels) > deepest:
            raise document_error("dicom/too-deep", "", limit=deepest)
        if window.base + position > stop:
            raise _Long
        if runs and levels[-1] == dataset.implicit and len(levels) + DEPTH <= deepest:
            run = runs.item if in_item else runs.sequence
            position = run(data, position, min(stop - window.base, len(data))).end()
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
            stop += max(end - start - _STEP, 0)  # to seek over a value takes as long as a short one
            if looked:
                dataset.doubtful = plan.occurs[big](data, start, end) is not None
            position = end
    return position
