"""A scan from its beginning, or from where it was cut short, to its end or to somebody's stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

from sopstatus.archive.documents import Documents, found, is_url
from sopstatus.archive.folder import Folder
from sopstatus.archive.order import left
from sopstatus.archive.rows import Counts, counts
from sopstatus.catalogue import document_error, issue
from sopstatus.model import Issue
from sopstatus.processes import ProcessDied
from sopstatus.scanning import Reader, Scanned, work
from sopstatus.table import MappingTable

ROWS = 65_536  # of a part file: its rows are what memory holds
_SECONDS = 60.0  # what a kill costs at most, where files are slow


class Gathered(Protocol):
    """The content of a part file on its way."""

    def add(self, rows: Any) -> None:
        """Add what `Format.each` has made of a document."""

    def write(self, file: BinaryIO) -> None:
        """Write all of it."""


class Format(Protocol):
    """How rows are written; it pickles, for ``each`` runs in the process that reads."""

    @property
    def suffix(self) -> str:
        """What the names of its files end with."""

    def each(self, scanned: Scanned) -> Any:
        """Return the rows of a document, ready for `Gathered.add`."""

    def part(self) -> Gathered:
        """Begin a part file."""


class Read(NamedTuple):
    """What comes back from the process that read a file."""

    source: str
    counts: Counts
    rows: list[Any]


@dataclass(frozen=True, slots=True)
class Each:
    """What is made of a file where it is read."""

    documents: Documents
    form: Format

    def __call__(self, source: str) -> Read:
        """Return the counts and the rows of a file."""
        records = self.documents(source)
        return Read(source, counts(records), [self.form.each(record) for record in records])


def run(
    folder: Folder,
    form: Format,
    paths: list[str],
    *,
    tables: MappingTable,
    holder: str = "",
    workers: int | None = None,
    rows: int = ROWS,
    told: Callable[[Counts], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Counts, bool]:
    """Scan what no part covers yet; return the counts of all parts, and whether it came to its end.

    ``told`` hears the counts after each file. When ``stopped`` says so, the scan ends with what it
    has read written down. ``rows`` is how many a part file has at least, but for the last.
    """
    covered, total = folder.covered(), Counts()
    for part in folder.parts():
        total = total.plus(part.counts)
    told(total)
    names = left(found(paths), covered, paths) if covered else found(paths)
    read = work(names, Each(Documents(Reader(tables, holder=holder)), form), workers)
    assert isinstance(read, Generator)
    try:
        for sources, those, gathered in _parts(read, form, rows, total, told, stopped):
            folder.commit(sources, those, gathered.write)
            total = total.plus(those)
    finally:
        read.close()
    return total, not stopped()


def _parts(
    read: Iterable[Read],
    form: Format,
    rows: int,
    total: Counts,
    told: Callable[[Counts], None],
    stopped: Callable[[], bool],
) -> Iterator[tuple[list[str], Counts, Gathered]]:
    sources: list[str] = []
    part, those, since = form.part(), Counts(), time.monotonic()
    died = False
    try:
        for one in read:
            sources.append(one.source)
            for rows_of_one in one.rows:
                part.add(rows_of_one)
            those = those.plus(one.counts)
            told(total.plus(those))
            if stopped():
                break
            if those.rows >= rows or time.monotonic() - since > _SECONDS:
                yield sources, those, part
                total = total.plus(those)
                sources, part, those, since = [], form.part(), Counts(), time.monotonic()
    except ProcessDied:
        died = True
    if sources:
        yield sources, those, part
    if died:
        raise document_error("archive/process-killed", "")


def mend(folder: Folder) -> list[Issue]:
    """Remove parts that are no longer what was written: what they cover is scanned again."""
    issues = []
    for part in folder.parts():
        if not part.is_whole():
            part.remove()
            issues.append(issue("archive/part-damaged", part.file.name))
    return issues


def settings(
    form: Format, columns: Iterable[str], paths: Iterable[str], tables: MappingTable, holder: str
) -> dict[str, Any]:
    """Return what the rows depend on."""
    return {
        "format": form.suffix.removeprefix("."),
        "columns": list(columns),
        "paths": list(paths),
        "places": [p if is_url(p) else os.path.abspath(p) for p in paths],  # noqa: PTH100
        "holder": holder,
        "tables": tables.sha256,
    }
