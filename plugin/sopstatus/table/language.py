"""The language of the mapping tables: every key with its type and meaning, as data.

The loader checks files against it, and the JSON Schema for editors is generated from it, so that
the two cannot differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sopstatus.table import conversions
from sopstatus.table.conversions import types_of

HL7_DATATYPES = types_of(conversions.HL7)
"""HL7 data types that can carry a VR."""
FHIR_TYPES = types_of(conversions.FHIR)
"""FHIR types that can carry a VR."""
HL7_CHARACTER_SETS = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp_2",
    "ISO IR159": "iso2022_jp_2",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
}
"""Python's codec for each term of HL7 table 0211 whose bytes can be cut at CR."""
OTHER_CHARACTER_SETS = {
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"WINDOWS-125{part}": f"cp125{part}" for part in range(9)},
    "US-ASCII": "ascii",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "GB18030": "gb18030",
}
"""The same for names that senders write beside table 0211; any other is a site's own to add."""
WITH_SYSTEM = ("Coding", "CodeableConcept")
TWO_VRS = "which one it is depends on another attribute, so take an attribute with one VR"
_INSTEAD = {
    "PN": "HL7 and FHIR have fields of their own for names; take another attribute",
    "SQ": "an attribute inside of it is no value of the data set, so this takes a codec",
    "AT": "it is a tag and no value; take another attribute",
    **dict.fromkeys(
        ("OB", "OD", "OF", "OL", "OV", "OW", "SV", "UN", "UV"), "take another attribute"
    ),
}
CODED = ("CWE", "CNE", "CE")
"""HL7 data types with the components code, text, coding system."""
CONTEXTS = (
    "ImagingStudy",
    "ImagingStudy.series",
    "ImagingStudy.series.instance",
    "ImagingSelection.instance",
)
INSTANCES = ("ImagingStudy.series.instance",)
IDENTITY = (
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID"),
    *("SpecificCharacterSet", "TimezoneOffsetFromUTC"),
)
IS_IDENTITY = (
    "is read to tell what a data set is about; every format has it already, remove the row"
)
NOT_IN_DATA_SETS = "is not an attribute of a data set; take one of another group"
STATUS = "SOPInstanceStatus"
COMPANIONS = (
    "SOPAuthorizationDateTime",
    "SOPAuthorizationComment",
    "AuthorizationEquipmentCertificationNumber",
)
GOVERNED = (STATUS, *COMPANIONS)
"""The only attributes that may be coerced (PS3.15 A.1.1 g); no table may hide one."""
FIRST_FIELD = 5
"""ZDS-1 to ZDS-4 are the identity of what a statement is about."""
VERBATIM_FIELD, HOLDER_FIELD = 9, 10
VERBATIM_SLICE, HOLDER_SLICE = "verbatim", "holder"
HOLDER_UID_SLICE, HOLDER_UID_TYPE_SLICE = "holderUid", "holderUidType"
HOLDER_SLICES = (HOLDER_SLICE, HOLDER_UID_SLICE, HOLDER_UID_TYPE_SLICE)
VERBATIM_KEYWORD, VERBATIM_VALUE = "attribute", "value"
"""The slices of the slice ``verbatim``: a DICOM Keyword, and its value as a JSON string."""
RESERVED_SLICES = (*HOLDER_SLICES, VERBATIM_SLICE)


