"""How far long work is: a line on standard error that is redrawn, on a terminal and nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
_EVERY = 0.2  # seconds between two drawings


def progress(work: Iterable[T], what: str, *, quiet: bool = False) -> Iterator[T]:
    """Yield what ``work`` yields, and show on standard error how far it is."""
    drawn = bar(what, quiet=quiet)
    if not drawn:
        yield from work
        return
    total = len(work) if isinstance(work, Sized) else None
    shown = time.monotonic()
    try:
        for done, one in enumerate(work):
            if time.monotonic() - shown >= _EVERY:
                shown = time.monotonic()
                drawn.show(done, total)
            yield one
    finally:
        drawn.close()


class Bar:
    """A line that is drawn when told to: no thread draws it, so that processes may be forked."""

    def __init__(self, what: str) -> None:
        self._what = what

    def show(self, done: int, total: int | None, told: str = "") -> None:
        """Draw it: how many of how many, and a word beside it."""
        of = "" if total is None else f" of {total:,} ({min(done / (total or 1), 1):.0%})"
        sys.stderr.write(f"\r\x1b[K{self._what}: {done:,}{of}  {told}".rstrip())
        sys.stderr.flush()

    def close(self) -> None:
        """Take it away."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def bar(what: str, *, quiet: bool = False) -> Bar | None:
    """Return a line on a terminal, unless it is to be quiet; else nothing."""
    return Bar(what) if sys.stderr.isatty() and not quiet else None
