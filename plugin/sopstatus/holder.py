"""Whose copy a status is about, and the one comparison of two holders.

An AE Title is unique within a site only, so a holder is HL7's HD (2A.2.33): a namespace, which is the
AE Title, a universal ID and its type. Any part may be missing. An OID is DICOM's Retrieve Location
UID (0040,E011).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sopstatus._lazily import pattern

_ESCAPED = pattern(r"\\([ES])\\")
_LIST = pattern(r'[,()"]')
_URI = pattern(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OID = pattern(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_URNS = {"ISO": ("urn:oid:", _OID), "UUID": ("urn:uuid:", _UUID)}


def _plain(universal_id: str) -> str:
    """Return a universal ID without what is only spelling: a URN of it, a UUID in capitals."""
    for urn, form in _URNS.values():
        start = len(urn) if universal_id.lower().startswith(urn) else 0
        if form.fullmatch(universal_id, start):
            return universal_id[start:].lower()
    return universal_id


def _escaped(part: str) -> str:
    if "^" in part or _ESCAPED.search(part):
        return part.replace("\\", "\\E\\").replace("^", "\\S\\")
    return part


class Holder(str):
    r"""A holder in its text form, ``AE Title^universal ID^type``, and its parts.

    Behind the last part that there is no ``^`` stands, so that a plain AE Title is its own text form.
    A ``^`` inside a part is ``\S\``. Blanks around a part are padding (PS3.5 6.2, AE). ``key`` is
    equal for two holders that are the same: the universal ID alone, else the AE Title.
    """

    __slots__ = ("ae_title", "key", "universal_id", "universal_id_type")

    ae_title: str
    universal_id: str
    universal_id_type: str
    key: Holder

    def __new__(
        cls, ae_title: str = "", universal_id: str = "", universal_id_type: str = ""
    ) -> Holder:
        """Make a holder of its parts; the empty text = not said."""
        given = (ae_title, universal_id, universal_id_type)
        ae_title, universal_id, _ = parts = tuple(part.strip(" ") for part in given)
        made = super().__new__(cls, "^".join(map(_escaped, parts)).rstrip("^"))
        made.ae_title, made.universal_id, made.universal_id_type = parts
        key = ("", _plain(universal_id), "") if universal_id else (ae_title, "", "")
        made.key = made if key == parts else cls(*key)
        return made

    @classmethod
    def of(cls, text: str) -> Holder:
        """Return the holder of a text form; what is a holder is returned as it is."""
        return text if isinstance(text, Holder) else _parsed(text)

    @property
    def parts(self) -> tuple[str, str, str]:
        """AE Title, universal ID and its type, as HL7's HD has them."""
        return self.ae_title, self.universal_id, self.universal_id_type

    def completed(self, other: Holder) -> Holder:
        """Return the holder with the parts that it lacks taken from another, which is the same."""
        if self == other or not other:
            return self
        kept, given = (self, other) if self.universal_id else (other, self)
        kind = kept.universal_id_type
        if not kind and kept.universal_id == given.universal_id:
            kind = given.universal_id_type
        return Holder(self.ae_title or other.ae_title, kept.universal_id, kind)

    def __reduce__(self) -> tuple[Any, ...]:
        return Holder, self.parts


class Likeness(Enum):
    """How two holders are to each other."""

    SAME = "same"
    COMPATIBLE = "compatible"
    DIFFERENT = "different"


SAME, COMPATIBLE, DIFFERENT = Likeness
NOBODY = Holder()
NONE_GIVEN: Mapping[str, str] = MappingProxyType({})


def compare(one: Holder, other: Holder) -> Likeness:
    """Tell whether two holders are the same, may be, or are not.

    Equal universal IDs are one holder, whatever its AE Titles; without any, equal AE Titles are. If
    only one has a universal ID, the two may be the same and nobody knows it: a site says whose a bare
    AE Title is (`resolve`).
    """
    if one.key == other.key:
        return SAME
    if one.universal_id and other.universal_id:
        return DIFFERENT
    if one.ae_title and other.ae_title and one.ae_title != other.ae_title:
        return DIFFERENT
    return COMPATIBLE


