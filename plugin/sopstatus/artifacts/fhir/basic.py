"""An ImagingSelection where FHIR has none yet: a Basic with the cross-version extensions of R5.

Elements that Basic has too stay in their
place; every other one is an extension ``.../extension-ImagingSelection.status``, and what is inside a
BackboneElement is an extension of that one, with the element's name for its url.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sopstatus.artifacts.fhir.heads import Resource
from sopstatus.artifacts.fhir.releases import RELEASES, base_elements

SELECTION = "ImagingSelection"
CODE = {"system": "http://hl7.org/fhir/fhir-types", "code": SELECTION}
_BASE = f"http://hl7.org/fhir/5.0/StructureDefinition/extension-{SELECTION}."
INSTANCE = f"{_BASE}instance"
"""The extension that stands for ``ImagingSelection.instance``, and carries ours."""
_SHARED = {
    *("id", "meta", "implicitRules", "language", "text", "contained", "extension"),
    *("modifierExtension", "identifier", "subject"),
}


def as_basic(selection: Resource) -> Resource:
    """Return an ImagingSelection as a Basic of R4 or R4B."""
    made: Resource = {"resourceType": "Basic"}
    made |= {key: value for key, value in selection.items() if key in _SHARED}
    rest = {k: v for k, v in selection.items() if k not in _SHARED and k != "resourceType"}
    extensions = [one for key in rest for one in _written(SELECTION, key, rest[key], _BASE + key)]
    made["extension"] = [*selection.get("extension", ()), *extensions]
    return made | {"code": {"coding": [dict(CODE)]}}


@cache
def _elements() -> dict[str, tuple[str, bool]]:
    """Return the first type of every element of R5, and whether it repeats, by its path."""
    return {
        element["path"]: (element["type"][0]["code"], element["max"] != "1")
        for element in base_elements(RELEASES[-1], SELECTION)
        if "type" in element
    }


def _written(above: str, key: str, value: Any, url: str) -> Iterator[Resource]:
    kind, repeats = _elements()[f"{above}.{key}"]
    for one in value if repeats else [value]:
        if kind == "BackboneElement":
            own = [
                extension
                for name, inner in one.items()
                if name != "extension"
                for extension in _written(f"{above}.{key}", name, inner, name)
            ]
            yield {"url": url, "extension": [*own, *one.get("extension", ())]}
        else:
            yield {"url": url, f"value{kind[0].upper()}{kind[1:]}": one}
