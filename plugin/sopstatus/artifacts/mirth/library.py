"""The code templates: functions for channels, made of the scripts beside this module and the tables."""

from __future__ import annotations

from importlib.resources import files

from sopstatus.artifacts.mirth.tables_script import tables_script
from sopstatus.table import MappingTable

TABLES = "tables"
FUNCTIONS = {
    TABLES: "sopstatus: tables",
    "text": "sopstatus: text",
    "read": "sopstatus: read ZDS",
    "write": "sopstatus: write ZDS",
    "place": "sopstatus: place of ZDS",
    "dicom": "sopstatus: read DICOM",
    "service": "sopstatus: call the service",
}
"""The code templates by script, with the names that people see; each needs those before it."""


def script(name: str, tables: MappingTable) -> str:
    """Return the text of one of `FUNCTIONS`: ECMAScript 5 in ASCII."""
    if name == TABLES:
        return tables_script(tables)
    return files("sopstatus.artifacts.mirth").joinpath(f"scripts/{name}.js").read_text("ascii")
