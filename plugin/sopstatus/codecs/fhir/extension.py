"""Our complex extension, slice by slice: what one says, and the same extension saying else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sopstatus import values
from sopstatus.codecs.fhir.fast import writer
from sopstatus.codecs.fhir.value import VALUE, node, text_of
from sopstatus.codecs.shared import row_values as forms
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Found, elsewhere
from sopstatus.holder import NOBODY, Holder, of_uri, to_uri
from sopstatus.model import SOPInstance, Value
from sopstatus.table import Attribute, Group, older_keywords
from sopstatus.table.language import (
    HOLDER_SLICE,
    HOLDER_SLICES,
    HOLDER_UID_SLICE,
    HOLDER_UID_TYPE_SLICE,
    RESERVED_SLICES,
    VERBATIM_KEYWORD,
    VERBATIM_SLICE,
    VERBATIM_VALUE,
)

Extension = dict[str, Any]
_Slice = tuple[Issues, Extension]
"""A slice, and what gathers the issues at it."""


@dataclass(slots=True)
class Said:
    """What one extension says."""

    attributes: tuple[tuple[str, Value], ...]
    holder: Holder
    unread: frozenset[str]


def read(extension: Extension, group: Group, issues: Issues) -> Said:
    """Read the slices of an extension; what cannot be read is an issue and is left alone.

    ``issues`` are at the extension.
    """
    slices: dict[str, list[_Slice]] = {}
    location = issues.location
    if not isinstance(extension.get("extension"), list) and extension.keys() - {"url", "id"}:
        issues.at(f"{location}.extension").add("fhir/malformed")
    for index, item in enumerate(_inner(extension)):
        here = issues.at(f"{location}.extension[{index}]")
        if isinstance(item, dict) and isinstance(url := item.get("url"), str):
            slices.setdefault(url, []).append((here, item))
        else:
            here.add("fhir/malformed")
    known = {row.slice for row in group.slices} | {*RESERVED_SLICES}
    for url, items in slices.items():
        if url not in known:
            items[0][0].add("fhir/unknown-slice", slices=", ".join(sorted(known)))
    kept = _verbatim(slices.get(VERBATIM_SLICE, []), group)
    said: dict[str, Value] = {}
    unread: set[str] = set()
    for row in group.slices:
        found = slices.get(row.slice, [])
        if (read := read_row(row, found, kept, issues, group)) is UNREAD:
            unread.add(row.keyword)
        elif read is not NOTHING:
            said[row.keyword] = read
    return Said(tuple(said.items()), _holder(slices), frozenset(unread))


class _Mark(str):
    """No value of a row; it is known as an object."""


UNREAD, NOTHING = _Mark("unread"), _Mark("nothing")
"""What a row reads where its slice cannot be read, and where nothing is said."""


def read_row(
    row: Attribute, found: list[_Slice], kept: dict[str, Value], issues: Issues, group: Group
) -> Value:
    """Read the value of a row in its slices and the exact texts, `UNREAD` or `NOTHING`."""
    here = found[0][0] if found else issues
    texts = _texts(row, found, group)
    if texts is None:
        return UNREAD
    value = forms.from_fhir(row, texts)
    if texts and value is None:
        here.add("fhir/not-date-time" if row.vr == "DT" else "value/not-of-type", **_facts(row))
        return UNREAD
    if row.keyword in kept:
        verbatim = kept[row.keyword]
        offset = _offset(row, verbatim, texts)
        if verbatim is None:
            if value is None:
                return None
            stale = True
        else:
            back = forms.from_fhir(row, forms.to_fhir(row, verbatim, offset))
            value, stale = forms.resolve(row, value, back, verbatim)
            if value and row.vr == "DT":
                value = values.with_offset(value, offset)
        if stale:
            here.add("fhir/verbatim-stale", keyword=row.keyword)
    if value is None:
        return NOTHING
    for code, facts in forms.problems(row, value):
        here.add(code, **facts)
    return value


def _offset(row: Attribute, verbatim: Value, texts: list[str]) -> str:
    """Return the offset that was given to the DTs of an exact text which have none of their own."""
    if row.vr != "DT":
        return ""
    shown = [item for item in row.items(verbatim or "") if values.parse_dt(item)]
    given = (
        values.offset_of(text)
        for item, text in zip(shown, texts, strict=False)
        if values.lacks_offset(item)
    )
    return next(given, "")


def _facts(row: Attribute) -> dict[str, str]:
    return {"keyword": row.keyword} if row.vr == "DT" else {"keyword": row.keyword, "vr": row.vr}


def _texts(row: Attribute, found: list[_Slice], group: Group) -> list[str] | None:
    """Return the text of each slice of a row; ``None`` if one is unreadable, with an issue."""
    if len(found) > 1 and row.vm == "1":
        found[0][0].add("fhir/repeated-slice", slice=row.slice, count=len(found))
        return None
    texts = []
    for issues, item in found:
        if (text := _text(row, item, issues, group)) is None:
            return None
        texts.append(text)
    return texts


def _text(row: Attribute, item: Extension, issues: Issues, group: Group) -> str | None:
    key = VALUE[row.fhir_type]
    if sum(name.startswith("value") for name in item) > 1:  # value[x] is one of them
        issues.add("fhir/malformed")
        return None
    text = text_of(row, item.get(key))
    if text is None and row.fhir_type == "code" and (other := coded(item, group)):
        text = other[1]
        issues.add("fhir/coded", slice=row.slice)
    if text is not None and row.vr == "DT" and (bare := values.trim("DT", text)) != text:
        text = bare
        issues.add("value/padded", keyword=row.keyword)
    if text is None and (item.get("extension") or item.get(f"_{key}")):
        issues.add("fhir/data-absent", slice=row.slice)
    elif text is None:
        issues.add("fhir/wrong-type", slice=row.slice, type=key)
    return text


def coded(item: Extension, group: Group) -> tuple[tuple[str | int, ...], str] | None:
    """Return the code of a Coding or CodeableConcept of our code systems, and the steps to it."""
    concept = item.get("valueCodeableConcept")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    steps: list[tuple[tuple[str | int, ...], Any]] = [(("valueCoding",), item.get("valueCoding"))]
    if isinstance(codings, list):
        steps = [(("valueCodeableConcept", "coding", n), c) for n, c in enumerate(codings)]
    ours = f"{group.extension.rpartition('/StructureDefinition/')[0]}/CodeSystem/"
    found = [
        ((*where, "code"), str(code))
        for where, coding in steps
        if isinstance(coding, dict)
        and str(coding.get("system", "")).startswith(ours)
        and isinstance(code := coding.get("code"), str)
    ]
    return found[0] if len({code for _, code in found}) == 1 else None


def _verbatim(items: list[_Slice], group: Group) -> dict[str, Value]:
    kept: dict[str, Value] = {}
    older = older_keywords(group.slices) if items else {}
    for issues, item in items:
        if (entry := verbatim_entry(item)) is None:
            issues.add("fhir/verbatim-malformed")
        else:
            kept.setdefault(older.get(entry[0], entry[0]), entry[1])
    return kept


def verbatim_entry(item: Extension) -> tuple[str, Value] | None:
    """Return the keyword and the value of a slice ``verbatim``; ``None`` where it is malformed."""
    inner = item.get("extension")
    if not isinstance(inner, list) or len(inner) != len(_PARTS):
        return None
    said = {
        part.get("url"): part.get(key)
        for part in inner
        if isinstance(part, dict) and (key := _PARTS.get(str(part.get("url"))))
    }
    keyword, text = said.get(VERBATIM_KEYWORD), said.get(VERBATIM_VALUE)
    if not isinstance(keyword, str) or not isinstance(text, str):
        return None
    return values.parse_verbatim(f"{keyword}={text}")


_PARTS = {VERBATIM_KEYWORD: "valueCode", VERBATIM_VALUE: "valueString"}
_HELD_IN = {
    HOLDER_SLICE: "valueString",
    HOLDER_UID_SLICE: "valueUri",
    HOLDER_UID_TYPE_SLICE: "valueCode",
}
_FHIR_URI, _FHIR_CODE = re.compile(r"\S*"), re.compile(r"(?:[^\s]+(?:\s[^\s]+)*)?")


def _holder(slices: dict[str, list[_Slice]]) -> Holder:
    texts = []
    for name, key in _HELD_IN.items():
        found = slices.get(name, [])
        text = found[0][1].get(key) if found else ""
        if len(found) > 1:
            found[0][0].add("fhir/repeated-slice", slice=name, count=len(found))
        if not isinstance(text, str):
            found[0][0].add("fhir/wrong-type", slice=name, type=key)
        elif name == HOLDER_SLICE and (bare := values.trim("AE", text)) != text:
            text = bare
            found[0][0].add("value/padded", keyword="RetrieveAETitle")
        texts.append(text if isinstance(text, str) else "")
    return of_uri(*texts)


def named_in(extension: Extension) -> Holder:
    """Return the holder that an extension names, as it stands there."""
    slices: dict[str, list[_Slice]] = {}
    for item in _inner(extension):
        if isinstance(item, dict) and isinstance(url := item.get("url"), str) and url in _HELD_IN:
            slices.setdefault(url, []).append((Issues(), item))
    return _holder(slices) if slices else NOBODY


@lru_cache(maxsize=64)
def names(holder: Holder) -> bool:
    """Tell whether an extension can name a holder: its universal ID must fit a FHIR uri."""
    uri, kind = to_uri(holder)
    return bool(_FHIR_URI.fullmatch(uri) and _FHIR_CODE.fullmatch(kind))


def _named(holder: Holder) -> list[Extension]:
    """Return the slices that name a holder."""
    texts = (holder.ae_title, *to_uri(holder))
    told = zip(_HELD_IN.items(), texts, strict=True)
    return [{"url": name, key: text} for (name, key), text in told if text]


def make(group: Group, new: SOPInstance, offset: str, issues: Issues) -> Extension:
    """Make the extension for a statement; ``offset`` is the site's, for a DT that has none."""
    inner: list[Extension] = []
    said = dict(new.attributes)
    for row in group.slices:
        if row.keyword in said:
            inner += slices(row, said[row.keyword], offset, issues)
    if new.holder:
        inner += _named(new.holder)
    inner.sort(key=lambda item: item["url"] == VERBATIM_SLICE)
    return {"url": group.extension, "extension": inner}


