"""Side-by-side timing: every contender of a row in turn, in one process, round by round.

A bench module offers ``rows()``, which yields `Row`; ``python -m bench`` (``make bench``) runs
them all, prints the table and writes ``docs/performance.md`` with its chart.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OURS = "sopstatus"
LONG = 30.0  # seconds after which a row that is called thrice is not called again


@dataclass
class Row:
    """One piece of work of one size, and what each contender does for it.

    ``contenders`` maps a name ("sopstatus", "hl7apy", "a copy of the bytes") to a callable without
    arguments. ``aims`` maps a contender to the ratio (its figure / ours) that we mean to reach.
    ``expected`` is the right answer, where contenders give one that can be compared.
    """

    work: str
    size: str
    contenders: dict[str, Callable[[], Any]]
    aims: dict[str, float] = field(default_factory=dict)
    expected: bytes | None = None
    budget: float = 1.0  # seconds for each contender, about
    limits: frozenset[str] = frozenset()  # contenders that do not do the work: what bounds it
    unit: str = "s"  # anything else: what a call returns is its figure, and it is called thrice
    exact: dict[str, bool] = field(default_factory=dict)  # whose answer is right, where seen before
    note: str = ""  # why an aim is not reached, or what to know of the row
    # seconds before each turn, for what another contender still does in the background
    pause: float = 0.0
    rounds: int = 7
    shown: str = ""  # what people call it: the row stands in the page's first table

    @property
    def title(self) -> str:
        """What is done, and to how much."""
        return f"{self.work}, {self.size}" if self.size else self.work


@dataclass
class Measured:
    """The figure of each contender, and whether its answer was right (``None``: not compared)."""

    row: Row
    figures: dict[str, float]
    exact: dict[str, bool | None] = field(default_factory=dict)
    spread: dict[str, float] = field(
        default_factory=dict
    )  # of the rounds, as a share of the median

    def ratio(self, name: str) -> float:
        """Return a contender's figure over ours; not a number where ours is nothing at all."""
        ours = self.figures[OURS]
        return self.figures[name] / ours if ours > 0 else math.nan


def measure(row: Row) -> Measured:
    """Return the median figure of each contender, taken in turn."""
    if row.unit != "s":
        several, start = [], time.perf_counter()
        while len(several) < 3 and time.perf_counter() - start < LONG:
            several.append({name: call() for name, call in row.contenders.items()})
        return _measured(row, {name: [s[name] for s in several] for name in row.contenders})
    times: dict[str, list[float]] = {name: [] for name in row.contenders}
    loops: dict[str, int] = {}
    exact: dict[str, bool | None] = dict(row.exact)
    for name, call in row.contenders.items():
        answer, once = _timed(call)
        if once < row.budget:  # what is done once, like reading the catalogue, sets no count
            _, once = _timed(call)
        loops[name] = max(1, int(row.budget / row.rounds / once))
        if row.expected is not None and isinstance(answer, bytes | str):
            data = answer.encode() if isinstance(answer, str) else answer
            exact[name] = data == row.expected
    for turn in range(row.rounds):
        for name, call in row.contenders.items():
            if turn > 2 and times[name][0] > row.budget:
                continue  # slow peers: three calls are enough
            gc.collect()
            time.sleep(row.pause)
            start = time.perf_counter()
            for _ in range(loops[name]):
                call()
            times[name].append((time.perf_counter() - start) / loops[name])
    return _measured(row, times, exact)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    answer = call()
    return answer, max(time.perf_counter() - start, 1e-7)


def _measured(row: Row, rounds: dict[str, list[float]], exact: Any = ()) -> Measured:
    medians = {name: statistics.median(found) for name, found in rounds.items()}
    spread = {
        name: (max(found) - min(found)) / medians[name] if medians[name] > 0 else math.inf
        for name, found in rounds.items()
    }
    return Measured(row, medians, dict(exact), spread)
