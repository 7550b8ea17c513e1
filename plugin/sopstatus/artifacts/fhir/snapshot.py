"""Snapshots: a base type's elements with a differential laid over them.

As much of the algorithm as our definitions need: elements that are constrained, slices of elements,
and children of a slice of an extension.
"""

from __future__ import annotations

import copy
from typing import Any

from sopstatus.artifacts.fhir.releases import Release, base_elements

Element = dict[str, Any]


def views(release: Release, kind: str, differential: list[Element]) -> dict[str, Any]:
    """Return the elements of a definition of a type: of a preview, the differential alone."""
    made = {"differential": {"element": differential}}
    if release.is_preview:
        return made
    base = base_elements(release, kind)
    extension = base_elements(release, "Extension")
    return {"snapshot": {"element": snapshot(base, differential, extension)}, **made}


def snapshot(
    base: list[Element], differential: list[Element], extension: list[Element]
) -> list[Element]:
    """Return all elements of a definition; ``extension`` are those of the type Extension.

    Raise `LookupError` for an element of the differential that the base has no place for.
    """
    made = copy.deepcopy(base)
    made[0].pop("extension", None)  # how normative the base is, is not said of what derives from it
    for changes in differential:
        identifier = changes["id"]
        if _index(made, identifier) is None:
            parent, _, last = identifier.rpartition(".")
            if ":" in last:
                _add_slice(made, identifier)
            else:
                _unfold(made, parent, extension)
        index = _index(made, identifier)
        if index is None:
            raise LookupError(identifier)
        _lay_over(made[index], changes)
    return made


def _index(elements: list[Element], identifier: str) -> int | None:
    return next((i for i, e in enumerate(elements) if e["id"] == identifier), None)


def _add_slice(elements: list[Element], identifier: str) -> None:
    """Add a slice behind the element that is sliced, its slices, and their children."""
    sliced = identifier.rpartition(":")[0]
    index = _index(elements, sliced)
    if index is None:
        raise LookupError(sliced)
    made = copy.deepcopy(elements[index]) | {"id": identifier}
    made.pop("slicing", None)
    within = (f"{sliced}.", f"{sliced}:")
    behind = max(i for i, e in enumerate(elements) if i == index or e["id"].startswith(within))
    elements.insert(behind + 1, made)


def _unfold(elements: list[Element], parent: str, extension: list[Element]) -> None:
    """Add the children of an element of type Extension behind it."""
    index = _index(elements, parent)
    if index is None:
        raise LookupError(parent)
    path = elements[index]["path"]
    children = []
    for child in copy.deepcopy(extension[1:]):
        tail = child["id"].removeprefix("Extension")
        children.append(child | {"id": parent + tail, "path": path + tail})
    elements[index + 1 : index + 1] = children


def _lay_over(element: Element, changes: Element) -> None:
    for key, value in changes.items():
        if key in ("constraint", "mapping"):  # these add to what the base says
            element[key] = [*element.get(key, ()), *value]
        else:
            element[key] = value
