"""The language of the mapping tables: every key with its type and meaning, as data.

The loader checks files against it, and the JSON Schema for editors is generated from it, so that
the two cannot differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TEXT_VRS = ("LT", "LO", "SH", "ST", "UT", "UC", "UI", "DA", "TM", "AS", "IS", "DS")
HL7_DATATYPES = {
    "CS": ("CWE", "CNE", "CE", "ID", "IS"),
    "DT": ("DTM", "TS"),
    **dict.fromkeys(TEXT_VRS, ("ST", "TX", "FT")),
}
"""HL7 data types that can carry a VR."""
FHIR_TYPES = {"CS": ("code",), "DT": ("dateTime",), **dict.fromkeys(TEXT_VRS, ("string",))}
"""FHIR types that can carry a VR."""
CODED = ("CWE", "CNE", "CE")
"""HL7 data types with the components code, text, coding system."""
CONTEXTS = (
    "ImagingStudy",
    "ImagingStudy.series",
    "ImagingStudy.series.instance",
    "ImagingSelection.instance",
)
FIRST_FIELD = 5
"""ZDS-1 to ZDS-4 are the identity of what a statement is about."""
VERBATIM_FIELD, HOLDER_FIELD = 9, 10
VERBATIM_SLICE, HOLDER_SLICE = "verbatim", "holder"


class Key(NamedTuple):
    """One key of the language."""

    type: str  # "string", "boolean", "integer", "strings", "table", "tables"
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""  # the pattern in words


_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_SEMVER = r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?"
_CODING_SYSTEM = r"[\x21-\x7e]{1,20}"

GROUP: dict[str, Key] = {
    "name": Key(
        "string",
        "Name of the group; a site's file of the same name changes it",
        True,
        pattern=_NAME,
        form="lower case words joined by hyphens",
    ),
    "title": Key("string", "Title for people", True),
    "version": Key(
        "string", "Semantic version of the table", True, pattern=_SEMVER, form='like "1.0.0"'
    ),
    "source": Key("string", "Where the standard defines the attributes", True),
    "definition": Key("string", "What the group says, in a sentence for people"),
    "enabled": Key("boolean", "false = carried only where a site asks for it (default true)"),
    "fhir": Key("table", "The complex extension that carries the group", True),
    "hl7": Key("table", "The segment that carries the group", True),
    "attribute": Key("tables", "One row a DICOM attribute", True),
}
GROUP_FHIR: dict[str, Key] = {
    "extension": Key(
        "string",
        "Canonical URL, or its part after the site's canonical base",
        True,
        pattern=r"(https?://|urn:)?[^\s|#]+",
        form="a URL or a relative path, without | or #",
    ),
    "contexts": Key("strings", "Elements that may carry the extension", True, CONTEXTS),
}
GROUP_HL7: dict[str, Key] = {
    "segment": Key(
        "string",
        "Z segment that carries the group",
        True,
        pattern=r"Z[A-Z0-9]{2}",
        form="Z and two capitals or digits",
    ),
}
ATTRIBUTE: dict[str, Key] = {
    "keyword": Key("string", "DICOM Keyword (PS3.6)", True),
    "tag": Key(
        "string",
        "DICOM tag (PS3.6)",
        True,
        pattern=r"[0-9A-F]{4},[0-9A-F]{4}",
        form='in quotes and capitals, like "0100,0410"',
    ),
    "vr": Key("string", "Value Representation (PS3.6)", True, tuple(HL7_DATATYPES)),
    "terms": Key(
        "string",
        "CS only: enumerated = closed, defined = open (PS3.3)",
        choices=("enumerated", "defined"),
    ),
    "aliases": Key(
        "strings",
        "Older keywords, read in verbatim values and never written",
        pattern=r"[A-Z][A-Za-z0-9]*",
        form="a keyword of letters and digits",
    ),
    "hl7": Key("table", "The field that carries the attribute", True),
    "fhir": Key("table", "The slice of the extension that carries the attribute", True),
    "definition": Key("string", "What the attribute says, in a sentence for people"),
    "codes": Key("table", "CS only: one row a term"),
}
ATTRIBUTE_HL7: dict[str, Key] = {
    "field": Key("integer", "Number of the field; 1 to 4, 9 and 10 are reserved", True),
    "datatype": Key(
        "string",
        "HL7 data type",
        True,
        tuple(dict.fromkeys(name for names in HL7_DATATYPES.values() for name in names)),
    ),
    "coding-system": Key(
        "string",
        "Coding system of a CWE (HL7 table 0396); the site's setting wins",
        pattern=_CODING_SYSTEM,
        form="up to 20 printable ASCII characters without blanks",
    ),
}
ATTRIBUTE_FHIR: dict[str, Key] = {
    "slice": Key(
        "string",
        "Name of the slice (its relative url)",
        True,
        pattern=r"[a-z][A-Za-z0-9]*",
        form="a lower camel case name",
    ),
    "type": Key(
        "string",
        "FHIR type of the slice's value[x]",
        True,
        tuple(dict.fromkeys(name for names in FHIR_TYPES.values() for name in names)),
    ),
}
CODE: dict[str, Key] = {
    "display": Key("string", "Text for people", True),
    "definition": Key("string", "What the term says, in a sentence for people"),
    "hl7": Key("string", "Code in HL7, where it differs from the DICOM term"),
    "fhir": Key("string", "Code in FHIR, where it differs from the DICOM term"),
    "hl7-aliases": Key("strings", "Codes read from HL7 and never written"),
    "fhir-aliases": Key("strings", "Codes read from FHIR and never written"),
}
SITE: dict[str, Key] = {
    "canonical": Key(
        "string",
        "Base of the canonical URLs",
        pattern=r"(https?://|urn:)[^\s|#]*[^\s|#/]",
        form="a URL without a slash at its end",
    ),
    "coding-system": Key(
        "string",
        "Coding system of every CWE that we write",
        pattern=_CODING_SYSTEM,
        form="up to 20 printable ASCII characters without blanks",
    ),
    "fhir-release": Key("string", "Release of resources made anew", choices=("R4", "R4B", "R5")),
    "hl7-position": Key("string", "Where a new segment goes", choices=("group", "message")),
    "link-policy": Key(
        "string",
        "What a data set that is sent may say of its status at most (`docs/security-profile.md`)",
        choices=("preserve", "demote-to-copy", "demote-to-not-specified", "strip"),
    ),
    "offset": Key(
        "string",
        "Offset from UTC of a DT that has none",
        pattern=r"[+-][0-9]{4}",
        form='like "+0100"',
    ),
    "publisher": Key("string", "Who publishes the FHIR packages and HL7 profiles"),
    "contact": Key(
        "string",
        "Where the publisher can be reached",
        pattern=r"(https?://|mailto:)[^\s]+",
        form="a URL, http: or mailto:",
    ),
    "licence": Key(
        "string",
        "Licence of what is published (SPDX)",
        pattern=r"[A-Za-z0-9.+-]+",
        form='like "Apache-2.0"',
    ),
    "package": Key(
        "string",
        "Name of the FHIR packages, before the release: `.r4`, `.r4b`, `.r5`",
        pattern=r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+",
        form="lower case words joined by dots, at least two",
    ),
    "package-version": Key(
        "string", "Semantic version of the FHIR packages", pattern=_SEMVER, form='like "1.0.0"'
    ),
    "package-date": Key(
        "string",
        "When this version was published",
        pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        form='like "2026-11-25"',
    ),
    "package-status": Key(
        "string", "How far what is published has come", choices=("draft", "active", "retired")
    ),
    "selection-before-r5": Key(
        "string",
        "What stands for an ImagingSelection in the packages of R4 and R4B",
        choices=("none", "basic"),
    ),
}

SITE_FILE = "site.toml"
PROFILE_FILE = "online-electronic-storage.toml"
"""The rules of the Security Profile stand beside the tables and are no table (`profile_table`)."""

_PARTS: dict[str, dict[str, Key]] = {
    "fhir": GROUP_FHIR,
    "hl7": GROUP_HL7,
    "attribute": ATTRIBUTE,
    "attribute.fhir": ATTRIBUTE_FHIR,
    "attribute.hl7": ATTRIBUTE_HL7,
}


_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://w3id.org/sopstatus/schema"


def part(path: str) -> dict[str, Key]:
    """Return the keys that may stand in a table of this dotted path."""
    return _PARTS[path]


def json_schema() -> dict[str, Any]:
    """Return the language as a JSON Schema (2020-12), for completion and hover in editors.

    A site's file may leave out what the shipped file of that name says, so that only ``name`` is
    required of a group.
    """
    return {
        "$schema": _DRAFT,
        "$id": f"{_BASE}/table.schema.json",
        "title": "sopstatus mapping table",
        "description": "One group of DICOM attributes: a FHIR extension and fields of a Z segment",
        **_object(GROUP, "", required=["name"]),
    }


def site_json_schema() -> dict[str, Any]:
    """Return the same for ``site.toml``."""
    return {
        "$schema": _DRAFT,
        "$id": f"{_BASE}/site.schema.json",
        "title": "sopstatus site settings",
        "description": "What differs from site to site: a file site.toml beside the tables",
        **_object(SITE, "", required=[]),
    }


def _object(keys: dict[str, Key], path: str, required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [k for k, key in keys.items() if key.required]
        if required is None
        else required,
        "properties": {name: _property(name, key, path) for name, key in keys.items()},
    }


def _property(name: str, key: Key, path: str) -> dict[str, Any]:
    meaning = f"{key.meaning}; {key.form}" if key.form else key.meaning
    about = {"title": name, "description": meaning}
    inner = f"{path}.{name}" if path else name
    if name == "codes":
        terms = {"pattern": "^[A-Z0-9_][A-Z0-9 _]{0,15}$"}
        rows = {"propertyNames": terms, "additionalProperties": _object(CODE, inner)}
        return {"type": "object", **rows, **about}
    if key.type == "table":
        return {**_object(part(inner), inner), **about}
    if key.type == "tables":
        return {"type": "array", "items": _object(part(inner), inner), **about}
    if inner == "attribute.hl7.field":
        numbers = {"minimum": FIRST_FIELD, "maximum": 999}
        reserved = {"not": {"enum": [VERBATIM_FIELD, HOLDER_FIELD]}}
        return {"type": "integer", **numbers, **reserved, **about}
    if key.type in ("boolean", "integer"):
        return {"type": key.type, **about}
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    if inner == "attribute.fhir.slice":
        text["not"] = {"enum": [VERBATIM_SLICE, HOLDER_SLICE]}
    if key.choices:
        text["enum"] = list(key.choices)
    if key.pattern:
        text["pattern"] = f"^(?:{key.pattern})$"
    return {"type": "array", "items": text, **about} if key.type == "strings" else {**text, **about}
