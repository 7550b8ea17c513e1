"""The files that paths stand for: those named, and those below folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator


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
            with os.scandir(path) as entries:
                found = sorted(filter(None, map(_kind, entries)), reverse=True)
        except OSError:
            yield path
            continue
        waiting += [(os.path.join(path, name), inner) for name, inner in found]  # noqa: PTH118


def _kind(entry: os.DirEntry[str]) -> tuple[str, bool] | None:
    if entry.is_dir(follow_symlinks=False):
        return entry.name, True
    if entry.is_file() or not os.path.exists(entry.path):  # noqa: PTH110
        return entry.name, False
    return None
