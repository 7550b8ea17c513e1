"""The shape of AWS HealthImaging's metadata: where instances stand in it, and what they say."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.shared import data_set, gzipped, json_text
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.json_document import edited
from sopstatus.codecs.shared.json_text import Path
from sopstatus.codecs.shared.splice import splice
from sopstatus.codecs.shared.taken import check_text, content_of
from sopstatus.limits import Limits
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.table.conversions import NUMBERS, PACKED, packed_values
from sopstatus.values import OFFSET_KEYWORD

Edits = dict[Path, json_text.Edits]


@dataclass(slots=True)
class Instance(data_set.DataSet):
    """One instance of an image set, and the path to its attributes."""

    path: Path = ()
    node: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The place of the instance."""
        return self.at

    def place_of(self, row: Attribute) -> str:
        """Write the place of an attribute."""
        return f"{self.at}.{row.keyword}"


@dataclass(frozen=True, slots=True)
class Document:
    """Metadata as it was given and parsed; ``text`` is empty where it came parsed."""

    given: Any
    parsed: Any
    text: str = ""

    def edited(self, edits: Edits) -> Any:
        """Return the document with members of some objects, named by path, set or removed."""
        if not self.text:
            return edited(self.parsed, edits)
        text = splice(
            self.text,
            (
                (start, end, json_text.edited(self.text, start, edits[path]))
                for path, start, end in json_text.objects(self.text, set(edits))
            ),
        )
        if isinstance(self.given, str):
            return text
        data = text.encode()
        return gzip.compress(data, mtime=0) if bytes(self.given[:2]) == gzipped.MAGIC else data


_ACCEPTED = "metadata of an image set: a dict, bytes (also gzip), str, a pathlib.Path or a binary file object"


def opened(document: Any, limits: Limits) -> Document:
    """Parse a document; raise `DocumentError` where it is none of this format."""
    if isinstance(document, dict):
        parsed, text = document, ""
    else:
        if not isinstance(document, str | bytes | bytearray | memoryview):
            document = content_of(document, _ACCEPTED)
        if isinstance(document, str):
            check_text(document, ("{", "\ufeff"))
            text = document
        else:
            text = json_text.text_of_bytes(_inflated(bytes(document), limits))
        if len(text) > limits.document:
            raise document_error("document/too-large", "", limit=limits.document)
        if not text.strip():
            raise document_error("document/empty", "")
        parsed = json_text.parse(text, limits.depth)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("Study"), dict):
        raise document_error("healthimaging/not-metadata", "")
    return Document(document, parsed, text)


def _inflated(data: bytes, limits: Limits) -> bytes:
    packed = data.startswith(gzipped.MAGIC)
    return gzipped.inflated(data, limits, "healthimaging/not-gzip") if packed else data


def instances_of(
    parsed: dict[str, Any],
    rows: Iterable[Attribute],
    issues: Issues,
    faults: list[Issue],
) -> list[Instance]:
    """Read every instance of an image set.

    ``faults`` are those of the issues that forbid to write into the document.
    """
    reader = _Reader(tuple(rows), issues, faults)
    found = reader.instances(parsed)
    if not faults and not found and not reader.study_uid:
        issues.add("dicom/no-identity")
    return found


