"""MSA-3 and ERR of an acknowledgment, in the layout of each version (HL7 v2 2.14.5, 2.14.8).

2.1 has a place as plain text; up to 2.4 one ERR repeats ERR-1 (ELD); from 2.5 every issue has an
ERR of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Delimiters
from sopstatus.model import ERROR, FATAL, INFORMATION, Issue
from sopstatus.outcome import display, issue_type

CODING_SYSTEM = "99SOPSTATUSISSUE"
"""Coding system of our issue codes, in ERR-5 (table 0396: 99zzz is local)."""
CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
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
        errors = [issue for issue in issues if issue.severity in (FATAL, ERROR)]
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
    code = _CONDITION.get(issue_type(issue), "207")
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
