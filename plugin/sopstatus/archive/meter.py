"""How far a scan is, on standard error: a bar on a terminal, or lines of JSON for a scheduler."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from typing import Any, TextIO

from sopstatus.archive.documents import found
from sopstatus.archive.progress import bar
from sopstatus.archive.rows import Counts
from sopstatus.model import DocumentError

_WINDOW = 30.0  # seconds over which the rate is taken
_BAR, _LINE = 0.2, 5.0  # seconds between two looks


class Meter:
    """Hears the counts after each file, and shows them now and then.

    The files are counted by a process of its own, so that reading does not wait for it; until it is
    through there is no time of arrival, nor where they are not to be ``count``-ed. Files that an earlier scan has read do not count as speed.
    """

    def __init__(
        self,
        paths: list[str],
        token_file: str = "",
        *,
        lines: bool,
        count: bool = True,
        quiet: bool = False,
        out: TextIO = sys.stderr,
    ) -> None:
        self._out = out
        self._lines = lines
        self._bar = None if lines else bar("files", quiet=quiet)
        self._every = _LINE if lines else _BAR
        self._begun = self._shown = time.monotonic()
        self._marks: deque[tuple[float, int]] = deque()
        self._total: int | None = None
        self._counted: Connection | None = None
        if count and (lines or self._bar):
            self._counted, there = Pipe(duplex=False)
            Process(target=_count, args=(paths, token_file, there), daemon=True).start()
            there.close()

    def __call__(self, counts: Counts) -> None:
        """Take the counts as they are now."""
        moment = time.monotonic()
        if not self._marks:
            self._marks.append((moment, counts.files))
        if moment - self._shown >= self._every:
            self._shown = moment
            self.show(counts)

    def show(self, counts: Counts) -> None:
        """Show them now."""
        moment = time.monotonic()
        self._marks.append((moment, counts.files))
        while len(self._marks) > 2 and moment - self._marks[1][0] > _WINDOW:
            self._marks.popleft()
        if self._lines:
            print(json.dumps(self._line(counts)), file=self._out, flush=True)
        elif self._bar:
            told = f"{self._rate():,.0f}/s  {counts.unreadable:,} unreadable"
            self._bar.show(counts.files, self._files(), told)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.close()

    def _line(self, counts: Counts) -> dict[str, Any]:
        rate, total = self._rate(), self._files()
        to_come = None if total is None else max(0, total - counts.files)
        eta = round(to_come / rate, 1) if rate and to_come is not None else None
        seconds = round(time.monotonic() - self._begun, 1)
        return {
            **counts._asdict(),
            "total": total,
            "seconds": seconds,
            "rate": round(rate, 1),
            "eta": eta,
        }

    def _rate(self) -> float:
        (begun, before), (now, files_) = self._marks[0], self._marks[-1]
        return (files_ - before) / (now - begun) if now > begun else 0.0

    def _files(self) -> int | None:
        if self._counted and self._counted.poll():
            with suppress(EOFError):  # where it died, nobody will know
                self._total = self._counted.recv()
            self._counted.close()
            self._counted = None
        return self._total


def _count(paths: Iterable[str], token_file: str, there: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(DocumentError):  # whoever reads is told, too
        there.send(sum(1 for _ in found(paths, token_file)))
