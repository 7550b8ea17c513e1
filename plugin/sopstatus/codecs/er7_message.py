"""Where messages, orders and Z segments begin in a document: one search, nothing cut that is not asked for.

A segment begins behind a CR or LF, whatever the character set (none has a CR or LF inside a
character), so its name is looked for there and the lines between are never made.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sopstatus.values import parse_dt

CHARACTER_SETS = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp_2",
    "ISO IR159": "iso2022_jp_2",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
}
"""Python's codec for each term of HL7 table 0211 whose bytes can be cut at CR."""
_JAPANESE = ("ISO IR87", "ISO IR159")

# what divides a document and a message into orders; the names of the tables come to these
_DIVIDERS = ("MSH", "PID", "ORC", "OBR", "IPC", "ZDS")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FRAME = b"\x0b\x1c"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_REMEMBERED = 64


class Delimiters(NamedTuple):
    """MSH-1 and the characters of MSH-2; an empty text = the message has none."""

    field: str
    component: str
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""
    truncation: str = ""


class Segment(NamedTuple):
    """A line of the document: the span of its content, and the end of its terminator."""

    name: str
    start: int
    end: int
    after: int


class _Marks(NamedTuple):
    """Where the segments of some names begin, in order, and what they are called."""

    wanted: frozenset[str]
    starts: list[int]
    names: list[str]


@dataclass(slots=True)
class Message:
    """One message of a document, from its MSH to the next: delimiters, character set, segments."""

    delimiters: Delimiters | None  # None: MSH-1 and MSH-2 cannot be used
    charset: str | None  # None: bytes of MSH-18's character set cannot be cut
    charset_term: str
    terminator: bytes
    kind: str  # MSH-9.1
    time: bytes  # MSH-7
    document: bytes
    start: int
    end: int
    marks: _Marks
    prefix: str = ""  # of a location in it: ``message[2] `` where the document has several
    _offset: str | None = None

    @property
    def offset(self) -> str:
        """The offset of MSH-7, for a DTM that has none."""
        if self._offset is None:
            time = self.time.decode("latin-1")
            time = time.split(self.delimiters.component)[0] if self.delimiters else ""
            self._offset = parsed.offset if (parsed := parse_dt(time)) else ""
        return self._offset

    @property
    def header(self) -> Segment:
        """The MSH."""
        return segment_at(self.document, self.start, self.end)

    @property
    def segments(self) -> list[Segment]:
        """Every segment, MSH first, batch segments behind the message too; they are cut anew."""
        return segments(self.document, self.start, self.end)

    def marked(self, start: int = 0, end: int = -1) -> Iterator[tuple[int, str]]:
        """Yield start and name of each segment that was looked for, between two places."""
        starts, names = self.marks.starts, self.marks.names
        end = self.end if end < 0 else end
        for index in range(bisect_left(starts, start or self.start), len(starts)):
            if starts[index] >= end:
                return
            if self.ends_name(starts[index] + 3):
                yield starts[index], names[index]

    def ends_name(self, at: int) -> bool:
        """Tell whether a segment ID ends here; it has three characters, so ``ZDS1`` is no ZDS."""
        separator, found = (
            self.document[self.start + 3 : self.start + 4],
            self.document[at : at + 1],
        )
        if found in (separator, b"\r", b"\n"):
            return True
        # a frame character ends a line, and nothing else
        return found in _FRAME and segment_at(self.document, at, len(self.document)).end == at


def messages(document: bytes, charset: str = "", names: tuple[str, ...] = ()) -> list[Message]:
    """Find the messages of a document; ``charset`` overrules MSH-18.

    ``names`` are the segments that will be asked for. What stands before the first MSH (frame
    characters, FHS, BHS) belongs to no message.
    """
    marks = _marks(document, names)
    found: list[Message] = []
    for start, name in zip(marks.starts, marks.names, strict=True):
        if name == "MSH":
            line = segment_at(document, start, len(document))
            if line.end - start > 3:
                if found:
                    found[-1].end = start
                found.append(_message(document, line, charset, marks))
    if len(found) > 1:
        for number, item in enumerate(found, 1):
            item.prefix = f"message[{number}] "
    return found


def _marks(document: bytes, names: tuple[str, ...]) -> _Marks:
    wanted, first, behind_cr, behind_lf = _patterns(names)
    hits = [(m.start(1), m[1]) for m in behind_cr.finditer(document)]
    if start := first.match(document):
        hits.insert(0, (start.start(1), start[1]))
    if b"\n" in document:
        hits += [(m.start(1), m[1]) for m in behind_lf.finditer(document)]
        hits.sort()
    return _Marks(wanted, [hit[0] for hit in hits], [hit[1].decode("ascii") for hit in hits])


