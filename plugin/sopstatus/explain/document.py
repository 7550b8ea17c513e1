"""A document as `explain` opens it, and what the readers of the formats find in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import accumulate

from sopstatus.documents.opened import Opened
from sopstatus.explain.model import Note, Row, Source, Untouched
from sopstatus.model import SOPInstance, Value
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.values import trim

_BLOCK = 1024
_CONTINUATION = bytes(range(0x80, 0xC0))  # of a character in UTF-8, behind its first byte


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


def counter(document: Opened) -> Callable[[int], int]:
    """Return what turns a byte offset into the unit of spans."""
    data = document.data or b""
    if not document.is_text or data.isascii():
        return lambda offset: offset
    blocks = range(0, len(data), _BLOCK)
    before = [0, *accumulate(_characters(data[at : at + _BLOCK]) for at in blocks)]

    def characters(offset: int) -> int:
        block = offset // _BLOCK
        return before[block] + _characters(data[block * _BLOCK : offset])

    return characters


def _characters(utf_8: bytes) -> int:
    return len(utf_8.translate(None, _CONTINUATION))


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


def held_by(name: str) -> str:
    """Say what an element is that names the holder of a copy."""
    return f"{name}: it names the holder for `scan --holder-from data-set`, and for nobody else"
