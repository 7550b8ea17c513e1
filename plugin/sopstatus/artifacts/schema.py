"""JSON Schemas of the table language, for editors: completion, hover and red lines while typing."""

from __future__ import annotations

import json

from sopstatus.table import MappingTable
from sopstatus.table.language import json_schema, site_json_schema


def schema_files(tables: MappingTable) -> dict[str, bytes]:
    """Return the files by their names; they are the language's, whatever the tables."""
    made = {"table.schema.json": json_schema(), "site.schema.json": site_json_schema()}
    return {
        name: (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()
        for name, schema in made.items()
    }
