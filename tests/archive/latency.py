"""What a scan takes where files are far: python -m archive.latency FOLDER.

Each request waits as long as a round trip would take: opening is one, and each read is one. It is
simulated by sleeping, so there is no network and no cache in the figures.
"""

import os
import sys
import time
from functools import partial
from io import FileIO
from itertools import islice

from sopstatus import load_tables
from sopstatus.archive.parquet import Parquet
from sopstatus.archive.rows import Columns
from sopstatus.archive.scan import work
from sopstatus.documents.files import files
from sopstatus.documents.scanned import Reader

PLACES = {"local disk": (0.0, 0.0), "NFS-like": (0.001, 0.0005)}
"""Seconds to open (lookup and open) and for each read."""


class Far(FileIO):
    """A file whose reads take a round trip each."""

    def __init__(self, path, opening, reading):
        time.sleep(opening)
        super().__init__(path)
        self._reading = reading

    def read(self, size=-1):
        time.sleep(self._reading)
        return super().read(size)


class Rows:
    """A reader of far files; it pickles."""

    def __init__(self, opening, reading):
        self.far = opening, reading
        self.reader, self.form = Reader(), Parquet(Columns.of(load_tables()))

    def __call__(self, path):
        return self.form.each(self.reader.opened(path, partial(Far, path, *self.far)))


def main(folder):
    """Print the table of docs/scan.md: CPU time of all processes, and instances a second."""
    every = list(files([folder]))
    print("| place | readers | instances a second | CPU time of one, us |\n|---|---|---|---|")
    for place, (opening, reading) in PLACES.items():
        for readers in (1, 8, 32):
            if place == "local disk" and readers > 2:
                continue
            count = min(len(every), int(2 * readers / (opening + reading + 0.0004)))
            names = islice(every, count)
            begun, before = time.monotonic(), os.times()
            for _ in work(names, Rows(opening, reading), readers):
                pass
            seconds, after = time.monotonic() - begun, os.times()
            used = sum(after[:4]) - sum(before[:4])
            print(f"| {place} | {readers} | {count / seconds:,.0f} | {used / count * 1e6:.0f} |")


if __name__ == "__main__":
    main(sys.argv[1])
