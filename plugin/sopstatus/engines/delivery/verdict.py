"""What a destination's answer means for the message that was sent: done, dead or again."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from sopstatus.codecs.hl7 import outline

DONE, DEAD_LETTER, AGAIN, SKIP = "done", "dead-letter", "again", "skip"
_MEANS = {"A": DONE, "E": DEAD_LETTER, "R": AGAIN}  # second letter of MSA-1 (table 0008)
_WORST = ("A", "E", "R")
_CONDITION = re.compile(r"[0-9]{1,3}")  # table 0357
_PLACE = re.compile(r"[A-Z][A-Z0-9]{2}(?:\^[0-9]{0,5}){0,5}")


class Verdict(NamedTuple):
    """What is to be done, why (a code), and what the answer said: codes and places, no text.

    ``written`` tells that the message may have arrived; ``said`` is the whole answer, which may hold
    patient data.
    """

    kind: str
    reason: str = ""
    answer: str = ""
    written: bool = True
    said: bytes = b""


def judge(answer: bytes, control_id: bytes, earlier: Collection[bytes] = ()) -> Verdict:
    """Judge an answer to the message with this MSH-10.

    AA and CA: done; AE and CE: a dead letter, because the content must be fixed; AR and CR: again.
    What answers another message is trouble, unless it is one of ``earlier``: the application
    acknowledgment of a message that was accepted before (`SKIP`). Of a batch's answers the worst
    counts.
    """
    found: list[tuple[str, bytes]] = []
    told: list[str] = []
    for message in outline.messages(answer):
        marks = message.delimiters
        if marks is None:
            continue
        for segment in message.segments:
            fields = answer[segment.start : segment.end].split(marks.field.encode())
            if segment.name == "MSA" and len(fields) > 1:
                code = fields[1].strip().decode("latin-1").upper()
                found.append((code, fields[2].strip() if len(fields) > 2 else b""))
            elif segment.name == "ERR":
                told += _codes([field.decode("latin-1") for field in fields])
    if not found or any(len(code) != 2 or code[0] not in "AC" for code, _ in found):
        return Verdict(AGAIN, "no-acknowledgment")
    code = max(
        (code for code, _ in found), key=lambda c: _WORST.index(c[1]) if c[1] in _MEANS else 9
    )
    if code[1] not in _MEANS:
        return Verdict(AGAIN, "no-acknowledgment")
    said = " ".join(dict.fromkeys([code, *told]))[:200]
    answered = found[0][1]
    if control_id and answered != control_id:
        if answered in earlier:
            return Verdict(SKIP, "application" if code[1] == "A" else "application-refused", said)
        return Verdict(AGAIN, "other-control-id", said)
    kind = _MEANS[code[1]]
    reason = {DONE: "", DEAD_LETTER: "refused", AGAIN: "rejected"}[kind]
    return Verdict(kind, reason, said)


def _codes(fields: list[str]) -> list[str]:
    """Return of an ERR the place (ERR-2) and the condition (ERR-3), where they look like that."""
    place = fields[2] if len(fields) > 2 else ""
    condition = fields[3].partition("^")[0] if len(fields) > 3 else ""
    parts = [place if _PLACE.fullmatch(place) else ""]
    parts.append(condition if _CONDITION.fullmatch(condition) else "")
    return [part for part in parts if part]
