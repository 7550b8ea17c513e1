"""How each value was read and what becomes of it, as steps that a person reads from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sopstatus.explain import Explained, Explanation, Target
from sopstatus.explain.text import visible
from sopstatus.model import SOPInstance
from sopstatus.workbench.shown import told

MOST_VALUES = 400
"""How many values are listed one by one."""


def value_id(statement: int, keyword: str) -> str:
    """Return what links the places of one value of one statement."""
    return f"{statement}-{keyword}"


def trail(explanation: Explanation, folder: str) -> dict[str, Any]:
    """Return the values with their steps, what was not touched, and how much is not told.

    ``folder`` is where edited tables stood: it is left out.
    """
    fresh = [value for value in explanation.values if not value.repeats]
    return {
        "values": [_value(value, explanation, folder) for value in fresh[:MOST_VALUES]],
        "more": max(0, len(fresh) - MOST_VALUES),
        "untouched": [
            {
                "place": left.source.path,
                "why": left.why + (f": {visible(left.detail)}" if left.detail else ""),
                "code": left.code,
            }
            for left in explanation.untouched[:MOST_VALUES]
        ],
    }


def about(statement: SOPInstance) -> dict[str, str]:
    """Return what a statement is about: its level, its UID and the holder of the copy."""
    levels = (
        ("SOP Instance", statement.sop_instance_uid),
        ("series", statement.series_instance_uid),
        ("study", statement.study_instance_uid),
    )
    level, uid = next(((name, uid) for name, uid in levels if uid), ("study", ""))
    return {"level": level, "uid": visible(uid), "holder": visible(statement.holder)}


def _value(value: Explained, explanation: Explanation, folder: str) -> dict[str, Any]:
    return {
        "id": value_id(value.statement, value.row.keyword),
        "statement": value.statement,
        "about": about(explanation.statements[value.statement]),
        "keyword": value.row.keyword,
        "value": None if value.value is None else visible(value.value),
        "display": value.display,
        "steps": list(_steps(value, folder)),
        "issues": [told(issue) for issue in value.issues],
    }


def _steps(value: Explained, folder: str) -> Iterator[dict[str, str]]:
    if value.source:
        yield _step("stands at", value.source.path, value.text or "")
    if value.verbatim_source:
        yield _step("exact text at", value.verbatim_source.path)
    file = value.row.file.removeprefix(folder).lstrip("/\\") if folder else value.row.file
    yield _step("table row", f"{file}:{value.row.line}", value.row.group)
    for note in value.notes:
        yield _step("read", "", f"{note.what}: {note.detail}" if note.detail else note.what)
    for target in value.targets:
        yield from _target(target)


def _target(target: Target) -> Iterator[dict[str, str]]:
    name = {"dicom": "DICOM", "fhir": "FHIR", "hl7": "HL7"}[target.format]
    text = "nothing stands there" if target.text is None else target.text or "(zero length)"
    yield _step(f"to {name}", target.path, text)
    if target.lost:
        yield _step("loses there", "", ", ".join(target.lost))
    if target.verbatim:
        yield _step("exact text in", target.verbatim_path, target.verbatim)
    if target.untrusted:
        yield _step("untrusted link", "PS3.15 A.1.1", target.untrusted)


def _step(name: str, place: str, text: str = "") -> dict[str, str]:
    return {"step": name, "place": visible(place), "text": visible(text)}
