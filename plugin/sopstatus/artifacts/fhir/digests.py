"""The digests of all FHIR files, for the repository: ``python -m sopstatus.artifacts.fhir.digests``.

The packages are not kept there; what a change of a table does to them shows in this list.
"""

from __future__ import annotations

import hashlib
import sys

from sopstatus.artifacts.fhir.files import fhir_files
from sopstatus.table import MappingTable, load_tables


def digests(tables: MappingTable) -> str:
    """Return a line a file as ``sha256sum`` writes it; a ``.tgz`` depends on zlib and has none."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {path}\n"
        for path, content in sorted(fhir_files(tables).items())
        if not path.endswith(".tgz")
    )


if __name__ == "__main__":
    sys.stdout.write(digests(load_tables()))
