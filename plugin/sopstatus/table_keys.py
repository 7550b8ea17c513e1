"""The language of the tables as a Markdown table, for ``mappings/README.md``."""

from __future__ import annotations

from collections.abc import Iterator

from sopstatus import table_language as language
from sopstatus.table_language import Key

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


def _meaning(key: Key) -> str:
    if key.choices:
        return f"{key.meaning}: {', '.join(f'`{choice}`' for choice in key.choices)}"
    return f"{key.meaning}; {key.form}" if key.form else key.meaning
