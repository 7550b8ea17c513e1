"""Files that hold many documents: zip, tar (also gzip, bzip2, xz) and NDJSON (also gzip).

Members are read one after the other and never unpacked to a disk. A container inside a container is
not looked into. Nothing in here names a format of documents but NDJSON's JSON.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from gzip import GzipFile
from io import BufferedReader, BytesIO
from typing import IO, Any

from sopstatus.catalogue import document_error
from sopstatus.documents.containers import BROKEN
from sopstatus.documents.content import is_packed
from sopstatus.limits import Limits

ZIP, TAR, LINES = "zip", "tar", "ndjson"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP, _OTHERS = b"\x1f\x8b", (b"BZh", b"\xfd7zXZ\0")
_USTAR = slice(257, 262)
_STEP = 1 << 20
_BOM = b"\xef\xbb\xbf"
_BLANK_LINES, _PEEK = (
    100,
    1 << 10,
)  # that may stand between the first documents, and bytes of a line
_BROKEN = (*BROKEN, tarfile.TarError)

Member = tuple[str, Callable[[], Any]]
"""A name inside the container, and what opens it: good until the next one is asked for."""


def kind(start: bytes, file: IO[bytes], limits: Limits) -> str:
    """Tell what holds many documents by how it begins; ``""`` = one document, or none.

    ``start`` has been read already, and the file stands behind it, before and after.
    """
    if start.startswith(_ZIPS):
        return ZIP
    if start.startswith(_OTHERS):  # nothing else of ours is packed so
        return TAR
    plain = _unzipped(start) if start.startswith(_GZIP) else start
    if plain[_USTAR] == b"ustar":
        return TAR
    if not plain.removeprefix(_BOM).startswith(b"{"):
        return ""
    if start.startswith(_GZIP) and not is_packed(start):  # metadata of one image set
        return ""
    if not file.seekable():
        return ""
    file.seek(0)
    try:
        return LINES if _has_lines(file, limits) else ""
    except _BROKEN:
        return ""
    finally:
        file.seek(len(start))


def _unzipped(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(start, 512)
    except zlib.error:
        return b""


def _has_lines(file: IO[bytes], limits: Limits) -> bool:
    """Tell whether an object ends with its first line, and another begins behind it."""
    with _unpacked(file) as lines:
        first = lines.readline(limits.document + 1)
        if not first.endswith(b"\n") or not first.rstrip().endswith(b"}"):
            return False
        for _ in range(_BLANK_LINES):
            if (line := lines.readline(_PEEK)).strip() or not line:
                return line.lstrip().startswith(b"{")
    return False


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the lines of a file that gzip may have packed, and leave the file open."""
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    if packed:
        with GzipFile(fileobj=file) as lines:
            yield lines  # type: ignore[misc]
    else:
        buffer = BufferedReader(file)  # type: ignore[type-var]
        try:
            yield buffer
        finally:
            buffer.detach()


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
    with _unpacked(file) as lines:
        number = 0
        while line := lines.readline(limits.document + 1):
            number += 1
            if number > limits.statements:  # a few bytes can be packed to very many blank lines
                raise document_error("container/too-many", "", limit=limits.statements)
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
