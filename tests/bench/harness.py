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


@dataclass
class Row:
    """One piece of work of one size, and what each contender takes for it.

    ``contenders`` maps a name ("sopstatus", "hl7apy 1.3.5", "limit: copy of the bytes") to a
    callable without arguments; ``exact`` says of each whether it gave the right answer; ``aims``
    maps a contender to the ratio (its time / ours) that we mean to reach.
    """

    work: str
    size: str
    scale: float  # what plots of growth have on their x axis
    contenders: dict[str, Callable[[], object]]
    aims: dict[str, float] = field(default_factory=dict)
    exact: dict[str, bool] = field(default_factory=dict)
    budget: float = 1.0  # seconds for each contender, about


def measure(row: Row, rounds: int = 7) -> dict[str, float]:
    """Return the median seconds of one call of each contender, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in row.contenders}
    loops: dict[str, int] = {}
    for name, call in row.contenders.items():
        start = time.perf_counter()
        call()
        once = max(time.perf_counter() - start, 1e-7)
        loops[name] = max(1, int(row.budget / rounds / once))
    for _ in range(rounds):
        for name, call in row.contenders.items():
            if (
                loops[name] == 1
                and len(times[name]) * rounds > rounds * 2
                and times[name][0] > row.budget
            ):
                continue  # slow peers: three calls are enough
            gc.collect()
            start = time.perf_counter()
            for _ in range(loops[name]):
                call()
            times[name].append((time.perf_counter() - start) / loops[name])
    return {name: statistics.median(found) for name, found in times.items()}
