"""Places where a status may stand in a data set without stating anything, and what covers it.

Private twins, copies inside sequences, and digital signatures: all are told, none is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs.part10.plan import LONG, SHORT
from sopstatus.codecs.part10.walk import STRAY
from sopstatus.codecs.shared.data_set import TWIN_CREATOR, TWINS
from sopstatus.model import Issue
from sopstatus.table import Attribute
from sopstatus.values import tag_text

CREATOR_OF_TWINS = 0x0029, TWIN_CREATOR.encode()
_ITEM, MAC_PARAMETERS, _SIGNED = 0xFFFEE000, 0x4FFE0001, 0x04000020
_MOST = 1 << 18  # bytes of a sequence that pydicom makes objects of
VRS = LONG | SHORT


def _pattern(tag: int, *, big: bool) -> bytes:
    return Struct(">HH" if big else "<HH").pack(tag >> 16, tag & 0xFFFF)


def of_dataset(dataset: Any, rows: Iterable[Attribute]) -> list[Issue]:
    """Look for private twins and nested copies in a pydicom data set."""
    issues: list[Issue] = []
    rows = tuple(rows)
    keys = [tag for tag in dataset.keys() if tag >> 16 == CREATOR_OF_TWINS[0]]  # noqa: SIM118
    for key in keys:
        if key & 0xFFFF < 0x100 and _creator(dataset, key) == TWIN_CREATOR:
            present = {k & 0xFF for k in keys if k >> 8 & 0xFF == key & 0xFF}
            issues += _twins(rows, present & TWINS.keys())
    issues += [_nested(row) for row in rows if _is_nested(dataset, row)]
    return issues


def faults(dataset: Any) -> dict[str, int]:
    """Return issue code and tag of what no data set may hold; of each code the first."""
    from pydicom.dataelem import RawDataElement

    found: dict[str, int] = {}
    for element in dataset.values():
        tag = int(element.tag)
        if tag >> 16 in STRAY:
            found.setdefault("dicom/stray", tag)
        elif isinstance(element, RawDataElement) and _is_unknown(element):
            found.setdefault("dicom/unknown-vr", tag)
    return found


def _is_unknown(element: Any) -> bool:
    """Tell of a VR that is none; pydicom takes it for a part of the length, and the rest for the value."""
    if element.VR:
        return element.VR.encode("latin-1", "replace") not in VRS
    return isinstance(element.value, bytes) and len(element.value) < element.length < 0xFFFFFFFF


def _creator(dataset: Any, key: int) -> str:
    try:
        return str(dataset[key].value).strip()
    except Exception:  # a broken element of no concern to us
        return ""


def _is_nested(dataset: Any, row: Attribute) -> bool:
    from pydicom.sequence import Sequence

    for key in dataset.keys():  # noqa: SIM118
        try:
            element = dataset.get_item(key)
        except Exception:  # a broken element of no concern to us
            continue
        if (element.VR or _vr(key)) != "SQ":
            continue
        if isinstance(element.value, bytes):
            big = not element.is_little_endian
            pattern = _pattern(row.tag, big=big)
            pattern += b"" if element.is_implicit_VR else row.vr.encode()
            found = pattern in element.value and element.value.startswith(_pattern(_ITEM, big=big))
        else:
            found = isinstance(element.value, Sequence) and any(
                row.tag in item or _is_nested(item, row) for item in element.value
            )
        if found:
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
            tag=tag_text(tag),
        )
        for low, tag in TWINS.items()
        if low in present and tag in by_tag
    ]


def _nested(row: Attribute) -> Issue:
    location = tag_text(row.tag)
    return issue("dicom/nested", location, keyword=row.keyword)


def signed(dataset: Any, changed: Iterable[Attribute]) -> list[Issue]:
    """Return an issue for each changed attribute that a digital signature covers (PS3.15 C).

    ``dataset`` is what pydicom reads of a data set that has signatures.
    """
    try:
        covered = _covered(dataset)
    except Exception:  # what pydicom raises on a broken element is not one family
        return [issue("dicom/signature-unread", tag_text(MAC_PARAMETERS))]
    return [
        issue("dicom/signature", tag_text(row.tag), keyword=row.keyword)
        for row in changed
        if row.tag in covered
    ]


def _covered(dataset: Any) -> set[int]:
    """Return the tags of Data Elements Signed (0400,0020), which every item has (PS3.3 C.12.1.1.3.1)."""
    raw = dataset.get_item(MAC_PARAMETERS).value
    if isinstance(raw, bytes) and len(raw) > _MOST:
        raise ValueError
    covered: set[int] = set()
    for item in _value(dataset, MAC_PARAMETERS, "SQ"):
        raw = item.get_item(_SIGNED).value
        if isinstance(raw, bytes) and len(raw) % 4:
            raise ValueError
        tags = _value(item, _SIGNED, "AT")
        covered.update((tags,) if isinstance(tags, int) else tags)
    return covered


def _value(dataset: Any, tag: int, vr: str) -> Any:
    element = dataset[tag]
    if vr != element.VR:
        raise ValueError
    return element.value
