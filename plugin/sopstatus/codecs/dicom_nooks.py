"""Places where a status may stand in a data set without stating anything, and what covers it.

Private twins, copies inside sequences, and digital signatures: all are told, none is read.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from struct import Struct
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs import part10
from sopstatus.model import DocumentError, Issue
from sopstatus.table import Attribute

# Hitachi writes the four attributes a second time, as (0029,xx38) to (0029,xx3B)
_TWIN_CREATOR = b"MMCPrivate"
_TWIN_GROUP = 0x0029
_TWINS = {0x38: 0x01000410, 0x39: 0x01000420, 0x3A: 0x01000424, 0x3B: 0x01000426}
_MAC_PARAMETERS, _SIGNED = 0x4FFE0001, 0x04000020


def of_walked(dataset: part10.DataSet, rows: Iterable[Attribute]) -> list[Issue]:
    """Look for private twins and nested copies in the bytes that were walked."""
    issues: list[Issue] = []
    data, rows = dataset.window.data, tuple(rows)
    if _TWIN_CREATOR in data:
        creators = {_TWIN_GROUP << 16 | block for block in range(0x10, 0x100)}
        found = _walk_again(data, creators)
        for tag in creators:
            value = found.value(tag) if found else None
            if value and value[0].strip(b" \0") == _TWIN_CREATOR:
                block = (tag & 0xFF) << 8 | _TWIN_GROUP << 16
                twins = _walk_again(data, {block | low for low in _TWINS})
                present = twins.elements if twins else {}
                issues += _twins(rows, {low for low in _TWINS if block | low in present})
    for row in rows:
        own = dataset.elements.get(row.tag)
        end = own.start if own else dataset.places.get(row.tag, 0)
        pattern = _pattern(row.tag, big=dataset.big)
        if not dataset.implicit:
            pattern += row.vr.encode()
        if data.find(pattern, dataset.start, end) >= 0:
            issues.append(_nested(row))
    return issues


def _walk_again(data: bytes, tags: set[int]) -> part10.DataSet | None:
    try:
        return part10.walk(part10.Window(data), tags)
    except (part10.Lost, DocumentError):  # inflated data has no file meta information
        return None


def _pattern(tag: int, *, big: bool) -> bytes:
    return Struct(">HH" if big else "<HH").pack(tag >> 16, tag & 0xFFFF)


def of_dataset(dataset: Any, rows: Iterable[Attribute]) -> list[Issue]:
    """Look for private twins and nested copies in a pydicom data set."""
    issues: list[Issue] = []
    rows = tuple(rows)
    keys = [tag for tag in dataset.keys() if tag >> 16 == _TWIN_GROUP]  # noqa: SIM118
    for key in keys:
        if key & 0xFFFF < 0x100 and _creator(dataset, key) == _TWIN_CREATOR.decode():
            present = {k & 0xFF for k in keys if k >> 8 & 0xFF == key & 0xFF}
            issues += _twins(rows, present & _TWINS.keys())
    issues += [_nested(row) for row in rows if _is_nested(dataset, row)]
    return issues


def _creator(dataset: Any, key: int) -> str:
    try:
        return str(dataset[key].value).strip()
    except Exception:  # a broken element of no concern to us
        return ""


def _is_nested(dataset: Any, row: Attribute) -> bool:
    for key in dataset.keys():  # noqa: SIM118
        try:
            element = dataset.get_item(key)
        except Exception:  # a broken element of no concern to us
            continue
        if isinstance(element.value, bytes):
            if (element.VR or _vr(key)) != "SQ":
                continue
            if _pattern(row.tag, big=not element.is_little_endian) in element.value:
                return True
        elif element.VR == "SQ":
            items = element.value or ()
            if any(row.tag in item or _is_nested(item, row) for item in items):
                return True
    return False


def _vr(tag: int) -> str:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    return dictionary_VR(tag) if dictionary_has_tag(tag) else ""


def _twins(rows: Iterable[Attribute], present: set[int]) -> list[Issue]:
    by_tag = {row.tag: row for row in rows}
    return [
        issue(
            "dicom/private-twin",
            f"(0029,xx{low:02X})",
            keyword=by_tag[tag].keyword,
            tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        )
        for low, tag in _TWINS.items()
        if low in present and tag in by_tag
    ]


def _nested(row: Attribute) -> Issue:
    location = f"({row.tag >> 16:04X},{row.tag & 0xFFFF:04X})"
    return issue("dicom/nested", location, keyword=row.keyword)


def signed(source: Any, changed: Iterable[Attribute], *, deflated: bool = False) -> list[Issue]:
    """Return an issue for each changed attribute that a digital signature covers (PS3.15 C)."""
    from pydicom import Dataset, dcmread

    if isinstance(source, bytes):
        marks = (_pattern(_MAC_PARAMETERS, big=False), _pattern(_MAC_PARAMETERS, big=True))
        if not deflated and not any(mark in source for mark in marks):
            return []
        try:
            source = dcmread(io.BytesIO(source), specific_tags=[_MAC_PARAMETERS])
        except Exception:  # what pydicom raises on a broken file is not one family
            return []
    items = source[_MAC_PARAMETERS].value if _MAC_PARAMETERS in source else ()
    covered: set[int] = set()
    for item in items if isinstance(source, Dataset) else ():
        tags = item[_SIGNED].value if _SIGNED in item else ()
        covered |= {int(tag) for tag in (tags if not isinstance(tags, int) else (tags,))}
    return [
        issue(
            "dicom/signature",
            f"({row.tag >> 16:04X},{row.tag & 0xFFFF:04X})",
            keyword=row.keyword,
        )
        for row in changed
        if row.tag in covered
    ]
