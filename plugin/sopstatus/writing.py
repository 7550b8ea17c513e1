"""Write files atomically: one way for every writer.

A regular file is written under a random name in the same folder, synced to the disk and then
renamed, so that a reader sees either the old file or the new one. A symbolic link is followed, and
its target is replaced. A device, a FIFO, a socket or an open file such as ``/dev/stdout`` is written
directly.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sopstatus.catalogue import refusals

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PUBLIC, PRIVATE = 0o666, 0o600  # of a new file, before the umask
UNFINISHED = ".part"  # the end of a name that no reader may take for a file
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_NOT_TERMINAL = getattr(os, "O_NOCTTY", 0)
_CANNOT = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM))
_NAME = 200  # characters of a name that are part of its unfinished file's
_LINKS = 40  # as many as Linux follows


def told(at: str) -> AbstractContextManager[None]:
    """Raise what stands against writing as `DocumentError`; ``at`` is what the issue calls the file."""
    return refusals("document/unwritable", at)


def write(
    path: str | os.PathLike[str], data: bytes, *, at: str, mode: int = PUBLIC, new: bool = False
) -> None:
    """Write a file whole; see `replacing`."""
    with replacing(path, at=at, mode=mode, new=new) as out:
        out.write(data)


@contextmanager
def replacing(
    path: str | os.PathLike[str],
    *,
    at: str,
    mode: int = PUBLIC,
    new: bool = False,
    tidy: bool = False,
) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` if all goes well, and vanishes if not.

    It keeps the permissions of the file that it replaces, and its owner where we may give it one;
    a new file gets ``mode``, less the umask. ``new`` = a regular file that is there is an error.
    ``tidy`` = what a writer of this file left that was killed is removed.
    Raise `DocumentError` where the operating system refuses; then what was there is unchanged.
    Something other than a regular file may already have received the first bytes.
    """
    name = Path(path)
    with told(at):
        direct = straight(name)
        if direct:
            with direct as out:
                yield out
            return
        old = _found(name)
        if old and new:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        *_, place = _followed(name)
        whose = f"{place.name[:_NAME]}." if tidy else ""
        if tidy:
            _tidy(place.parent, f".{whose}")
        temporary = place.with_name(f".{whose}{os.urandom(8).hex()}{UNFINISHED}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
        opened = os.open(temporary, flags, PRIVATE if old else mode)
        _locked(opened)
        try:
            with os.fdopen(opened, "w+b") as out:
                yield out
                out.flush()
                if old:
                    _like(temporary, old)
                sync(opened)
            _named(temporary, place, new=new)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(place.parent)


def _tidy(folder: Path, whose: str) -> None:
    """Remove unfinished files of this beginning that no process is writing."""
    for file in folder.iterdir():
        if not (file.name.startswith(whose) and file.name.endswith(UNFINISHED)):
            continue
        with suppress(OSError):
            opened = os.open(file, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _locked(opened):
                    file.unlink()
            finally:
                os.close(opened)


def _locked(opened: int) -> bool:
    """Lock an open file until it is closed; tell whether nobody else has."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sync(opened: int) -> None:
    """Wait until the disk has an open file or folder; some file systems have no such thing."""
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder; others may be written but not listed
        return
    try:
        sync(opened)
    finally:
        os.close(opened)


def kept(path: str | os.PathLike[str], mode: int = PRIVATE) -> FileIO:
    """Open a regular file for reading and writing; create it if it does not exist."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, mode), "r+")


def straight(path: str | os.PathLike[str], *, wait: bool = True) -> BinaryIO | None:
    """Open what is written into as it stands; ``None`` = a regular file, or nothing yet.

    ``wait`` = until somebody reads a FIFO; else that nobody does so is an error.
    """
    path = Path(path)
    found = _found(path)
    if found is None:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    for link in _followed(path):  # /dev/stdout, /dev/fd/3: the file is open, maybe at its end
        if link.name.isdecimal() and os.path.realpath(link.parent) == f"/proc/{os.getpid()}/fd":
            return os.fdopen(os.dup(int(link.name)), "wb")
    if stat.S_ISREG(found.st_mode):
        return None
    if stat.S_ISSOCK(found.st_mode):
        import socket

        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(os.fspath(path))
            return os.fdopen(connected.detach(), "wb")
    at_once = 0 if wait else getattr(os, "O_NONBLOCK", 0)
    opened = os.open(path, os.O_WRONLY | _NOT_TERMINAL | _BINARY | at_once)
    if at_once:
        os.set_blocking(opened, True)
    return os.fdopen(opened, "wb")


def _found(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _followed(path: Path) -> Iterator[Path]:
    """Yield a path and the paths that its symbolic links name, in turn."""
    for _ in range(_LINKS):
        yield path
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _like(path: Path, old: os.stat_result) -> None:
    """Give a file another's permissions, and its owner where we may."""
    mode = old.st_mode & 0o777
    for owner in ((old.st_uid, old.st_gid), (-1, old.st_gid)) if hasattr(os, "chown") else ():
        with suppress(OSError):
            os.chown(path, *owner)
            break
    else:
        mode &= ~0o070  # another group's rights are not for ours
    path.chmod(mode)


def _named(temporary: Path, place: Path, *, new: bool) -> None:
    """Give a finished file its name; with ``new``, where no other has taken it meanwhile."""
    if not new:
        temporary.replace(place)
        return
    try:
        os.link(temporary, place)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        if place.is_symlink() or place.exists():  # FAT has no links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        temporary.replace(place)
    else:
        temporary.unlink()
