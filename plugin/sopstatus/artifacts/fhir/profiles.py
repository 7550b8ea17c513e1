"""Profiles on ImagingStudy and ImagingSelection that allow the extensions of all groups."""

from __future__ import annotations

from typing import Any

from sopstatus.artifacts.fhir.extension import contexts, extension_id
from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.names import camel, legal_id, tag_of, title_of
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.artifacts.fhir.snapshot import views
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.table.language import HOLDER_SLICE, HOLDER_UID_SLICE
from sopstatus.table.model import attribute_id

_SLICING = {
    "discriminator": [{"type": "value", "path": "url"}],
    "ordered": False,
    "rules": "open",
}


def profile_id(resource: str) -> str:
    """Return the id of the profile on a resource: ``sop-status-imaging-study``."""
    return f"sop-status-{attribute_id(resource)}"


def profile(resource: str, tables: MappingTable, release: Release) -> Resource:
    """Return the StructureDefinition, with differential and snapshot."""
    source = url_of(tables.site, "StructureDefinition", profile_id(resource))
    made = head(
        tables.site,
        "StructureDefinition",
        profile_id(resource),
        title=f"{resource} with statements about its SOP Instances",
        description=f"An {resource} whose elements say what DICOM says of the copies that "
        "Application Entities hold. Everything is optional: absent means that nothing is said.",
    )
    return made | {
        "fhirVersion": release.version,
        "kind": "resource",
        "abstract": False,
        "type": resource,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{resource}",
        "derivation": "constraint",
        **views(release, resource, _differential(resource, tables, release, source)),
    }


def one_a_holder(url: str) -> str:
    """Return the FHIRPath that holds where an element has one statement a holder at most."""
    ours = f"extension.where(url = '{url}')"
    uids = f"{ours}.extension.where(url = '{HOLDER_UID_SLICE}').value"
    bare = f"{ours}.where(extension.where(url = '{HOLDER_UID_SLICE}').empty())"
    titles = f"{bare}.extension.where(url = '{HOLDER_SLICE}').value"
    unheld = f"{bare}.where(extension.where(url = '{HOLDER_SLICE}').empty())"
    return f"{uids}.isDistinct() and {titles}.isDistinct() and {unheld}.count() <= 1"


def _differential(
    resource: str, tables: MappingTable, release: Release, source: str
) -> list[dict[str, Any]]:
    places: dict[str, list[Group]] = {}
    simple = [row for row in tables.simple if any(c.startswith(resource) for c in row.contexts)]
    for row in simple:
        places.update((context, []) for context in row.contexts if context.startswith(resource))
    for group in tables.complex:
        for context in contexts(group, release):
            if context.partition(".")[0] == resource:
                places.setdefault(context, []).append(group)
    made: list[dict[str, Any]] = [{"id": resource, "path": resource}]
    for path in sorted(places, key=lambda path: path.count(".")):
        rules = [
            {
                "key": legal_id(f"{extension_id(group)}-holder"),
                "severity": "error",
                "human": f"There is at most one statement a holder ({group.title})",
                "expression": one_a_holder(group.extension),
                "source": source,
            }
            for group in places[path]
        ]
        if path == resource:
            made[0]["constraint"] = rules
        else:
            made.append({"id": path, "path": path, "constraint": rules})
        inner = f"{path}.extension"
        made.append({"id": inner, "path": inner, "slicing": _SLICING})
        for group in places[path]:
            name = camel(extension_id(group))
            made.append(
                {
                    "id": f"{inner}:{name}",
                    "path": inner,
                    "sliceName": name,
                    "short": group.title,
                    "min": 0,
                    "max": "*",
                    "type": [{"code": "Extension", "profile": [group.extension]}],
                }
            )
        taken = {camel(extension_id(group)) for group in tables.complex}
        for row in simple:
            made += _simple(row, inner, taken) if path in row.contexts else ()
    return made


def _simple(row: Attribute, path: str, taken: set[str]) -> list[dict[str, Any]]:
    """Return the slice of a simple extension: a reference to what others have published.

    Its url stands there too, for validators that do not have the other's definition.
    """
    name = camel(attribute_id(row.keyword))
    name += "Simple" * (name in taken)
    return [
        {
            "id": f"{path}:{name}",
            "path": path,
            "sliceName": name,
            "short": f"{title_of(row)} {tag_of(row)}",
            "min": 0,
            "max": "1" if row.vm == "1" else "*",
            "type": [{"code": "Extension", "profile": [row.extension]}],
        },
        {"id": f"{path}:{name}.url", "path": f"{path}.url", "fixedUri": row.extension},
    ]
