"""Which FHIR interaction a request is, as far as it concerns us (FHIR R4, RESTful API)."""

from __future__ import annotations

from dataclasses import dataclass

TYPES = ("ImagingStudy", "ImagingSelection", "Bundle")
OPERATIONS = ("$sop-status", "$to-hl7v2")
CREATE, UPDATE, PATCH, TRANSACTION = "create", "update", "patch", "transaction"
READ, SEARCH, SEARCH_POST, CAPABILITIES = "read", "search", "search-post", "capabilities"
OPERATION, OTHER = "operation", "other"
WRITES = (CREATE, UPDATE, PATCH, TRANSACTION)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction: its kind, the type and id of the resource, and the name of an operation."""

    kind: str
    type: str = ""
    id: str = ""
    operation: str = ""


_OTHER = Interaction(OTHER)


def interaction(method: str, path: str) -> Interaction:
    """Return what a request asks for; ``path`` is relative to the base of the FHIR API."""
    # Java servers take what follows a semicolon for a parameter of the path
    steps = [name for step in path.split("/") if (name := step.partition(";")[0])]
    if method == "HEAD":
        return _OTHER
    if not steps:
        kinds = {"POST": TRANSACTION, "GET": SEARCH}
        return Interaction(kinds.get(method, OTHER), "Bundle")
    if steps == ["metadata"]:
        return Interaction(CAPABILITIES) if method == "GET" else _OTHER
    if steps == ["_history"] or (len(steps) == 3 and steps[2] == "ImagingStudy"):
        return Interaction(SEARCH, "ImagingStudy") if method == "GET" else _OTHER
    if steps[0] not in TYPES:
        return _OTHER
    if steps[-1].startswith("$"):
        return _operation(steps)
    return _of_type(method, steps)


def _operation(steps: list[str]) -> Interaction:
    known = steps[-1] in OPERATIONS and steps[0] == "ImagingStudy" and len(steps) in (2, 3)
    if not known:
        return _OTHER
    return Interaction(OPERATION, steps[0], steps[1] if len(steps) == 3 else "", steps[-1])


def _of_type(method: str, steps: list[str]) -> Interaction:
    kind, rest = steps[0], steps[1:]
    if not rest:
        kinds = {"GET": SEARCH, "POST": CREATE, "PUT": UPDATE, "PATCH": PATCH}
        return Interaction(kinds.get(method, OTHER), kind)
    if rest == ["_search"]:
        return Interaction(SEARCH_POST, kind) if method == "POST" else _OTHER
    if rest[-1] == "_history":
        return Interaction(SEARCH, kind) if method == "GET" else _OTHER
    if len(rest) == 1 or (len(rest) == 3 and rest[1] == "_history"):
        kinds = {"GET": READ} if len(rest) == 3 else {"GET": READ, "PUT": UPDATE, "PATCH": PATCH}
        return Interaction(kinds.get(method, OTHER), kind, rest[0])
    return _OTHER
