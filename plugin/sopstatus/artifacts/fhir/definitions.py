"""Every definition of a release, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterator

from sopstatus.artifacts.fhir.concept_maps import concept_maps
from sopstatus.artifacts.fhir.extension import extension
from sopstatus.artifacts.fhir.heads import Resource
from sopstatus.artifacts.fhir.operations import capability_statement, operations
from sopstatus.artifacts.fhir.profiles import profile
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.artifacts.fhir.search import search_parameters
from sopstatus.artifacts.fhir.terminology import coded_rows, terminology
from sopstatus.table import MappingTable


def definitions(tables: MappingTable, release: Release) -> list[Resource]:
    """Return the definitions that the tables make in a release, sorted by type and id."""
    return sorted(_all(tables, release), key=lambda made: (made["resourceType"], made["id"]))


def _all(tables: MappingTable, release: Release) -> Iterator[Resource]:
    site = tables.site
    for group in tables.complex:
        yield extension(group, site, release)
        yield from search_parameters(group, site, release)
    for group, row in coded_rows(tables.groups):
        yield from terminology(group, row, site)
        yield from concept_maps(group, row, site, release)
    for name in release.resources:
        yield profile(name, tables, release)
    yield from operations(tables)
    yield capability_statement(tables, release)
