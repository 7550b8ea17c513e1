"""Concept maps between the codes of FHIR, the terms of DICOM and the codes of the HL7 table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sopstatus.artifacts.fhir.heads import Resource, head, url_of
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.artifacts.fhir.terminology import Codes, dicom_terms, fhir_codes, hl7_codes
from sopstatus.table import Attribute, Group, Site


def concept_maps(group: Group, row: Attribute, site: Site, release: Release) -> Iterator[Resource]:
    """Yield the maps from FHIR and to it. A code that is only read is no target."""
    ours = fhir_codes(row)
    written = {"hl7": row.to_hl7, "dicom": {term: term for term in row.displays}}
    for side, theirs in (("hl7", hl7_codes(row)), ("dicom", dicom_terms(row))):
        there = {code: written[side][term] for code, term in ours.terms.items()}
        back = {code: row.to_fhir[term] for code, term in theirs.terms.items()}
        yield _concept_map(
            f"{ours.id}-fhir-to-{side}", (ours, theirs), there, row, group, site, release
        )
        yield _concept_map(
            f"{ours.id}-{side}-to-fhir", (theirs, ours), back, row, group, site, release
        )


def _concept_map(
    identifier: str,
    sides: tuple[Codes, Codes],
    pairs: dict[str, str],
    row: Attribute,
    group: Group,
    site: Site,
    release: Release,
) -> Resource:
    source, target = sides
    made = head(
        site,
        "ConceptMap",
        identifier,
        title=f"From {source.title} to {target.title}",
        description="Every code has one target. A code that is not listed is not a term: it is "
        "carried unchanged, and never read as one.",
        version=group.version,
    )
    scopes = ("sourceScopeCanonical", "targetScopeCanonical")
    if not release.is_r5:
        scopes = ("sourceCanonical", "targetCanonical")
    for scope, codes in zip(scopes, sides, strict=True):
        made[scope] = url_of(site, "ValueSet", codes.id)
    word = {"relationship" if release.is_r5 else "equivalence": "equivalent"}

    def element(code: str, to: str) -> dict[str, Any]:
        found = {"code": to, "display": row.displays[target.terms[to]], **word}
        return {"code": code, "display": row.displays[source.terms[code]], "target": [found]}

    made["group"] = [
        {
            "source": url_of(site, "CodeSystem", source.id),
            "target": url_of(site, "CodeSystem", target.id),
            "element": [element(code, to) for code, to in pairs.items()],
        }
    ]
    return made
