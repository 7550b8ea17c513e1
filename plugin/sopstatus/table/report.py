"""Faults of mapping tables for people, with a caret under the key, and for machines as SARIF 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sopstatus.model import TableError

RULES = {
    "folder": "A folder of tables holds tables, and none that is not a site's to change",
    "syntax": "A table is TOML in UTF-8",
    "language": "A table holds only keys of the language, each with a value of its type and form",
    "dictionary": "Keyword, tag and VR are those of the DICOM dictionary (PS3.6)",
    "meaning": "Data types can carry the VR, and codes have an inverse",
    "governed": "No table hides what the Security Profile governs",
    "owner": "Every keyword, tag, field, slice and extension has one owner",
}
"""The kinds of fault, as `TableError.rule` names them."""
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_PAGE = "https://w3id.org/sopstatus"


def told(fault: TableError) -> str:
    """Return a fault as lines: place and what is wrong, the line with a caret, the remedy."""
    what, _, remedy = fault.message.rpartition("; ")
    key = f"{fault.key}: " if fault.key else ""
    lines = [f"{fault.file}:{fault.line}:{fault.column}: error: {key}{what or remedy}"]
    if text := _line(fault):
        gutter = f"{fault.line:5} | "
        lead = "".join("\t" if c == "\t" else " " for c in text[: fault.column - 1])
        lines += [gutter + text, f"{'':5} | {lead}{'^' * max(1, fault.length)}"]
    if what:
        lines.append(f"{'':5} = {remedy}")
    return "\n".join(lines)


def _line(fault: TableError) -> str:
    try:
        lines = Path(fault.file).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError, ValueError):
        return ""
    return lines[fault.line - 1] if fault.line <= len(lines) else ""


def sarif(faults: Sequence[TableError]) -> str:
    """Return the faults as a SARIF 2.1.0 log, for code review."""
    from importlib.metadata import version  # slow, and seldom needed

    rules = [
        {
            "id": f"table/{rule}",
            "shortDescription": {"text": meaning},
            "defaultConfiguration": {"level": "error"},
        }
        for rule, meaning in RULES.items()
    ]
    driver = {
        "name": "sopstatus check",
        "version": version("sopstatus"),
        "informationUri": _PAGE,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": list(_results(faults)),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _results(faults: Iterable[TableError]) -> Iterable[dict[str, Any]]:
    from urllib.parse import quote

    for fault in faults:
        key = f"{fault.key}: " if fault.key else ""
        region: dict[str, Any] = {"startLine": fault.line, "startColumn": fault.column}
        if fault.length:
            region["endColumn"] = fault.column + fault.length
        place = {"artifactLocation": {"uri": quote(Path(fault.file).as_posix())}, "region": region}
        yield {
            "ruleId": f"table/{fault.rule}",
            "ruleIndex": list(RULES).index(fault.rule),
            "level": "error",
            "message": {"text": key + fault.message},
            "locations": [{"physicalLocation": place}],
        }
