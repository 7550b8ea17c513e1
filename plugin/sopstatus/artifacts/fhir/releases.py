"""The FHIR releases that packages are made for, and what differs between them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Release(NamedTuple):
    """A release of FHIR and its core package."""

    name: str
    version: str
    resources: tuple[str, ...]  # that can carry statements

    @property
    def core(self) -> str:
        """The name of the core package."""
        return f"hl7.fhir.{self.name.lower()}.core"

    @property
    def is_r5(self) -> bool:
        """Whether the resources of terminology and conformance have the form of R5."""
        return self.version >= "5"

    @property
    def is_preview(self) -> bool:
        """Whether it is a ballot: definitions are differentials, for its snapshots may change."""
        return "-" in self.version


RELEASES = (
    Release("R4", "4.0.1", ("ImagingStudy",)),
    Release("R4B", "4.3.0", ("ImagingStudy",)),
    Release("R5", "5.0.0", ("ImagingStudy", "ImagingSelection")),
)
PREVIEWS = (Release("R6", "6.0.0-ballot4", RELEASES[-1].resources),)


@cache
def _lists(release: str) -> dict[str, list[dict[str, Any]]]:
    text = files("sopstatus.artifacts.fhir").joinpath(f"base/{release}.json").read_text("utf-8")
    lists: dict[str, list[dict[str, Any]]] = json.loads(text)
    return lists


def base_elements(release: Release, type_name: str) -> list[dict[str, Any]]:
    """Return the elements of a type's own snapshot, without mappings and examples. Not to be changed.

    They are HL7's (CC0), from the StructureDefinitions of the release.
    """
    return _lists(release.name)[type_name]