def instead(vr: str) -> str:
    """Say what to do in place of a row of a VR that no table carries; empty for any other."""
    return TWO_VRS if " or " in vr else _INSTEAD.get(vr, "")


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
_WORD = r"[^\^|~\\&\x00-\x1f]{1,60}"
_HD = rf"{_WORD}|({_WORD})?\^{_WORD}\^(ISO|UUID|URI|DNS)"
_TWO_NAMES = rf"({_WORD})?(\^{_WORD})?"
HL7_VERSIONS = ("2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")
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
    "fhir": Key("table", "The complex extension that carries the group, if a row has a slice"),
    "hl7": Key("table", "The segment that carries the group, if a row has a field"),
    "attribute": Key("tables", "One row a DICOM attribute", True),
}
GROUP_FHIR: dict[str, Key] = {
    "extension": Key(
        "string",
        "Canonical URL, or its part after the site's canonical base",
        pattern=r"(https?://|urn:)?[^\s|#]*[^\s|#/]",
        form="a URL or a relative path, without | or #, and without a slash at its end",
    ),
    "contexts": Key("strings", "Elements that may carry the extension", choices=CONTEXTS),
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
    "vr": Key("string", "Value Representation (PS3.6)", True, tuple(FHIR_TYPES)),
    "vm": Key(
        "string",
        "Value Multiplicity (PS3.6); left out = 1",
        pattern=r"[1-9][0-9]*(-([1-9][0-9]*)?n|-[1-9][0-9]*)?",
        form='like "2" or "1-n"',
    ),
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
    "hl7": Key("table", "The field that carries the attribute; left out = HL7 does not"),
    "fhir": Key("table", "What carries the attribute; left out = FHIR does not"),
    "definition": Key("string", "What the attribute says, in a sentence for people"),
    "codes": Key("table", "CS only: one row a term"),
}
ATTRIBUTE_HL7: dict[str, Key] = {
    "field": Key("integer", "Number of the field; 1 to 4, 9 and 10 are reserved", True),
    "datatype": Key(
        "string",
        "HL7 data type",
        True,
        tuple(conversions.HL7),
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
        "Name of the slice of the complex extension (its relative url)",
        pattern=r"[a-z][A-Za-z0-9]*",
        form="a lower camel case name",
    ),
    "extension": Key(
        "string",
        "In place of a slice: canonical URL of a simple extension that others have published",
        pattern=r"(https?://|urn:)[^\s|#]+",
        form="a URL, without | or #",
    ),
    "contexts": Key(
        "strings",
        "Elements that may carry the simple extension (default: those of `[fhir]`, else instances)",
        choices=CONTEXTS,
    ),
    "type": Key(
        "string",
        "FHIR type of value[x]",
        True,
        tuple(conversions.FHIR),
    ),
    "system": Key(
        "string",
        "Code system of a Coding or CodeableConcept (default: the attribute's own of the packages)",
        pattern=r"(https?://|urn:)[^\s|#]+",
        form="a URL, without | or #",
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
    "fhir-release": Key(
        "string", "Release of new resources; R6 is a preview", choices=("R4", "R4B", "R5", "R6")
    ),
    "hl7-position": Key("string", "Where a new segment goes", choices=("group", "message")),
    "hl7-character-sets": Key(
        "table",
        "Other names of character sets in MSH-18, each with the one that it means (`docs/values.md`)",
        choices=(*HL7_CHARACTER_SETS, *OTHER_CHARACTER_SETS),
    ),
    "processing": Key(
        "strings",
        "Processing IDs (MSH-11) of the messages that are read; left out = any",
        pattern=r"[A-Z]",
        form="a capital letter (HL7 table 0103)",
    ),
    "link-policy": Key(
        "string",
        "What a data set that is sent may say of its status at most (`docs/security-profile.md`)",
        choices=("preserve", "demote-to-copy", "demote-to-not-specified", "strip"),
    ),
    "on-held": Key(
        "string",
        "What becomes of a held OR, AO or AC when a statement would lower it (`docs/security-profile.md`)",
        choices=("refuse", "demote"),
    ),
    "offset": Key(
        "string",
        "Offset from UTC of a DT that has none",
        pattern=r"[+-][0-9]{4}",
        form='like "+0100"',
    ),
    "context": Key(
        "string",
        "What a document that we make says beside the statements of a data set",
        choices=("all", "uids", "none"),
    ),
    "patient-authority": Key(
        "string",
        "Who assigned a Patient ID that names no issuer",
        pattern=_HD,
        form='like "HOSPITAL^1.2.3.4^ISO"',
    ),
    "hl7-version": Key("string", "HL7 version of new messages", choices=HL7_VERSIONS),
    "hl7-sender": Key(
        "string",
        "MSH-3 and MSH-4 of new messages",
        pattern=_TWO_NAMES,
        form='like "SOPSTATUS^HOSPITAL"',
    ),
    "hl7-receiver": Key(
        "string",
        "MSH-5 and MSH-6 of new messages",
        pattern=_TWO_NAMES,
        form='like "RIS^HOSPITAL"',
    ),
    "endpoint": Key(
        "string",
        "Endpoint of new resources, from which their images can be retrieved",
        pattern=r"(https?://\S+/)?Endpoint/[A-Za-z0-9.-]{1,64}",
        form='like "Endpoint/pacs"',
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
    "holders": Key(
        "table", "Whose copy a bare AE Title means: the title, and its holder's OID, in quotes"
    ),
}
AE_TITLE = r"(?! *$)[ -\[\]-~]{1,16}"
"""PS3.5 6.2 (AE): no backslash, no control characters, not only blanks."""

NEVER_EMPTY = ("contexts", "processing")
SITE_FILE = "site.toml"
TRUST = frozenset(("link-policy", "on-held"))
"""What a site says of what an untrusted link may do."""
PROFILE_FILE = "online-electronic-storage.toml"
"""The rules of the Security Profile are next to the tables, and are not a table (`profile.table`)."""

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
    if name == "holders":
        titles = {"propertyNames": {"pattern": f"^{AE_TITLE}$"}}
        oid = {"type": "string", "maxLength": 64, "pattern": r"^[0-2](\.(0|[1-9][0-9]*))+$"}
        return {"type": "object", **titles, "additionalProperties": oid, **about}
    if key.choices and key.type == "table":  # whose keys are a site's own
        named = {"type": "string", "enum": list(key.choices)}
        return {"type": "object", "additionalProperties": named, **about}
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
        text["not"] = {"enum": [*RESERVED_SLICES]}
    if key.choices:
        text["enum"] = list(key.choices)
    if key.pattern:
        text["pattern"] = f"^(?:{key.pattern})$"
    if key.type == "strings":
        least = {"minItems": 1} if name in NEVER_EMPTY else {}
        return {"type": "array", "items": text, "uniqueItems": True, **least, **about}
    return {**text, **about}
