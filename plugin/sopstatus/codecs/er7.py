"""ER7 syntax on bytes: messages, segments, fields, escapes and character sets (HL7 v2 chapter 2).

Nothing is parsed that is not asked for and nothing is printed again: a document is cut between its
terminators, and edits are spliced into the bytes as they came. MLLP frame characters, blank lines
and batch segments stay where they are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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
# in these a byte below 0x80 is always that ASCII character, so bytes can be cut at delimiters
_BYTE_SAFE = re.compile(r"ascii|utf-8|iso8859-\d+|euc_kr")

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPE_NAMES = {"F": "field", "S": "component", "T": "subcomponent", "R": "repetition"}
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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


@dataclass(slots=True)
class Message:
    """One message: its delimiters, its character set and its segments (MSH first)."""

    delimiters: Delimiters | None  # None: MSH-1 and MSH-2 cannot be used
    charset: str | None = "ascii"  # None: bytes of MSH-18's character set cannot be cut
    charset_term: str = ""
    terminator: bytes = b"\r"
    offset: str = ""  # of MSH-7, for a DTM that has none
    segments: list[Segment] = field(default_factory=list)


def messages(document: bytes, charset: str = "") -> list[Message]:
    """Cut a document into its messages; ``charset`` overrules MSH-18.

    What stands before the first MSH (frame characters, FHS, BHS) belongs to no message.
    """
    found: list[Message] = []
    for match in _LINE.finditer(document):
        start, end = match.span(1)
        while start < end and document[start] in b"\x0b\x1c":
            start += 1
        while end > start and document[end - 1] in b"\x0b\x1c":
            end -= 1
        if start == 0 and document.startswith(_BYTE_ORDER_MARK):
            start = 3
        if start >= end:
            continue
        name = document[start : start + 3].decode("latin-1")
        if name == "MSH" and end - start > 3:
            found.append(_header(document[start:end], charset))
            found[-1].terminator = match.group(2) or b"\r"
        elif name in ("BHS", "BTS", "FHS", "FTS"):
            if found:
                found[-1].segments.append(Segment(name, start, end, match.end()))
            continue
        if found:
            found[-1].segments.append(Segment(name, start, end, match.end()))
    return found


def _header(raw: bytes, charset: str) -> Message:
    sep = chr(raw[3])
    encoding = raw[4:].split(raw[3:4], 1)[0].decode("latin-1")
    fields = raw.split(raw[3:4])
    delimiters = Delimiters(sep, *(encoding[:5] or "^"))
    used = "".join(delimiters)
    usable = len(set(used)) == len(used) and all(
        "!" <= c <= "~" and not c.isalnum() and c != '"' for c in used
    )
    if not delimiters.escape and set("\\=") & set(used):
        usable = False  # then a verbatim text could not be written
    if not usable or len(encoding) > 5:
        return Message(None)
    time = fields[6].decode("latin-1").split(delimiters.component)[0] if len(fields) > 6 else ""
    offset = parsed.offset if (parsed := parse_dt(time)) else ""
    if charset:
        return Message(delimiters, charset, offset=offset)
    terms = fields[17].decode("latin-1") if len(fields) > 17 else ""
    names = terms.split(delimiters.repetition) if delimiters.repetition else [terms]
    names = [name.split(delimiters.component)[0].strip().upper() for name in names]
    japanese = next((name for name in names[1:] if name in _JAPANESE), "")
    term = japanese or names[0]
    known = CHARACTER_SETS.get(term) if term else "ascii"
    return Message(delimiters, known, term, offset=offset)


def split(raw: bytes, separator: str, charset: str) -> list[bytes]:
    """Cut a segment at its field separator, never inside a multi-byte character."""
    if (raw.isascii() and b"\x1b" not in raw) or _BYTE_SAFE.fullmatch(charset):
        return raw.split(separator.encode("ascii"))
    decoder = codecs.getincrementaldecoder(charset)("replace")
    parts, start = [], 0
    for index in range(len(raw)):
        if decoder.decode(raw[index : index + 1]).endswith(separator):
            parts.append(raw[start:index])
            start = index + 1
    return [*parts, raw[start:]]


def decode(raw: bytes, charset: str, term: str = "") -> str | None:
    """Decode a field strictly; ``None`` where its bytes are not of the message's character set.

    Without MSH-18 the standard says 7-bit ASCII; UTF-8 is taken too, for it cannot be mistaken.
    """
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        if charset != "ascii" or term:
            return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def escape(text: str, delimiters: Delimiters) -> str | None:
    r"""Escape text for a field; ``None`` where that needs an escape character and there is none.

    CR and LF become ``\X0D\`` and ``\X0A\``, other controls (but TAB) likewise, and a value that
    is just two quotes is written in hexadecimal, for as it stands it would mean "delete".
    """
    sign = delimiters.escape
    special = {
        delimiters.field: "F",
        delimiters.component: "S",
        delimiters.subcomponent: "T",
        delimiters.repetition: "R",
        delimiters.escape: "E",
        delimiters.truncation: "P",
    }
    special.pop("", None)
    if text == '""':
        return f"{sign}X2222{sign}" if sign else None
    if text.isprintable() and not any(c in text for c in special):
        return text
    if not sign and any(c in special or _CONTROL.match(c) for c in text):
        return None
    return "".join(
        f"{sign}{special[c]}{sign}"
        if c in special
        else (f"{sign}X{ord(c):02X}{sign}" if _CONTROL.match(c) else c)
        for c in text
    )


def unescape(text: str, delimiters: Delimiters, charset: str) -> str:
    """Undo the escape sequences of text; one that is not known stays as it stands."""
    sign = delimiters.escape
    if not sign or sign not in text:
        return text
    out: list[str] = []
    start = 0
    while (begin := text.find(sign, start)) >= 0:
        end = text.find(sign, begin + 1)
        plain = _sequence(text[begin + 1 : end], delimiters, charset) if end > 0 else None
        if plain is None:
            out.append(text[start : begin + 1])
            start = begin + 1
        else:
            out += text[start:begin], plain
            start = end + 1
    return "".join([*out, text[start:]])


def _sequence(name: str, delimiters: Delimiters, charset: str) -> str | None:
    if name == "E":
        return delimiters.escape
    if name == "P":
        return delimiters.truncation or None
    if name in _ESCAPE_NAMES:
        return getattr(delimiters, _ESCAPE_NAMES[name]) or None
    if name == ".br":
        return "\r\n"
    if hexadecimal := _HEX.fullmatch(name):
        raw = bytes.fromhex(hexadecimal.group(1))
        return raw.decode("ascii") if raw.isascii() else decode(raw, charset)
    return None


def components(text: str, delimiters: Delimiters, charset: str) -> list[str]:
    """Cut the text of one repetition into its components, unescaped."""
    return [unescape(part, delimiters, charset) for part in text.split(delimiters.component)]


def splice(document: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Replace spans of the document; insertions at one place keep their order."""
    out: list[bytes] = []
    start = 0
    for begin, end, text in sorted(edits, key=lambda edit: edit[:2]):
        out += document[start:begin], text
        start = end
    return b"".join([*out, document[start:]])


def numbered(message: Message, name: str) -> Iterator[tuple[int, Segment]]:
    """Yield the segments of this name with their number in the message, from 1."""
    return enumerate((s for s in message.segments if s.name == name), 1)
