"""One attribute of the DICOM JSON Model (PS3.18 F.2): read in every spelling that occurs, written.

What the standard does not have is read where it can mean one thing only, and told.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import cache
from typing import Any

from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.json_text import repeated, spelt
from sopstatus.model import Value
from sopstatus.table.conversions import NUMBERS, PACKED, packed_values, unpack
from sopstatus.values import SINGLE_VALUED

Fetch = Callable[[str], bytes]
Tell = Callable[..., None]
FILE_META = "00020010"  # Transfer Syntax UID: group 0002 is no part of a data set
BETWEEN = "\0"
_MEMBERS = ("vr", "Value", "InlineBinary", "BulkDataURI")
_LOWER = frozenset(member.lower() for member in _MEMBERS)


@cache
def spellings(tag: int, keyword: str) -> tuple[str, ...]:
    """Return the names under which writers put an attribute; the first is the standard's."""
    found = []
    for text in (f"{tag:08X}", f"{tag:08x}"):
        pair = f"{text[:4]},{text[4:]}"
        found += [text, pair, f"({pair})"]
    return tuple(dict.fromkeys([*found, keyword]))


def are_usual(joined: str, count: int) -> bool:
    """Tell whether so many names of members, ``joined`` by `BETWEEN`, are as the standard has them."""
    odd = joined.encode("ascii", "replace").translate(None, b"0123456789ABCDEF")
    ends = BETWEEN * (count - 1)
    return len(joined) == 9 * count - 1 and joined[8::9] == ends and odd == ends.encode()


def tag_named(name: str) -> int:
    """Return the tag that pydicom takes a name for, a number as Python reads it; -1 for none."""
    try:
        return int(name, 16)
    except ValueError:
        return -1


def text_of(node: Any, vr: str, tell: Tell, fetch: Fetch | None = None) -> str | None:
    """Return the text of an attribute, values joined by a backslash; ``None`` if it is unreadable.

    Zero length is the empty string. ``tell`` takes the code of an issue and its facts.
    """
    if not isinstance(node, dict):
        tell("dicom-json/not-an-object")
        return _joined(node if isinstance(node, list) else [node], vr, tell)
    node = _with_right_names(node, tell)
    said = node.get("vr")
    if said is None:
        tell("dicom-json/no-vr", vr=vr)
    elif said != vr:
        tell("dicom-json/wrong-vr", found=vr_of(node), vr=vr)
    if "Value" in node:
        values = node["Value"]
        if not isinstance(values, list):
            if values is not None:
                tell("dicom-json/not-a-list")
            values = [values]
        return _joined(values, vr, tell)
    if "InlineBinary" in node:
        return _inline(node["InlineBinary"], vr, tell)
    if "BulkDataURI" in node:
        return _fetched(node["BulkDataURI"], vr, tell, fetch)
    return ""  # F.2.5


def vr_of(node: Any) -> str:
    """Return the VR that an attribute names; ``not a VR`` for what is none, else nothing."""
    if not isinstance(node, dict):
        return ""
    said = _with_right_names(node, lambda *_, **__: None).get("vr")
    return "" if said is None else data_set.vr_named(said)


def is_ambiguous(node: Any) -> bool:
    """Tell whether readers may disagree what an attribute says: a member stands more than once.

    So it is with a value in two forms: there is one of Value, InlineBinary and BulkDataURI (F.2.2).
    """
    if not isinstance(node, dict):
        return False
    names = [*node, *repeated(node)]
    said = [name.lower() for name in names if isinstance(name, str) and name.lower() in _LOWER]
    return said.count("vr") > 1 or len(said) - said.count("vr") > 1


def attribute(vr: str, value: Value) -> dict[str, Any]:
    """Return the object that states a value, or zero length for ``None`` (F.2.2, F.2.5)."""
    if value is None:
        return {"vr": vr}
    if vr in PACKED:
        return {"vr": vr, "Value": packed_values(vr, value)}
    values = [value] if vr in SINGLE_VALUED else value.split("\\")
    return {"vr": vr, "Value": [text or None for text in values]}


def _with_right_names(node: dict[str, Any], tell: Tell) -> dict[str, Any]:
    if node.keys() <= set(_MEMBERS):
        return node
    lower = {key.lower(): key for key in reversed(node)}
    odd = [m for m in _MEMBERS if m not in node and m.lower() in lower]
    for member in odd:
        tell("dicom-json/member-name", member=member)
    return {**node, **{member: node[lower[member.lower()]] for member in odd}}


def _joined(values: list[Any], vr: str, tell: Tell) -> str | None:
    if not values or values in ([None], [""]):
        tell("dicom-json/empty-value")
        return ""
    texts = ["" if value is None else spelt(value) for value in values]
    if None in texts:
        tell("dicom-json/unreadable")
        return None
    if vr not in NUMBERS and not all(value is None or type(value) is str for value in values):
        tell("dicom-json/not-text")
    if len(texts) > 1 and vr in SINGLE_VALUED:  # PS3.5 6.4: a backslash of the text split it
        tell("dicom-json/split-text", count=len(texts))
    return "\\".join(text or "" for text in texts)


def _inline(encoded: Any, vr: str, tell: Tell) -> str | None:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error):
        tell("dicom-json/unreadable")
        return None
    tell("dicom-json/inline-binary")
    return _decoded(raw, vr, tell)


def _fetched(uri: Any, vr: str, tell: Tell, fetch: Fetch | None) -> str | None:
    if fetch is None or not isinstance(uri, str):
        tell("dicom-json/bulk-data")
        return None
    try:
        raw = bytes(fetch(uri))
    except Exception:  # it is the caller's, and so is what it raises
        tell("dicom-json/bulk-data-failed")
        return None
    return _decoded(raw, vr, tell)


def _decoded(raw: bytes, vr: str, tell: Tell) -> str | None:
    if vr in PACKED:
        if (text := unpack(vr, raw)) is None:
            tell("dicom-json/unreadable")
        return text
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        tell("dicom-json/not-utf-8")
        return None
