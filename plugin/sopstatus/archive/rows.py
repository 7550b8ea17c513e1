"""The rows of a scan: one per SOP Instance, with the columns that the tables define.

A document that says nothing of any instance, or cannot be read, is one row without UIDs. The issues
of a document stand in its first row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sopstatus.documents.description import NOTHING, Described
from sopstatus.documents.files import spelled
from sopstatus.documents.scanned import Scanned
from sopstatus.holder import Holder
from sopstatus.model import Issue, SOPInstance
from sopstatus.table import MappingTable

HOLDER = ("holder", "holder_uid", "holder_uid_type")
"""The columns of a holder: its AE Title, its universal ID and the type of that (HL7's HD)."""
IDENTITY = (*SOPInstance.__slots__[:-2], *HOLDER)
"""The columns of the UIDs and the holder; an empty text = not said."""
ISSUE = ("severity", "code", "location")
"""The members of an issue in a row; the catalogue has the words to its code."""

_NOBODY = SOPInstance()


def identity(instance: SOPInstance) -> dict[str, str]:
    """Return what a statement is about and whose copy, by column."""
    uids = (getattr(instance, name) for name in SOPInstance.__slots__[:-2])
    return dict(zip(IDENTITY, (*uids, *instance.holder.parts), strict=True))


def about(columns: Iterable[str]) -> SOPInstance:
    """Return the statement that says nothing of what these columns name."""
    study, series, sop_class, sop, title, uid, kind = columns
    return SOPInstance(study, series, sop_class, sop, Holder(title, uid, kind))


_EMPTIED = ""
_OURS = ("source", "format", *IDENTITY, *Described._fields)


def column_of(keyword: str) -> str:
    """Return the column of an attribute: to SQL, `Modality` is `modality`, which stands there already."""
    return f"{keyword}Stated" if keyword.lower() in _OURS else keyword


class Row(NamedTuple):
    """One row. ``values`` has one place a keyword: ``None`` = not stated, ``""`` = emptied."""

    source: str
    format: str
    instance: SOPInstance
    described: Described
    values: tuple[str | None, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The keywords that have a column, in the order of the tables."""

    keywords: tuple[str, ...]

    @classmethod
    def of(cls, tables: MappingTable) -> Columns:
        """Return the columns of these tables."""
        return cls(tuple(tables.attributes))

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, in order."""
        return (*_OURS, *map(column_of, self.keywords), "issues")

    def rows(self, scanned: Scanned) -> list[Row]:
        """Return the rows of one document, one at least."""
        made = []
        source, issues = spelled(scanned.source), scanned.issues
        beside = scanned.described or (NOTHING,) * max(1, len(scanned.instances))
        for instance, described in zip(scanned.instances or (_NOBODY,), beside, strict=True):
            said = dict(instance.attributes)
            values = tuple(
                (said[keyword] or _EMPTIED) if keyword in said else None
                for keyword in self.keywords
            )
            made.append(Row(source, scanned.format, instance, described, values, issues))
            issues = ()
        return made


class Counts(NamedTuple):
    """What a scan has seen: files and rows; documents without any for errors, and with an error."""

    files: int = 0
    rows: int = 0
    unreadable: int = 0
    faulty: int = 0

    def plus(self, other: Counts) -> Counts:
        """Return the sums."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def counts(records: Iterable[Scanned]) -> Counts:
    """Count one file by its documents."""
    total = Counts(files=1)
    for one in records:
        bad = any(issue.is_error for issue in one.issues)
        unreadable = bad and not one.instances
        total = total.plus(Counts(0, max(1, len(one.instances)), int(unreadable), int(bad)))
    return total
