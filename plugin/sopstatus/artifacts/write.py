"""Writing what is made of the tables into a folder: ``sopstatus artifacts``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from sopstatus import writing
from sopstatus.table import MappingTable


class Maker(NamedTuple):
    """What makes one kind: a function of the tables."""

    module: str
    function: str


KINDS = {
    "docs": Maker("sopstatus.artifacts.docs.files", "docs_files"),
    "fhir": Maker("sopstatus.artifacts.fhir.files", "fhir_files"),
    "hl7": Maker("sopstatus.artifacts.hl7.files", "hl7_files"),
    "mirth": Maker("sopstatus.artifacts.mirth.files", "mirth_files"),
    "schema": Maker("sopstatus.artifacts.schema", "schema_files"),
}
"""What can be made, each in a folder of its name."""


def made(kind: str, tables: MappingTable) -> dict[str, bytes]:
    """Return the files of a kind by their paths; raise `ModuleNotFoundError` without its extra."""
    maker = KINDS[kind]
    files: Callable[[MappingTable], dict[str, bytes]]
    files = getattr(import_module(maker.module), maker.function)
    return files(tables)


def write(folder: Path, tables: MappingTable, kinds: Iterable[str] = KINDS) -> list[Path]:
    """Write the files of these kinds below a folder, and return where; raise `DocumentError` if the disk refuses."""
    written = []
    for kind in kinds:
        for path, content in made(kind, tables).items():
            place = folder / kind / path
            with writing.told("OUT"):
                place.parent.mkdir(parents=True, exist_ok=True)
            writing.write(place, content, at="OUT")
            written.append(place)
    return written
