"""The mapping tables in ``mappings/``: their language, every check, and the tables as loaded.

`language` is every key as data, `check` the checks of one file, `load` reads folders over each other and
`model` is what comes of it; `report` prints faults, `scaffold` makes a new table.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.table.load import lint, load_tables, older_keywords
    from sopstatus.table.model import Attribute, Group, MappingTable, Site

__all__ = ["Attribute", "Group", "MappingTable", "Site", "lint", "load_tables", "older_keywords"]

exports(__name__, "model", "load")
