"""What the mapping tables say, as loaded: groups of rows, the site's settings, look-ups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from sopstatus._lazily import pattern
from sopstatus.holder import Holder, resolve
from sopstatus.model import SOPInstance

_WORD = pattern(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def attribute_id(keyword: str) -> str:
    """Return ``sop-authorization-datetime`` for ``SOPAuthorizationDateTime``."""
    words = "-".join(_WORD.findall(keyword)).lower()
    return words.replace("date-time", "datetime")


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
    vm: str  # "1", "2", "1-n", "2-2n"
    closed: bool  # Enumerated Values, not Defined Terms
    field: int  # 0 = none
    datatype: str
    coding_system: str
    slice: str  # empty = none
    fhir_type: str
    system: str  # of a Coding or CodeableConcept
    extension: str  # canonical URL of a simple extension; then it is the slice too
    contexts: tuple[str, ...]  # of a simple extension
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

    def items(self, text: str) -> list[str]:
        """Return the values of a text: one, or as many as backslashes part (PS3.5 6.4)."""
        return [text] if self.vm == "1" else text.split("\\")

    def allows(self, count: int) -> bool:
        """Tell whether the VM allows so many values."""
        least, dash, most = self.vm.partition("-")
        if not dash:
            return count == int(least)
        if not most.endswith("n"):
            return int(least) <= count <= int(most)
        return count >= int(least) and count % int(most[:-1] or 1) == 0


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One table: one complex extension, and one run of fields of a segment."""

    name: str
    title: str
    version: str
    source: str
    enabled: bool
    extension: str  # canonical URL; empty = none
    contexts: tuple[str, ...]
    segment: str  # empty = none
    attributes: tuple[Attribute, ...]
    slices: tuple[Attribute, ...]  # those that the complex extension carries
    definition: str = ""
    sha256: str = ""  # of the files that say it, in order


def carried(rows: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """Return those of a group's attributes that its complex extension carries."""
    return tuple(row for row in rows if row.slice and not row.extension)


def older_keywords(rows: Iterable[Attribute]) -> dict[str, str]:
    """Return the keyword of today for every older one of these rows."""
    return {alias: row.keyword for row in rows for alias in row.aliases}


@dataclass(frozen=True, slots=True)
class Site:
    """What differs from site to site (``site.toml``); an empty text means "not set"."""

    canonical: str
    fhir_release: str
    hl7_position: str
    coding_system: str = ""
    hl7_character_sets: tuple[tuple[str, str], ...] = ()  # a name in MSH-18, and what it means
    processing: tuple[str, ...] = ()  # MSH-11 of what is read; none = any
    offset: str = ""
    link_policy: str = "demote-to-not-specified"
    on_held: str = "refuse"
    publisher: str = ""
    contact: str = ""
    licence: str = ""
    package: str = ""
    package_version: str = ""
    package_date: str = ""
    package_status: str = ""
    selection_before_r5: str = "none"
    holders: tuple[tuple[str, str], ...] = ()  # AE Title and OID
    context: str = "all"
    patient_authority: str = ""
    hl7_version: str = "2.5.1"
    hl7_sender: str = ""
    hl7_receiver: str = ""
    endpoint: str = ""


@dataclass(frozen=True)
class MappingTable:
    """All tables as loaded. ``groups`` are those switched on, ``available`` is every one."""

    groups: tuple[Group, ...]
    available: tuple[Group, ...]
    site: Site
    sha256: str  # of all files read, in order

    @cached_property
    def holders(self) -> dict[str, str]:
        """The OID of each AE Title that the site gives one."""
        return dict(self.site.holders)

    def whose(self, holder: str) -> Holder:
        """Return a holder, a bare AE Title with the OID that the site gives it (``[holders]``)."""
        return resolve(Holder.of(holder), self.holders)

    def settled(self, instances: Iterable[SOPInstance]) -> tuple[SOPInstance, ...]:
        """Return the statements, each holder with what the site says of it."""
        if not self.site.holders:
            return tuple(instances)
        return tuple(replace(one, holder=self.whose(one.holder)) for one in instances)

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
            if rows := [row for row in group.attributes if row.field]:
                found.setdefault(group.segment, []).extend(rows)
        return {
            name: tuple(sorted(rows, key=lambda row: row.field)) for name, rows in found.items()
        }

    @cached_property
    def complex(self) -> tuple[Group, ...]:
        """The groups that a complex extension carries."""
        return tuple(group for group in self.groups if group.slices)

    @cached_property
    def simple(self) -> tuple[Attribute, ...]:
        """The attributes that simple extensions carry."""
        return tuple(row for row in self.attributes.values() if row.extension)

    @cached_property
    def extensions(self) -> dict[str, Group]:
        """The group of every extension, complex or simple, by canonical URL."""
        urls = {row.extension: g for g in self.groups for row in g.attributes if row.extension}
        return {group.extension: group for group in self.complex} | urls