def rewrite(
    extension: Extension,
    group: Group,
    found: Found[Any],
    new: SOPInstance,
    offset: str,
    issues: Issues,
) -> Extension:
    """Return the extension with the slices of those attributes changed that differ."""
    said, wanted = dict(found.instance.attributes), dict(new.attributes)
    inner: list[Any] = _inner(extension)
    keywords = {row.keyword for row in group.slices}
    differ = {
        k
        for k in keywords
        if (k in said, said.get(k)) != (k in wanted, wanted.get(k))
        or elsewhere(said.get(k), wanted.get(k))
    }
    for row in group.slices:
        if row.keyword not in differ:
            continue
        inner = [i for i in inner if not _is_slice(i, row.slice) and not _keeps(i, row)]
        if row.keyword in wanted:
            where = _position(inner, group, row)
            made = slices(row, wanted[row.keyword], offset, issues)
            inner[where:where] = [m for m in made if m["url"] != VERBATIM_SLICE]
            inner += [m for m in made if m["url"] == VERBATIM_SLICE]
    here = named_in(extension) if new.holder else NOBODY
    if (whole := here.completed(new.holder)) != here:
        kept = [i for i in inner if not any(_is_slice(i, name) for name in HOLDER_SLICES)]
        where = next((n for n, i in enumerate(kept) if _is_slice(i, VERBATIM_SLICE)), len(kept))
        inner = [*kept[:where], *_named(whole), *kept[where:]]
    return {**extension, "extension": inner}


