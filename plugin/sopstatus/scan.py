"""Read many files: one record a file, in order, in as many processes as help."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, TypeVar, overload

from sopstatus import content
from sopstatus.catalogue import issue
from sopstatus.files import files
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import DATA_SETS, Codec, codec

T = TypeVar("T")

_CHUNK = 64  # files that a process is handed at once
_FEW = 4 * _CHUNK  # below this, starting processes takes longer than reading


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one file says: every statement, and every SOP Instance about which it says nothing.

    ``source`` is the path as found. ``format`` is ``""`` and ``instances`` empty where the file
    could not be read; ``issues`` tell why. It pickles.
    """

    source: str
    format: str
    instances: tuple[SOPInstance, ...]
    issues: tuple[Issue, ...]


def read(
    source: str, name: str, document: Any, under: Any, holder: str = "", **options: Any
) -> Scanned:
    """Return the record of a document of a format, read by its codec ``under`` with ``options``.

    Raise `DocumentError` where it is not what it claims to be.
    """
    holder = holder if name in DATA_SETS else ""
    said = under.decode(document, **({"holder": holder} if holder else {}), **options)
    about = {one.sop_instance_uid for one in said.value}
    silent = [
        replace(one, holder=holder)
        for one in under.instances(document)
        if one.sop_instance_uid not in about
    ]
    return Scanned(source, name, (*said.value, *silent), said.issues)


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
        name = ""
        try:
            with open(path, "rb") as file:
                name, document = self._load(file)
                return read(path, name, document, self._codec(name), self.holder)
        except DocumentError as error:
            return Scanned(path, name, (), error.issues)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            told = issue("document/unreadable", "", reason=reason)
            return Scanned(path, name, (), (told,))

    def _load(self, file: Any) -> tuple[str, Any]:
        start = file.read(132)
        file.seek(0)
        if start[128:] == b"DICM":  # the codec reads as much as it needs
            return "dicom", file
        data = file.read(self.limits.document + 1)
        return content.load(data, limits=self.limits)

    def _codec(self, name: str) -> Codec:
        if name not in self._codecs:
            self._codecs[name] = codec(name, tables=self.tables, limits=self.limits)
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
    found = files(paths)
    reader = Reader(tables, limits, holder)
    workers = _processors() if workers is None else workers
    first = list(islice(found, _FEW)) if workers > 1 else []
    if len(first) < _FEW:
        for path in chain(first, found):
            record = reader(path)
            yield each(record) if each else record
        return
    from concurrent.futures import Future, ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers, initializer=_start, initargs=(reader, each))
    ahead: deque[Future[list[Any]]] = deque()
    try:
        names = chain(first, found)
        while chunk := list(islice(names, _CHUNK)):
            ahead.append(pool.submit(_chunk, chunk))
            if len(ahead) > 2 * workers:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_work: Callable[[str], Any]  # of a process of the pool


def _start(reader: Reader, each: Callable[[Scanned], Any] | None) -> None:
    import signal
    from threading import Thread

    global _work  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process decides
    Thread(target=_end_with_parent, daemon=True).start()
    _work = (lambda path: each(reader(path))) if each else reader


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: nobody hears its results any more."""
    from multiprocessing import parent_process

    if parent := parent_process():
        parent.join()
        os._exit(1)


def _chunk(paths: list[str]) -> list[Any]:
    return [_work(path) for path in paths]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
