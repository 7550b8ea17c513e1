"""The complex extension of a group, as a StructureDefinition."""

from __future__ import annotations

from typing import Any

from sopstatus.artifacts.fhir.basic import INSTANCE
from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.names import attribute_id, tag_of, title_of
from sopstatus.artifacts.fhir.releases import Release, base_elements
from sopstatus.artifacts.fhir.snapshot import snapshot
from sopstatus.table import Attribute, Group, Site
from sopstatus.table_language import (
    HOLDER_FIELD,
    HOLDER_SLICE,
    VERBATIM_FIELD,
    VERBATIM_SLICE,
)

MAPPINGS = [
    {"identity": "dicom", "uri": "http://nema.org/dicom", "name": "DICOM tag"},
    {"identity": "v2", "uri": "http://hl7.org/v2", "name": "HL7 v2 field"},
]
SAYS_SOMETHING = f"extension.where(url != '{HOLDER_SLICE}').exists()"
_HOLDER = "AE Title of the Application Entity that holds the copy; absent where it is not said."
_VERBATIM = (
    'The exact DICOM text of a value that its own slice cannot say exactly, as Keyword="text": a '
    'JSON string behind the DICOM Keyword. An attribute that was stated and emptied is Keyword="".'
)


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
    base = base_elements(release, "Extension")
    differential = _differential(group, site, about)
    made = head(
        site,
        "StructureDefinition",
        extension_id(group),
        url=group.extension,
        title=group.title,
        description=f"{about} Carries DICOM attributes without loss. It is a statement about the "
        "copy that its holder has, and no modifier: a status that is absent means nothing.",
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
        "snapshot": {"element": snapshot(base, differential, base)},
        "differential": {"element": differential},
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
            }
        ],
    }
    elements: list[dict[str, Any]] = [root, {"id": "Extension.extension"}]
    for row in group.attributes:
        elements += _slice(row.slice, row.fhir_type, title_of(row), _about(row), "1")
        elements[-4]["mapping"] = _mapping(
            f"{tag_of(row)} {row.keyword}", f"{group.segment}-{row.field}"
        )
        if row.displays:
            elements[-1]["binding"] = {
                "strength": "required" if row.closed else "extensible",
                "valueSet": url_of(site, "ValueSet", attribute_id(row.keyword)),
            }
    elements += _slice(HOLDER_SLICE, "string", "Holder of the copy", _HOLDER, "1")
    elements[-4]["mapping"] = _mapping("", f"{group.segment}-{HOLDER_FIELD}")
    elements += _slice(VERBATIM_SLICE, "string", "Exact DICOM text", _VERBATIM, "*")
    elements[-4]["mapping"] = _mapping("", f"{group.segment}-{VERBATIM_FIELD}")
    elements += [
        {"id": "Extension.url", "fixedUri": group.extension},
        {"id": "Extension.value[x]", "max": "0"},
    ]
    return [{**_with_path(element["id"]), **element} for element in elements if len(element) > 1]


def _about(row: Attribute) -> str:
    return row.definition or f"{title_of(row)} {tag_of(row)}."


def _mapping(dicom: str, v2: str) -> list[dict[str, str]]:
    dicom_map = [{"identity": "dicom", "map": dicom}] if dicom else []
    return [*dicom_map, {"identity": "v2", "map": v2}]


def _slice(
    name: str, fhir_type: str, short: str, definition: str, most: str
) -> list[dict[str, Any]]:
    within = f"Extension.extension:{name}"
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
