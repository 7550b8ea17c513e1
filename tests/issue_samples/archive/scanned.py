"""Scan a sample, and then once more into a folder that was made to refuse it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from sopstatus.archive.folder import Folder
from sopstatus.archive.ndjson import NDJSON
from sopstatus.archive.rows import Columns
from sopstatus.archive.run import mend, run
from sopstatus.table import load_tables

PROGRAM = """
import sys
from sopstatus.archive.folder import Folder
with Folder(sys.argv[1], ".ndjson").opened({}, resume=True):
    print("in", flush=True)
    sys.stdin.read()
"""
fault = sys.argv[1]
tables = load_tables()
form = NDJSON(Columns.of(tables))


def scanned(place, **options):
    folder = Folder(place, form.suffix)
    with folder.opened(options.pop("settings", {}), resume=True):
        told = mend(folder)
        run(folder, form, ["shared/authorized.hl7"], tables=tables, workers=1)
    return told


with tempfile.TemporaryDirectory() as place:
    out = Path(place, "out")
    scanned(out)
    if fault == "not-empty":
        with Folder(out, form.suffix).opened({}, resume=False):
            pass
    elif fault == "not-scan":
        (out / "scan.json").unlink()
        scanned(out)
    elif fault == "other-scan":
        scanned(out, settings={"holder": "PACS"})
    elif fault == "in-use":
        other = [sys.executable, "-c", PROGRAM, str(out)]
        with subprocess.Popen(other, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            scanned(out)
    elif fault == "part-damaged":
        (out / "part-000000.ndjson").write_bytes(b"")
        issues = scanned(out)
