"""Acknowledgments of HL7 v2 messages: ACK with MSA, and ERR for every issue (HL7 v2 chapter 2).

An acknowledgment uses the message's own version, delimiters, terminator and character set. It repeats
the fields that the standard requires (MSH-3 to MSH-6, 10, 11, 12, 18), and nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge as in_order
from itertools import islice
from time import time as clock

from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.outline import Delimiters, Message
from sopstatus.model import ERROR, FATAL, INFORMATION, SEVERITIES, DocumentError, Issue
from sopstatus.outcome import display, issue_type

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
        return _numbers(self.component(12, 0))


@lru_cache(maxsize=64)
def _numbers(version: str) -> tuple[int, ...]:
    numbers = version.split(".")
    known = len(numbers) > 1 and all(part.isdigit() and len(part) < 4 for part in numbers)
    return tuple(int(part) for part in (numbers if known else _DEFAULT_VERSION.split(".")))


@lru_cache(maxsize=1)
def _date_time(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S+0000").encode()


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

    The code is AA, or AE where an issue is an error; AR where one is about the processing ID. ``reject``
    makes it AR, for what is not supported and for trouble that sending again may cure. With
    MSH-15 or MSH-16 (enhanced mode) ``accept`` asks for the accept acknowledgment, CA, CE or CR;
    what the sender does not want (table 0155) is the empty answer.

    ``time`` is MSH-7 (default: now), ``control_id`` MSH-10 (default: unique; of a batch's later
    answers with their number behind it). At most ``limit`` issues are reported, the worst first. Raise
    `DocumentError` where there is no MSH; `negative` answers even then.
    """
    told = sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))
    found = _messages(message)
    if not found:
        raise document_error("hl7/no-msh", "")
    answers, about = [], _by_message(told)
    worst = {number: told[places[0]] for number, places in about.items() if places}
    bad = {number for number, issue in worst.items() if issue.is_error}
    for number, item in enumerate(found, 1):
        header = _header(message, item)
        shared, own = about[0], about.get(number, [])
        places = (*about[0], *about.get(number, ()))
        rejected = reject or any(told[place].code in _REJECTED for place in places)
        failed = rejected or 0 in bad or number in bad
        enhanced = header.field(15).strip() or header.field(16).strip()
        if not _wanted(header, accept=accept, failed=failed):
            continue
        code = ("C" if accept and enhanced else "A") + ("R" if rejected else "E" if failed else "A")
        named = control_id + (f"-{number}" if control_id and number > 1 else "")
        mine = [told[place] for place in islice(in_order(shared, own), limit)] if told else []
        answers.append(_answer(header, code, mine, len(shared) + len(own), time, named))
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
    found = _messages(data)
    header = _header(data, found[0]) if found else _Header([], _USUAL, "ascii", b"\r")
    asked = header.field(15).strip().upper() not in (b"", _NEVER.encode())
    code = ("C" if asked else "A") + ("R" if reject else "E")
    told = error.issues[:MOST_ISSUES]
    return _answer(header, code, told, len(error.issues), time, control_id)


def _messages(document: bytes) -> list[Message]:
    quick = outline.only_header(document)
    return [quick] if quick else outline.messages(document)


def _header(document: bytes, message: Message) -> _Header:
    span = message.header
    raw = document[span.start : span.end]
    delimiters, charset = message.delimiters, message.charset or "ascii"
    if delimiters is None or raw[4:5] in (b"", raw[3:4]):
        # MSH-1 and MSH-2 cannot be used: keep what cannot be misread
        fields = [f if _is_word(f) else b"" for f in raw.split(raw[3:4])]
        return _Header(fields, _USUAL, "ascii", message.terminator)
    if message.charset is None or message.charset_note == "hl7/charset-any":
        # its bytes cannot be told apart, and ours are ASCII
        fields = raw.split(delimiters.field.encode())[:17]
    else:
        fields = er7.split(raw, delimiters.field, charset)
    return _Header(fields, delimiters, charset, message.terminator)


def _is_word(raw: bytes) -> bool:
    return raw.decode("latin-1").replace(".", "").replace("-", "").isalnum() and raw.isascii()


def _by_message(told: Sequence[Issue]) -> dict[int, list[int]]:
    """Return the places of the issues about each message; under 0, of those about all of them."""
    found: dict[int, list[int]] = {0: []}
    for place, issue in enumerate(told):
        prefix, end, _ = issue.location.partition("] ")
        text = prefix.removeprefix("message[") if end else ""
        number = int(text) if text != prefix and text.isdecimal() else 0
        found.setdefault(number, []).append(place)
    return found


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
        time.encode() if time else _date_time(int(clock())),
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


