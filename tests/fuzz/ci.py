"""Fuzz every target for SECONDS each, two at a time, and fail on any crash, timeout or memory.

``python tests/fuzz/ci.py SECONDS``. What was found, and the log of each target, stay in build/fuzz.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import seeds
from targets import TARGETS

HERE = Path(__file__).resolve().parent
WORK = HERE.parents[1] / "build" / "fuzz"


def run(target, seconds):
    """Fuzz one target; return the paths of what it found and the last line of its log."""
    found = WORK / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    for old in found.iterdir():
        old.unlink()
    log = WORK / f"{target}.log"
    command = [
        *(sys.executable, str(HERE / "fuzz.py"), target, str(WORK / target)),
        f"-dict={HERE / 'dictionary.txt'}",
        f"-artifact_prefix={found}/",
        f"-max_total_time={seconds}",
        "-seed=1",  # a run that fails can be had again
        *("-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"),
    ]
    with log.open("wb") as out:
        code = subprocess.run(command, stdout=out, stderr=out, check=False).returncode
    lines = log.read_text(errors="replace").splitlines()
    done = next((line for line in reversed(lines) if line.startswith("Done ")), "did not end")
    return target, code, sorted(found.iterdir()), done


def main(seconds):
    """Run all and print one line a target; return 1 where one failed."""
    seeds.write(WORK)
    failed = False
    with ThreadPoolExecutor(2) as pool:
        for target, code, found, done in pool.map(lambda t: run(t, seconds), TARGETS):
            print(f"{target:10} {done}", flush=True)
            for path in found:
                print(f"{target:10} FOUND {path}", flush=True)
            if code or found:
                failed = True
                print(f"{target:10} failed ({code}); see {WORK / (target + '.log')}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
