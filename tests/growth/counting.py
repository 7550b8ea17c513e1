"""Work counted as what Python executes: lines, calls, and calls of C functions; no clock."""

import gc
import sys

from sopstatus import DocumentError

SLACK = 200  # events: a cache that fills, a branch that is taken once
MOST = 2.25  # how much more the second doubling may add than the first; 2 is linear, 4 a square


def work(call):
    """Return how many events a call takes; a refusal counts like an answer.

    Objects in cycles do not go meanwhile: what their finalizers and the collector's callbacks do is not the call's.
    """
    count = 0

    def trace(*_):
        nonlocal count
        count += 1
        return trace

    def profile(frame, event, _):
        nonlocal count
        count += event == "c_call"

    gc.disable()
    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        call()
    except DocumentError:
        pass
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()
    return count


def superlinear(make, n):
    """Return the counts at n, 2n, 4n and 8n where they grow faster than the document, else nothing.

    ``make`` takes the size and returns the call, so that making the document is not counted. Other threads and
    caches that fill can only add: what looks like growth is counted again, and the least of three counts.
    """
    return _superlinear(make, n, 1) and _superlinear(make, n, 3)


def _superlinear(make, n, times):
    def counted(factor):
        return min(work(make(n * factor)) for _ in range(times))

    for factor in (4, 1):
        work(make(n * factor))  # what is done once: imports, patterns, plans
    first, second, third = counts = [counted(factor) for factor in (1, 2, 4)]
    if third - second <= MOST * max(second - first, 0) + SLACK:
        return []
    # a step, such as a quick road that ends or a limit that is met, is no growth: it does not go on
    work(make(n * 8))
    fourth = counted(8)
    return [*counts, fourth] if fourth - third > MOST * (third - second) + SLACK else []
