"""What runs in C grows no faster than its text: counted in the machine's instructions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import need


def instructions(kind, n):
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [sys.executable, "-m", "growth.machine", kind, str(n)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        command, cwd=tests, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))


@pytest.mark.parametrize(("kind", "n"), [("work", 4000), ("writes", 750)])
def test_patterns_and_searches(kind, n):
    need("valgrind", "valgrind")
    first, second, third = (instructions(kind, n * factor) for factor in (1, 2, 4))
    assert third - second < 2.3 * (second - first)
