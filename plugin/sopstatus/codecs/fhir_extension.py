"""Our complex extension, slice by slice: what one says, and the same extension saying else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sopstatus import plain, values
from sopstatus.catalogue import issue
from sopstatus.codecs import forms
from sopstatus.codecs.fhir_plan import VALUE
from sopstatus.codecs.statement import Found, elsewhere
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute, Group, older_keywords
from sopstatus.table_language import HOLDER_SLICE, VERBATIM_SLICE

Extension = dict[str, Any]


@dataclass(slots=True)
class Said:
    """What one extension says."""

    attributes: tuple[tuple[str, Value], ...]
    holder: str
    unread: frozenset[str]


def read(extension: Extension, group: Group, location: str, issues: list[Issue]) -> Said:
    """Read the slices of an extension; what cannot be read is an issue and is left alone."""
    slices: dict[str, list[tuple[str, Extension]]] = {}
    for index, item in enumerate(_inner(extension)):
        if isinstance(item, dict) and isinstance(url := item.get("url"), str):
            slices.setdefault(url, []).append((f"{location}.extension[{index}]", item))
        else:
            issues.append(issue("fhir/malformed", f"{location}.extension[{index}]"))
    known = {row.slice for row in group.attributes} | {HOLDER_SLICE, VERBATIM_SLICE}
    for url, items in slices.items():
        if url not in known:
            issues.append(issue("fhir/unknown-slice", items[0][0], slices=", ".join(sorted(known))))
    kept = _verbatim(slices.get(VERBATIM_SLICE, []), group, issues)
    said: dict[str, Value] = {}
    unread: set[str] = set()
    for row in group.attributes:
        found = slices.get(row.slice, [])
        text, where = _text(row, found, location, issues)
        value = forms.from_fhir(row, text) if text is not None else None
        if found and value is None:
            if text is not None:
                issues.append(issue("fhir/not-date-time", where, keyword=row.keyword))
            unread.add(row.keyword)
            continue
        if row.keyword in kept:
            verbatim = kept[row.keyword]
            if verbatim is None:
                if value is None:
                    said[row.keyword] = None
                    continue
                stale = True
            else:
                again = forms.to_fhir(row, verbatim, values.offset_of(text or ""))
                back = forms.from_fhir(row, again) if again is not None else None
                value, stale = forms.resolve(row, value, back, verbatim)
                if value and row.vr == "DT":
                    value = values.with_offset(value, values.offset_of(text or ""))
            if stale:
                issues.append(issue("fhir/verbatim-stale", where, keyword=row.keyword))
        if value is not None:
            said[row.keyword] = value
            for code, facts in forms.problems(row, value):
                issues.append(issue(code, where, **facts))
    return Said(tuple(said.items()), _holder(slices.get(HOLDER_SLICE, [])), frozenset(unread))


def _text(
    row: Attribute, found: list[tuple[str, Extension]], location: str, issues: list[Issue]
) -> tuple[str | None, str]:
    if not found:
        return None, location
    where, item = found[0]
    if len(found) > 1:
        issues.append(issue("fhir/repeated-slice", where, slice=row.slice, count=len(found)))
        return None, where
    key = VALUE[row.fhir_type]
    text = item.get(key)
    if text is None and (item.get("extension") or item.get(f"_{key}")):
        issues.append(issue("fhir/data-absent", where, slice=row.slice))
        return None, where
    if not isinstance(text, str):
        issues.append(issue("fhir/wrong-type", where, slice=row.slice, type=key))
        return None, where
    return text, where


def _verbatim(
    items: list[tuple[str, Extension]], group: Group, issues: list[Issue]
) -> dict[str, Value]:
    kept: dict[str, Value] = {}
    older = older_keywords(group.attributes) if items else {}
    for where, item in items:
        text = item.get("valueString")
        entry = values.parse_verbatim(text, older) if isinstance(text, str) else None
        if entry is None:
            issues.append(issue("fhir/verbatim-malformed", where))
        else:
            kept.setdefault(*entry)
    return kept


def _holder(items: list[tuple[str, Extension]]) -> str:
    text = items[0][1].get("valueString") if items else ""
    return text if isinstance(text, str) else ""


def make(
    group: Group, new: SOPInstance, offset: str, location: str, issues: list[Issue]
) -> Extension:
    """Make the extension for a statement; ``offset`` is the site's, for a DT that has none."""
    inner: list[Extension] = []
    said = dict(new.attributes)
    for row in group.attributes:
        if row.keyword in said:
            inner += _slices(row, said[row.keyword], offset, location, issues)
    if new.holder:
        inner.append({"url": HOLDER_SLICE, "valueString": new.holder})
    inner.sort(key=lambda item: item["url"] == VERBATIM_SLICE)
    return {"url": group.extension, "extension": inner}


