"""Our segments for programs: a definition in JSON, and typed segments for hl7apy in Python."""

from __future__ import annotations

import json
import pprint
from typing import Any

from sopstatus.artifacts.hl7.fields import Field, fields
from sopstatus.artifacts.hl7.structures import segment
from sopstatus.table import MappingTable

_VERSION = "2.5.1"
_APY = '''\
"""Our segments, typed, for hl7apy 1.3: made of the mapping tables by `sopstatus artifacts`.

    from hl7apy.parser import parse_segment
    zds = parse_segment(line, version=VERSION, reference=SEGMENTS["ZDS"], validation_level=1)

Read with it and do not write: hl7apy 1.3.5 writes the fields of a typed Z segment twice.
"""

VERSION = "{version}"
SEGMENTS = {segments}
'''


def definition(tables: MappingTable) -> bytes:
    """Return every field with its key, as python-hl7 takes it: ``ZDS.F5.R1.C1``."""
    made = {
        name: {
            "fields": [_entry(name, field) for field in fields(tables, name)],
            "codes": {
                str(row.field): {
                    "codingSystem": row.coding_system,
                    "written": row.to_hl7,
                    "read": row.from_hl7,
                }
                for row in rows
                if row.displays
            },
        }
        for name, rows in tables.segments.items()
    }
    return (json.dumps(made, ensure_ascii=False, indent=2) + "\n").encode()


def _entry(segment_name: str, field: Field) -> dict[str, Any]:
    coded = field.datatype in ("RP", "HD") or field.table
    return {
        "field": field.number,
        "name": field.name,
        "datatype": field.datatype,
        "length": field.length,
        "usage": field.usage,
        "repeats": field.repeats,
        "table": field.table,
        "key": f"{segment_name}.F{field.number}.R1" + (".C1" if coded else ""),
    }


def hl7apy_module(tables: MappingTable) -> bytes:
    """Return a Python module with the segments as hl7apy's references."""
    made = {name: segment(name, fields(tables, name), _VERSION)[1] for name in tables.segments}
    text = pprint.pformat(made, width=100, sort_dicts=False)
    return _APY.format(version=_VERSION, segments=text).encode()
