"""A large archive scanned, killed twice and resumed: python -m archive.large COUNT [FOLDER].

Prints files a second, and the largest resident memory of the main process, run by run.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from archive.made import made

PART = 10_000


class Run(NamedTuple):
    """``memory`` is the resident memory of the main process in MB, looked at again and again."""

    killed: bool
    seconds: float
    memory: list[float]


def resident(pid):
    """Return the resident memory of a process in MB; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(archive, out, rows, kill_at=0):
    """Scan, and kill -9 once there are so many parts."""
    command = [sys.executable, "-m", "sopstatus", "scan", archive, "-o", out, "--holder", "PACS"]
    command += ["--part-rows", str(rows), *(["--resume"] if Path(out).exists() else [])]
    begun, memory = time.monotonic(), []
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        memory.append(resident(process.pid))
        if kill_at and len(list(Path(out).glob("part-*"))) >= kill_at:
            process.kill()
        time.sleep(0.02)
    killed = process.returncode == -signal.SIGKILL
    assert killed or process.returncode in (0, 1), process.returncode
    return Run(killed, time.monotonic() - begun, [one for one in memory if one > 1])


def scanned(archive, out, count, rows=PART):
    """Scan with two kills on the way; see that nothing is lost and nothing double."""
    parts = count // rows
    runs = [run(archive, out, rows, kill_at=at) for at in (parts // 3, parts * 2 // 3, 0)]
    sources = [
        name
        for part in sorted(Path(out).glob("part-*"))
        for name in pq.read_table(part, columns=["source"]).column(0).to_pylist()
    ]
    assert len(sources) == len(set(sources)) == count
    return runs


def main(count, place):
    """Do it, and print what it took."""
    archive = Path(place) / "archive"
    if not archive.exists():
        made(archive, count)
    with tempfile.TemporaryDirectory() as out:
        for one in scanned(archive, f"{out}/killed", count):
            told = "killed" if one.killed else "ended"
            print(f"{told} after {one.seconds:.1f} s, {max(one.memory):.0f} MB at most")
        whole = run(archive, f"{out}/whole", PART)
        thirds = [whole.memory[n * len(whole.memory) // 3 :] for n in (1, 2)]
        print(
            f"in one go: {whole.seconds:.1f} s, {count / whole.seconds:,.0f} files/s; MB at most "
            f"{max(whole.memory):.0f}, in the last two thirds from {min(thirds[0]):.0f}, "
            f"in the last from {min(thirds[1]):.0f}"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else place)
