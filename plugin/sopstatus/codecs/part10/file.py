"""DICOM Part 10 from file to file: what does not change is copied as it is, never in place.

It is written as `writing` says. Memory does not grow with the file.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sopstatus import writing
from sopstatus.catalogue import document_error, reason_of
from sopstatus.codecs.part10 import rewrite as part10_write
from sopstatus.codecs.part10.rewrite import Edit
from sopstatus.codecs.part10.window import File
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError

# copy_file_range takes longer on ext4, XFS and btrfs, sendfile on ext4, and blocks are shared only where
# both places are whole ones
_CHUNK = 1 << 20
State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part10File:
    """A file as a document to write onto without reading it into memory: ``encode(xs, Part10File(p))``."""

    path: str | os.PathLike[str]

    def state(self) -> State:
        """Return the size of the file, and which one it is."""
        try:
            return _state(Path(self.path).stat())
        except OSError as error:
            raise unreadable(error) from None


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A Part 10 file and what is to stand in it instead; `save` writes the two together.

    ``begin`` is where a deflated data set starts, -1 in a file that is not; ``state`` tells whether
    the file is still the one that was read.
    """

    path: str | os.PathLike[str]
    state: State
    edits: tuple[Edit, ...] = ()
    begin: int = -1
    limits: Limits = DEFAULT

    def save(self, target: str | os.PathLike[str], *, at: str = "") -> None:
        """Write the new file, which may take the place of the old one.

        Raise `DocumentError` where that cannot be done; then the target is as it was. ``at`` is
        what the issue calls it.
        """
        try:
            source = FileIO(os.fspath(self.path))
        except OSError as error:
            raise unreadable(error) from None
        with source:
            if _state(os.fstat(source.fileno())) != self.state:
                raise document_error("document/unreadable", "", reason="it has changed meanwhile")
            mode = os.fstat(source.fileno()).st_mode & 0o777  # as private as what it is made of
            with writing.replacing(target, at=at, mode=mode) as out:
                self._write(source, out)

    def _write(self, source: FileIO, out: BinaryIO) -> None:
        size = self.state[0]
        if self.begin >= 0 and self.edits:
            _copy(source, out, 0, self.begin)
            source.seek(self.begin)
            for chunk in part10_write.deflated(b"", File(source), self.edits, self.limits):
                out.write(chunk)
            return
        position = 0
        for start, end, new in self.edits:
            _copy(source, out, position, start - position)
            out.write(new)
            position = end
        _copy(source, out, position, size - position)


def unreadable(error: OSError) -> DocumentError:
    """Make the exception for a file that the operating system does not give."""
    reason = reason_of(error)
    return document_error("document/unreadable", "", reason=reason)


def _state(found: os.stat_result) -> State:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _copy(source: FileIO, out: BinaryIO, start: int, count: int) -> None:
    """Copy bytes from a place in one file to the end of another."""
    source.seek(start)
    while count:
        chunk = source.read(min(count, _CHUNK))
        if not chunk:  # the file has shrunk
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        out.write(chunk)
        count -= len(chunk)
