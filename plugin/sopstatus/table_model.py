"""What the mapping tables say, as loaded: groups of rows, the site's settings, look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class TableVersion(NamedTuple):
    """Which table it was: its name, its version, and the SHA-256 of the files that say it."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} sha256:{self.sha256}"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One row: a DICOM attribute, its HL7 field and its FHIR slice."""

    keyword: str
    tag: int
    vr: str
    closed: bool  # Enumerated Values, not Defined Terms
    field: int
    datatype: str
    coding_system: str
    slice: str
    fhir_type: str
    definition: str  # for people; may be empty
    displays: dict[str, str]  # by DICOM term
    definitions: dict[str, str]  # by DICOM term, where there is one
    to_hl7: dict[str, str]
    from_hl7: dict[str, str]  # aliases too
    to_fhir: dict[str, str]
    from_fhir: dict[str, str]
    aliases: tuple[str, ...]  # older keywords
    file: str
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One table: one complex extension, and one run of fields of a segment."""

    name: str
    title: str
    version: str
    source: str
    enabled: bool
    extension: str  # canonical URL
    contexts: tuple[str, ...]
    segment: str
    attributes: tuple[Attribute, ...]
    definition: str = ""
    sha256: str = ""  # of the files that say it, in order


@dataclass(frozen=True, slots=True)
class Site:
    """What differs from site to site (``site.toml``); an empty text means "not set"."""

    canonical: str
    fhir_release: str
    hl7_position: str
    coding_system: str = ""
    offset: str = ""
    link_policy: str = "demote-to-not-specified"
    publisher: str = ""
    contact: str = ""
    licence: str = ""
    package: str = ""
    package_version: str = ""
    package_date: str = ""
    package_status: str = ""
    selection_before_r5: str = "none"


@dataclass(frozen=True)
class MappingTable:
    """All tables as loaded. ``groups`` are those switched on, ``available`` is every one."""

    groups: tuple[Group, ...]
    available: tuple[Group, ...]
    site: Site
    sha256: str  # of all files read, in order

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """Every attribute switched on, by DICOM Keyword."""
        return {row.keyword: row for group in self.groups for row in group.attributes}

    @cached_property
    def versions(self) -> tuple[TableVersion, ...]:
        """Which tables these are: every group switched on."""
        return tuple(TableVersion(g.name, g.version, g.sha256) for g in self.groups)

    @cached_property
    def segments(self) -> dict[str, tuple[Attribute, ...]]:
        """The attributes of every segment, in the order of the fields."""
        found: dict[str, list[Attribute]] = {}
        for group in self.groups:
            found.setdefault(group.segment, []).extend(group.attributes)
        return {
            name: tuple(sorted(rows, key=lambda row: row.field)) for name, rows in found.items()
        }

    @cached_property
    def extensions(self) -> dict[str, Group]:
        """The group of every extension, by canonical URL."""
        return {group.extension: group for group in self.groups}
