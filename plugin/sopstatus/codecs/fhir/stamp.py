"""Which tables made a FHIR resource, in its ``meta.tag``: only where that is asked for.

Nothing of the kind goes into a message or a data set: no field or element of theirs says it, and
whatever is not ours is left as it is. There the audit record says it.
"""

from __future__ import annotations

from typing import Any

from sopstatus.table import MappingTable


def stamped(resource: dict[str, Any], tables: MappingTable) -> dict[str, Any]:
    """Return a resource with one tag a table; those of an earlier run are replaced."""
    system = f"{tables.site.canonical}/mapping-tables"
    meta = resource.get("meta", {})
    kept = [tag for tag in meta.get("tag", []) if tag.get("system") != system]
    made = [
        {
            "system": system,
            "version": version.version,
            "code": version.name,
            "display": f"sha256:{version.sha256}",
        }
        for version in tables.versions
    ]
    head = {key: value for key, value in resource.items() if key in ("resourceType", "id")}
    return {**head, **resource, "meta": {**meta, "tag": [*kept, *made]}}
