"""How a spool fills while its destination is away: python tests/engines/backpressure.py [MIB], as root.

One connection sends until a message is refused (AR); what is printed is a row of docs/operations.md.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

from small_disk import small_disk  # noqa: E402

from engines.mllp.test_forward import forwarding, free_port  # noqa: E402
from engines.running import Client, code, message  # noqa: E402


def main(mib):
    """Fill a disk of so many MiB, let the destination away, and print what was seen."""
    with (
        tempfile.TemporaryDirectory() as folder,
        small_disk(Path(folder) / "disk", mib << 20) as place,
        forwarding(place / "spool", f"127.0.0.1:{free_port()}") as running,
        Client(running.port) as client,
    ):
        taken, begun = 0, time.monotonic()
        while (said := code(client.ask(message(str(taken))))) == "AA":
            taken += 1
        seconds, left = time.monotonic() - begun, shutil.disk_usage(place).free
        print(
            f"| {mib} MiB | {taken:,} | {taken / seconds:,.0f} | {said} | {left / 1024:,.0f} KiB |"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
