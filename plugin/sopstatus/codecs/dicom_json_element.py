"""One attribute of the DICOM JSON Model (PS3.18 F.2): read in every spelling that occurs, written.

What the standard does not have is read where it can mean one thing only, and told.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sopstatus.codecs.json_text import spelt
from sopstatus.model import Value
from sopstatus.values import SINGLE_VALUED

Fetch = Callable[[str], bytes]
Tell = Callable[..., None]
FILE_META = "00020010"  # Transfer Syntax UID: group 0002 is no part of a data set
_MEMBERS = ("vr", "Value", "InlineBinary", "BulkDataURI")


def spellings(tag: int, keyword: str) -> tuple[str, ...]:
    """Return the names under which writers put an attribute; the first is the standard's."""
    found = []
    for text in (f"{tag:08X}", f"{tag:08x}"):
        pair = f"{text[:4]},{text[4:]}"
        found += [text, pair, f"({pair})"]
    return tuple(dict.fromkeys([*found, keyword]))


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
        found = said if isinstance(said, str) and len(said) == 2 and said.isalpha() else "not a VR"
        tell("dicom-json/wrong-vr", found=found, vr=vr)
    if "Value" in node:
        values = node["Value"]
        if not isinstance(values, list):
            if values is not None:
                tell("dicom-json/not-a-list")
            values = [values]
        return _joined(values, vr, tell)
    if "InlineBinary" in node:
        return _inline(node["InlineBinary"], tell)
    if "BulkDataURI" in node:
        return _fetched(node["BulkDataURI"], tell, fetch)
    return ""  # F.2.5


def attribute(vr: str, value: Value) -> dict[str, Any]:
    """Return the object that states a value, or zero length for ``None`` (F.2.2, F.2.5)."""
    if value is None:
        return {"vr": vr}
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
    if not all(value is None or type(value) is str for value in values):
        tell("dicom-json/not-text")
    if len(texts) > 1 and vr in SINGLE_VALUED:  # PS3.5 6.4: a backslash of the text split it
        tell("dicom-json/split-text", count=len(texts))
    return "\\".join(text or "" for text in texts)


def _inline(encoded: Any, tell: Tell) -> str | None:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error):
        tell("dicom-json/unreadable")
        return None
    tell("dicom-json/inline-binary")
    return _decoded(raw, tell)


def _fetched(uri: Any, tell: Tell, fetch: Fetch | None) -> str | None:
    if fetch is None or not isinstance(uri, str):
        tell("dicom-json/bulk-data")
        return None
    try:
        raw = bytes(fetch(uri))
    except Exception:  # it is the caller's, and so is what it raises
        tell("dicom-json/bulk-data-failed")
        return None
    return _decoded(raw, tell)


def _decoded(raw: bytes, tell: Tell) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        tell("dicom-json/not-utf-8")
        return None
