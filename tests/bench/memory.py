"""Memory rows: the peak of a whole process over that of the same process without the work."""

import subprocess
import sys
from pathlib import Path

from bench.harness import OURS, Row

HERE = Path(__file__).resolve().parent
IMAGE = HERE.parents[1] / "samples" / "authorized-original" / "image.dcm"


def peak(setup, work=""):
    """Return the peak resident megabytes of a process that runs this code."""
    # not ru_maxrss, which a child inherits from a larger parent
    code = f"{setup}\n{work}\nprint(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1]) / 1024


def over(setup, work):
    """Return a callable: the megabytes that work takes on top of its set-up."""
    return lambda: peak(setup, work) - peak(setup)


def rows():
    """Yield the rows."""
    study = "import orjson\nfrom bench.fhir import study\ntext = orjson.dumps(study(5000))\n"
    contenders = {
        OURS: over(
            study + "from sopstatus import codec",
            "d = orjson.loads(text); codec('fhir').encode(codec('fhir').decode(d).value, d)",
        ),
        "orjson alone": over(study, "orjson.loads(text)"),
        "fhir.resources": over(
            study + "from fhir.resources.R4B.imagingstudy import ImagingStudy",
            "ImagingStudy.model_validate_json(text)",
        ),
    }
    yield Row(
        "memory: FHIR", "5,000 instances", contenders, limits=frozenset(["orjson alone"]),
        unit="MB",
    )  # fmt: skip
    batch = (
        "from sopstatus import codec\nfrom bench.hl7 import message\n"
        # joined: a sum would hold the messages twice, and hide what the work takes
        "data = b''.join([b'BHS|^~\\\\&\\r', *[message(16)] * 62_000])\n"
    )
    contenders = {
        OURS: over(batch, "codec('hl7').decode(data)"),
        "a copy of the bytes": over(batch, "copy = bytes(bytearray(data))"),
    }
    yield Row("memory: HL7 batch", "100 MB, 62,000 messages", contenders, unit="MB")
    for count in (5_000, 50_000):
        scan = f"for one in scan(({str(IMAGE)!r} for _ in range({count})), workers=1): pass"
        contenders = {OURS: over("from sopstatus import load_tables, scan; load_tables()", scan)}
        yield Row("memory: scan", f"{count:,} files", contenders, unit="MB")
