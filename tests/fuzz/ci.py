"""Fuzz every target, two at a time, and fail on any crash, timeout or memory.

``python tests/fuzz/ci.py``. A target's runs are counted, not timed, from one seed and with one seed of
Python's hashes, so the same commit meets the same inputs on every machine; ``make fuzz`` looks
further. What was found, and the log of each target, stay in build/fuzz.
"""

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import seeds
from targets import TARGETS

HERE = Path(__file__).resolve().parent
WORK = HERE.parents[1] / "build" / "fuzz"
RUNS = {  # half a minute each
    "hl7": 8_000,
    "mirth_xml": 32_000,
    "fhir": 250_000,
    "dicom": 20_000,
    "dicom_json": 110_000,
    "healthimaging": 110_000,
    "tables": 2_500,
    "explain": 8_000,
    "recognise": 1_100_000,
    "launder": 40_000,
}
SHOWN = 4096  # bytes of a found input that are printed


def run(target):
    """Fuzz one target; return its exit status, the paths of what it found and the log's lines."""
    found = WORK / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    for old in found.iterdir():
        old.unlink()
    log = WORK / f"{target}.log"
    command = [
        *(sys.executable, str(HERE / "fuzz.py"), target, str(WORK / target)),
        f"-dict={HERE / 'dictionary.txt'}",
        f"-artifact_prefix={found}/",
        f"-runs={RUNS[target]}",
        # the clock decides nothing: no units read again each second, none weighed by their time
        *("-seed=1", "-reload=0", "-entropic=0"),
        *("-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"),
    ]
    same = {**os.environ, "PYTHONHASHSEED": "1"}
    with log.open("wb") as out:
        code = subprocess.run(command, stdout=out, stderr=out, env=same, check=False).returncode
    return target, code, sorted(found.iterdir()), log.read_text(errors="replace").splitlines()


def main():
    """Run all and print one line a target, and whatever one found; return 1 where one failed."""
    seeds.write(WORK)
    failed = False
    with ThreadPoolExecutor(2) as pool:
        for target, code, found, lines in pool.map(run, TARGETS):
            done = next((line for line in reversed(lines) if line.startswith("Done ")), "")
            print(f"{target:13} {done or 'did not end'}", flush=True)
            if code or found:
                failed = True
                print(*lines[-40:], sep="\n")
            for path in found:
                print(f"{target:13} FOUND {path}, in base64:")
                print(base64.b64encode(path.read_bytes()[:SHOWN]).decode(), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
