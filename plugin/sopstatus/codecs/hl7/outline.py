"""Where messages, orders and Z segments begin in a document: one search, nothing cut that is not asked for.

What ends the MSH ends the segments of its message: where that is a CR alone, an LF is text
(HL7 v2 2.4.1, 2.5.4). No character set has a CR or LF inside a character, so a segment's name is
looked for behind them and the lines between are never made.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from sopstatus._lazily import pattern
from sopstatus.table.language import HL7_CHARACTER_SETS, OTHER_CHARACTER_SETS
from sopstatus.values import parse_dt

_JAPANESE = ("ISO IR87", "ISO IR159")
_SPELLING = pattern(r"[^A-Z0-9]")
# of names without their punctuation: what is no superset of ASCII, or may be none
_OTHER_BYTES = pattern(r"UTF(?!8)|UCS|10646|CNS|JISX|HZ|EBCDIC|IBM|646|IR\d{1,2}$|CP(?!125)|^\d+$")

# what divides a document and a message into orders; the names of the tables come to these
_DIVIDERS = ("MSH", "PID", "ORC", "OBR", "IPC", "ZDS")
_LINE = pattern(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_CR_LINE = pattern(rb"([^\r]*)(\r\n|\r|\Z)")
_FRAME = b"\x0b\x1c\x00"  # of MLLP, and what pads a message: no part of a segment at its ends
_BLANK = b"\r\n\t \x0b\x1c\x00"
_NO_LINE = b"\n\x0b\x1c\x00"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_REMEMBERED = 64
_FIELDS_OF_MSH = 21  # up to 2.6; what follows in 2.7 is in no message that has nothing else


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


_NO_MARKS = _Marks(frozenset(), [], [])


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
    charset_note: str = ""  # the code of an issue about MSH-18
    only_cr: bool = False  # the MSH ends in CR: an LF is text
    is_object: bool = False  # cut by a library: what it calls a field is one
    written_as: tuple[str, str] | None = None  # codec and term of MSH-18, of text decoded before
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
    def has_lost_line_ends(self) -> bool:
        """Tell whether other segments stand in the MSH, or what curl -d leaves of them, and none behind it."""
        line, document = self.header, self.document
        if line.after < self.end and document[line.after] not in _BLANK:
            return False
        mark = re.escape(document[self.start + 3 : self.start + 4])
        fields = re.compile(mark.join([rb"[^\r\n]*?"] * 12)).match(document, self.start, line.end)
        if not fields or document[line.after : self.end].strip(_BLANK):
            return False
        separator = document[self.start + 3 : self.start + 4]
        if document[self.start : line.end].rstrip(separator).count(separator) >= _FIELDS_OF_MSH:
            return True
        names = b"|".join(name.encode("ascii") for name in sorted(self.marks.wanted - {"MSH"}))
        found = re.compile(b"(?:" + names + b")" + mark)
        return found.search(document, fields.end(), line.end) is not None

    @property
    def header(self) -> Segment:
        """The MSH."""
        return segment_at(self.document, self.start, self.end)

    @property
    def segments(self) -> list[Segment]:
        """Every segment, MSH first, batch segments behind the message too; they are cut again."""
        return segments(self.document, self.start, self.end, self.only_cr)

    def segment_at(self, start: int) -> Segment:
        """Return the segment that begins here."""
        return segment_at(self.document, start, self.end, self.only_cr)

    def line_at(self, place: int, start: int) -> int:
        """Return where the segment begins that has this place in it; none begins before ``start``."""
        document = self.document
        begin = document.rfind(b"\r", start, place) + 1 or start
        if not self.only_cr:
            begin = document.rfind(b"\n", begin, place) + 1 or begin
        while document[begin] in _NO_LINE:
            begin += 1
        return begin

    def last_line(self, start: int, end: int) -> Segment:
        """Return the last segment that is not blank, between two places."""
        stop = end
        while self.document[stop - 1] in _BLANK:
            stop -= 1
        return segment_at(self.document, self.line_at(stop, start), end, self.only_cr)

    def hidden(self, start: int = 0, end: int = -1) -> int:
        """Return where, between two places, an LF that is text stands before what looks like a segment.

        -1 where there is no such place.
        """
        start, end = start or self.start, self.end if end < 0 else end
        if self.is_object or not self.only_cr or self.document.find(b"\n", start, end) < 0:
            return -1
        mark = re.escape(self.document[self.start + 3 : self.start + 4])
        looks = re.compile(b"\n[A-Z][A-Z0-9]{2}" + mark)
        found = looks.finditer(self.document, start, end)
        return next((m.start() for m in found if is_text(self.document, m.start())), -1)

    def marked(
        self, start: int = 0, end: int = -1, only: tuple[str, ...] = ()
    ) -> Iterator[tuple[int, str]]:
        """Yield start and name of each segment that was looked for, between two places."""
        starts, names = self.marks.starts, self.marks.names
        last = bisect_left(starts, self.end if end < 0 else end)
        for index in range(bisect_left(starts, start or self.start), last):
            if (not only or names[index] in only) and self.ends_name(starts[index] + 3):
                yield starts[index], names[index]

    def named(self, name: str, start: int, end: int) -> Iterator[int]:
        """Yield where each segment of a name that was looked for begins, between two places."""
        starts, names = self.marks.starts, self.marks.names
        mark = self.document[self.start + 3 : self.start + 4]
        first, last = bisect_left(starts, start), bisect_left(starts, end)
        for place, found in zip(starts[first:last], names[first:last], strict=True):
            if found == name and (
                self.document.startswith(mark, place + 3) or self.ends_name(place + 3)
            ):
                yield place

    def ends_name(self, at: int) -> bool:
        """Tell whether a segment ID ends here; it has three characters, so ``ZDS1`` is no ZDS."""
        found = self.document[at : at + 1]
        if found == self.document[self.start + 3 : self.start + 4] or found == b"\r":
            return True
        if found == b"\n" and not self.only_cr:
            return True
        # a frame character ends a line, and nothing else
        whole = len(self.document)
        return found in _FRAME and segment_at(self.document, at, whole, self.only_cr).end == at


def messages(
    document: bytes,
    charset: str = "",
    names: tuple[str, ...] = (),
    *,
    is_object: bool = False,
    aliases: tuple[tuple[str, str], ...] = (),
) -> list[Message]:
    """Find the messages of a document; ``charset`` overrules MSH-18, ``aliases`` are a site's names in it.

    ``names`` are the segments that will be asked for. In the text of a message object
    (``is_object``) every segment ends in CR, whatever stands in a field. What stands before the first MSH (frame
    characters, a byte order mark, FHS, BHS) belongs to no message.
    """
    marks = _marks(document, names, is_object)
    found: list[Message] = []
    for start, name in zip(marks.starts, marks.names, strict=True):
        if name == "MSH":
            line = segment_at(document, start, len(document), is_object)
            if line.end - start > 3:
                if found:
                    marked = document.endswith(_BYTE_ORDER_MARK, 0, start)
                    found[-1].end = start - 3 if marked else start
                only_cr = ends_in_cr(document, start)
                found.append(_message(document, line, charset, marks, aliases, only_cr=only_cr))
                found[-1].is_object = is_object
    for item in found:
        if item.charset is None and _reads_as_ascii(item):
            item.charset, item.charset_term, item.charset_note = "ascii", "ASCII", "hl7/charset-any"
    if len(found) > 1:
        for number, item in enumerate(found, 1):
            item.prefix = f"message[{number}] "
    return found


def _reads_as_ascii(item: Message) -> bool:
    """Tell whether a message in an unknown character set reads the same in all that it may be."""
    name = _SPELLING.sub("", item.charset_term)
    if not name or _OTHER_BYTES.search(name):
        return False
    text = item.document[item.start : item.end]
    return text.isascii() and not any(shift in text for shift in (b"\x1b", b"\x0e", b"\x0f"))


def _marks(document: bytes, names: tuple[str, ...], is_object: bool) -> _Marks:
    wanted, first, behind_cr, behind_lf = _patterns(
        names, b"\xef" in document or b"\x00" in document
    )
    hits = [(m.start(1), m[1]) for m in behind_cr.finditer(document)]
    if start := first.match(document):
        hits.insert(0, (start.start(1), start[1]))
    if b"\n" in document and not is_object:
        hits += [(m.start(1), m[1]) for m in behind_lf.finditer(document)]
        hits = list(_cut(document, sorted(hits)))
    return _Marks(wanted, [hit[0] for hit in hits], [hit[1].decode("ascii") for hit in hits])


def _cut(document: bytes, hits: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the names that begin a segment: not those behind an LF that is text."""
    only_cr = False
    for start, name in hits:
        if only_cr and is_text(document, start):
            continue
        if name == b"MSH":
            only_cr = ends_in_cr(document, start)
        yield start, name


