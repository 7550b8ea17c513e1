"""The operations of a FHIR gateway, and what a server must be able to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sopstatus.artifacts.fhir.extension import contexts
from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.names import title_of
from sopstatus.artifacts.fhir.profiles import profile_id
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.artifacts.fhir.search import search_type, searchable
from sopstatus.table import MappingTable
from sopstatus.table.model import attribute_id

OPERATIONS = ("sop-status", "to-hl7v2")
RESOURCE = "ImagingStudy"
_IDENTITY = {
    "studyInstanceUID": "Study Instance UID, without urn:oid:",
    "seriesInstanceUID": "Series Instance UID; absent = the whole study",
    "sopClassUID": "SOP Class UID",
    "sopInstanceUID": "SOP Instance UID; absent = the whole series or study",
    "holder": "AE Title of the copy's holder, where it is said",
    "holderUid": "The holder's universal ID, as HL7 v2 has it",
    "holderUidType": "The type of the universal ID (HL7 table 0301)",
}


def operations(tables: MappingTable) -> Iterator[Resource]:
    """Yield the OperationDefinitions, as `sopstatus gateway` serves them."""
    parts = [_parameter(name, 0, "1", about, "string") for name, about in _IDENTITY.items()]
    for row in tables.attributes.values():
        about = f"{title_of(row)}, its DICOM text; with a data-absent-reason = emptied"
        parts.append(_parameter(row.keyword, 0, "1", about, "string"))
    given = _parameter("resource", 0, "1", "The study, where it is not stored", RESOURCE, "in")
    yield _operation(
        "sop-status",
        tables,
        "What the study says of its copies",
        "Returns every statement of the study, one parameter each, in document order.",
        [
            given,
            _parameter("rollup", 0, "1", "What all instances say, or mixed", "code"),
            _parameter("statement", 0, "*", "One statement about one copy") | {"part": parts},
        ],
    )
    yield _operation(
        "to-hl7v2",
        tables,
        "The statements as an HL7 v2 message",
        "Returns an ORU^R01 message with a segment a statement: a Binary, or the message itself to "
        "who accepts application/hl7-v2.",
        [given, _parameter("return", 1, "1", "The message", "Binary")],
    )


def _operation(
    code: str,
    tables: MappingTable,
    title: str,
    description: str,
    parameters: list[dict[str, Any]],
) -> Resource:
    made = head(tables.site, "OperationDefinition", code, title=title, description=description)
    return made | {
        "kind": "operation",
        "affectsState": False,
        "code": code,
        "resource": [RESOURCE],
        "system": False,
        "type": True,
        "instance": True,
        "parameter": parameters,
    }


def _parameter(
    name: str, least: int, most: str, about: str, kind: str = "", use: str = "out"
) -> dict[str, Any]:
    made = {"name": name, "use": use, "min": least, "max": most, "documentation": about}
    return made | ({"type": kind} if kind else {})


def capability_statement(tables: MappingTable, release: Release) -> Resource:
    """Return what a server does that carries and finds statements."""
    site = tables.site
    made = head(
        site,
        "CapabilityStatement",
        "sop-status-server",
        title="Server that carries and finds SOP Instance Status",
        description="Keeps the extensions as they were written, and finds resources by them. It does "
        "not decide: whether a status may enter a data set is the receiver's question (PS3.15 A.1.1).",
    )
    del made["experimental"]
    return made | {
        "experimental": False,
        "kind": "requirements",
        "fhirVersion": release.version,
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(name, tables, release) for name in release.resources],
            }
        ],
    }


def _resource(name: str, tables: MappingTable, release: Release) -> dict[str, Any]:
    site = tables.site
    parameters = [
        {
            "name": attribute_id(row.keyword),
            "definition": url_of(site, "SearchParameter", attribute_id(row.keyword)),
            "type": search_type(row),
        }
        for group in tables.complex
        if any(context.partition(".")[0] == name for context in contexts(group, release))
        for row in searchable(group)
    ]
    made = {
        "type": name,
        "supportedProfile": [url_of(site, "StructureDefinition", profile_id(name))],
        "interaction": [{"code": code} for code in ("create", "read", "update", "search-type")],
        "searchParam": parameters,
    }
    if name == RESOURCE:
        made["operation"] = [
            {"name": code, "definition": url_of(site, "OperationDefinition", code)}
            for code in OPERATIONS
        ]
    return made