def rewrite(
    extension: Extension,
    group: Group,
    found: Found[Any],
    new: SOPInstance,
    offset: str,
    location: str,
    issues: list[Issue],
) -> Extension:
    """Return the extension with the slices of those attributes changed that differ."""
    said, wanted = dict(found.instance.attributes), dict(new.attributes)
    inner: list[Any] = _inner(extension)
    keywords = {row.keyword for row in group.attributes}
    differ = {
        k
        for k in keywords
        if (k in said, said.get(k)) != (k in wanted, wanted.get(k))
        or elsewhere(said.get(k), wanted.get(k))
    }
    for row in group.attributes:
        if row.keyword not in differ:
            continue
        inner = [i for i in inner if not _is_slice(i, row.slice) and not _keeps(i, row)]
        if row.keyword in wanted:
            where = _position(inner, group, row)
            made = _slices(row, wanted[row.keyword], offset, location, issues)
            inner[where:where] = [m for m in made if m["url"] != VERBATIM_SLICE]
            inner += [m for m in made if m["url"] == VERBATIM_SLICE]
    return {**extension, "extension": inner}


def is_crowded(extension: Extension, limit: int) -> bool:
    """Tell whether an extension has more slices than the limit."""
    inner = extension.get("extension")
    return isinstance(inner, list) and len(inner) > limit


def says_more(extension: Extension, group: Group) -> bool:
    """Tell whether an extension holds slices that are not ours, and so must stay."""
    known = {row.slice for row in group.attributes} | {HOLDER_SLICE, VERBATIM_SLICE}
    return any(
        not isinstance(item, dict) or item.get("url") not in known for item in _inner(extension)
    )


def _inner(extension: Extension) -> list[Any]:
    inner = extension.get("extension")
    return list(inner) if isinstance(inner, list) else []


def _slices(
    row: Attribute, value: Value, offset: str, location: str, issues: list[Issue]
) -> list[Extension]:
    if value is None:
        return [_kept(row.keyword, None)]
    if row.vr == "DT" and (exact := plain.dt_to_date_time(value)):
        return [{"url": row.slice, VALUE[row.fhir_type]: exact}]
    text = forms.to_fhir(row, value, values.context_offset(value) or offset)
    made: list[Extension] = []
    if text is not None:
        made.append({"url": row.slice, VALUE[row.fhir_type]: text})
        if forms.from_fhir(row, text) == value:
            return made
        if row.vr == "DT":
            dt = values.parse_dt(value)
            timeless = dt is not None and len(dt.digits) == 14 and "T" not in text
            code = "fhir/offset-missing" if timeless else "fhir/date-time-shortened"
            issues.append(issue(code, location, keyword=row.keyword))
    return [*made, _kept(row.keyword, value)]


def _kept(keyword: str, value: Value) -> Extension:
    return {"url": VERBATIM_SLICE, "valueString": values.verbatim(keyword, value)}


def _is_slice(item: Any, name: str) -> bool:
    return isinstance(item, dict) and item.get("url") == name


def _keeps(item: Any, row: Attribute) -> bool:
    if not _is_slice(item, VERBATIM_SLICE):
        return False
    text = item.get("valueString")
    entry = values.parse_verbatim(text) if isinstance(text, str) else None
    return entry is not None and entry[0] in (row.keyword, *row.aliases)


def _position(inner: list[Any], group: Group, row: Attribute) -> int:
    """Return where a slice goes, so that slices keep the order of the table."""
    names = [r.slice for r in group.attributes]
    before = names[: names.index(row.slice)]
    places = [i for i, item in enumerate(inner) if any(_is_slice(item, n) for n in before)]
    return places[-1] + 1 if places else 0