CODING_SYSTEM = "99SOPSTATUSISSUE"
"""Coding system of our issue codes, in ERR-5 (table 0396: 99zzz is local)."""
CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
    "202": "Unsupported processing id",
    "204": "Unknown key identifier",
    "207": "Application internal error",
}
"""Table 0357, as far as it is used here; it came with 2.3.1, and 104 with 2.7."""
_CONDITION = {
    "informational": "0",
    "structure": "100",
    "required": "101",
    "value": "102",
    "invalid": "102",
    "invariant": "102",
    "code-invalid": "103",
    "too-long": "104",
    "not-found": "204",
}
_REJECTED = {"hl7/processing-id": "202"}
_SEVERITY = {FATAL: "E", ERROR: "E", INFORMATION: "I"}  # table 0516
_PLACE = re.compile(r"(?:message\[\d+\] )?([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?(?:\.(\d+))?")
_MSA_3, _ERR_7, _ERR_8 = 80, 2048, 250  # longest texts


def msa_text(issues: Sequence[Issue], count: int) -> str:
    """Return what MSA-3 says: the worst issue, and how many more there are."""
    if not issues:
        return ""
    worst = issues[0]
    more = f" (and {count - 1} more)" if count > 1 else ""
    at = f" {worst.location}" if place(worst.location) else ""
    return shortened(f"{worst.code}{at}{more}: {worst.diagnostics}", _MSA_3)


def shortened(text: str, longest: int) -> str:
    """Cut a text to a field's length."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def err(
    issues: Sequence[Issue], version: tuple[int, ...], marks: Delimiters, left_out: int = 0
) -> Iterator[list[str]]:
    """Yield the fields of each ERR, escaped and joined, without the segment's name."""
    if version < (2, 5):
        errors = [issue for issue in issues if issue.is_error]
        places = [_eld(issue, version, marks) for issue in errors]
        if places:  # ELD has no severity: what is no error would look like one
            yield [marks.repetition.join(places) if marks.repetition else places[0]]
        return
    for issue in issues:
        yield [
            "",  # ERR-1 is there for older receivers only
            _erl(issue, marks),
            _coded(condition(issue, version), marks),
            _SEVERITY.get(issue.severity, "W"),
            _joined((issue.code, display(issue.code), CODING_SYSTEM), marks.component, marks),
            "",
            escaped(shortened(str(issue), _ERR_7), marks),
            escaped(shortened(issue.diagnostics, _ERR_8), marks),
        ]
    if left_out > 0:
        text = f"{left_out} more issues were left out"
        yield ["", "", _coded("207", marks), "W", "", "", text, text]


def condition(issue: Issue, version: tuple[int, ...]) -> str:
    """Return the code of table 0357 for an issue."""
    code = _REJECTED.get(issue.code) or _CONDITION.get(issue_type(issue), "207")
    return "102" if code == "104" and version < (2, 7) else code


def place(location: str) -> tuple[str, str, str, str] | None:
    """Return segment, sequence, field and component; ``None`` where it is no place in a message."""
    match = _PLACE.fullmatch(location)
    if not match:
        return None
    name, sequence, number, component = match.groups(default="")
    if not sequence and name != "MSH":
        return None  # the segment was not written
    return name, sequence or "1", number, component


def _erl(issue: Issue, marks: Delimiters) -> str:
    """ERL: segment, sequence, field, repetition, component."""
    if (found := place(issue.location)) is None:
        return ""
    name, sequence, number, component = found
    parts = (name, sequence, number, "1" if component else "", component)
    return marks.component.join(parts).rstrip(marks.component)


def _eld(issue: Issue, version: tuple[int, ...], marks: Delimiters) -> str:
    """ELD (2.2 and 2.3: CM): segment, sequence, field, CE of the fault as subcomponents."""
    name, sequence, number, _ = place(issue.location) or ("", "", "", "")
    if version < (2, 2):  # ERR-1 is one ID
        return escaped(name or issue.code, marks)
    fault: tuple[str, ...] = (issue.code, display(issue.code), CODING_SYSTEM)
    if version >= (2, 3, 1):
        code = condition(issue, version)
        fault = (code, CONDITIONS[code], "HL70357", *fault)
    inner = _joined(fault, marks.subcomponent, marks) if marks.subcomponent else fault[0]
    return marks.component.join((name, sequence, number, inner))


def _coded(code: str, marks: Delimiters) -> str:
    return _joined((code, CONDITIONS[code], "HL70357"), marks.component, marks)


def _joined(parts: Sequence[str], separator: str, marks: Delimiters) -> str:
    return separator.join(escaped(part, marks) for part in parts)


def escaped(text: str, marks: Delimiters) -> str:
    """Escape text for a field; without an escape character, write it without delimiters."""
    return er7.escape(text, marks) or "".join(
        "/" if c in marks or not c.isprintable() else c for c in text
    )
