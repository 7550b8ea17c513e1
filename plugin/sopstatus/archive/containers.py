"""Files that hold many documents: zip, tar (also gzip, bzip2, xz) and NDJSON, a line a document.

Members are read one after the other and never unpacked to a disk. A container inside a container is
not looked into. Nothing in here names a format of documents but NDJSON's JSON.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader, BytesIO
from typing import IO, Any

from sopstatus.catalogue import document_error
from sopstatus.limits import Limits
from sopstatus.stored import BROKEN

ZIP, TAR, LINES = "zip", "tar", "ndjson"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP, _OTHERS = b"\x1f\x8b", (b"BZh", b"\xfd7zXZ\0")
_USTAR = slice(257, 262)
_STEP = 1 << 20
_BROKEN = (*BROKEN, tarfile.TarError)

Member = tuple[str, Callable[[], Any]]
"""A name inside the container, and what opens it: good until the next one is asked for."""


def kind(start: bytes) -> str:
    """Tell what holds many documents by how it begins; ``""`` = one document, or none."""
    if start.startswith(_ZIPS):
        return ZIP
    if start.startswith(_OTHERS):  # nothing else of ours is packed so
        return TAR
    if (_unzipped(start) if start.startswith(_GZIP) else start)[_USTAR] == b"ustar":
        return TAR
    return LINES if _has_lines(start) else ""


def _unzipped(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(start, 512)
    except zlib.error:
        return b""


def _has_lines(start: bytes) -> bool:
    """Tell whether an object ends with its first line, and something follows it."""
    line, newline, rest = start.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    whole = line.startswith(b"{") and line.rstrip().endswith(b"}")
    return bool(newline) and whole and rest.lstrip().startswith(b"{")


def members(name: str, file: IO[bytes], limits: Limits) -> Iterator[Member]:
    """Yield what is in a container, in its order; the file is at its beginning.

    Raise `DocumentError` where it is broken, or holds more documents than one may hold statements.
    """
    each = {ZIP: _of_zip, TAR: _of_tar, LINES: _of_lines}[name]
    try:
        for number, member in enumerate(each(file, limits), 1):
            if number > limits.statements:
                raise document_error("container/too-many", "", limit=limits.statements)
            yield member
    except _BROKEN:
        raise document_error("container/broken", "") from None


def _of_zip(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    with zipfile.ZipFile(file) as whole:
        for one in whole.infolist():
            if not one.is_dir():
                yield one.filename, partial(_opened, whole.open, one, limits)


def _of_tar(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r:*") as whole:
        for one in whole:
            if one.isfile():
                yield one.name, partial(_opened, whole.extractfile, one, limits)
            whole.members = []  # type: ignore[attr-defined]  # memory stays flat


def _of_lines(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    with BufferedReader(file) as lines:  # type: ignore[type-var]
        number = 0
        while line := lines.readline(limits.document + 1):
            number += 1
            if len(line) > limits.document:
                raise document_error("document/too-large", "", limit=limits.document)
            if line.strip():
                yield str(number), partial(BytesIO, line)


def _opened(opening: Callable[[Any], Any], one: Any, limits: Limits) -> Bounded:
    try:
        return Bounded(opening(one), limits.inflated)
    except _BROKEN as error:
        raise OSError(f"the member cannot be opened: {type(error).__name__}") from None


class Bounded:
    """A member that gives no more bytes than it may; what is skipped counts, for it is unpacked."""

    def __init__(self, file: Any, limit: int) -> None:
        self._file, self._limit, self._left = file, limit, limit

    def __enter__(self) -> Bounded:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return the next bytes; raise `OSError` where they are damaged."""
        try:
            data: bytes = self._file.read(size)
        except _BROKEN as error:
            raise OSError(f"the member is damaged: {type(error).__name__}") from None
        self._left -= len(data)
        if self._left < 0:
            raise document_error("document/too-large", "", limit=self._limit)
        return data

    def seek(self, offset: int, whence: int = 0) -> None:
        """Go on, or back to the beginning."""
        if whence == 0:
            self._file.seek(offset)
            return
        while offset > 0 and (passed := self.read(min(offset, _STEP))):
            offset -= len(passed)
