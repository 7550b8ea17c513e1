"""Read many files: one record a file, in order, in as many processes as help."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypedDict, TypeVar, Unpack, overload

from sopstatus.documents.files import files
from sopstatus.documents.scanned import Reader, Scanned
from sopstatus.limits import DEFAULT, Limits
from sopstatus.table import MappingTable

T = TypeVar("T")
Paths = Iterable[str | os.PathLike[str]]

_CHUNK = 64  # files that a process is handed at once
_FEW = 4 * _CHUNK  # below this, starting processes takes longer than reading


class Options(TypedDict, total=False):
    """What a scan may be given, however its records are worked on."""

    workers: int | None
    holder: str
    from_data_set: bool
    tables: MappingTable | None
    limits: Limits


@overload
def scan(paths: Paths, **given: Unpack[Options]) -> Iterator[Scanned]: ...
@overload
def scan(
    paths: Paths, *, each: Callable[[Scanned], T], **given: Unpack[Options]
) -> Iterator[T]: ...
def scan(
    paths: Iterable[str | os.PathLike[str]],
    *,
    each: Callable[[Scanned], Any] | None = None,
    workers: int | None = None,
    holder: str = "",
    from_data_set: bool = False,
    tables: MappingTable | None = None,
    limits: Limits = DEFAULT,
) -> Iterator[Any]:
    """Yield a record for every file, and every file below a folder, in order.

    A file that cannot be read is a record with an issue, never a stop. No more is read ahead than
    the processes need, so a slow reader of the records holds the scan up and memory stays flat.

    ``workers`` is the number of processes (default: one a CPU; 1 = this one). A few files are read
    in this process in any case. ``each`` is applied to every record in the process that read it:
    to send bytes between processes takes far less than to send records; it must pickle.
    ``holder`` is who holds the data sets; ``from_data_set`` as for `Reader`.
    """
    reader = Reader(tables, limits, holder, from_data_set=from_data_set)
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
    from sopstatus.archive.processes import apply

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
