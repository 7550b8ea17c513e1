"""What ``sopstatus show`` prints of statements: a table for people, a record for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable


def record(instance: SOPInstance) -> dict[str, Any]:
    """Return a statement as JSON; ``null`` is a value that was stated and emptied."""
    uids = {name: getattr(instance, name) for name in SOPInstance.__slots__[:-1]}
    return {**uids, "attributes": dict(instance.attributes)}


def table(statements: Iterable[SOPInstance], name: str, tables: MappingTable) -> str:
    """Return statements as lines of name and value, with what a term means."""
    lines = []
    for instance in statements:
        uids = (
            ("Study Instance UID", instance.study_instance_uid),
            ("Series Instance UID", instance.series_instance_uid or "(the whole study)"),
            ("SOP Instance UID", instance.sop_instance_uid or "(the whole series)"),
            ("Holder", instance.holder or "(not said)"),
        )
        rows = list(uids if instance.series_instance_uid else (*uids[:2], uids[3]))
        for keyword, value in instance.attributes:
            display = tables.attributes[keyword].displays.get(value or "", "")
            text = "(emptied)" if value is None else json.dumps(value, ensure_ascii=False)[1:-1]
            rows.append((keyword, f"{text}  {display}".rstrip()))
        width = max(len(label) for label, _ in rows)
        lines += [f"{label:<{width}}  {text}" for label, text in rows] + [""]
    return "\n".join(lines) if lines else f"this {name} document says nothing of any status\n"
