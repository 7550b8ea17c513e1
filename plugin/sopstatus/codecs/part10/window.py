"""Bytes of a data set as a walker sees them: a window that slides over a file and grows on demand."""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import IO, NamedTuple, Protocol

from sopstatus.catalogue import document_error
from sopstatus.limits import DEFAULT, Limits

FIRST_READ = 1 << 14  # holds most headers; 64 KiB cost a fifth more a file, 4 KiB a second read
_CHUNK = 1 << 20


class Source(Protocol):
    """Where more bytes come from, in order."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""

    def skip(self, size: int, /) -> object:
        """Pass over so many bytes, there or not."""

    def glance(self, ahead: int, size: int, /) -> bytes:
        """Return bytes so far ahead, as far as they exist, and stay."""


class File:
    """A binary file object as a `Source`."""

    __slots__ = ("_file", "read")

    def __init__(self, file: object) -> None:
        self._file, self.read = file, file.read  # type: ignore[attr-defined]

    def skip(self, size: int) -> None:
        """Seek."""
        self._file.seek(size, 1)  # type: ignore[attr-defined]

    def glance(self, ahead: int, size: int) -> bytes:
        """Seek, read, and come back."""
        place = self._file.tell()  # type: ignore[attr-defined]
        self.skip(ahead)
        found: bytes = self.read(size)
        self._file.seek(place)  # type: ignore[attr-defined]
        return found


class Descriptor:
    """An open file by its number, as a `Source`: to make an object of it takes as long as to read."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, size: int) -> bytes:
        """Read the next bytes."""
        return os.read(self._number, size)

    def skip(self, size: int) -> None:
        """Seek."""
        os.lseek(self._number, size, os.SEEK_CUR)

    def glance(self, ahead: int, size: int) -> bytes:
        """Seek, read, and come back."""
        place = os.lseek(self._number, 0, os.SEEK_CUR)
        self.skip(ahead)
        found = self.read(size)
        os.lseek(self._number, place, os.SEEK_SET)
        return found


class Begun(NamedTuple):
    """A binary file object, and what was read from its beginning already."""

    start: bytes
    file: IO[bytes]


class View:
    """A buffer as a `Source`; only what is read is copied."""

    __slots__ = ("_at", "_view")

    def __init__(self, buffer: memoryview) -> None:
        self._view, self._at = buffer.cast("B"), 0

    def read(self, size: int) -> bytes:
        """Copy the next bytes."""
        found = bytes(self._view[self._at : self._at + size])
        self._at += len(found)
        return found

    def skip(self, size: int) -> None:
        """Step over bytes."""
        self._at += size

    def glance(self, ahead: int, size: int) -> bytes:
        """Copy bytes that are still to come."""
        return bytes(self._view[self._at + ahead : self._at + ahead + size])


class Window:
    """The bytes ``data``, which begin at ``base`` of a file (or of what is inflated)."""

    __slots__ = ("base", "data", "first_read", "limits", "source")

    def __init__(
        self,
        data: bytes,
        source: Source | Inflater | None = None,
        limits: Limits = DEFAULT,
        first_read: int = FIRST_READ,
    ) -> None:
        self.data, self.source, self.limits = data, source, limits
        self.base, self.first_read = 0, first_read

    def more(self, anchor: int, end: int) -> int:
        """Get the bytes up to ``end``, as far as they exist; drop those before ``anchor``.

        Return by how much all positions have moved to the front.
        """
        if self.source is None or end <= len(self.data):
            return 0
        kept = len(self.data) - anchor
        return self._slide(anchor, max(end - len(self.data), kept, self.first_read))

    def leap(self, position: int, count: int) -> int:
        """Go to a byte, in the window or behind it, and get so many there, as far as they exist.

        The file may end before. Return by how much all positions have moved to the front.
        """
        if self.source is None:
            return 0
        kept = len(self.data) - position
        if kept > 0:
            return self._slide(position, count - kept)
        if kept:
            self.source.skip(-kept)
        self.data = self.source.read(count)
        if not self.data:
            self.source = None
        self.base += position
        return position

    def _slide(self, anchor: int, missing: int) -> int:
        parts = [self.data[anchor:]]
        while self.source and missing > 0:
            part = self.source.read(min(missing, _CHUNK))
            if not part:
                self.source = None
                break
            parts.append(part)
            missing -= len(part)
        self.data = b"".join(parts)
        self.base += anchor
        return anchor

    def skip(self, end: int) -> int:
        """Go to the byte before ``end``, behind the window; it tells whether the file goes so far.

        Return by how much all positions have moved to the front.
        """
        if self.source is None:
            return 0
        self.source.skip(end - 1 - len(self.data))
        self.base += end - 1
        self.data = b""
        self.more(0, 1)
        return end - 1

    def glance(self, position: int, count: int) -> bytes:
        """Return the bytes at a place in the window or behind it, as far as they exist; nothing moves."""
        if isinstance(self.source, Inflater):  # it cannot come back
            self.more(0, position + count)
        inside = self.data[position : position + count]
        if self.source is None or isinstance(self.source, Inflater) or len(inside) == count:
            return inside
        ahead = max(position - len(self.data), 0)
        return inside + self.source.glance(ahead, count - len(inside))


class Inflater:
    """A deflated data set (PS3.5 A.5) as a `Source`, within the limit of inflated bytes."""

    def __init__(self, pending: bytes, source: Source | Inflater | None, limits: Limits) -> None:
        self._pending, self._source, self._limit = pending, source, limits.inflated
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._count = 0

    def read(self, size: int) -> bytes:
        """Inflate up to so many bytes; raise `DocumentError` beyond the limit, and where the end is missing."""
        size = min(size, self._limit - self._count + 1)
        out = b""
        while not out and not self._inflater.eof:
            if not self._pending and self._source:
                self._pending = self._source.read(FIRST_READ)
            try:
                out = self._inflater.decompress(self._pending, size)
            except zlib.error:
                raise document_error("dicom/not-deflated", "") from None
            if not out and not self._pending and not self._inflater.eof:
                raise document_error("dicom/truncated", "")
            self._pending = self._inflater.unconsumed_tail
        self._count += len(out)
        if self._count > self._limit:
            raise document_error("dicom/too-large", "", limit=self._limit)
        return out

    def rest(self) -> bytes:
        """Inflate all that is left."""
        return b"".join(iter(partial(self.read, _CHUNK), b""))

    def skip(self, size: int) -> None:
        """Inflate and forget."""
        while size > 0 and (passed := self.read(min(size, _CHUNK))):
            size -= len(passed)
