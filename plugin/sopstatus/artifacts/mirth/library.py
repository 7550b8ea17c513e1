"""The code templates: functions for channels, made from the scripts in this folder and the tables."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from sopstatus.artifacts.mirth.export import filled, identifier
from sopstatus.artifacts.mirth.tables_script import tables_script
from sopstatus.table import MappingTable

TABLES = "tables"
FUNCTIONS = {
    TABLES: "sopstatus tables",
    "text": "sopstatus text",
    "values": "sopstatus values",
    "read": "sopstatus read ZDS",
    "write": "sopstatus write ZDS",
    "fields": "sopstatus fields of ZDS",
    "holder": "sopstatus holder",
    "place": "sopstatus place of ZDS",
    "dicom": "sopstatus read DICOM",
    "studies": "sopstatus studies of a message",
    "service": "sopstatus service",
    "fhir": "sopstatus FHIR server",
}
"""The code templates by script, with the names that people see."""
_TIME = "1704067200000"  # what is generated does not depend on when


def script(name: str, tables: MappingTable) -> str:
    """Return the text of one of `FUNCTIONS`, or of a channel: ECMAScript 5 in ASCII."""
    if name == TABLES:
        return tables_script(tables)
    return files("sopstatus.artifacts.mirth").joinpath(f"scripts/{name}.js").read_text("ascii")


def library_xml(tables: MappingTable, channels: Iterable[str]) -> str:
    """Return the library as the engine exports it, linked to channels by their ids and to new ones."""
    templates = [
        filled(
            "code-template",
            id=identifier(f"code-template/{name}"),
            name=title,
            time=_TIME,
            code=script(name, tables),
        )
        for name, title in FUNCTIONS.items()
    ]
    return filled(
        "library",
        id=identifier("code-template-library"),
        time=_TIME,
        channels="\n".join(f"<string>{channel}</string>" for channel in channels),
        templates="".join(templates),
    )
