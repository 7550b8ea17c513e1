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


class Bar:
    """A bar that is drawn when told to: no thread draws it, so that processes may be forked."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            Remaining(),
        )
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._progress.add_task(what, total=None, told="")
        self._progress.start()

    def show(self, done: int, total: int | None, told: str) -> None:
        """Draw it: how many of how many, and a word beside it."""
        self._progress.update(self._task, completed=done, total=total, told=told)
        self._progress.refresh()

    def close(self) -> None:
        """Take it away."""
        self._progress.stop()


def bar(what: str) -> Bar | None:
    """Return a bar on a terminal and with the extra ``cli``; else nothing."""
    if not sys.stderr.isatty():
        return None
    try:
        return Bar(what)
    except ImportError:
        return None
