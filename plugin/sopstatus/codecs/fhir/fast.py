"""The slices of an extension, compiled: the road of extensions that need no care.

`Plan.read` takes an extension in which every slice is ours, stands once and has a legal value that
needs no verbatim text, and answers ``None`` for any other, which `fhir_extension.read` then does
slice by slice. Both roads give the same; only the other one has anything to say about it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from sopstatus import plain, values
from sopstatus.codecs.fhir.value import VALUE
from sopstatus.codecs.shared import row_values as forms
from sopstatus.holder import Holder, of_uri
from sopstatus.model import Value
from sopstatus.table import Attribute, Group, conversions
from sopstatus.table.language import HOLDER_SLICE, HOLDER_UID_SLICE, HOLDER_UID_TYPE_SLICE

Attributes = tuple[tuple[str, Value], ...]


class Plan:
    """What an extension looks like where nothing is out of the ordinary."""

    def __init__(self, group: Group) -> None:
        self.slices: dict[str, tuple[str, str, Callable[[str], str | None]]] = {
            row.slice: (row.keyword, VALUE[row.fhir_type], _reader(row))
            for row in group.slices
            if _is_plain(row)
        }
        self.slices[HOLDER_SLICE] = ("", "valueString", _title)
        self.slices[HOLDER_UID_SLICE] = ("^", "valueUri", str)
        self.slices[HOLDER_UID_TYPE_SLICE] = ("^^", "valueCode", str)

    def read(self, extension: dict[str, Any]) -> tuple[Attributes, Holder] | None:
        """Read the attributes and the holder; ``None`` where there is more to it."""
        inner = extension.get("extension")
        if type(inner) is not list or len(inner) > len(self.slices):
            return None
        said: dict[str, str] = {}
        for item in inner:
            if type(item) is not dict or len(item) != 2:
                return None
            url = item.get("url")
            known = self.slices.get(url) if type(url) is str else None
            if known is None:
                return None
            keyword, key, reader = known
            text = item.get(key)
            value = reader(text) if type(text) is str else None
            if not value or keyword in said:
                return None
            said[keyword] = value
        named, uri = said.pop("", ""), said.pop("^", "")
        holder = of_uri(named, uri, said.pop("^^", ""))
        return tuple(sorted(said.items())), holder


@lru_cache(maxsize=1024)
def writer(row: Attribute) -> Callable[[str], str | None]:
    """Return what writes a value of a row whose slice says it exactly, and gives ``None`` for any other."""
    if not _is_plain(row):
        return _needs_care
    if row.vr == "CS":
        made = {term: forms.to_fhir(row, term) for term in row.to_fhir}
        read = {term: forms.from_fhir(row, texts) for term, texts in made.items()}
        return {term: texts[0] for term, texts in made.items() if texts and read[term] == term}.get
    if row.vr == "DT":
        return plain.dt_to_date_time
    return partial(_visible, _reader(row))


def _is_plain(row: Attribute) -> bool:
    return row.vm == "1" and row.fhir_type in ("code", "dateTime", "string")


def _visible(reader: Callable[[str], str | None], text: str) -> str | None:
    return None if text.isspace() else reader(text)


def _reader(row: Attribute) -> Callable[[str], str | None]:
    if row.vr == "CS":
        return {code: term for code, term in row.from_fhir.items() if term in row.displays}.get
    if row.vr == "DT":
        return plain.date_time_to_dt
    if row.vr not in conversions.TEXT_VRS:
        return _needs_care
    longest = values.MAX_CHARACTERS.get(row.vr, sys.maxsize)
    return partial(_text, longest, row.vr in values.SINGLE_VALUED)


def _title(text: str) -> str | None:
    return text if values.trim("AE", text) == text else None


def _needs_care(text: str) -> None:
    return None


def _text(longest: int, single: bool, text: str) -> str | None:
    return text if plain.is_text(text, longest, single=single) else None


@lru_cache(maxsize=64)
def plan(group: Group) -> Plan:
    """Return the plan of a group, compiled once."""
    return Plan(group)
