"""A manifest that is none."""

import tempfile
from pathlib import Path

from sopstatus.archive.inventory import manifest

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "manifest.json")
    file.write_text('{"files": []}')
    manifest(str(file))
