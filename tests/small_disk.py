"""A small file system, to be filled."""

import subprocess
from contextlib import contextmanager

from tools import missing

ROOM = 64 << 10  # bytes


@contextmanager
def small_disk(place, room=ROOM):
    """Mount one; yield its folder."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        missing("a small file system", "", "run as root, who may mount one")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place, leave=0):
    """Leave so many pages of the file system."""
    with (place / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            filler.truncate(filler.tell() - 4096 * leave)


def empty(place):
    """Make room again."""
    (place / "filler").unlink()
