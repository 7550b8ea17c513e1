"""A document as `explain` opens it, and what the readers of the formats find in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from sopstatus import content
from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7_objects import is_message
from sopstatus.codecs.library import comes_from
from sopstatus.explain.model import Note, Row, Source, Untouched
from sopstatus.model import SOPInstance, Value
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.values import trim

_SKIPPED = "\ufeff\x0b \t\r\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as its codec takes it; ``data`` are the bytes that spans count in, if any.

    ``is_text``: it was given as ``str``, so spans count characters of it.
    """

    format: str
    document: Any
    data: bytes | None = None
    is_text: bool = False


@dataclass(slots=True)
class Slot:
    """One row's value at one place of the document."""

    row: Attribute
    value: Value
    path: str
    source: Source | None = None
    text: str | None = None
    verbatim_source: Source | None = None
    verbatim: str = ""
    notes: list[Note] = field(default_factory=list)

    def note(self, what: str, detail: str = "") -> None:
        """Tell one thing about how the value was read."""
        self.notes.append(Note(what, detail))

    def note_code(self, code: str, terms: dict[str, str]) -> None:
        """Tell how a code was taken for a term; ``terms`` are those of every spelling."""
        bare = trim("CS", code)
        if bare != code:
            self.note("blanks around the code dropped")
        if terms.get(bare, bare) != bare:
            self.note("alias of a term", f"{bare} -> {terms[bare]}")


@dataclass(slots=True)
class Place:
    """One segment, extension or data set that makes a statement; ``kind`` is its source."""

    kind: str
    path: str
    instance: SOPInstance
    slots: list[Slot]


@dataclass(slots=True)
class Reading:
    """Everything found in a document."""

    places: list[Place] = field(default_factory=list)
    untouched: list[Untouched] = field(default_factory=list)


def opened(document: Any) -> Opened:
    """Tell the format of a document: bytes and text by content, objects by their library.

    Text that begins neither as a message nor as JSON is a path. Raise `DocumentError` for anything
    that is no document.
    """
    if isinstance(document, Opened):
        return document
    if is_message(document):  # python-hl7's messages are lists
        return Opened("hl7", document)
    if isinstance(document, dict | list):
        return Opened(content.recognise_parsed(document), document)
    if comes_from(document, "fhir", "fhir_core"):
        return Opened("fhir", document)
    if comes_from(document, "pydicom"):
        return Opened("dicom", document)
    if isinstance(document, bytes | bytearray | memoryview):
        data = bytes(document)
        name, inner = content.load(data)
        return Opened(name, inner, data)
    if isinstance(document, str):
        start = document.lstrip(_SKIPPED)
        if start.startswith(("MSH", "FHS", "BHS")):
            data = document.encode("utf-8", "surrogatepass")
            return Opened("hl7", document, data, is_text=True)
        if start.startswith("<"):
            name, _ = content.load(document.encode("utf-8", "surrogatepass"))
            return Opened(name, document, is_text=True)
        if start.startswith(("{", "[")):
            data = document.encode("utf-8", "surrogatepass")
            name, inner = content.load(data)
            return Opened(name, inner, data, is_text=True)
    if isinstance(document, str | PathLike):
        try:  # an issue never names a path: it may hold a patient's name
            return opened(Path(document).read_bytes())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise document_error("document/unreadable", "", reason=reason) from None
    if hasattr(document, "read") and hasattr(document, "seek"):
        document.seek(0)
        inner = document.read()
        document.seek(0)
        return opened(inner)
    raise document_error("document/unknown-type", "", type=type(document).__name__)


def counter(document: Opened) -> Callable[[int], int]:
    """Return what turns a byte offset into the unit of spans; quick for rising offsets."""
    data = document.data or b""
    if not document.is_text or data.isascii():
        return lambda offset: offset
    last, count = 0, 0

    def characters(offset: int) -> int:
        nonlocal last, count
        if offset < last:
            last, count = 0, 0
        count += len(data[last:offset].decode("utf-8", "surrogatepass"))
        last = offset
        return count

    return characters


def row_of(row: Attribute, tables: MappingTable) -> Row:
    """Name a row: a shipped file from ``mappings/`` on, a site's as it was given."""
    group = next(g.name for g in tables.available if any(r is row for r in g.attributes))
    shipped = row.file.removeprefix(_shipped())
    file = "mappings/" + shipped.lstrip("/\\") if shipped != row.file else row.file
    return Row(file, row.line, group, row.keyword)


@cache
def _shipped() -> str:
    return str(files("sopstatus.mappings"))


def switched_off(tables: MappingTable) -> list[Group]:
    """Return the groups that are there and not in use."""
    return [group for group in tables.available if not group.enabled]


def off(group: Group) -> str:
    """Say that a group is switched off."""
    return f"the group {group.name} is switched off"


def tag_text(tag: int) -> str:
    """Write a tag as DICOM does."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
