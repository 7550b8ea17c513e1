"""Code systems, value sets and naming systems of the attributes that have terms.

An attribute has three: the codes that FHIR carries, the terms as DICOM writes them, and the codes of
the HL7 table with those that are only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.names import pascal, tag_of, title_of
from sopstatus.table import Attribute, Group, Site
from sopstatus.table.model import attribute_id


class Codes(NamedTuple):
    """The codes of an attribute in one format, with the DICOM term that each stands for."""

    id: str
    title: str
    description: str
    terms: dict[str, str]  # DICOM term, by code


def fhir_codes(row: Attribute) -> Codes:
    """Return the codes that FHIR carries: what the extension is bound to."""
    about = row.definition or f"Terms of {title_of(row)}."
    codes = {code: term for term, code in row.to_fhir.items()}
    return Codes(attribute_id(row.keyword), title_of(row), f"{about} {tag_of(row)}.", codes)


def dicom_terms(row: Attribute) -> Codes:
    """Return the terms as they stand in a data set."""
    kind = "Enumerated Values" if row.closed else "Defined Terms"
    return Codes(
        f"{attribute_id(row.keyword)}-dicom",
        f"{title_of(row)}: {kind} of DICOM",
        f"The {kind} of {title_of(row)} {tag_of(row)}, as a data set holds them.",
        {term: term for term in row.displays},
    )


def hl7_codes(row: Attribute) -> Codes:
    """Return the codes of the user-defined HL7 table, those that are only read at its end."""
    written = {code: term for term, code in row.to_hl7.items()}
    return Codes(
        f"{attribute_id(row.keyword)}-hl7",
        f"{title_of(row)}: user-defined table of HL7 v2",
        f"The codes of {title_of(row)} in HL7 v2; some are only read and never written.",
        written | {code: term for code, term in row.from_hl7.items() if code not in written},
    )


def coded_rows(groups: tuple[Group, ...]) -> list[tuple[Group, Attribute]]:
    """Return the attributes that have terms, with their groups."""
    return [(group, row) for group in groups for row in group.attributes if row.displays]


def terminology(group: Group, row: Attribute, site: Site) -> Iterator[Resource]:
    """Yield the code systems, value sets and the naming system of an attribute."""
    for codes in (fhir_codes(row), dicom_terms(row), hl7_codes(row)):
        yield _code_system(codes, row, group, site)
        yield _value_set(codes, group, site)
    if row.coding_system:
        yield _naming_system(row, site)


def _code_system(codes: Codes, row: Attribute, group: Group, site: Site) -> Resource:
    made = head(
        site,
        "CodeSystem",
        codes.id,
        title=codes.title,
        description=f"{codes.description} Source: {group.source}.",
        version=group.version,
    )
    return made | {
        "caseSensitive": True,
        "valueSet": url_of(site, "ValueSet", codes.id),
        "content": "complete" if row.closed else "fragment",
        "count": len(codes.terms),
        "concept": [
            {"code": code, "display": row.displays[term]}
            | ({"definition": row.definitions[term]} if term in row.definitions else {})
            for code, term in codes.terms.items()
        ],
    }


def _value_set(codes: Codes, group: Group, site: Site) -> Resource:
    made = head(
        site,
        "ValueSet",
        codes.id,
        title=codes.title,
        description=codes.description,
        version=group.version,
    )
    system = url_of(site, "CodeSystem", codes.id)
    return made | {"immutable": False, "compose": {"include": [{"system": system}]}}


def _naming_system(row: Attribute, site: Site) -> Resource:
    """Return what names the HL7 table in messages (HL7 table 0396) and in FHIR."""
    codes = hl7_codes(row)
    made = head(
        site,
        "NamingSystem",
        codes.id,
        title=codes.title,
        description=f"Names of the coding system that HL7 v2 messages call {row.coding_system}.",
    )
    for key in ("url", "version", "title", "experimental"):  # R5 has them, R4 has not
        del made[key]
    return made | {
        "name": f"{pascal(codes.id)}NamingSystem",
        "kind": "codesystem",
        "uniqueId": [
            {
                "type": "uri",
                "value": url_of(site, "CodeSystem", codes.id),
                "preferred": True,
            },
            {
                "type": "other",
                "value": row.coding_system,
                "comment": "CWE.3 in HL7 v2 (table 0396: a local coding system)",
            },
        ],
    }
