"""What the DICOMweb stand-ins keep: files and metadata, and how each server spells and searches them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

STUDY, SERIES, SOP_CLASS, SOP_INSTANCE = "0020000D", "0020000E", "00080016", "00080018"
_ALWAYS = (SOP_CLASS, SOP_INSTANCE, STUDY, SERIES, "00080005", "00200013")
_BULK = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
_NOT_CODE = re.compile(r"[^A-Z0-9_ ]")
_AZURE_SAYS = (
    'DICOM100: ({tag}) - Content "{value}" does not validate VR CS: value contains invalid '
    "character. Only uppercase character, digits, space and underscore alre allowed"
)


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a server differs.

    ``keys``: the tags that instances are searched by, ``None`` = all. ``refuses``: another key is
    400, else it is ignored. ``fields``: it returns what ``includefield`` asks for. ``page``: results
    at most. ``pages``: it knows ``offset``. ``splits``: text is cut at backslashes. ``drops``: a code
    that fails the check of its VR is left out of the metadata. ``pads``: NUL padding of codes stays.
    ``replaces``: an instance that is stored again replaces the old one. ``bulk``: an LT of more
    characters becomes a BulkDataURI. ``repeats``: so many results of a page come again on the next,
    as where instances are stored while pages are fetched. ``summary``: metadata of a study or series
    has the identities only, as Orthanc's with ``MainDicomTags``.
    """

    keys: frozenset[str] | None = None
    refuses: bool = False
    fields: bool = True
    page: int = 1000
    pages: bool = True
    splits: bool = False
    drops: bool = False
    pads: bool = False
    replaces: bool = False
    bulk: int = 1 << 30
    repeats: int = 0
    summary: bool = False


@dataclass(slots=True)
class Kept:
    """One instance: its file, its metadata, and why attributes are not in it."""

    file: bytes
    metadata: dict[str, Any]
    warnings: list[str] = field(default_factory=list)

    def uid(self, tag: str) -> str:
        """Return one of its UIDs."""
        return str(self.metadata[tag]["Value"][0])


class Archive:
    """Instances in the order in which they came, by SOP Instance UID."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self.quirks = quirks or Quirks()
        self.instances: dict[str, Kept] = {}
        self.log: list[tuple[str, Kept]] = []  # what happened: create, update, delete

    def store(self, file: bytes, base: str = "") -> tuple[Kept, bool]:
        """Keep a Part 10 file, and tell whether it was taken."""
        data_set = dcmread(io.BytesIO(file), force=True)
        kept = self._kept(data_set, file, base)
        uid = kept.uid(SOP_INSTANCE)
        if uid in self.instances and not self.quirks.replaces:
            return self.instances[uid], False
        self.log.append(("update" if uid in self.instances else "create", kept))
        self.instances[uid] = kept
        return kept, True

    def delete(self, uid: str) -> None:
        """Remove an instance."""
        self.log.append(("delete", self.instances.pop(uid)))

    def of(self, study: str = "", series: str = "", instance: str = "") -> list[Kept]:
        """Return the instances of a study, series or instance."""
        wanted = {STUDY: study, SERIES: series, SOP_INSTANCE: instance}
        named = [(tag, uid) for tag, uid in wanted.items() if uid]
        return [k for k in self.instances.values() if all(k.uid(t) == u for t, u in named)]

    def search(self, keys: list[tuple[str, str]], found: list[Kept]) -> list[dict[str, Any]] | None:
        """Return the results of QIDO-RS; ``None`` where a key is refused."""
        asked = [(tag_of(name), value) for name, value in keys]
        fields = [tag_of(value) for name, value in keys if name == "includefield"]
        for tag, value in asked:
            if not tag:
                continue
            if self.quirks.keys is not None and tag not in self.quirks.keys:
                if self.quirks.refuses:
                    return None
                continue
            found = [k for k in found if value in _texts(k.metadata.get(tag))]
        named = dict(keys)
        start = int(named.get("offset", 0)) if self.quirks.pages else 0
        start = max(0, start - self.quirks.repeats)
        length = min(int(named.get("limit", self.quirks.page)), self.quirks.page)
        shown = {*_ALWAYS, *(fields if self.quirks.fields else ())}
        return [
            {tag: element for tag, element in kept.metadata.items() if tag in shown}
            for kept in found[start : start + length]
        ]

    def _kept(self, data_set: Dataset, file: bytes, base: str) -> Kept:
        metadata: dict[str, Any] = {}
        kept = Kept(file, metadata)
        raw = dict(_padded(data_set)) if self.quirks.pads else {}
        for element in data_set:
            tag = f"{element.tag:08X}"
            if element.VR in _BULK or element.tag.group == 2:
                continue
            said = element.to_json_dict(None, 0)
            if tag in raw:
                said["Value"] = [raw[tag]]
            values = said.get("Value", [])
            texts = [one for one in values if isinstance(one, str)]
            if self.quirks.drops and element.VR == "CS":
                bad = [text for text in texts if _NOT_CODE.search(text.rstrip("\0"))]
                if bad:
                    shown = f"{tag[:4]},{tag[4:]}"
                    kept.warnings.append(_AZURE_SAYS.format(tag=shown, value=bad[0]))
                    continue
            if element.VR == "LT" and texts and len(texts[0]) > self.quirks.bulk:
                uid = data_set.SOPInstanceUID
                said = {"vr": "LT", "BulkDataURI": f"{base}/bulkdata/{uid}/{tag}"}
            elif self.quirks.splits and element.VR in ("LT", "ST", "UT") and texts:
                said["Value"] = texts[0].split("\\")
            metadata[tag] = said
        return kept


def summary(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what a list has of an instance where it is a summary."""
    return {tag: element for tag, element in metadata.items() if tag in _ALWAYS}


def tag_of(name: str) -> str:
    """Return the tag that a search key names, by number or keyword; empty for another parameter."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}", name):
        return name.upper()
    number = tag_for_keyword(name)
    return f"{number:08X}" if number else ""


def _texts(element: Any) -> list[str]:
    return [str(one) for one in element.get("Value", [])] if isinstance(element, dict) else []


def _padded(data_set: Dataset) -> Iterator[tuple[str, str]]:
    """Yield codes that end in NUL, as they stand in the file."""
    for tag in list(data_set.keys()):
        raw = data_set.get_item(tag)
        if (
            isinstance(raw, RawDataElement)
            and raw.VR == "CS"
            and (raw.value or b"").endswith(b"\0")
        ):
            yield f"{tag:08X}", raw.value.decode("ascii", "replace")
