"""Which files are left: a walk's files, less those that parts cover, without holding either in memory.

`sopstatus.documents.files` walks in one order. Those that parts cover come in the same order, one run of it
a round (a scan, and each time it was resumed), so that merging them is enough.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

Position = tuple[int, list[str]]


class Covered(NamedTuple):
    """A file that a part covers, and what its size and time were then; empty = not to be relied on."""

    source: str
    stamp: str


def stamp(path: str) -> str:
    """Return what changes when a file does; empty for what is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - many files
    except (OSError, ValueError):
        return ""
    return f"{found.st_size}:{found.st_mtime_ns}"


def roots(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the paths without those that are, or lie below, another: no file is scanned twice."""
    given = {os.path.abspath(path): os.fspath(path) for path in reversed(list(paths))}  # noqa: PTH100
    kept = [name for place, name in given.items() if not _above(place, given)]
    return kept[::-1]


def _above(place: str, given: Iterable[str]) -> bool:
    while (parent := os.path.dirname(place)) != place:  # noqa: PTH120
        if parent in given:
            return True
        place = parent
    return False


def position(paths: Iterable[str]) -> Callable[[str], Position]:
    """Return the function that tells where a file comes in the walk over these paths."""
    numbers = {path.rstrip(os.sep): number for number, path in enumerate(paths)}

    def of(source: str) -> Position:
        place = source
        while place not in numbers:
            place, separator, _ = place.rpartition(os.sep)
            if not separator:
                raise LookupError("a file below none of the paths")
        return numbers[place], source[len(place) :].split(os.sep)  # noqa: PTH206

    return of


def left(
    found: Iterable[str],
    covered: Iterable[Iterator[Covered]],
    paths: Iterable[str],
    *,
    changed: bool = False,
) -> Iterator[str]:
    """Yield the files of a walk over ``paths`` that no round of parts covers.

    ``changed`` = those too whose stamp is another now; the first round with a file tells its stamp.
    Those that parts cover and that are no longer there are passed over.
    """
    where = position(paths)
    done = heapq.merge(*covered, key=lambda one: where(one.source))
    last = next(done, None)
    for source in found:
        # nearly always equal, until the place is reached where the scan ended
        while last and last.source != source and where(last.source) < where(source):
            last = next(done, None)
        if not last or last.source != source:
            yield source
            continue
        before = last.stamp
        while last and last.source == source:
            last = next(done, None)
        if changed and not (before and before == stamp(source)):
            yield source
