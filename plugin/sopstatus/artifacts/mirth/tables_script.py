"""The tables as a function of JavaScript, for channels that run without Python."""

from __future__ import annotations

import json
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.table import Attribute, MappingTable
from sopstatus.table_language import CODED, HOLDER_FIELD, VERBATIM_FIELD
from sopstatus.values import OFFSET_KEYWORD

_ISSUES = (
    "hl7/no-study-uid",
    "hl7/not-for-the-study",
    "hl7/one-per-order",
    "hl7/identity-lost",
    "hl7/no-repetition",
)
_HEAD = """\
/**
 * The mapping tables, generated: "sopstatus artifacts" makes this anew when a table changes.
 *
 * @return {Object} rows by field, and the texts of issues
 */
function sopstatusTables() {
    return """


def tables_script(tables: MappingTable) -> str:
    """Return ``sopstatusTables()`` for the first segment that the tables use."""
    name, rows = next(iter(tables.segments.items()))
    said: dict[str, Any] = {
        "segment": name,
        "position": tables.site.hl7_position,
        "verbatimField": VERBATIM_FIELD,
        "holderField": HOLDER_FIELD,
        "offsetKeyword": OFFSET_KEYWORD,
        "rows": [_row(row) for row in rows],
        "older": {alias: row.keyword for row in rows for alias in row.aliases},
        "issues": {code: _issue(code) for code in _ISSUES},
    }
    # ASCII: a code template travels through more than one character set
    text = json.dumps(said, indent=4).replace("\n", "\n    ")
    return f"{_HEAD}{text};\n}}\n"


def _row(row: Attribute) -> dict[str, Any]:
    return {
        "keyword": row.keyword,
        "aliases": list(row.aliases),
        "tag": f"{row.tag:08X}",
        "vr": row.vr,
        "field": row.field,
        "closed": row.closed,
        "coded": row.datatype in CODED,
        "system": row.coding_system,
        "displays": row.displays,
        "to": row.to_hl7,
        "from": row.from_hl7,
    }


def _issue(code: str) -> list[str]:
    entry = catalogue()[code]
    return [entry.severity, f"{entry.text}; {entry.remedy}"]
