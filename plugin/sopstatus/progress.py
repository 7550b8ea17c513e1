"""Progress bars on long work, on a terminal and with the extra ``cli``; else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def progress(work: Iterable[T], what: str) -> Iterator[T]:
    """Yield what ``work`` yields, and show on standard error how far it is."""
    if not sys.stderr.isatty():
        yield from work
        return
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError:
        yield from work
        return
    total = len(work) if isinstance(work, Sized) else None
    yield from track(work, what, total=total, console=Console(stderr=True), transient=True)
