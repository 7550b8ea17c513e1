"""The ``value[x]`` of a slice or a simple extension: the text of a row's value as FHIR has it, and back."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs.shared.json_document import number
from sopstatus.codecs.shared.json_text import spelt
from sopstatus.table import Attribute, conversions
from sopstatus.values import trim

VALUE = {name: f"value{name[0].upper()}{name[1:]}" for name in conversions.FHIR}
"""The element of a slice's value, by its FHIR type."""


def node(row: Attribute, text: str) -> Any:
    """Return what stands in the element for a text that the row's conversion has made."""
    if row.fhir_type == "boolean":
        return text == "true"
    if row.fhir_type in ("integer", "decimal"):
        return number(text)
    if row.fhir_type == "Coding":
        return _coding(row, text)
    if row.fhir_type == "CodeableConcept":
        return {"coding": [_coding(row, text)]} if row.vr == "CS" else {"text": text}
    return text


def text_of(row: Attribute, found: Any) -> str | None:
    """Return the text of what stands in the element; ``None`` where it is not of the type."""
    if row.fhir_type == "boolean":
        return spelt(found) if isinstance(found, bool) else None
    if row.fhir_type in ("integer", "decimal"):
        return None if isinstance(found, bool | str) else spelt(found)
    if row.fhir_type == "Coding":
        return _code(row, found)
    if row.fhir_type == "CodeableConcept" and isinstance(found, dict):
        if row.vr != "CS":
            return found["text"] if isinstance(found.get("text"), str) else None
        codings = found.get("coding")
        codes = {_code(row, one) for one in codings} if isinstance(codings, list) else set()
        codes.discard(None)
        return codes.pop() if len(codes) == 1 else None
    return found if isinstance(found, str) else None


def _coding(row: Attribute, code: str) -> dict[str, str]:
    display = row.displays.get(trim("CS", row.from_fhir.get(code, code)))
    named = {"display": display} if display else {}
    return {"system": row.system, "code": code, **named}


def _code(row: Attribute, coding: Any) -> str | None:
    if not isinstance(coding, dict) or coding.get("system") != row.system:
        return None
    code = coding.get("code")
    return code if isinstance(code, str) else None
