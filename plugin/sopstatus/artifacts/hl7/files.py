"""Every file for HL7 v2, by its path."""

from __future__ import annotations

from sopstatus.artifacts.hl7.definition import definition, hl7apy_module
from sopstatus.artifacts.hl7.examples import example
from sopstatus.artifacts.hl7.fields import VERSIONS
from sopstatus.artifacts.hl7.profile_xml import profile_name, profile_xml, tables_xml
from sopstatus.artifacts.hl7.segment_table import html, markdown
from sopstatus.artifacts.hl7.structures import KINDS, is_in
from sopstatus.artifacts.hl7.v2_to_fhir import sheets
from sopstatus.codecs.hl7.orders import IHE_SEGMENT
from sopstatus.table import MappingTable


def hl7_files(tables: MappingTable) -> dict[str, bytes]:
    """Return profiles, examples, tables and definitions, the same bytes for the same tables.

    A message with IPC has a profile if none of our segments is a ZDS: beside an IPC none is written.
    """
    made = {
        "segments.md": markdown(tables).encode(),
        "segments.html": html(tables).encode(),
        "segments.json": definition(tables),
        "segments_hl7apy.py": hl7apy_module(tables),
        "tables.xml": tables_xml(tables),
    }
    made |= {f"v2-to-fhir/{path}": content for path, content in sheets(tables).items()}
    for version in VERSIONS:
        for kind in KINDS:
            if is_in(kind, version) and not (kind.has_ipc and IHE_SEGMENT in tables.segments):
                name = profile_name(kind, version)
                made[f"profiles/{name}.xml"] = profile_xml(kind, version, tables)
                made[f"examples/{name}.hl7"] = example(kind, version, tables)
    return dict(sorted(made.items()))
