"""Read a zip that ends too early, or lines of NDJSON beyond the limit."""

import sys
import tempfile
from pathlib import Path

from sopstatus.archive.documents import Documents
from sopstatus.documents.scanned import Reader
from sopstatus.limits import Limits

DATA = {"broken": b"PK\3\4" + b"\0" * 60, "too-many": b'{"resourceType": "ImagingStudy"}\n' * 3}

with tempfile.TemporaryDirectory() as place:
    file = Path(place) / "container"
    file.write_bytes(DATA[sys.argv[1]])
    *_, last = Documents(Reader(limits=Limits(statements=2)))(str(file))
    issues = last.issues
