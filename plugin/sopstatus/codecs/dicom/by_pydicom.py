"""What the walker does not follow, read by pydicom: within a bound, for pydicom has none.

Where a sequence breaks, zeros look like items, and pydicom makes a hundred megabytes of objects of
one megabyte.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.part10.file import unreadable
from sopstatus.codecs.part10.walk import Lost, opened
from sopstatus.codecs.part10.window import FIRST_READ, File, Inflater, Window
from sopstatus.limits import Limits
from sopstatus.model import DocumentError

_MANY = 10  # times as many in a data set that is asked for, and that the walker has followed
_READS = 3  # of one element, at most: tag, length and value
_EXPLICIT = bytes(128) + b"DICM\2\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"


class _Counted:
    """A file that gives so many elements, and not all at once: so pydicom reads what it inflates."""

    def __init__(self, file: Any, limit: int, begin: int = 0) -> None:
        self.begin = begin  # where in the file a data set begins that is deflated, else 0
        self._file, self._limit, self._left = file, limit, limit * _READS
        self.fault: DocumentError | None = None
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        try:
            self._left -= 1
            if self._left < 0:
                raise document_error("dicom/too-many-elements", "", limit=self._limit)
            found: bytes = self._file.read(size)
        except DocumentError as error:  # of which pydicom makes another one inside of sequences
            self.fault = error
            raise
        return found

    def also(self, file: Any) -> _Counted:
        """Go on counting in another file."""
        self._file, self.seek, self.tell = file, file.seek, file.tell
        return self


class _Inflated:
    """A deflated data set as a file, inflated no further than it is read."""

    def __init__(self, source: Inflater) -> None:
        self._source, self._data, self._at = source, bytearray(_EXPLICIT), 0

    def read(self, size: int) -> bytes:
        while len(self._data) < self._at + size and (more := self._source.read(FIRST_READ)):
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

    ``source`` is a path or a binary file object, which is left at its beginning. Raise `DocumentError` where pydicom cannot
    read it either, or it has more than ``limits.elements``.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_partial

    with _opened(source) as file, _understanding(_counted(file, limits)) as counted:
        if stop:
            return read_partial(counted, stop_when=lambda tag, vr, length: tag > stop)
        return dcmread(counted, stop_before_pixels=True)


def whole(source: Any, limits: Limits) -> Any:
    """Do what `headers` does, with the pixel data."""
    from pydicom import dcmread

    with _opened(source) as file, _understanding(_counted(file, limits, _MANY)) as counted:
        dataset = dcmread(counted)
        if counted.begin:  # was deflated, and says so
            file.seek(0)
            head = dcmread(counted.also(io.BytesIO(file.read(counted.begin))))
            dataset.file_meta, dataset.preamble = head.file_meta, head.preamble
        return dataset


def _counted(file: Any, limits: Limits, times: int = 1) -> Any:
    """Return what pydicom may read of a file."""
    try:
        found = opened(Window(b"", File(file), limits))
    except Lost:
        found = None
    if found and isinstance(found.window.source, Inflater):
        return _Counted(_Inflated(found.window.source), times * limits.elements, found.begin)
    file.seek(0)
    return _Counted(file, times * limits.elements)


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    """Open a path; leave a file object at its beginning."""
    if isinstance(source, str | PathLike):
        try:
            with open(source, "rb") as file:
                yield file
        except OSError as error:
            raise unreadable(error) from None
        return
    try:
        yield source
    finally:
        source.seek(0)


@contextmanager
def _understanding(counted: Any) -> Iterator[Any]:
    from pydicom.errors import InvalidDicomError

    try:
        yield counted
    except DocumentError:
        raise
    except InvalidDicomError:
        raise document_error("dicom/not-part10", "") from None
    except Exception:  # what pydicom raises on a broken file is not one family
        raise (counted.fault or document_error("dicom/not-understood", "")) from None
