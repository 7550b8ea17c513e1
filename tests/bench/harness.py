"""Side-by-side timing: every contender of a row in turn, in one process, round by round.

A bench module offers ``rows()``, which yields `Row`; ``python -m bench`` (``make bench``) runs
them all, prints the table and writes ``docs/performance.md`` with its plots.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

OURS = "sopstatus"


@dataclass
class Row:
    """One piece of work of one size, and what each contender does for it.

    ``contenders`` maps a name ("sopstatus", "hl7apy", "a copy of the bytes") to a callable without
    arguments. ``aims`` maps a contender to the ratio (its figure / ours) that we mean to reach.
    ``expected`` is the right answer, where contenders give one that can be compared.
    """

    work: str
    size: str
    scale: float  # what plots of growth have on their x axis
    contenders: dict[str, Callable[[], object]]
    aims: dict[str, float] = field(default_factory=dict)
    expected: bytes | None = None
    budget: float = 1.0  # seconds for each contender, about
    limits: frozenset[str] = frozenset()  # contenders that do not do the work: what bounds it


@dataclass
class Measured:
    """The figure of each contender, and whether its answer was right (``None``: not compared)."""

    row: Row
    figures: dict[str, float]
    unit: str = "s"
    exact: dict[str, bool | None] = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """Return a contender's figure over ours."""
        return self.figures[name] / self.figures[OURS]


def measure(row: Row, rounds: int = 7) -> Measured:
    """Return the median seconds of one call of each contender, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in row.contenders}
    loops: dict[str, int] = {}
    exact: dict[str, bool | None] = {}
    for name, call in row.contenders.items():
        start = time.perf_counter()
        answer = call()
        once = max(time.perf_counter() - start, 1e-7)
        loops[name] = max(1, int(row.budget / rounds / once))
        exact[name] = None
        if row.expected is not None and isinstance(answer, bytes | str):
            data = answer.encode() if isinstance(answer, str) else answer
            exact[name] = data == row.expected
    for turn in range(rounds):
        for name, call in row.contenders.items():
            if turn > 2 and times[name][0] > row.budget:
                continue  # slow peers: three calls are enough
            gc.collect()
            start = time.perf_counter()
            for _ in range(loops[name]):
                call()
            times[name].append((time.perf_counter() - start) / loops[name])
    medians = {name: statistics.median(found) for name, found in times.items()}
    return Measured(row, medians, exact=exact)
