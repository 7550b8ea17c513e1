"""The language of the tables as a Markdown table, for ``mappings/README.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sopstatus.table import language
from sopstatus.table.language import Key

_PLACES = (
    ("head", language.GROUP),
    ("`[fhir]`", language.GROUP_FHIR),
    ("`[hl7]`", language.GROUP_HL7),
    ("`[[attribute]]`", language.ATTRIBUTE),
    ("`hl7 = {}`", language.ATTRIBUTE_HL7),
    ("`fhir = {}`", language.ATTRIBUTE_FHIR),
    ("a code `{}`", language.CODE),
    ("`site.toml`", language.SITE),
)


def rows() -> Iterator[str]:
    """Yield one Markdown row a key."""
    for place, keys in _PLACES:
        for name, key in keys.items():
            required = "required" if key.required else ""
            yield f"| {place} | `{name}` | {required} | {_meaning(key)} |"


def types() -> Iterator[str]:
    """Yield one Markdown row for the VRs that the same types can carry, the preferred one first."""
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for vr, fhir in language.FHIR_TYPES.items():
        alike.setdefault((fhir, language.HL7_DATATYPES[vr]), []).append(vr)
    for (fhir, hl7), vrs in alike.items():
        yield f"| {_names(vrs)} | {_names(fhir)} | {_names(hl7)} |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _meaning(key: Key) -> str:
    if key.choices and key.type != "table":
        return f"{key.meaning}: {', '.join(f'`{choice}`' for choice in key.choices)}"
    return f"{key.meaning}; {key.form}" if key.form else key.meaning