def is_crowded(extension: Extension, limit: int) -> bool:
    """Tell whether an extension has more slices than the limit."""
    inner = extension.get("extension")
    return isinstance(inner, list) and len(inner) > limit


def says_more(extension: Extension, group: Group) -> bool:
    """Tell whether an extension holds slices that are not ours, and so must stay."""
    known = [*(row.slice for row in group.slices), *RESERVED_SLICES]  # a url may be anything
    return any(
        not isinstance(item, dict) or item.get("url") not in known for item in _inner(extension)
    )


def _inner(extension: Extension) -> list[Any]:
    inner = extension.get("extension")
    return list(inner) if isinstance(inner, list) else []


def slices(row: Attribute, value: Value, offset: str, issues: Issues) -> list[Extension]:
    """Return what states a value: its slices, and its exact text where they cannot say it."""
    if value is None:
        return [_kept(row.keyword, None)]
    if exact := writer(row)(value):
        return [{"url": row.slice, VALUE[row.fhir_type]: exact}]
    texts = forms.to_fhir(row, value, values.context_offset(value) or offset)
    made: list[Extension] = [
        {"url": row.slice, VALUE[row.fhir_type]: node(row, text)} for text in texts
    ]
    if texts and forms.from_fhir(row, texts) == value:
        return made
    if texts and row.vr == "DT":
        dt = values.parse_dt(value)
        timeless = dt is not None and len(dt.digits) == 14 and "T" not in texts[0]
        code = "fhir/offset-missing" if timeless else "fhir/date-time-shortened"
        issues.add(code, keyword=row.keyword)
    return [*made, _kept(row.keyword, value)]


def _kept(keyword: str, value: Value) -> Extension:
    text = values.verbatim(keyword, value).partition("=")[2]
    told = ((VERBATIM_KEYWORD, keyword), (VERBATIM_VALUE, text))
    inner = [{"url": name, _PARTS[name]: part} for name, part in told]
    return {"url": VERBATIM_SLICE, "extension": inner}


def _is_slice(item: Any, name: str) -> bool:
    return isinstance(item, dict) and item.get("url") == name


def _keeps(item: Any, row: Attribute) -> bool:
    if not _is_slice(item, VERBATIM_SLICE):
        return False
    entry = verbatim_entry(item)
    return entry is not None and entry[0] in (row.keyword, *row.aliases)


def _position(inner: list[Any], group: Group, row: Attribute) -> int:
    """Return where a slice goes, so that slices keep the order of the table."""
    names = [r.slice for r in group.slices]
    before = names[: names.index(row.slice)]
    places = [i for i, item in enumerate(inner) if any(_is_slice(item, n) for n in before)]
    return places[-1] + 1 if places else 0