def levels(parsed: dict[str, Any]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Yield, for each instance, its attributes and those of its series, its study and its patient."""
    study, patient = parsed["Study"], _dicom(parsed.get("Patient"))
    for series in _inner(study, "Series"):
        for instance in _inner(series, "Instances"):
            yield _dicom(instance), _dicom(series), _dicom(study), patient


def _inner(node: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = node.get(name)
    return [m for m in found.values() if isinstance(m, dict)] if isinstance(found, dict) else []


class _Reader:
    def __init__(self, rows: tuple[Attribute, ...], issues: Issues, faults: list[Issue]) -> None:
        self.rows, self.issues, self.faults = rows, issues, faults
        self.keywords = (
            *(row.keyword for row in rows),
            *data_set.IDENTITY.values(),
            OFFSET_KEYWORD,
        )
        self.study_uid = ""

    def instances(self, parsed: dict[str, Any]) -> list[Instance]:
        study = parsed["Study"]
        whole = _dicom(study)
        self.misplaced(_dicom(parsed.get("Patient")), "Patient.DICOM")
        self.misplaced(whole, "Study.DICOM")
        if self.is_repeated(parsed, "", "Study"):
            return []
        in_study = self.is_repeated(study, "Study", "DICOM")
        in_study |= self.is_repeated(whole, "Study.DICOM", *self.keywords)
        if self.is_repeated(study, "Study", "Series"):
            return []
        self.study_uid = "" if in_study else _uid(whole.get("StudyInstanceUID"))
        found: list[Instance] = []
        for place, series_uid, series in self.members(study, "Series", "Study"):
            self.misplaced(_dicom(series), f"{place}.DICOM")
            in_series = in_study | self.is_repeated(series, place, "DICOM")
            if self.is_repeated(series, place, "Instances"):
                continue
            for inner, uid, node in self.members(series, "Instances", place):
                at = f"{inner}.DICOM"
                doubtful = in_series | self.is_repeated(node, inner, "DICOM")
                if not isinstance(dicom := node.get("DICOM"), dict):
                    self.issues.at(at).add("healthimaging/malformed")
                    continue
                doubtful |= self.is_repeated(dicom, at, *self.keywords)
                if len(found) >= (limit := self.issues.limits.statements):
                    raise document_error("document/too-many-statements", "", limit=limit)
                path = ("Study", "Series", series_uid, "Instances", uid, "DICOM")
                if doubtful:  # a copy that says nothing is left, for the record of a refusal
                    silent = SOPInstance(self.study_uid, series_uid, "", uid)
                    found.append(Instance(at, silent, path=path, node=dicom))
                    continue
                uids = (self.study_uid, series_uid, _uid(dicom.get("SOPClassUID")), uid)
                found.append(self.instance(path, dicom, at, uids))
        return found

    def instance(
        self, path: Path, dicom: dict[str, Any], at: str, uids: tuple[str, ...]
    ) -> Instance:
        said: dict[str, Value] = {}
        present = [row for row in self.rows if row.keyword in dicom]
        for row in present:
            here = self.issues.at(f"{at}.{row.keyword}")
            text = _text(dicom[row.keyword], row, here)
            if text is not None:
                said[row.keyword] = data_set.value(row, text, here)
        unread = frozenset(row.keyword for row in present).difference(said)
        offset = _uid(dicom.get(OFFSET_KEYWORD))
        at_offset = self.issues.at(f"{at}.{OFFSET_KEYWORD}")
        said = data_set.localised(said, self.rows, offset, at_offset)
        places = [f"{at}.{keyword}" for keyword in data_set.IDENTITY.values()]
        identity = data_set.identity(list(zip(uids, places, strict=True)), self.issues)
        instance = replace(identity, attributes=tuple(said.items()))
        return Instance(at, instance, offset, unread, path=path, node=dicom)

    def members(
        self, node: dict[str, Any], name: str, where: str
    ) -> Iterator[tuple[str, str, dict[str, Any]]]:
        members = node.get(name, {})
        if not isinstance(members, dict):
            self.issues.at(f"{where}.{name}").add("healthimaging/malformed")
            return
        twice = json_text.repeated(members)
        for number, (uid, inner) in enumerate(members.items()):
            place = f"{where}.{name}[{number}]"
            if uid in twice:
                self.fault(issue("healthimaging/repeated", place, member="what stands here"))
            elif uid and isinstance(inner, dict):
                yield place, uid, inner
            else:
                self.issues.at(place).add("healthimaging/malformed")

    def is_repeated(self, node: Any, where: str, *names: str) -> bool:
        """Tell whether one of these members stands more than once, and report each."""
        twice = [name for name in names if name in json_text.repeated(node)]
        for name in twice:
            at = f"{where}.{name}" if where else name
            self.fault(issue("healthimaging/repeated", at, member=name))
        return bool(twice)

    def misplaced(self, dicom: dict[str, Any], where: str) -> None:
        for row in self.rows:
            if row.keyword in dicom:
                found = issue("healthimaging/level", f"{where}.{row.keyword}", keyword=row.keyword)
                if data_set.is_governed([row.keyword]):
                    self.fault(found)
                else:
                    self.issues.append(found)

    def fault(self, found: Issue) -> None:
        self.issues.append(found)
        self.faults.append(found)


def _text(node: Any, row: Attribute, issues: Issues) -> str | None:
    values = node if isinstance(node, list) else [node]
    texts = ["" if value is None else json_text.spelt(value) for value in values]
    if None in texts:
        issues.add("healthimaging/unreadable", keyword=row.keyword)
        return None
    if isinstance(node, list) and row.vm == "1":
        issues.add("healthimaging/list", keyword=row.keyword)
    if row.vr not in NUMBERS and not all(value is None or type(value) is str for value in values):
        issues.add("healthimaging/not-text", keyword=row.keyword)
    return "\\".join(text or "" for text in texts)


def value_of(row: Attribute, value: Value) -> Any:
    """Return a value as it stands in the metadata: a list where it, or the VM, is not one."""
    if value is None:
        return None
    if row.vr in PACKED:
        items: list[Any] = list(packed_values(row.vr, value))
    else:
        items = [item or None for item in row.items(value)]
    return items if row.vm != "1" or len(items) > 1 else items[0]


def _dicom(node: Any) -> dict[str, Any]:
    found = node.get("DICOM") if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _uid(node: Any) -> str:
    return str(node).strip(" \0") if isinstance(node, str) else ""
