"""Writing what is made of the tables into a folder: ``sopstatus artifacts``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sopstatus.artifacts.fhir.files import fhir_files
from sopstatus.artifacts.mirth.files import mirth_files
from sopstatus.artifacts.schema import schema_files
from sopstatus.table import MappingTable

KINDS: dict[str, Callable[[MappingTable], dict[str, bytes]]] = {
    "fhir": fhir_files,
    "mirth": mirth_files,
    "schema": schema_files,
}
"""What can be made, each in a folder of its name: the files by their paths."""


def write(folder: Path, tables: MappingTable, kinds: Iterable[str] = KINDS) -> list[Path]:
    """Write the files of these kinds below a folder, and return where."""
    written = []
    for kind in kinds:
        for path, content in KINDS[kind](tables).items():
            place = folder / kind / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            written.append(place)
    return written
