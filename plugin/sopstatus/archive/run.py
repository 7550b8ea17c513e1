"""A scan from its beginning, or from where it was cut short, to its end or to somebody's stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

from sopstatus.archive.documents import Documents, found, is_url
from sopstatus.archive.folder import Folder
from sopstatus.archive.order import Covered, left, stamp
from sopstatus.archive.processes import ProcessDied
from sopstatus.archive.rows import Counts, counts
from sopstatus.archive.scan import work
from sopstatus.catalogue import document_error, issue
from sopstatus.documents.scanned import Reader, Scanned
from sopstatus.model import DocumentError, Issue
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

    covered: Covered
    counts: Counts
    rows: list[Any]


@dataclass(frozen=True, slots=True)
class Each:
    """What is made of a file where it is read."""

    documents: Documents
    form: Format

    def __call__(self, source: str) -> Read:
        """Return the counts and the rows of a file."""
        before = stamp(source)  # what is changed while it is read has another afterwards
        records = self.documents(source)
        if any(told.code == "document/unreadable" for one in records for told in one.issues):
            before = ""  # it may be readable the next time
        rows = [self.form.each(record) for record in records]
        return Read(Covered(source, before), counts(records), rows)


def run(
    folder: Folder,
    form: Format,
    paths: list[str],
    *,
    tables: MappingTable,
    holder: str = "",
    token_file: str = "",
    from_data_set: bool = False,
    with_context: bool = False,
    workers: int | None = None,
    rows: int = ROWS,
    told: Callable[[Counts], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Counts, bool]:
    """Scan what no part covers yet; return the counts of all parts, and whether it came to its end.

    Of what an earlier scan covers, only what has changed is read.

    ``told`` hears the counts after each file. When ``stopped`` says so, the scan ends with what it
    has read written down. ``rows`` is how many a part file has at least, except the last.
    ``token_file`` is that of `Documents`. Raise `DocumentError`, with what was read written down, where
    no more can be read: a process was killed, or a server takes the credentials no more.
    """
    covered, total = folder.covered(), Counts()
    for part in folder.parts():
        total = total.plus(part.counts)
    told(total)
    names = found(paths, token_file)
    if earlier := folder.earlier():
        names = left(names, earlier.before(), paths, changed=True)
    if covered:
        names = left(names, covered, paths)
    reader = Reader(tables, holder=holder, from_data_set=from_data_set, with_context=with_context)
    documents = Documents(reader, token_file)
    read = work(names, Each(documents, form), workers)
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
) -> Iterator[tuple[list[Covered], Counts, Gathered]]:
    sources: list[Covered] = []
    part, those, since = form.part(), Counts(), time.monotonic()
    ended: DocumentError | None = None
    try:
        for one in read:
            sources.append(one.covered)
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
        ended = document_error("archive/process-killed", "")
    except DocumentError as error:
        ended = error
    if sources:
        yield sources, those, part
    if ended:
        raise ended


def mend(folder: Folder) -> list[Issue]:
    """Remove parts that are no longer what was written: what they cover is scanned again."""
    issues = []
    for part in folder.parts():
        if not part.is_whole():
            part.remove()
            issues.append(issue("archive/part-damaged", part.file.name))
    return issues


def settings(
    form: Format,
    columns: Iterable[str],
    paths: Iterable[str],
    tables: MappingTable,
    holder: str,
    since: str | None = None,
    *,
    from_data_set: bool = False,
    with_context: bool = False,
) -> dict[str, Any]:
    """Return what the rows depend on; ``since`` is the folder of an earlier scan."""
    return {
        "format": form.suffix.removeprefix("."),
        "columns": list(columns),
        "paths": list(paths),
        "places": [p if is_url(p) else os.path.abspath(p) for p in paths],  # noqa: PTH100
        "holder": holder,
        "holder_from": "data-set" if from_data_set else "",
        "context": tables.site.context if with_context else "none",
        "tables": tables.sha256,
        "since": since and os.path.abspath(since),  # noqa: PTH100
    }
