"""Scan in two processes that are killed at the first file."""

import os
import signal
import tempfile

from sopstatus.archive.folder import Folder
from sopstatus.archive.ndjson import NDJSON
from sopstatus.archive.rows import Columns
from sopstatus.archive.run import run
from sopstatus.table import load_tables

MAIN = os.getpid()


class Deadly(NDJSON):
    """Rows that are the death of another process than this one."""

    def each(self, scanned):
        if os.getpid() != MAIN:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().each(scanned)


tables = load_tables()
form = Deadly(Columns.of(tables))
with tempfile.TemporaryDirectory() as place:
    for number in range(300):
        with open(f"{place}/{number}", "wb"):
            pass
    with tempfile.TemporaryDirectory() as out:
        folder = Folder(out, form.suffix)
        with folder.opened({}, resume=False):
            run(folder, form, [place], tables=tables, workers=2)
