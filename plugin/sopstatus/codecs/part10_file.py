"""DICOM Part 10 from file to file: what does not change is copied as it is, never in place.

The new file is written beside its place, is on the disk before it gets its name, and gets it at
once: whoever reads meets the old file or the new one. Memory does not grow with the file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from secrets import token_hex

from sopstatus.catalogue import document_error
from sopstatus.codecs import part10_write
from sopstatus.codecs.part10_window import File
from sopstatus.codecs.part10_write import Edit
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError

# copy_file_range takes longer on ext4, XFS and btrfs, sendfile on ext4, and blocks are shared only where
# both places are whole ones
_CHUNK = 1 << 20
_CANNOT = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM))
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
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
            try:
                with _replacing(Path(target), source) as out:
                    self._write(source, out)
            except OSError as error:
                raise document_error("document/unwritable", at, reason=_reason(error)) from None

    def _write(self, source: FileIO, out: FileIO) -> None:
        size = self.state[0]
        if self.begin >= 0 and self.edits:
            _copy(source, out, 0, self.begin)
            source.seek(self.begin)
            for chunk in part10_write.deflated(b"", File(source), self.edits, self.limits):
                _write(out, chunk)
            return
        position = 0
        for start, end, new in self.edits:
            _copy(source, out, position, start - position)
            _write(out, new)
            position = end
        _copy(source, out, position, size - position)


def unreadable(error: OSError) -> DocumentError:
    """Make the exception for a file that the operating system does not give."""
    return document_error("document/unreadable", "", reason=_reason(error))


def _state(found: os.stat_result) -> State:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


@contextmanager
def _replacing(target: Path, source: FileIO) -> Iterator[FileIO]:
    """Open a new file that takes the target's place if all goes well, and vanishes if not."""
    temporary = target.with_name(f".{target.name[:200]}.{token_hex(4)}.part")
    out = FileIO(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "w")
    try:
        with out:
            yield out
            # as private as what it replaces, or is made of
            old = target.stat() if target.exists() else os.fstat(source.fileno())
            temporary.chmod(old.st_mode & 0o777)
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder, and needs none
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(opened)


def _copy(source: FileIO, out: FileIO, start: int, count: int) -> None:
    """Copy bytes from a place in one file to the end of another."""
    source.seek(start)
    while count:
        chunk = source.read(min(count, _CHUNK))
        if not chunk:  # the file has shrunk
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        _write(out, chunk)
        count -= len(chunk)


def _write(out: FileIO, data: bytes) -> None:
    while data:
        data = data[out.write(data) :]


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