def is_text(document: bytes | bytearray, place: int) -> bool:
    """Tell whether an LF here is text, where segments end in CR.

    It is none where nothing stands between it and the CR, or the end of a block, before it.
    """
    begin = place
    while begin and document[begin - 1] in _NO_LINE:
        begin -= 1
    if document.endswith(_BYTE_ORDER_MARK, 0, begin):
        return is_text(document, begin - 3)
    return begin > 0 and document[begin - 1] != 0x0D and b"\x1c" not in document[begin:place]


def ends_in_cr(document: bytes | bytearray, start: int) -> bool:
    """Tell whether the MSH that begins here ends in CR, and so an LF is text."""
    match = _LINE.match(document, start)
    return match is None or match[2] in (b"\r", b"")


@lru_cache(maxsize=64)
def _patterns(
    names: tuple[str, ...], is_odd: bool
) -> tuple[frozenset[str], re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    # each begins with one literal, which is looked for with memchr, and most lines are OBX
    wanted = frozenset((*_DIVIDERS, *names))
    lead = b"[\x0b\x1c\x00]*(?:\xef\xbb\xbf(?=MSH))?" if is_odd else b"[\x0b\x1c]*"
    name = lead + b"(" + b"|".join(n.encode("ascii") for n in sorted(wanted)) + b")"
    return (
        wanted,
        re.compile(name),
        re.compile(b"\r(?!OBX)" + name),
        re.compile(b"\n(?!OBX)" + name),
    )


def plain_header(document: bytes, names: tuple[str, ...]) -> Message | None:
    """Return the message of a document that begins with MSH, has CR and no other message or order.

    ``None`` where there may be more to it: `messages` looks closer.
    """
    if b"\n" in document or b"\x00" in document or not document.startswith(b"MSH"):
        return None
    wanted, _, behind_cr, _ = _patterns(names, is_odd=False)
    places, names_found = [], []
    for match in behind_cr.finditer(document):
        places.append(match.start(1))
        names_found.append(match[1].decode("ascii"))
    if not _ONE_ORDER.fullmatch("".join(names_found)):
        return None
    return _first(document, _Marks(wanted, places, names_found))


def only_header(document: bytes) -> Message | None:
    """Return the message of a document that begins with MSH, has CR and no other MSH, to read its header.

    ``None`` where there may be more to it: `messages` looks closer.
    """
    if b"\n" in document or b"\x00" in document or not document.startswith(b"MSH"):
        return None
    if document.find(b"MSH", 3) >= 0:
        return None
    item = _first(document, _NO_MARKS)
    return item if item and item.charset else None


def _first(document: bytes, marks: _Marks) -> Message | None:
    end = document.find(b"\r")
    if end < 9 or document[end - 1] in _FRAME:
        return None
    return _message(document, Segment("MSH", 0, end, end + 1), "", marks, only_cr=True)


_ONE_ORDER = pattern("(?:PID)?(?:ORC)?(?:OBR)?")


def _message(
    document: bytes,
    line: Segment,
    charset: str,
    marks: _Marks,
    aliases: tuple[tuple[str, str], ...] = (),
    *,
    only_cr: bool,
) -> Message:
    raw = document[line.start : line.end]
    fields = raw.split(raw[3:4], 18)
    terms = fields[17] if len(fields) > 17 else b""
    short = len(terms) + len(fields[1]) <= _LONGEST_REMEMBERED
    read = _dialect if short else _dialect.__wrapped__
    delimiters, codec, term, note = read(raw[3:4], fields[1], terms, charset, aliases)
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
        note,
        only_cr,
    )


