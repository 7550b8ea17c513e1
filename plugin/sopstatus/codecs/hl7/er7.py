"""ER7 syntax on bytes: fields, escapes and character sets (HL7 v2 chapter 2).

Nothing is parsed that is not asked for and nothing is printed again: edits are spliced into the
bytes as they came. MLLP frame characters, blank lines and batch segments stay where they are.
"""

from __future__ import annotations

import codecs

from sopstatus._lazily import pattern
from sopstatus.codecs.hl7.outline import (
    Delimiters,
)

_BYTE_SAFE = pattern(r"ascii|utf-8|iso8859-\d+|cp125\d|euc_kr")

_ESCAPE_NAMES = {"F": "field", "S": "component", "T": "subcomponent", "R": "repetition"}
_HEX = pattern(r"X((?:[0-9A-Fa-f]{2})+)")
_LINE_ENDS = {"X000D": b"\r", "X000A": b"\n"}  # as HAPI, NHapi and Camel write them
_LAYOUT = pattern(r"\.(?:(br|ce|fi|nf)|(sp|sk) ?\+?([0-9]{0,2})|(in|ti) ?[+-]?[0-9]{0,2})")
_MOST_BLANK = 9  # lines or blanks of one command: text does not grow without bound
_CONTROL = pattern(r"[\x00-\x08\x0a-\x1f\x7f]")


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


def unescape(
    text: str, delimiters: Delimiters, charset: str, dropped: list[str] | None = None
) -> str:
    r"""Undo the escape sequences of text; one that is not known stays as it stands.

    Neighbouring hexadecimal escapes are one text. Of layout (2.7.6) lines and blanks are read;
    what else it says has no meaning in text, and is added to ``dropped``.
    """
    sign = delimiters.escape
    if not sign or sign not in text:
        return text
    out: list[str] = []
    run: list[tuple[str, bytes]] = []  # neighbouring hexadecimal escapes, and their bytes
    start = 0
    while (begin := text.find(sign, start)) >= 0:
        end = text.find(sign, begin + 1)
        name = text[begin + 1 : end] if end > 0 else ""
        if run and begin > start:
            out.append(_decoded(run, charset))
            run = []
        if (raw := _hexadecimal(name)) is not None:
            out.append(text[start:begin])
            run.append((text[begin : end + 1], raw))
            start = end + 1
            continue
        if run:
            out.append(_decoded(run, charset))
            run = []
        plain = _sequence(name, delimiters)
        if plain is None and (layout := _layout(name)):
            plain, loses = layout
            if loses and dropped is not None:
                dropped.append(name)
        if plain is None:
            out.append(text[start : begin + 1])
            start = begin + 1
        else:
            out += text[start:begin], plain
            start = end + 1
    return "".join([*out, _decoded(run, charset), text[start:]])


def _sequence(name: str, delimiters: Delimiters) -> str | None:
    if name == "E":
        return delimiters.escape
    if name == "P":
        return delimiters.truncation or None
    if name in _ESCAPE_NAMES:
        return getattr(delimiters, _ESCAPE_NAMES[name]) or None
    return None


def _hexadecimal(name: str) -> bytes | None:
    if plain := _LINE_ENDS.get(name.upper()):
        return plain
    found = _HEX.fullmatch(name)
    return bytes.fromhex(found[1]) if found else None


def _decoded(run: list[tuple[str, bytes]], charset: str) -> str:
    """Decode neighbouring escapes as one text, or each by itself; what is none stays as it stands."""
    raw = b"".join(raw for _, raw in run)
    text = raw.decode("ascii") if raw.isascii() else decode(raw, charset)
    if text is not None:
        return text
    return run[0][0] if len(run) == 1 else "".join(_decoded([one], charset) for one in run)


def _layout(name: str) -> tuple[str, bool] | None:
    """Return the text of a layout command, and whether it says more than that."""
    if name in ("H", "N"):  # highlighting
        return "", True
    if not (found := _LAYOUT.fullmatch(name.lower())):
        return None
    command, count = found[1] or found[2] or found[4], int(found[3] or 1)
    shown = min(count, _MOST_BLANK)
    if command in ("br", "sp", "ce"):
        return "\r\n" * shown, command == "ce" or count > shown
    return (" " * shown, count > shown) if command == "sk" else ("", True)


def components(
    text: str, delimiters: Delimiters, charset: str, dropped: list[str] | None = None
) -> list[str]:
    """Cut the text of one repetition into its components, unescaped as `unescape` does it."""
    return [
        unescape(part, delimiters, charset, dropped) for part in text.split(delimiters.component)
    ]
