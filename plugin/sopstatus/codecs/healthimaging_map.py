"""The shape of AWS HealthImaging's metadata: where instances stand in it, and what they say."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import data_set, json_text
from sopstatus.codecs.json_text import Path
from sopstatus.limits import Limits
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.values import OFFSET_KEYWORD

Edits = dict[Path, json_text.Edits]
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Instance:
    """One instance of an image set, the path to its attributes, and its own (0008,0201)."""

    path: Path
    node: dict[str, Any]
    where: str
    instance: SOPInstance
    offset: str = ""

    def place_of(self, row: Attribute) -> str:
        """Write the place of an attribute."""
        return f"{self.where}.{row.keyword}"


@dataclass(frozen=True, slots=True)
class Document:
    """Metadata as it was given and parsed; ``text`` is empty where it came parsed."""

    given: Any
    parsed: Any
    text: str = ""

    def edited(self, edits: Edits) -> Any:
        """Return the document with members of some objects, named by path, set or removed."""
        if not self.text:
            return _with(self.parsed, edits, ())
        pieces: list[str] = []
        at = 0
        for path, start, end in json_text.objects(self.text, set(edits)):
            pieces += self.text[at:start], json_text.edited(self.text, start, edits[path])
            at = end
        text = "".join([*pieces, self.text[at:]])
        if isinstance(self.given, str):
            return text
        data = text.encode()
        return gzip.compress(data, mtime=0) if bytes(self.given[:2]) == _GZIP else data


def _with(node: Any, edits: Edits, path: Path) -> Any:
    new = dict(node)
    for step in {inner[len(path)] for inner in edits if inner[: len(path)] == path != inner}:
        new[step] = _with(new[step], edits, (*path, step))
    edit = edits.get(path, {})
    new |= edit
    return {name: value for name, value in new.items() if value is not ...}


def opened(document: Any, limits: Limits) -> Document:
    """Parse a document; raise `DocumentError` where it is none of this format."""
    if isinstance(document, dict):
        parsed, text = document, ""
    else:
        if isinstance(document, str):
            text = document
        elif isinstance(document, bytes | bytearray | memoryview):
            text = json_text.text_of_bytes(_inflated(bytes(document), limits))
        else:
            raise document_error("document/unknown-type", "", type=type(document).__name__)
        if len(text) > limits.document:
            raise document_error("document/too-large", "", limit=limits.document)
        if not text.strip():
            raise document_error("document/empty", "")
        parsed = json_text.parse(text, limits.depth)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("Study"), dict):
        raise document_error("healthimaging/not-metadata", "")
    return Document(document, parsed, text)


def _inflated(data: bytes, limits: Limits) -> bytes:
    """Undo gzip, to no more than the limit."""
    if not data.startswith(_GZIP):
        return data
    out = bytearray()
    while data:
        inflater = zlib.decompressobj(wbits=31)
        try:
            out += inflater.decompress(data, limits.inflated + 1 - len(out))
        except zlib.error:
            raise document_error("healthimaging/not-gzip", "") from None
        if len(out) > limits.inflated:
            raise document_error("document/too-large", "", limit=limits.inflated)
        if not inflater.eof:  # it was cut off
            raise document_error("healthimaging/not-gzip", "")
        data = inflater.unused_data.lstrip(b"\0")
    return bytes(out)


def instances_of(
    parsed: dict[str, Any], rows: Iterable[Attribute], limits: Limits, issues: list[Issue]
) -> list[Instance]:
    """Read every instance of an image set."""
    rows = tuple(rows)
    study = parsed["Study"]
    study_uid = _uid(_dicom(study).get("StudyInstanceUID"))
    _misplaced(study, "Study.DICOM", rows, issues)
    found: list[Instance] = []
    for place, series_uid, series in _members(study, "Series", "Study", issues):
        _misplaced(series, f"{place}.DICOM", rows, issues)
        for inner, uid, node in _members(series, "Instances", place, issues):
            at = f"{inner}.DICOM"
            if not isinstance(dicom := node.get("DICOM"), dict):
                issues.append(issue("healthimaging/malformed", at))
                continue
            if len(found) >= limits.statements:
                raise document_error("document/too-many-statements", "", limit=limits.statements)
            path = ("Study", "Series", series_uid, "Instances", uid, "DICOM")
            uids = (study_uid, series_uid, _uid(dicom.get("SOPClassUID")), uid)
            found.append(_instance(path, dicom, at, uids, rows, issues))
    return found


def _instance(
    path: Path,
    dicom: dict[str, Any],
    at: str,
    uids: tuple[str, ...],
    rows: tuple[Attribute, ...],
    issues: list[Issue],
) -> Instance:
    said: dict[str, Value] = {}
    for row in rows:
        if row.keyword in dicom:
            where = f"{at}.{row.keyword}"
            text = _text(dicom[row.keyword], row, where, issues)
            if text is not None:
                said[row.keyword] = data_set.value(row, text, where, issues)
    offset = _uid(dicom.get(OFFSET_KEYWORD))
    said = data_set.localised(said, rows, offset, f"{at}.{OFFSET_KEYWORD}", issues)
    places = [f"{at}.{keyword}" for keyword in data_set.IDENTITY.values()]
    identity = data_set.identity(list(zip(uids, places, strict=True)), issues)
    return Instance(path, dicom, at, replace(identity, attributes=tuple(said.items())), offset)


def _text(node: Any, row: Attribute, where: str, issues: list[Issue]) -> str | None:
    values = node if isinstance(node, list) else [node]
    texts = ["" if value is None else json_text.spelt(value) for value in values]
    if None in texts:
        issues.append(issue("healthimaging/unreadable", where, keyword=row.keyword))
        return None
    if isinstance(node, list):
        issues.append(issue("healthimaging/list", where, keyword=row.keyword))
    if not all(value is None or type(value) is str for value in values):
        issues.append(issue("healthimaging/not-text", where, keyword=row.keyword))
    return "\\".join(text or "" for text in texts)


def _members(
    node: dict[str, Any], name: str, where: str, issues: list[Issue]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    members = node.get(name, {})
    if not isinstance(members, dict):
        issues.append(issue("healthimaging/malformed", f"{where}.{name}"))
        return
    for number, (uid, inner) in enumerate(members.items()):
        place = f"{where}.{name}[{number}]"
        if uid and isinstance(inner, dict):
            yield place, uid, inner
        else:
            issues.append(issue("healthimaging/malformed", place))


def _misplaced(
    node: dict[str, Any], where: str, rows: Iterable[Attribute], issues: list[Issue]
) -> None:
    for row in rows:
        if row.keyword in _dicom(node):
            place = f"{where}.{row.keyword}"
            issues.append(issue("healthimaging/level", place, keyword=row.keyword))


def _dicom(node: dict[str, Any]) -> dict[str, Any]:
    found = node.get("DICOM")
    return found if isinstance(found, dict) else {}


def _uid(node: Any) -> str:
    return str(node).strip(" \0") if isinstance(node, str) else ""
