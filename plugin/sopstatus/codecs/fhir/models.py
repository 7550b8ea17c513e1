"""fhir.resources: its models as documents, and as validators on request.

The library has no R4 models; ImagingStudy and Bundle are the same on the wire in R4 and R4B, so
R4 is checked with the R4B models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs.shared.json_document import load_json
from sopstatus.model import Issue

_CHECKED = ("R4", "R4B", "R5")


def as_dict(model: Any) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]:
    """Return a model's JSON, and a function that makes a model of that type of JSON."""
    return load_json(model.model_dump_json()), type(model).model_validate


def validate(document: dict[str, Any], release: str) -> list[Issue]:
    """Validate a resource; each fault is an issue at its element."""
    from pydantic import ValidationError

    if release not in _CHECKED:  # R6 has no models yet
        return [issue("fhir/release-unknown", document["resourceType"])]
    try:
        _model(document["resourceType"], release).model_validate(document)
    except ValidationError as error:
        return [
            issue(
                "fhir/invalid",
                # the name of an element that is not FHIR's may be anything
                _location(
                    document, fault["loc"][: -1 if fault["type"] == "extra_forbidden" else None]
                ),
                release=release,
                fault=fault["type"],
            )
            for fault in error.errors(include_input=False, include_context=False, include_url=False)
        ]
    return []


def _model(kind: str, release: str) -> Any:
    if release == "R5":
        from fhir.resources import get_fhir_model_class

        return get_fhir_model_class(kind)
    from fhir.resources.R4B import get_fhir_model_class as get_r4b_model_class

    return get_r4b_model_class(kind)


def _location(document: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return f"{document['resourceType']}{''.join(steps)}"
