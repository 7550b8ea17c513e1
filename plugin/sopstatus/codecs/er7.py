"""ER7 syntax on bytes: fields, escapes and character sets (HL7 v2 chapter 2).

Nothing is parsed that is not asked for and nothing is printed again: edits are spliced into the
bytes as they came. MLLP frame characters, blank lines and batch segments stay where they are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from sopstatus.codecs.er7_message import (
    Delimiters,
    Message,
    Segment,
    messages,
    numbered,
    segment_at,
    starts,
)

__all__ = [
    "Delimiters",
    "Message",
    "Segment",
    "components",
    "decode",
    "escape",
    "is_byte_safe",
    "messages",
    "numbered",
    "segment_at",
    "splice",
    "split",
    "starts",
    "unescape",
]

_BYTE_SAFE = re.compile(r"ascii|utf-8|iso8859-\d+|euc_kr")

_ESCAPE_NAMES = {"F": "field", "S": "component", "T": "subcomponent", "R": "repetition"}
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def is_byte_safe(charset: str) -> bool:
    """Tell whether a byte below 0x80 is always that ASCII character, so bytes can be cut at it."""
    return _BYTE_SAFE.fullmatch(charset) is not None


def split(raw: bytes, separator: str, charset: str) -> list[bytes]:
    """Cut a segment at its field separator, never inside a multi-byte character."""
    mark = separator.encode("ascii")
    if (raw.isascii() and b"\x1b" not in raw) or is_byte_safe(charset):
        return raw.split(mark)
    decoder = codecs.getincrementaldecoder(charset)("replace")
    parts, start, done = [], 0, 0
    while (index := raw.find(mark, done)) >= 0:
        if decoder.decode(raw[done : index + 1]).endswith(separator):
            parts.append(raw[start:index])
            start = index + 1
        done = index + 1
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