def named_character_set(item: Message, aliases: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """Return Python's codec and the term of MSH-18, also of a message decoded by another.

    What names none that is known is ASCII, as far as writing goes.
    """
    line = segment_at(item.document, item.start, item.end)
    raw = item.document[line.start : line.end]
    fields = raw.split(raw[3:4], 18)
    terms = fields[17] if len(fields) > 17 else b""
    _, codec, term, _ = _dialect.__wrapped__(raw[3:4], fields[1], terms, "", aliases)
    return codec or "ascii", term


@lru_cache(maxsize=256)
def _dialect(
    separator: bytes,
    encoding: bytes,
    terms: bytes,
    charset: str,
    aliases: tuple[tuple[str, str], ...],
) -> tuple[Delimiters | None, str | None, str, str]:
    """Return the delimiters, Python's codec, the term of MSH-18, and the code of an issue about it."""
    delimiters = Delimiters(*(separator + (encoding[:5] or b"^")).decode("latin-1"))
    used = "".join(delimiters)
    usable = len(set(used)) == len(used) and all(
        "!" <= c <= "~" and not c.isalnum() and c != '"' for c in used
    )
    if not delimiters.escape and set("\\=") & set(used):
        usable = False  # then a verbatim text could not be written
    if not usable or len(encoding) > 5:
        return None, "ascii", "", ""
    if charset:
        return delimiters, charset, "", ""
    text = terms.decode("latin-1")
    names = text.split(delimiters.repetition) if delimiters.repetition else [text]
    names = [name.split(delimiters.component)[0].strip().upper() for name in names]
    japanese = next((name for name in names[1:] if name in _JAPANESE), "")
    term = japanese or names[0]
    if not term:
        return delimiters, "ascii", "", ""
    note = ""
    if term not in HL7_CHARACTER_SETS:
        near = dict(aliases).get(term)
        note = "" if near else "hl7/charset-name"
        term = near or near_names().get(plain_name(term), term)
    codec = HL7_CHARACTER_SETS.get(term) or OTHER_CHARACTER_SETS.get(term)
    return delimiters, codec, term, note if codec else ""


def plain_name(name: str) -> str:
    """Return the name of a character set, in capitals, without blanks and punctuation."""
    return _SPELLING.sub("", name)


@cache
def near_names() -> dict[str, str]:
    """Return the character sets by their names without blanks and punctuation."""
    names = {_SPELLING.sub("", name): name for name in (*OTHER_CHARACTER_SETS, *HL7_CHARACTER_SETS)}
    parts = {name.removeprefix("ISO-"): name for name in OTHER_CHARACTER_SETS if "8859" in name}
    pages = {name.replace("WINDOWS-", "CP"): name for name in OTHER_CHARACTER_SETS if "125" in name}
    return {**{_SPELLING.sub("", n): name for n, name in (parts | pages).items()}, **names}


def segment_at(document: bytes, start: int, end: int, only_cr: bool = False) -> Segment:
    """Return the segment that begins here, behind frame characters."""
    match = (_CR_LINE if only_cr else _LINE).match(document, start, end)
    assert match
    stop = _content_end(document, start, match.end(1))
    return Segment(document[start : start + 3].decode("latin-1"), start, stop, match.end())


def _content_end(document: bytes, start: int, end: int) -> int:
    """Return where the text of a line ends: before frame characters, and an LF behind them."""
    stop = cut = end
    while stop > start and document[stop - 1] in _NO_LINE:
        stop -= 1
        if document[stop] != 0x0A:
            cut = stop
    return cut if b"\x1c" not in document[stop:cut] else stop


def segments(document: bytes, start: int, end: int, only_cr: bool = False) -> list[Segment]:
    """Cut a part of the document into its segments; blank lines and frame characters are none."""
    found: list[Segment] = []
    for match in (_CR_LINE if only_cr else _LINE).finditer(document, start, end):
        first, last = match.span(1)
        while first < last and document[first] in _NO_LINE:
            first += 1
        last = _content_end(document, first, last)
        if document[first:last].strip(b" \t"):
            name = document[first : first + 3].decode("latin-1")
            found.append(Segment(name, first, last, match.end()))
    return found


def starts(message: Message, name: str) -> Iterator[int]:
    """Return where each segment of this name begins."""
    if name in message.marks.wanted:
        return message.named(name, message.start, message.end)
    named = (s.start for s in message.segments if s.name == name)
    return (start for start in named if message.ends_name(start + 3))


def numbered(message: Message, name: str) -> Iterator[tuple[int, Segment]]:
    """Yield the segments of this name with their number in the message, from 1."""
    for number, start in enumerate(starts(message, name), 1):
        yield number, message.segment_at(start)
