"""Read many files: one record a file, in order, in as many processes as help."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import FileIO
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from sopstatus import content
from sopstatus.catalogue import issue
from sopstatus.codecs.part10_window import FIRST_READ, Begun
from sopstatus.files import files
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import DATA_SETS, Codec, codec

if TYPE_CHECKING:
    from sopstatus.described import Described

T = TypeVar("T")

_READ = 1 << 24  # bytes that a file is asked for at once
_CHUNK = 64  # files that a process is handed at once
_FEW = 4 * _CHUNK  # below this, starting processes takes longer than reading


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one file says: every statement, and every SOP Instance about which it says nothing.

    ``source`` is the path as found. ``format`` is ``""`` and ``instances`` empty where the file
    could not be read; ``issues`` tell why. ``described`` has one entry an instance. It pickles.
    """

    source: str
    format: str
    instances: tuple[SOPInstance, ...]
    issues: tuple[Issue, ...]
    described: tuple[Described, ...] = ()


def read(
    source: str, name: str, document: Any, under: Any, holder: str = "", **options: Any
) -> Scanned:
    """Return the record of a document of a format, read by its codec ``under`` with ``options``.

    Raise `DocumentError` where it is not what it claims to be.
    """
    from sopstatus import described

    holder = holder if name in DATA_SETS else ""
    said, known = under.read(document, **({"holder": holder} if holder else {}), **options)
    about = {one.sop_instance_uid for one in said.value}
    silent = (replace(i, holder=holder) for i in known if i.sop_instance_uid not in about)
    found = (*said.value, *silent)
    return Scanned(source, name, found, said.issues, described.of_document(name, document, found))


def unreadable(source: str, error: OSError) -> Scanned:
    """Return the record of what the operating system does not give."""
    reason = error.strerror or type(error).__name__
    return Scanned(source, "", (), (issue("document/unreadable", "", reason=reason),))


class Reader:
    """Reads one file after the other; what is wrong with a file stands in its record.

    ``holder`` is the AE Title of who holds the data sets, which do not say it themselves.
    """

    def __init__(
        self, tables: MappingTable | None = None, limits: Limits = DEFAULT, holder: str = ""
    ) -> None:
        self.tables = tables or load_tables()
        self.limits = limits
        self.holder = holder
        self._codecs: dict[str, Codec] = {}

    def __call__(self, path: str) -> Scanned:
        """Read a file of any format."""
        return self.opened(path, lambda: FileIO(path))

    def opened(self, source: str, opening: Callable[[], Any]) -> Scanned:
        """Read what ``opening`` opens, a binary file that can ``read`` and ``seek``."""
        try:
            with opening() as file:
                return self.begun(source, file.read(FIRST_READ), file)
        except OSError as error:
            return unreadable(source, error)

    def begun(self, source: str, start: bytes, file: Any) -> Scanned:
        """Read an open file of which ``start`` has been read already."""
        name = ""
        try:
            name, document = self._load(start, file)
            return self._read(source, name, document)
        except DocumentError as error:
            return Scanned(source, name, (), error.issues)

    def _read(self, path: str, name: str, document: Any) -> Scanned:
        from sopstatus import described

        under: Any = self._codec(name)
        if name == "dicom":
            copy, elements = under.copy(document, holder=self.holder)
            if not copy.value.attributes and not copy.value.sop_instance_uid:
                return Scanned(path, name, (), copy.issues)
            told = described.of_elements(elements)
            return Scanned(path, name, (copy.value,), copy.issues, (told,))
        return read(path, name, document, under, self.holder)

    def _load(self, start: bytes, file: Any) -> tuple[str, Any]:
        if start[128:132] == b"DICM":  # the codec reads as much as it needs
            return "dicom", Begun(start, file)
        parts, left = [start], self.limits.document + 1 - len(start)
        while left > 0 and (part := file.read(min(left, _READ))):
            parts.append(part)
            left -= len(part)
        return content.load(b"".join(parts), limits=self.limits)

    def _codec(self, name: str) -> Codec:
        if name not in self._codecs:
            made: Any = codec(name, tables=self.tables, limits=self.limits)
            if name == "dicom":
                from sopstatus.described import TAGS

                made = replace(made, beside=TAGS)
            self._codecs[name] = made
        return self._codecs[name]


@overload
def scan(
    paths: Iterable[str | os.PathLike[str]],
    *,
    workers: int | None = None,
    holder: str = "",
    tables: MappingTable | None = None,
    limits: Limits = DEFAULT,
) -> Iterator[Scanned]: ...


@overload
def scan(
    paths: Iterable[str | os.PathLike[str]],
    *,
    each: Callable[[Scanned], T],
    workers: int | None = None,
    holder: str = "",
    tables: MappingTable | None = None,
    limits: Limits = DEFAULT,
) -> Iterator[T]: ...


def scan(
    paths: Iterable[str | os.PathLike[str]],
    *,
    each: Callable[[Scanned], Any] | None = None,
    workers: int | None = None,
    holder: str = "",
    tables: MappingTable | None = None,
    limits: Limits = DEFAULT,
) -> Iterator[Any]:
    """Yield a record for every file, and every file below a folder, in order.

    A file that cannot be read is a record with an issue, never a stop. No more is read ahead than
    the processes need, so a slow reader of the records holds the scan up and memory stays flat.

    ``workers`` is the number of processes (default: one a CPU; 1 = this one). A few files are read
    in this process in any case. ``each`` is applied to every record in the process that read it:
    to send bytes between processes takes far less than to send records; it must pickle.
    ``holder`` is the AE Title of who holds the data sets.
    """
    reader = Reader(tables, limits, holder)
    return work(files(paths), _Each(reader, each) if each else reader, workers)


def work(
    paths: Iterable[str], reader: Callable[[str], T], workers: int | None = None
) -> Iterator[T]:
    """Yield what ``reader`` makes of each path, in order, in as many processes as help.

    ``reader`` and what it returns pickle; else as `scan`.
    """
    found = iter(paths)
    workers = _processors() if workers is None else workers
    first = list(islice(found, _FEW)) if workers > 1 else []
    names = chain(first, found)
    if len(first) < _FEW:
        yield from map(reader, names)
        return
    from sopstatus.processes import apply

    chunks = iter(lambda: list(islice(names, _CHUNK)), [])
    for records in apply(_Chunk(reader), chunks, workers):
        yield from records


@dataclass(frozen=True, slots=True)
class _Each:
    """What becomes of a file where it is read."""

    reader: Reader
    each: Callable[[Scanned], Any]

    def __call__(self, path: str) -> Any:
        return self.each(self.reader(path))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What a process does with the files that it is handed at once."""

    reader: Callable[[str], Any]

    def __call__(self, paths: list[str]) -> list[Any]:
        return list(map(self.reader, paths))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
