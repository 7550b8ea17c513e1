"""The digests of all files of a kind, for the repository: ``python -m docs.digests fhir``.

The files are not kept there; what a change of a table does to them shows in this list.
"""

from __future__ import annotations

import hashlib
import sys

from sopstatus.artifacts.write import made
from sopstatus.table import MappingTable, load_tables


def digests(kind: str, tables: MappingTable) -> str:
    """Return a line a file as ``sha256sum`` writes it; a ``.tgz`` depends on zlib and has none."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {path}\n"
        for path, content in sorted(made(kind, tables).items())
        if not path.endswith(".tgz")
    )


if __name__ == "__main__":
    sys.stdout.write(digests(sys.argv[1], load_tables()))