def is_about(said: Holder, mine: Holder) -> bool:
    """Tell whether what is said of a holder's copy is about the copy that ``mine`` names here.

    What names no holder is about any copy, a bare AE Title of this machine's own copy is that title
    with any universal ID, and where no holder is named here every one is.
    """
    if not said.key or not mine.key or said.key == mine.key:
        return True
    return not mine.universal_id and mine.ae_title == said.ae_title


def resolve(holder: Holder, site: Mapping[str, str]) -> Holder:
    """Return a bare AE Title with the OID that the site gives it (``[holders]`` of ``site.toml``)."""
    if not site or holder.universal_id or holder.ae_title not in site:
        return holder
    return Holder(holder.ae_title, site[holder.ae_title], "ISO")


class Company:
    """Many holders, asked at once whether another may be the same as one of them."""

    def __init__(self, holders: Iterable[Holder]) -> None:
        self._bare: set[str] = set()
        self._known: set[str] = set()  # AE Titles
        for holder in holders:
            if holder.key:
                (self._known if holder.universal_id else self._bare).add(holder.ae_title)

    def unsettles(self, holder: Holder) -> bool:
        """Tell whether one of them is compatible with a holder that is named, and not the same."""
        if holder.universal_id:
            return holder.ae_title in self._bare or bool(self._bare and not holder.ae_title)
        return bool(holder.key) and not self._known.isdisjoint((holder.ae_title, ""))


def likeness(holders: Iterable[Holder]) -> Likeness:
    """Tell whether holders that are named are one, may be one, or are two at least.

    One with a universal ID has all the AE Titles that are said of it.
    """
    ids: set[Holder] = set()
    bare: set[str] = set()
    titles: set[str] = set()
    for holder in holders:
        if holder.universal_id:
            ids.add(holder.key)
            titles.add(holder.ae_title)
        else:
            bare.add(holder.ae_title)
    if len(ids) > 1 or len(bare) > 1:
        return DIFFERENT
    if not ids or not bare:
        return SAME
    return DIFFERENT if titles.difference(bare, [""]) and titles.isdisjoint(bare) else COMPATIBLE


def listed(held: Iterable[tuple[str, str]]) -> str:
    """Name holders, each with its state, in order; one that could be taken for two is in quotes."""
    return ", ".join(
        f"{json.dumps(whose) if _LIST.search(whose) else whose} ({state})"
        for whose, state in sorted(held)
    )


def to_uri(holder: Holder) -> tuple[str, str]:
    """Write the universal ID as a URI, and its type where the URI does not tell it.

    ISO as ``urn:oid:``, UUID as ``urn:uuid:``, URI as it stands; of any other type the ID as it
    stands, with the type beside it.
    """
    _, text, kind = holder.parts
    uri = _URNS[kind][0] + text if kind in _URNS else text
    if of_uri("", uri).parts == ("", text, kind):
        return uri, ""
    return text, kind


@lru_cache(maxsize=1024)
def of_uri(ae_title: str, uri: str, kind: str = "") -> Holder:
    """Make a holder of an AE Title and what `to_uri` writes.

    A URI without a type beside it is of the type URI, unless it is the URN of an OID or a UUID.
    """
    for known, (urn, form) in _URNS.items():
        if not kind and uri.startswith(urn) and form.fullmatch(uri, len(urn)):
            return Holder(ae_title, uri.removeprefix(urn), known)
    return Holder(ae_title, uri, kind or ("URI" if _URI.match(uri) else ""))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Holder:
    parts = (_ESCAPED.sub(_unescaped, part) for part in text.split("^", 2))
    return Holder(*parts)


def _unescaped(found: re.Match[str]) -> str:
    return "\\" if found[1] == "E" else "^"
