"""Answers to HL7 v2 messages: ACK with MSA and, for every issue, ERR (HL7 v2 chapter 2).

An answer speaks the message's own version, delimiters, terminator and character set. It repeats of
the message what the standard wants repeated (MSH-3 to MSH-6, 10, 11, 12, 18) and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sopstatus.acknowledge_segments import err, escaped, msa_text
from sopstatus.catalogue import document_error
from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Delimiters, Message
from sopstatus.model import ERROR, FATAL, SEVERITIES, DocumentError, Issue

MOST_ISSUES = 50
_USUAL = Delimiters("|", "^", "~", "\\", "&")
_DEFAULT_VERSION = "2.5.1"
_NEVER, _ON_ERROR, _ON_SUCCESS = "NE", "ER", "SU"  # table 0155; AL = always


@dataclass(slots=True)
class _Header:
    """The MSH of a message: its fields as bytes, and how to write another one like it."""

    fields: list[bytes]
    delimiters: Delimiters
    charset: str
    terminator: bytes

    def field(self, number: int) -> bytes:
        """Return MSH-n; empty where there is none."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    def component(self, number: int, index: int) -> str:
        """Return a component of MSH-n if it is one word, for it goes into decisions."""
        parts = self.field(number).decode("latin-1").split(self.delimiters.component)
        text = parts[index].strip() if index < len(parts) else ""
        return text if text.replace(".", "").isalnum() and text.isascii() else ""

    @property
    def version(self) -> tuple[int, ...]:
        """Return MSH-12 as numbers; 2.5.1 where it is none."""
        numbers = self.component(12, 0).split(".")
        known = len(numbers) > 1 and all(part.isdigit() and len(part) < 4 for part in numbers)
        return tuple(int(part) for part in (numbers if known else _DEFAULT_VERSION.split(".")))


def acknowledge(
    message: bytes,
    issues: Iterable[Issue] = (),
    *,
    accept: bool = False,
    reject: bool = False,
    time: str = "",
    control_id: str = "",
    limit: int = MOST_ISSUES,
) -> bytes:
    """Answer a message (of a batch: every message of it) with what became of it.

    The code is AA, or AE where an issue is an error; ``reject`` makes it AR, for a version, message
    type or processing id that is not supported, and for trouble that sending again may cure. With
    MSH-15 or MSH-16 (enhanced mode) ``accept`` asks for the accept acknowledgment, CA, CE or CR;
    what the sender does not want (table 0155) is the empty answer.

    ``time`` is MSH-7 (default: now), ``control_id`` MSH-10 (default: unique; of a batch's later
    answers with their number behind it). At most ``limit`` issues are told, the worst first. Raise
    `DocumentError` where there is no MSH; `negative` answers even then.
    """
    told = sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))
    found = er7.messages(message)
    if not found:
        raise document_error("hl7/no-msh", "")
    answers = []
    for number, item in enumerate(found, 1):
        header = _header(message, item)
        mine = [issue for issue in told if _concerns(issue, number)]
        failed = reject or any(issue.severity in (FATAL, ERROR) for issue in mine)
        enhanced = header.field(15).strip() or header.field(16).strip()
        if not _wanted(header, accept=accept, failed=failed):
            continue
        code = ("C" if accept and enhanced else "A") + ("R" if reject else "E" if failed else "A")
        own = control_id + (f"-{number}" if control_id and number > 1 else "")
        answers.append(_answer(header, code, mine[:limit], len(mine), time, own))
    return b"".join(answers)


def negative(
    data: bytes,
    error: DocumentError,
    *,
    reject: bool = True,
    time: str = "",
    control_id: str = "",
) -> bytes:
    """Answer a document that could not be read: AR (CR in enhanced mode), or AE and CE.

    There is always an answer, whatever the bytes and whatever MSH-15 and MSH-16 ask for: a sender
    that waits must not wait for ever. Without a MSH its MSA-2 is empty.
    """
    found = er7.messages(data)
    header = _header(data, found[0]) if found else _Header([], _USUAL, "ascii", b"\r")
    asked = header.field(15).strip().upper() not in (b"", _NEVER.encode())
    code = ("C" if asked else "A") + ("R" if reject else "E")
    told = error.issues[:MOST_ISSUES]
    return _answer(header, code, told, len(error.issues), time, control_id)


def _header(document: bytes, message: Message) -> _Header:
    span = message.header
    raw = document[span.start : span.end]
    delimiters, charset = message.delimiters, message.charset or "ascii"
    if delimiters is None or raw[4:5] in (b"", raw[3:4]):
        # MSH-1 and MSH-2 cannot be used: keep what cannot be misread
        fields = [f if _is_word(f) else b"" for f in raw.split(raw[3:4])]
        return _Header(fields, _USUAL, "ascii", message.terminator)
    if message.charset is None:  # its bytes cannot be told apart, and ours are ASCII
        fields = raw.split(delimiters.field.encode())[:17]
    else:
        fields = er7.split(raw, delimiters.field, charset)
    return _Header(fields, delimiters, charset, message.terminator)


def _is_word(raw: bytes) -> bool:
    return raw.decode("latin-1").replace(".", "").replace("-", "").isalnum() and raw.isascii()


def _concerns(issue: Issue, number: int) -> bool:
    """Tell whether an issue is about this message, or about all of them."""
    prefix, found, _ = issue.location.partition("] ")
    return not found or not prefix.startswith("message[") or prefix == f"message[{number}"


def _wanted(header: _Header, *, accept: bool, failed: bool) -> bool:
    """Tell whether the sender wants this acknowledgment (2.9.2, 2.9.3; table 0155)."""
    asked = [header.field(number).strip().upper().decode("latin-1") for number in (15, 16)]
    if not any(asked):
        return not accept  # original mode knows no accept acknowledgment
    term = asked[0 if accept else 1] or _NEVER
    return term not in (_NEVER, _ON_SUCCESS if failed else _ON_ERROR)


def _answer(
    header: _Header,
    code: str,
    told: Sequence[Issue],
    count: int,
    time: str,
    control_id: str,
) -> bytes:
    marks, version = header.delimiters, header.version
    trigger = header.component(9, 1).encode()
    kind = [b"ACK", trigger] if trigger else [b"ACK"]
    if trigger and version >= (2, 3, 1):
        kind.append(b"ACK")  # MSG-3
    fields = [
        b"MSH",
        "".join(marks[1:]).encode(),
        *(header.field(number) for number in (5, 6, 3, 4)),
        (time or datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")).encode(),
        b"",
        marks.component.encode().join(kind),
        (control_id or os.urandom(10).hex().upper()).encode(),
        header.field(11) or b"P",
        header.field(12) or _DEFAULT_VERSION.encode(),
    ]
    if header.field(18):
        fields += [b""] * 5 + [header.field(18)]
    lines = [fields, [b"MSA", code.encode(), header.field(10)]]
    # MSA-3 was withdrawn in 2.7
    if text := msa_text(told, count) if version < (2, 7) else "":
        lines[1].append(_in_charset(escaped(text, marks), header.charset))
    for segment in err(told, version, marks, count - len(told)):
        lines.append([b"ERR", *(_in_charset(field, header.charset) for field in segment)])
    separator = marks.field.encode()
    return b"".join(separator.join(line) + header.terminator for line in lines)


def _in_charset(text: str, charset: str) -> bytes:
    """Encode our own text; a character that does not fit is named, never a question mark."""
    try:
        return text.encode(charset)
    except UnicodeError:
        names = (c if c.isascii() else f"U+{ord(c):04X}" for c in text)
        return "".join(names).encode("ascii")
