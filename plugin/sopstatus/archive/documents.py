"""What a scan reads: files, what is inside containers, and the studies of DICOMweb servers.

A file, and a study of a server, is what a part file covers: it is scanned whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from io import FileIO

from sopstatus.archive import containers
from sopstatus.codecs.part10_window import FIRST_READ
from sopstatus.files import files
from sopstatus.model import DocumentError
from sopstatus.scanning import Reader, Scanned, unreadable

_STUDIES = "/studies/"


def is_url(path: str) -> bool:
    """Tell whether a path is a DICOMweb server's address."""
    return path.startswith(("http://", "https://"))


def found(paths: Iterable[str]) -> Iterator[str]:
    """Yield all that is to be read, in the order of names: files, and studies of servers.

    Raise `DocumentError` where a server does not list them.
    """
    for path in paths:
        if is_url(path):
            from sopstatus.sources import dicomweb

            yield from (
                f"{path.rstrip('/')}{_STUDIES}{uid}"
                for uid in sorted(set(dicomweb(path).studies()))
            )
        else:
            yield from files([path])


class Documents:
    """Reads one file or study after the other, and every document in it; it pickles."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __call__(self, path: str) -> list[Scanned]:
        """Return the records of a file, one at least."""
        if is_url(path):
            return [self._study(path)]
        try:
            with FileIO(path) as file:
                start = file.read(FIRST_READ)
                kind = "" if start[128:132] == b"DICM" else containers.kind(start)
                if not kind:
                    return [self._reader.begun(path, start, file)]
                file.seek(0, os.SEEK_SET)
                return list(self._inside(kind, path, file))
        except OSError as error:
            return [unreadable(path, error)]

    def _inside(self, kind: str, path: str, file: FileIO) -> Iterator[Scanned]:
        some = False
        try:
            for name, opening in containers.members(kind, file, self._reader.limits):
                yield self._reader.opened(f"{path}!{name}", opening)
                some = True
        except DocumentError as error:
            yield Scanned(path, kind, (), error.issues)
            return
        if not some:
            yield Scanned(path, kind, (), ())

    def _study(self, address: str) -> Scanned:
        from sopstatus.sources import dicomweb

        url, _, uid = address.rpartition(_STUDIES)
        reader = self._reader
        source = dicomweb(url, tables=reader.tables, limits=reader.limits, holder=reader.holder)
        return source.study(uid)
