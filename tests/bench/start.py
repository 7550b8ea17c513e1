"""Start-up rows: whole processes, beside what the asked-for packages take to import.

They run in an environment of their own (``make build/start/.ready``), which has the wheel as users get it: its
tables are proved, its bytecode is in place. An editable install looks for every module in a checkout, and proves
its tables at each start.
"""

import os
import subprocess
import time
from pathlib import Path

from bench.harness import OURS, Row

NOTE = (
    "Every name of the package is loaded at its first use, so importing alone is next to nothing; the next "
    "row says what the first message costs."
)
FIRST = (
    "The wheel in an environment of its own, as users have it: its tables were proved when it was built. By "
    "instructions, over a bare interpreter (220 million; python-hl7 78): `re`, `typing` and what else Python has "
    "loaded for both 20 %, `dataclasses`, which loads `inspect`, 19 %, `json` and other small ones 4 %, making "
    "the classes of statements, issues and limits 14 %, those of tables 14 %, the tables themselves 5 %, the "
    "modules of HL7 18 %, the message 6 %. What is public and a dataclass stays one, so two fifths are beyond "
    "reach."
)
ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "start" / "bin" / "python"
MESSAGE = ROOT / "samples" / "authorized-original" / "message.hl7"


def process(*arguments):
    """Return a callable: the least milliseconds that seven runs of a fresh interpreter take."""
    # what is on the path of the bench is a checkout
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run():
        best = float("inf")
        for _ in range(7):
            start = time.perf_counter()
            done = subprocess.run(
                [PYTHON, *arguments], env=environment, capture_output=True, check=False
            )
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
        "start-up: import, over bare Python", "", contenders, {"aim: 25 ms": 1.0}, unit="ms",
        note=NOTE,
    )  # fmt: skip
    read = f"open({str(MESSAGE)!r}, 'rb').read()"
    contenders = {
        OURS: over("-c", f"import sopstatus; sopstatus.codec('hl7').decode({read})"),
        "python-hl7": over("-c", f"import hl7; hl7.parse({read}.decode())"),
        "hl7apy": over(
            "-c",
            f"from hl7apy.parser import parse_message as p; p({read}.decode(), find_groups=False)",
        ),
    }
    yield Row(
        "start-up: the first message, over bare Python", "", contenders, {"python-hl7": 1 / 2.3},
        unit="ms", note=FIRST,
    )  # fmt: skip
    show = process("-m", "sopstatus", "show", str(MESSAGE))
    contenders = {OURS: show, "aim: 120 ms": lambda: 120.0}
    yield Row(
        "start-up: sopstatus show message.hl7", "", contenders, {"aim: 120 ms": 1.0}, unit="ms"
    )