@lru_cache(maxsize=64)
def _patterns(
    names: tuple[str, ...],
) -> tuple[frozenset[str], re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    # each begins with one literal, which is looked for with memchr, and most lines are OBX
    wanted = frozenset((*_DIVIDERS, *names))
    name = b"[\x0b\x1c]*(" + b"|".join(n.encode("ascii") for n in sorted(wanted)) + b")"
    return (
        wanted,
        re.compile(b"(?:\xef\xbb\xbf(?=[^\x0b\x1c]))?" + name),
        re.compile(b"\r(?!OBX)" + name),
        re.compile(b"\n(?!OBX)" + name),
    )


def plain_header(document: bytes, names: tuple[str, ...]) -> Message | None:
    """Return the message of a document that begins with MSH, has CR and no other message or order.

    ``None`` where there may be more to it: `messages` looks closer.
    """
    if b"\n" in document or not document.startswith(b"MSH"):
        return None
    wanted, _, behind_cr, _ = _patterns(names)
    if not _ONE_ORDER.fullmatch(b"".join(behind_cr.findall(document))):
        return None
    end = document.find(b"\r")
    if end < 9 or document[end - 1] in _FRAME:
        return None
    return _message(document, Segment("MSH", 0, end, end + 1), "", _Marks(wanted, [], []))


_ONE_ORDER = re.compile(b"(?:PID)?(?:ORC)?(?:OBR)?")


def _message(document: bytes, line: Segment, charset: str, marks: _Marks) -> Message:
    raw = document[line.start : line.end]
    fields = raw.split(raw[3:4], 18)
    terms = fields[17] if len(fields) > 17 else b""
    short = len(terms) + len(fields[1]) <= _LONGEST_REMEMBERED
    read = _dialect if short else _dialect.__wrapped__
    delimiters, codec, term = read(raw[3:4], fields[1], terms, charset)
    kind = fields[8].decode("latin-1") if len(fields) > 8 else ""
    return Message(
        delimiters,
        codec,
        term,
        document[line.end : line.after].strip(_FRAME) or b"\r",
        kind.split(delimiters.component, 1)[0].strip().upper() if delimiters else "",
        fields[6] if len(fields) > 6 else b"",
        document,
        line.start,
        len(document),
        marks,
    )


@lru_cache(maxsize=256)
def _dialect(
    separator: bytes, encoding: bytes, terms: bytes, charset: str
) -> tuple[Delimiters | None, str | None, str]:
    """Return the delimiters, Python's codec and the term of MSH-18."""
    delimiters = Delimiters(*(separator + (encoding[:5] or b"^")).decode("latin-1"))
    used = "".join(delimiters)
    usable = len(set(used)) == len(used) and all(
        "!" <= c <= "~" and not c.isalnum() and c != '"' for c in used
    )
    if not delimiters.escape and set("\\=") & set(used):
        usable = False  # then a verbatim text could not be written
    if not usable or len(encoding) > 5:
        return None, "ascii", ""
    if charset:
        return delimiters, charset, ""
    text = terms.decode("latin-1")
    names = text.split(delimiters.repetition) if delimiters.repetition else [text]
    names = [name.split(delimiters.component)[0].strip().upper() for name in names]
    japanese = next((name for name in names[1:] if name in _JAPANESE), "")
    term = japanese or names[0]
    return delimiters, CHARACTER_SETS.get(term) if term else "ascii", term


def segment_at(document: bytes, start: int, end: int) -> Segment:
    """Return the segment that begins here, behind frame characters."""
    match = _LINE.match(document, start, end)
    assert match
    stop = match.end(1)
    while stop > start and document[stop - 1] in _FRAME:
        stop -= 1
    return Segment(document[start : start + 3].decode("latin-1"), start, stop, match.end())


def segments(document: bytes, start: int, end: int) -> list[Segment]:
    """Cut a part of the document into its segments; blank lines and frame characters are none."""
    found: list[Segment] = []
    for match in _LINE.finditer(document, start, end):
        first, last = match.span(1)
        while first < last and document[first] in _FRAME:
            first += 1
        while last > first and document[last - 1] in _FRAME:
            last -= 1
        if first < last:
            name = document[first : first + 3].decode("latin-1")
            found.append(Segment(name, first, last, match.end()))
    return found


def starts(message: Message, name: str) -> Iterator[int]:
    """Yield where each segment of this name begins."""
    if name in message.marks.wanted:
        yield from (start for start, found in message.marked() if found == name)
    else:
        named = (s.start for s in message.segments if s.name == name)
        yield from (start for start in named if message.ends_name(start + 3))


def numbered(message: Message, name: str) -> Iterator[tuple[int, Segment]]:
    """Yield the segments of this name with their number in the message, from 1."""
    for number, start in enumerate(starts(message, name), 1):
        yield number, segment_at(message.document, start, message.end)
