"""What the walker does not follow, read by pydicom: within a bound, for pydicom has none.

Where a sequence breaks, zeros look like items, and pydicom makes a hundred megabytes of objects of
one megabyte.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10.file import unreadable
from sopstatus.codecs.part10.walk import inflater
from sopstatus.codecs.part10.window import File, Inflater, Window
from sopstatus.limits import Limits
from sopstatus.model import DocumentError

_CHUNK = 1 << 16
_READS = 3  # of one element, at most: tag, length and value
_EXPLICIT = bytes(128) + b"DICM\2\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"


class _Counted:
    """A file that gives so many elements, and not all at once: so pydicom reads what it inflates."""

    def __init__(self, file: Any, limit: int) -> None:
        self._file, self._limit, self._left = file, limit, limit * _READS
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise document_error("dicom/too-many-elements", "", limit=self._limit)
        found: bytes = self._file.read(size)
        return found


class _Inflated:
    """A deflated data set as a file, inflated no further than it is read."""

    def __init__(self, source: Inflater) -> None:
        self._source, self._data, self._at = source, bytearray(_EXPLICIT), 0

    def read(self, size: int) -> bytes:
        while len(self._data) < self._at + size and (more := self._source.read(_CHUNK)):
            self._data += more
        found = bytes(self._data[self._at : self._at + size])
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + self._at * whence  # from the beginning, or from here
        return self._at

    def tell(self) -> int:
        return self._at


def headers(source: Any, limits: Limits, stop: int = 0) -> Any:
    """Read a data set up to its pixel data, or only up to the tag ``stop``.

    ``source`` is a path or a binary file object. Raise `DocumentError` where pydicom cannot read it
    either, or it has more than ``limits.elements``.
    """
    if isinstance(source, str | PathLike):
        try:
            with open(source, "rb") as file:
                return headers(file, limits, stop)
        except OSError as error:
            raise unreadable(error) from None

    from pydicom import dcmread
    from pydicom.filereader import read_partial

    with _understanding():
        packed = inflater(Window(b"", File(source), limits))
        if not packed:
            source.seek(0)
        counted: Any = _Counted(_Inflated(packed) if packed else source, limits.elements)
        if stop:
            return read_partial(counted, stop_when=lambda tag, vr, length: tag > stop)
        return dcmread(counted, stop_before_pixels=True)


def whole(source: Any) -> Any:
    """Read a data set that was read within the bounds before, with its pixel data."""
    from pydicom import dcmread

    with _understanding():
        return dcmread(source)


@contextmanager
def _understanding() -> Iterator[None]:
    from pydicom.errors import InvalidDicomError

    try:
        yield
    except DocumentError:
        raise
    except InvalidDicomError:
        raise document_error("dicom/not-part10", "") from None
    except Exception:  # what pydicom raises on a broken file is not one family
        raise document_error("dicom/not-understood", "") from None
