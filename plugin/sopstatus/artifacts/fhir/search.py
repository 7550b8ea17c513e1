"""Search parameters: resources by a statement's status or date, on whatever level it stands."""

from __future__ import annotations

from collections.abc import Iterator

from sopstatus.artifacts.fhir.extension import contexts
from sopstatus.artifacts.fhir.heads import Resource, head
from sopstatus.artifacts.fhir.names import tag_of, title_of
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.table import Attribute, Group, Site
from sopstatus.table.model import attribute_id

_BARE = "Search by the bare code: the value is a code without a system."
_TYPES = {"code": "token", "dateTime": "date"}


def searchable(group: Group) -> list[Attribute]:
    """Return the attributes that one can search by: codes and dates."""
    return [row for row in group.slices if row.fhir_type in _TYPES]


def search_type(row: Attribute) -> str:
    """Return the type of an attribute's search parameter."""
    return _TYPES[row.fhir_type]


def search_parameters(group: Group, site: Site, release: Release) -> Iterator[Resource]:
    """Yield one search parameter an attribute, for all resources of the release."""
    for row in searchable(group):
        about = (
            f"{title_of(row)} {tag_of(row)} of a statement about the study, a series or an instance"
        )
        made = head(
            site,
            "SearchParameter",
            attribute_id(row.keyword),
            title=title_of(row),
            description=f"{about}. {_BARE}" if search_type(row) == "token" else f"{about}.",
            version=group.version,
        )
        del made["title"]  # R5 has it, R4 has not
        bases = {c.partition(".")[0]: None for c in contexts(group, release)}
        yield made | {
            "code": attribute_id(row.keyword),
            "base": list(bases),
            "type": search_type(row),
            "expression": expression(group, row, release),
            **({"processingMode": "normal"} if release.is_r5 else {"xpathUsage": "normal"}),
            "multipleOr": True,
            "multipleAnd": True,
        }


def expression(group: Group, row: Attribute, release: Release) -> str:
    """Return the FHIRPath of an attribute's values, from a resource."""
    inner = f".extension.where(url = '{row.slice}').value"
    return " | ".join(
        f"{context}.extension.where(url = '{group.extension}'){inner}"
        for context in contexts(group, release)
    )
