"""The complex extension of a group, as a StructureDefinition."""

from __future__ import annotations

from typing import Any

from sopstatus.artifacts.fhir.basic import INSTANCE
from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.names import tag_of, title_of
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.artifacts.fhir.snapshot import views
from sopstatus.table import Attribute, Group, Site
from sopstatus.table.language import (
    HOLDER_FIELD,
    HOLDER_SLICE,
    HOLDER_SLICES,
    VERBATIM_FIELD,
    VERBATIM_KEYWORD,
    VERBATIM_SLICE,
    VERBATIM_VALUE,
)
from sopstatus.table.model import attribute_id

MAPPINGS = [
    {"identity": "dicom", "uri": "http://nema.org/dicom", "name": "DICOM tag"},
    {"identity": "v2", "uri": "http://hl7.org/v2", "name": "HL7 v2 field"},
]
_IS_HOLDER = " and ".join(f"url != '{name}'" for name in HOLDER_SLICES)
SAYS_SOMETHING = f"extension.where({_IS_HOLDER}).exists()"
SHORT_HOLDER = f"extension.where(url = '{HOLDER_SLICE}').value.all($this.length() <= 16)"
_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
_HOLDER = (  # type, title, definition and component of the HD
    (
        "string",
        "Holder of the copy",
        "AE Title of the Application Entity that holds the copy; absent where it is not said.",
        1,
    ),
    (
        "uri",
        "Universal ID of the holder",
        "The holder's universal ID: an OID (DICOM's Retrieve Location UID) as urn:oid:, a UUID as "
        "urn:uuid:, a URI as it stands. Equal universal IDs are one holder, for an AE Title is unique "
        "within a site only. An ID of another HL7 type stands as it is, with holderUidType beside it.",
        2,
    ),
    (
        "code",
        "Type of the universal ID",
        "HL7's universal ID type (table 0301), where the URI does not tell it: DNS, for instance.",
        3,
    ),
)
_VERBATIM = (
    "The exact DICOM text of a value that its own slice cannot say exactly. An attribute that was "
    'stated and emptied has the value "".'
)
_KEYWORD = "The attribute's DICOM Keyword."
_EXACT = "The exact text as a JSON string, in quotes: a FHIR string holds no control characters."


def extension_id(group: Group) -> str:
    """Return the id of the extension: the last part of its URL."""
    return group.extension.rpartition("/")[2].rpartition(":")[2]


def contexts(group: Group, release: Release) -> list[str]:
    """Return the elements that may carry the extension in a release."""
    return [c for c in group.contexts if c.partition(".")[0] in release.resources]


def _context(group: Group, site: Site, release: Release) -> list[dict[str, str]]:
    found = [{"type": "element", "expression": path} for path in contexts(group, release)]
    if site.selection_before_r5 == "basic" and not release.is_r5:
        found.append({"type": "extension", "expression": INSTANCE})
    return found


def extension(group: Group, site: Site, release: Release) -> Resource:
    """Return the StructureDefinition, with differential and snapshot."""
    about = group.definition or f"{group.title} ({group.source})."
    made = head(
        site,
        "StructureDefinition",
        extension_id(group),
        url=group.extension,
        title=group.title,
        description=f"{about} Carries DICOM attributes without loss. It is a statement about the "
        "copy that its holder has, and no modifier: a status that is absent means nothing. On a study "
        "or a series it is about all instances of it.",
        version=group.version,
    )
    return made | {
        "fhirVersion": release.version,
        "mapping": MAPPINGS,
        "kind": "complex-type",
        "abstract": False,
        "context": _context(group, site, release),
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        **views(release, "Extension", _differential(group, site, about)),
    }


