"""FHIR Shorthand of values and resources: one rule a leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_CODES = {
    *("status", "code", "type", "kind", "equivalence", "relationship", "use", "mode", "format"),
    *("xpathUsage", "processingMode", "base", "resource", "fhirVersion", "content", "license"),
    *("valueCode", "strength", "comparator", "modifier"),
}
"""Elements whose type is code, in the resources that we make."""
_CODES_THERE = {("system", "telecom"), ("name", "parameter"), ("name", "part")}
_DATES = {"date", "valueDateTime", "started"}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """Return a string of FSH."""
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'


def literal(key: str, value: Any, above: str = "") -> str:
    """Return a leaf as FSH writes it, by the name of its element and of the one above."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    if key in _DATES:
        return value
    if key in _CODES or (key, above) in _CODES_THERE:
        return f"#{value}" if " " not in value else f"#{quoted(value)}"
    return quoted(value)


def rules(value: Any, path: str, key: str = "", above: str = "") -> Iterator[str]:
    """Yield the rules that make a value at a path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from rules(inner, f"{path}.{name}" if path else name, name, key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from rules(inner, f"{path}[{index}]", key, above)
    else:
        yield f"* {path} = {literal(key, value, above)}"


def carets(resource: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the rules of a definition's own elements."""
    for key in keys:
        if key in resource:
            yield from rules(resource[key], f"^{key}", key)
