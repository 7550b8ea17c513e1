"""Every file for the engine, by its name."""

from __future__ import annotations

from sopstatus.artifacts.mirth.channels import CHANNELS, channel_xml
from sopstatus.artifacts.mirth.library import library_xml
from sopstatus.table import MappingTable


def mirth_files(tables: MappingTable) -> dict[str, bytes]:
    """Return what people import, the same bytes for the same tables."""
    made = {f"{channel.name}.xml": channel_xml(channel, tables) for channel in CHANNELS}
    made["code-template-library.xml"] = library_xml(tables, [channel.id for channel in CHANNELS])
    return {name: text.encode("ascii") for name, text in sorted(made.items())}
