"""What `explain` returns, as plain values: frozen, hashable, picklable, and JSON by `to_dict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table.model import TableVersion

DOCUMENT, INFLATED = "document", "inflated data set"


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the source's own notation.

    ``start`` and ``end`` are the half-open span there, counted in bytes (in characters where the
    document is text), ``None`` where the document has no bytes of its own. ``of`` is what they
    count in: the document, or the data set that a deflated Part 10 file holds.
    """

    path: str
    start: int | None = None
    end: int | None = None
    of: str = DOCUMENT


@dataclass(frozen=True, slots=True)
class Row:
    """The row of the tables that applied."""

    file: str
    line: int
    group: str
    keyword: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing about how a value was read; ``detail`` shows values, ``what`` does not."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a codec writes for a value in another format.

    ``text`` is the place's content as that format has it (``None``: nothing stands there),
    ``verbatim`` the exact text beside it and ``verbatim_path`` where that goes. ``untrusted`` is
    what an untrusted link makes of the value (PS3.15 A.1.1), if that differs.
    """

    format: str
    path: str
    text: str | None
    verbatim_path: str = ""
    verbatim: str = ""
    lost: tuple[str, ...] = ()
    untrusted: str = ""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One stated value: where it stands, how it was read, and what becomes of it.

    ``statement`` counts `Explanation.statements` from 0; ``repeats`` marks what was said before.
    ``source`` is ``None`` where only the verbatim text states the value, ``text`` what stands
    there. ``value`` is DICOM text; ``None`` = stated and emptied; ``display`` is its term's.
    """

    statement: int
    repeats: bool
    row: Row
    source: Source | None
    text: str | None
    verbatim_source: Source | None
    value: Value
    display: str
    notes: tuple[Note, ...]
    targets: tuple[Target, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Untouched:
    """Something near a statement that is neither read nor written, and why."""

    source: Source
    why: str
    code: str = ""  # of the issue that says so, if one does
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One value in the target; ``outcome`` is added, changed, removed, unchanged or refused."""

    keyword: str
    path: str
    outcome: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What becomes of one statement in a target; ``path`` is empty where nothing corresponds."""

    statement: int
    path: str
    changes: tuple[Change, ...]
    issues: tuple[Issue, ...]

    @property
    def refused(self) -> bool:
        """Tell whether the statement, or one of its values, does not arrive."""
        return not self.path or any(change.outcome == "refused" for change in self.changes)


@dataclass(frozen=True, slots=True)
class Into:
    """The statements carried onto a target document."""

    format: str
    counterparts: tuple[Counterpart, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a document was read. ``statements`` and ``issues`` are what its codec decodes.

    ``tables`` are those that read it.
    """

    format: str
    statements: tuple[SOPInstance, ...]
    values: tuple[Explained, ...]
    untouched: tuple[Untouched, ...]
    issues: tuple[Issue, ...]
    into: Into | None = None
    tables: tuple[TableVersion, ...] = ()

    def to_dict(self, *, values: bool = True) -> dict[str, Any]:
        """Return JSON; without ``values`` no value, text, UID or AE Title of the document."""
        told = asdict(self)
        told["tables"] = [version._asdict() for version in self.tables]
        for statement in told["statements"]:
            del statement["attributes"]
        for value, explained in zip(told["values"], self.values, strict=True):
            value["emptied"] = explained.value is None
        for part, counterpart in zip(
            told["into"]["counterparts"] if self.into else (),
            self.into.counterparts if self.into else (),
            strict=True,
        ):
            part["refused"] = counterpart.refused
        kept: dict[str, Any] = told if values else _bare(told)
        return kept


_SHOWING = {
    *("value", "display", "text", "detail", "verbatim", "before", "after", "diagnostics"),
    *SOPInstance.__slots__,
}


def _bare(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _bare(inner) for key, inner in node.items() if key not in _SHOWING}
    return [_bare(inner) for inner in node] if isinstance(node, list | tuple) else node
