"""What a scan reads: files, what is inside containers, and the studies of DICOMweb servers.

A file, and a study of a server, is what a part file covers: it is scanned whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from io import FileIO
from typing import TYPE_CHECKING, Any

from sopstatus.archive import containers
from sopstatus.codecs.part10.window import FIRST_READ
from sopstatus.documents.files import files, opened_regular
from sopstatus.documents.scanned import Reader, Scanned, unreadable
from sopstatus.model import DocumentError

if TYPE_CHECKING:
    from sopstatus.sources.web import DICOMweb

_STUDIES = "/studies/"


def is_url(path: str) -> bool:
    """Tell whether a path is a DICOMweb server's address."""
    return path.startswith(("http://", "https://"))


def found(paths: Iterable[str], token_file: str = "") -> Iterator[str]:
    """Yield all that is to be read, in the order of names: files, and studies of servers.

    Raise `DocumentError` where a server does not list them.
    """
    for path in paths:
        if is_url(path):
            from sopstatus.sources import dicomweb

            studies = sorted(set(dicomweb(path, token_file=token_file).studies()))
            yield from (f"{path.rstrip('/')}{_STUDIES}{uid}" for uid in studies)
        else:
            yield from files([path])


class Documents:
    """Reads one file or study after the other, and every document in it; it pickles.

    ``token_file`` holds the bearer token of the servers, and is read for each request.
    """

    def __init__(self, reader: Reader, token_file: str = "") -> None:
        self._reader, self._token_file = reader, token_file
        self._servers: dict[str, DICOMweb] = {}

    def __reduce__(self) -> tuple[Any, ...]:  # a process opens servers of its own
        return Documents, (self._reader, self._token_file)

    def __call__(self, path: str) -> list[Scanned]:
        """Return the records of a file, one at least.

        Raise `DocumentError` where a server does not take the credentials: it will not the next time.
        """
        if is_url(path):
            return [self._study(path)]
        try:
            with opened_regular(path) as file:
                start = file.read(FIRST_READ)
                limits = self._reader.limits
                is_part10 = start[128:132] == b"DICM"
                kind = "" if is_part10 else containers.kind(start, file, limits)
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
        if url not in self._servers:  # one session, and one budget of attempts
            whose = {"tables": reader.tables, "limits": reader.limits, "holder": reader.holder}
            self._servers[url] = dicomweb(url, token_file=self._token_file, **whose)
        scanned = self._servers[url].study(uid)
        if any(told.code == "source/unauthorized" for told in scanned.issues):
            raise DocumentError(*scanned.issues)
        return scanned