def _differential(group: Group, site: Site, about: str) -> list[dict[str, Any]]:
    root = {
        "id": "Extension",
        "path": "Extension",
        "short": group.title,
        "definition": about,
        "comment": f"DICOM: {group.source}. One extension a holder; its identity is the element that "
        "it stands in, and the holder.",
        "min": 0,
        "max": "*",
        "constraint": [
            {
                "key": "sop-1",
                "severity": "error",
                "human": "A statement says more than whose copy it is about",
                "expression": SAYS_SOMETHING,
                "source": group.extension,
            },
            {
                "extension": [{"url": _BEST_PRACTICE, "valueBoolean": True}],
                "key": "sop-2",
                "severity": "warning",
                "human": "An AE Title has at most 16 characters (PS3.5 6.2). A longer name is "
                "carried as it stands, for HD.1 of HL7 v2 has 20 in older versions",
                "expression": SHORT_HOLDER,
                "source": group.extension,
            },
        ],
    }
    elements: list[dict[str, Any]] = [root, {"id": "Extension.extension"}]
    for row in group.slices:
        elements += _slice(row.slice, row.fhir_type, title_of(row), _about(row), _most(row))
        field = f"{group.segment}-{row.field}" if row.field else ""
        elements[-4]["mapping"] = _mapping(f"{tag_of(row)} {row.keyword}", field)
        if row.displays and row.fhir_type != "boolean":
            elements[-1]["binding"] = {
                "strength": "required" if row.closed else "extensible",
                "valueSet": url_of(site, "ValueSet", attribute_id(row.keyword)),
            }
    for name, (kind, short, definition, part) in zip(HOLDER_SLICES, _HOLDER, strict=True):
        elements += _slice(name, kind, short, definition, "1")
        elements[-4]["mapping"] = _mapping("", f"{group.segment}-{HOLDER_FIELD}.{part}")
    elements += _verbatim(group)
    elements += [
        {"id": "Extension.url", "fixedUri": group.extension},
        {"id": "Extension.value[x]", "max": "0"},
    ]
    return [{**_with_path(element["id"]), **element} for element in elements if len(element) > 1]


def _verbatim(group: Group) -> list[dict[str, Any]]:
    """Return the slice of exact texts, and its own two slices."""
    made, inner, url, value = _slice(VERBATIM_SLICE, "", "Exact DICOM text", _VERBATIM, "*")
    made["mapping"] = _mapping("", f"{group.segment}-{VERBATIM_FIELD}")
    inner = {"id": inner["id"], "min": 2}
    keyword = _slice(VERBATIM_KEYWORD, "code", "DICOM Keyword", _KEYWORD, "1", inner["id"])
    exact = _slice(VERBATIM_VALUE, "string", "Text as JSON", _EXACT, "1", inner["id"])
    for one in (keyword[0], exact[0]):
        one["min"] = 1
    return [made, inner, *keyword, *exact, url, {"id": value["id"], "max": "0"}]


def _most(row: Attribute) -> str:
    return "1" if row.vm == "1" else "*"


def _about(row: Attribute) -> str:
    return row.definition or f"{title_of(row)} {tag_of(row)}."


def _mapping(dicom: str, v2: str) -> list[dict[str, str]]:
    maps = {"dicom": dicom, "v2": v2}
    return [{"identity": name, "map": text} for name, text in maps.items() if text]


def _slice(
    name: str,
    fhir_type: str,
    short: str,
    definition: str,
    most: str,
    above: str = "Extension.extension",
) -> list[dict[str, Any]]:
    within = f"{above}:{name}"
    return [
        {
            "id": within,
            "sliceName": name,
            "short": short,
            "definition": definition,
            "min": 0,
            "max": most,
        },
        {"id": f"{within}.extension", "max": "0"},
        {"id": f"{within}.url", "fixedUri": name},
        {"id": f"{within}.value[x]", "min": 1, "type": [{"code": fhir_type}]},
    ]


def _with_path(identifier: str) -> dict[str, str]:
    path = ".".join(part.partition(":")[0] for part in identifier.split("."))
    return {"id": identifier, "path": path}
