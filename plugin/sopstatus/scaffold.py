"""A table and a case for one more attribute, from the DICOM dictionary: ``sopstatus new``."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sopstatus import table_language as language
from sopstatus.table import MappingTable
from sopstatus.table_check import nearest

_LONG = ("LT", "ST", "UT", "UC")
_SAMPLES = {
    "DT": "20240115103015",
    "DA": "20240115",
    "TM": "103015",
    "AS": "042Y",
    "IS": "42",
    "DS": "0.5",
    "UI": "1.2.826.0.1",
}
PLACEHOLDER = "TODO"
"""The term of a scaffolded CS whose terms nobody knows here: PS3.6 does not list them."""


class Unfit(Exception):
    """The attribute cannot have a table of its own; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The text of a table and of a case; ``name`` is the group's, and names the files."""

    name: str
    table: str
    case: str


def scaffold(keyword: str, tables: MappingTable) -> Scaffold:
    """Return a table that loads, and its case, for an attribute by its DICOM Keyword.

    Raise `Unfit` for what is no keyword, what another table carries, and a VR that the
    language does not have.
    """
    from pydicom.datadict import get_entry, keyword_dict

    tag = keyword_dict.get(keyword)
    if tag is None:
        near = nearest(keyword, keyword_dict)
        hint = f'did you mean "{near}"?' if near else "take it from PS3.6"
        raise Unfit(f"{keyword}: is no DICOM Keyword; {hint}")
    for group in tables.available:
        if any(row.keyword == keyword for row in group.attributes):
            state = "" if group.enabled else ", which is off: enabled = true switches it on"
            raise Unfit(f"{keyword}: the table {group.name} has it{state}; use that")
    vrs, vm, title, retired, _ = get_entry(tag)
    vr = next((vr for vr in vrs.split(" or ") if vr in language.HL7_DATATYPES), "")
    if not vr:
        known = ", ".join(language.HL7_DATATYPES)
        raise Unfit(f"{keyword}: its VR is {vrs}; a table can carry {known}")
    name = "-".join(word.lower() for word in _words(keyword))
    field = _free_field(tables)
    terms = _terms(keyword) if vr == "CS" else {}
    return Scaffold(
        name,
        _table(name, keyword, tag, vr, vm, title, bool(retired), field, terms),
        _case(name, keyword, vr, title, field, terms),
    )


def _words(keyword: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+", keyword)


def _slice(keyword: str) -> str:
    first, *rest = _words(keyword)
    return first.lower() + "".join(rest)


def _free_field(tables: MappingTable) -> int:
    taken = {row.field for group in tables.available for row in group.attributes}
    return next(n for n in range(language.HOLDER_FIELD + 1, 1000) if n not in taken)


def _terms(keyword: str) -> dict[str, Any]:
    text = files("sopstatus").joinpath("dicom_terms.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text).get(keyword, {})
    return found


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _text(text)


def _table(
    name: str,
    keyword: str,
    tag: int,
    vr: str,
    vm: str,
    title: str,
    retired: bool,
    field: int,
    terms: dict[str, Any],
) -> str:
    datatype = "TX" if vr in _LONG else language.HL7_DATATYPES[vr][0]
    coding = ', coding-system = "99SOPSTATUS"' if datatype in language.CODED else ""
    old = ", which PS3.6 has retired" if retired else ""
    lines = [
        f"# Made of the DICOM dictionary: {title}, VR {vr}, VM {vm}{old}. Look at every line.",
        "",
        f"name    = {_text(name)}",
        f"title   = {_text(title)}",
        'version = "0.1.0"',
        f"source  = {_text(terms.get('source', 'DICOM PS3.6'))}"
        + ("" if terms else " # to do: the section of PS3.3 that defines it"),
        "",
        "[fhir]",
        f"extension = {_text(f'StructureDefinition/{name}')} # after the site's canonical base",
        'contexts  = ["ImagingStudy", "ImagingStudy.series", "ImagingStudy.series.instance", '
        '"ImagingSelection.instance"]',
        "",
        "[hl7]",
        'segment = "ZDS"',
        "",
        "[[attribute]]",
        f"keyword = {_text(keyword)}",
        f'tag     = "{tag >> 16:04X},{tag & 0xFFFF:04X}"',
        f"vr      = {_text(vr)}",
    ]
    if vr == "CS":
        known = terms.get("terms", "defined")
        todo = "" if terms else ' # to do: "enumerated" where PS3.3 gives Enumerated Values'
        lines.append(f"terms   = {_text(known)}{todo}")
    lines += [
        f"hl7     = {{ field = {field}, datatype = {_text(datatype)}{coding} }}"
        " # the first field that no table has",
        f"fhir    = {{ slice = {_text(_slice(keyword))}, type = "
        f"{_text(language.FHIR_TYPES[vr][0])} }}",
    ]
    if vr == "CS":
        codes = terms.get("codes", {PLACEHOLDER: "To do"})
        lines += ["[attribute.codes]"]
        lines += [] if terms else ["# to do: the terms of PS3.3; the dictionary does not list them"]
        lines += [f"{_key(term)} = {{ display = {_text(text)} }}" for term, text in codes.items()]
    return "\n".join(lines) + "\n"


def _case(name: str, keyword: str, vr: str, title: str, field: int, terms: dict[str, Any]) -> str:
    codes = terms.get("codes", {PLACEHOLDER: "To do"})
    value = next(iter(codes)) if vr == "CS" else _SAMPLES.get(vr, "text")
    hl7, fhir = value, value
    if vr == "CS":
        hl7 = f"{value}^{codes[value]}^99SOPSTATUS"
    elif vr == "DT":  # FHIR wants an offset with a time
        value = hl7 = "20240115103015+0100"
        fhir = "2024-01-15T10:30:15+01:00"
    lines = [f"title = {_text(f'{title} arrives in every format')}"]
    if vr == "CS" and not terms:
        lines.append(
            f'todo = "put the terms of {keyword} (PS3.3) into {name}.toml in place of '
            f'{PLACEHOLDER}, and one of them below"'
        )
    lines += [
        "",
        "[say] # a statement about one instance, by DICOM Keyword",
        f"{keyword} = {_text(value)}",
        "",
        "[expect.hl7] # pytest --sopstatus-update rewrites what follows",
        f"ZDS-{field} = {_text(hl7)}",
        "",
        "[expect.fhir]",
        f"{_text(f'{name}.{_slice(keyword)}')} = {_text(fhir)}",
        "",
        "[expect.dicom]",
        f"{keyword} = {_text(value)}",
    ]
    return "\n".join(lines) + "\n"
