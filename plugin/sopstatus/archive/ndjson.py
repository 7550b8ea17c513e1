"""Rows as NDJSON: one record per line, as ``sopstatus show --json`` prints statements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import BinaryIO

from sopstatus.archive.rows import ISSUE, Columns, identity
from sopstatus.documents.scanned import Scanned


@dataclass(frozen=True, slots=True)
class NDJSON:
    """Lines of JSON; a member of ``attributes`` that is ``null`` was stated and emptied."""

    columns: Columns
    suffix = ".ndjson"

    def each(self, scanned: Scanned) -> bytes:
        """Return the lines of one document."""
        lines = []
        for row in self.columns.rows(scanned):
            said = row.instance.attributes
            record = {
                "source": row.source,
                "format": row.format,
                **identity(row.instance),
                **row.described._asdict(),
                "attributes": dict(said),
                "issues": [{name: getattr(i, name) for name in ISSUE} for i in row.issues],
            }
            lines.append(json.dumps(record) + "\n")
        return "".join(lines).encode("ascii")

    def part(self) -> NDJSONPart:
        """Begin a part file."""
        return NDJSONPart()


class NDJSONPart:
    """The lines of a part file that is being gathered."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, lines: bytes) -> None:
        """Add the lines of a document."""
        self._lines.append(lines)

    def write(self, file: BinaryIO) -> None:
        """Write what was gathered."""
        file.writelines(self._lines)
