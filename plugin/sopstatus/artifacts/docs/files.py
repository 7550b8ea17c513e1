"""Every reference page, by its name."""

from __future__ import annotations

from sopstatus.artifacts.docs.page import page
from sopstatus.table import MappingTable


def docs_files(tables: MappingTable) -> dict[str, bytes]:
    """Return a page a table, also of those that are off: the same bytes for the same tables."""
    return {f"{group.name}.html": page(group, tables).encode() for group in tables.available}
