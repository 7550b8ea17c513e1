"""Start-up rows: whole processes, beside what the asked-for packages take to import."""

import subprocess
import sys
import time
from pathlib import Path

from bench.harness import OURS, Row

NOTE = (
    "Two thirds are the classes and patterns of the tables, of a statement and of the scan, which are loaded "
    "at once; no package of others is."
)
MESSAGE = Path(__file__).resolve().parents[2] / "samples" / "authorized-original" / "message.hl7"


def process(*arguments):
    """Return a callable: the least milliseconds that ten runs of a fresh interpreter take."""

    def run():
        best = float("inf")
        for _ in range(10):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
            best = min(best, time.perf_counter() - start)
            assert done.returncode == 0, done.stderr
        return best * 1000

    return run


def over(*arguments):
    """Return a callable: the milliseconds that this takes over a bare interpreter."""
    bare, run = process("-c", "pass"), process(*arguments)
    return lambda: run() - bare()


def rows():
    """Yield the rows."""
    peers = ("pydicom", "hl7apy.parser", "hl7", "fhir.resources.R4B.imagingstudy")
    contenders = {
        OURS: over("-c", "import sopstatus"),
        **{f"import {name}": over("-c", f"import {name}") for name in peers},
        "aim: 25 ms": lambda: 25.0,
    }
    yield Row(
        "import sopstatus, over bare Python", "", 0, contenders, {"aim: 25 ms": 1.0}, unit="ms",
        note=NOTE,
    )  # fmt: skip
    show = process("-m", "sopstatus", "show", str(MESSAGE))
    contenders = {OURS: show, "aim: 120 ms": lambda: 120.0}
    yield Row("sopstatus show message.hl7", "", 0, contenders, {"aim: 120 ms": 1.0}, unit="ms")
