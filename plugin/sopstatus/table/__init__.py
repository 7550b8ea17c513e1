"""The mapping tables in ``mappings/``: their language, every check, and the tables as loaded.

`language` is every key as data, `check` the checks of one file, `load` reads folders over each other and
`model` is what comes of it. `proved` loads the shipped ones: those of a wheel were proved when it was built.
`report` prints faults, `scaffold` makes a new table.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.table.load import lint
    from sopstatus.table.model import Attribute, Group, MappingTable, Site, older_keywords
    from sopstatus.table.proved import load_tables

__all__ = ["Attribute", "Group", "MappingTable", "Site", "lint", "load_tables", "older_keywords"]

exports(__name__, "model", "proved", "load")
