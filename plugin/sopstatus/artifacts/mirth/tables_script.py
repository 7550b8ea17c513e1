"""The tables as a function of JavaScript, for channels that run without Python."""

from __future__ import annotations

import json
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.codecs.hl7.outline import near_names, plain_name
from sopstatus.limits import DEFAULT
from sopstatus.table import Attribute, MappingTable
from sopstatus.table.language import (
    CODED,
    HL7_CHARACTER_SETS,
    HOLDER_FIELD,
    OTHER_CHARACTER_SETS,
    VERBATIM_FIELD,
)
from sopstatus.values import OFFSET_KEYWORD

_ISSUES = (
    "hl7/no-study-uid",
    "hl7/withdrawn",
    "hl7/not-for-the-study",
    "hl7/one-per-order",
    "hl7/ipc",
    "hl7/identity-lost",
    "hl7/no-repetition",
    "hl7/not-carried",
    "hl7/too-many-repetitions",
    "hl7/undecodable",
    "hl7/charset",
    "dicom-xml/not-text",
    "document/contradiction",
    "document/too-many-pairs",
    "value/multiplicity",
    "value/lower-case",
    "value/unknown-term",
    "value/not-code-string",
    "value/date-time-range",
    "value/not-date-time",
    "value/not-legal",
)
_HEAD = """\
/**
 * The mapping tables, generated: "sopstatus artifacts" makes this again when a table changes.
 *
 * @return {Object} rows by segment and field, and the texts of issues
 */
function sopstatusTables() {
    sopstatusTables.made = sopstatusTables.made || """


def tables_script(tables: MappingTable) -> str:
    """Return ``sopstatusTables()``: the rows of each segment, and those that no field carries."""
    rows = tables.attributes.values()
    said: dict[str, Any] = {
        "position": tables.site.hl7_position,
        "verbatimField": VERBATIM_FIELD,
        "holderField": HOLDER_FIELD,
        "holders": tables.holders,
        "offsetKeyword": OFFSET_KEYWORD,
        "segments": [
            {"name": name, "rows": [_row(row) for row in own]}
            for name, own in tables.segments.items()
        ],
        "others": [_row(row) for row in rows if not row.field],
        "older": {alias: row.keyword for row in rows for alias in row.aliases},
        "characterSets": _character_sets(tables.site.hl7_character_sets),
        "pairs": DEFAULT.pairs,
        "repetitions": DEFAULT.repetitions,
        "issues": {code: _issue(code) for code in _ISSUES},
    }
    # ASCII: a code template travels through more than one character set
    text = json.dumps(said, indent=4).replace("\n", "\n    ")
    return f"{_HEAD}{text};\n    return sopstatusTables.made;\n}}\n"


def _character_sets(aliases: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return Java's name of the character set for each name in MSH-18 without its punctuation."""
    known = {**OTHER_CHARACTER_SETS, **HL7_CHARACTER_SETS}
    names = near_names() | {plain_name(name): term for name, term in aliases}
    changes = (("iso8859", "iso-8859"), ("iso2022", "iso-2022"), ("cp", "windows-"), ("_", "-"))
    made = {}
    for name, term in sorted(names.items()):
        made[name] = known[term]
        for python, java in changes:
            made[name] = made[name].replace(python, java)
    return made


def _row(row: Attribute) -> dict[str, Any]:
    return {
        "keyword": row.keyword,
        "aliases": list(row.aliases),
        "tag": f"{row.tag:08X}",
        "vr": row.vr,
        "vm": row.vm,
        "field": row.field,
        "datatype": row.datatype,
        "closed": row.closed,
        "coded": row.datatype in CODED,
        "system": row.coding_system,
        "displays": row.displays,
        "to": row.to_hl7,
        "from": row.from_hl7,
        "words": sorted({*row.from_fhir}.difference(row.from_hl7)),
    }


def _issue(code: str) -> list[str]:
    entry = catalogue()[code]
    return [entry.severity, f"{entry.text}; {entry.remedy}"]
