"""The files that paths stand for: those named, and those below folders; and their names as text."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from io import FileIO

from sopstatus.codecs import Format

NAMES: dict[Format, str] = {
    "dicom": "image.dcm",
    "hl7": "message.hl7",
    "fhir": "imaging-study.json",
    "dicom-json": "metadata.json",
    "dicom-xml": "metadata.xml",
    "hl7-xml": "message.xml",
    "healthimaging": "image-set.json",
}
"""The samples' layout: what a document of each format is called in the folder of a case."""

_BACKSLASH = "\\udc5c"  # of a name that looks like an escape; a byte below 0x80 is never one
_ESCAPE = re.compile(r"\\udc(5c|[89a-f][0-9a-f])")


def files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """Yield each path, and in place of a folder the files below it, in the order of their names.

    Links to folders are not followed, and sockets, pipes and devices are passed over. A folder
    that cannot be listed, and a link to nowhere, is yielded itself: whoever reads it tells why.
    """
    for path in paths:
        name = os.fspath(path)
        if os.path.isdir(name):  # noqa: PTH112
            yield from _below(name)
        else:
            yield name


def _below(folder: str) -> Iterator[str]:
    waiting = [(folder, True)]  # one level of names at a time, whatever the size of the archive
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
            continue
        try:
            waiting += reversed(inside(path))
        except OSError:
            yield path


def inside(folder: str) -> list[tuple[str, bool]]:
    """Return what is right inside a folder, in the order of names, and whether it is a folder."""
    with os.scandir(folder) as entries:
        found = sorted(filter(None, map(_kind, entries)))
    return [(os.path.join(folder, name), inner) for name, inner in found]  # noqa: PTH118


def _kind(entry: os.DirEntry[str]) -> tuple[str, bool] | None:
    try:
        if entry.is_dir(follow_symlinks=False):
            return entry.name, True
        if entry.is_file() or not os.path.exists(entry.path):  # noqa: PTH110
            return entry.name, False
    except OSError:  # whoever reads it tells why
        return entry.name, False
    return None


def opened_regular(path: str) -> FileIO:
    """Open a file that has bytes of its own; raise `OSError` for a FIFO, which waits, or a device.

    And for any name that is none, a byte 0 in it too.
    """
    try:
        file = FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    except ValueError:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file")
    return file


def stamp_of(path: str) -> tuple[int, ...]:
    """Return what changes when a file does, or what a link leads to; raise `OSError`."""
    state = os.stat(path)  # noqa: PTH116 - many files
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def spelled(name: str) -> str:
    r"""Return a name as text that every format can hold; `unspelled` is its inverse.

    A byte that is no UTF-8 (half of a surrogate pair, PEP 383) is written as ``\udcff``.
    """
    if name.isascii() and "\\udc" not in name:
        return name
    told = name.replace("\\udc", f"{_BACKSLASH}udc")
    return told.encode("utf-8", "backslashreplace").decode()


def unspelled(text: str) -> str:
    """Return the name that a text of `spelled` stands for."""
    if "\\udc" not in text:
        return text
    return _ESCAPE.sub(lambda m: "\\" if m[1] == "5c" else chr(0xDC00 + int(m[1], 16)), text)
