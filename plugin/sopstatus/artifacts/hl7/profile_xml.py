"""Conformance profiles: HL7's message profile XML (chapter 2.B), one a version and message.

HL7's schema wants ``Max`` of at least 1 and item numbers of five digits, and readers take a missing
``Length`` for 0. hl7apy knows no lengths: `lengths.json` has those of the standard, from the npm
package hl7-dictionary 1.0.1 (MIT), by version and segment or data type; 0 where it has none.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from sopstatus.artifacts.hl7.fields import Field, fields
from sopstatus.artifacts.hl7.structures import Kind, Part, structure
from sopstatus.table import MappingTable, Site

_UNBOUNDED = 65536
_STATUS = {"draft": "DRAFT", "active": "ACTIVE", "retired": "WITHDRAWN"}
_PURPOSE = (
    "Carries what DICOM says of the copies of an image, one segment a statement. Everything is "
    "optional: a message without a segment of ours says nothing, and conforms."
)


def profile_name(kind: Kind, version: str) -> str:
    """Return what a profile is called, and its file: ``ORU_R01-2.5.1``."""
    return f"{kind.structure}-{version}"


def profile_xml(kind: Kind, version: str, tables: MappingTable) -> bytes:
    """Return the profile of a message in a version."""
    ours = {name: fields(tables, name) for name in tables.segments}
    root = ET.Element("HL7v2xConformanceProfile", HL7Version=version, ProfileType="Constrainable")
    title = f"{kind.message_type}^{kind.event} {version} with {', '.join(ours)}"
    root.append(_metadata(title, tables.site))
    use = ET.SubElement(root, "UseCase")
    ET.SubElement(use, "Purpose").text = _PURPOSE
    encodings = ET.SubElement(root, "Encodings")
    for encoding in ("ER7", "XML"):
        ET.SubElement(encodings, "Encoding").text = encoding
    ET.SubElement(root, "DynamicDef", AccAck="NE", AppAck="AL", MsgAckMode="Deferred")
    static = ET.SubElement(
        root,
        "HL7v2xStaticDef",
        MsgType=kind.message_type,
        EventType=kind.event,
        MsgStructID=kind.structure,
        EventDesc=kind.title,
        Role="Sender",
    )
    static.append(_metadata(title, tables.site))
    for part in structure(kind, version, ours):
        static.append(_part(part, kind.structure, ours, version))
    return _written(root)


def tables_xml(tables: MappingTable) -> bytes:
    """Return the user-defined tables of all segments, as the Messaging Workbench keeps tables."""
    root = ET.Element(
        "Specification", SpecName="User-defined tables", OrgName=tables.site.publisher
    )
    held = ET.SubElement(root, "hl7tables")
    for name, rows in tables.segments.items():
        known = {field.number: field for field in fields(tables, name)}
        for row in rows:
            if not row.displays:
                continue
            field = known[row.field]
            table = ET.SubElement(
                held,
                "hl7table",
                id=field.table,
                name=field.name,
                type="User",
                codeSys=row.coding_system,
            )
            for code, term in row.from_hl7.items():
                ET.SubElement(table, "tableElement", code=code, description=row.displays[term])
    return _written(root)


def _written(root: ET.Element) -> bytes:
    ET.indent(root)
    text = ET.tostring(root, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _metadata(title: str, site: Site) -> ET.Element:
    status = _STATUS.get(site.package_status, "DRAFT")
    version = site.package_version
    return ET.Element(
        "MetaData", Name=title, OrgName=site.publisher, Version=version, Status=status
    )


def _part(part: Part, above: str, ours: dict[str, tuple[Field, ...]], version: str) -> ET.Element:
    name, reference, (least, most), kind = part
    usage = "R" if least else "RE" if name in ours else "O"
    limits = {"Usage": usage, "Min": str(least), "Max": "*" if most < 0 else str(most)}
    if kind == "GRP":
        short = name.removeprefix(f"{above}_")
        made = ET.Element("SegGroup", {"Name": short, "LongName": _words(short), **limits})
        for child in reference[1]:
            made.append(_part(child, above, ours, version))
        return made
    made = ET.Element("Segment", {"Name": name, "LongName": _words(name), **limits})
    known = {f"{name}_{field.number}": field for field in ours.get(name, ())}
    children = list(_in_order(tuple(reference[1])))
    while children and children[-1][2][1] == 0:  # withdrawn; between others, it keeps its place
        children.pop()
    for number, child in enumerate(children, 1):
        length = _length(version, name, number)
        made.append(_field(child, known.get(child[0]), version, length))
    return made


def _in_order(parts: tuple[Part, ...]) -> Iterator[Part]:
    """Yield fields or components by their numbers, with what is withdrawn between them."""
    numbered = {int(part[0].rpartition("_")[2]): part for part in parts}
    for number in range(1, max(numbered, default=0) + 1):
        gap = ("leaf", None, "ST", "NOT_USED", None, -1)
        yield numbered.get(number) or (f"_{number}", gap, (0, 0), "")


def _length(version: str, name: str, number: int) -> int:
    """Return the length of a field of a segment, or of a component of a data type."""
    known = _lengths().get(f"{version} {name}", [])
    return (known[number - 1] if number <= len(known) else 0) or _UNBOUNDED


@cache
def _lengths() -> dict[str, list[int]]:
    text = files("sopstatus.artifacts.hl7").joinpath("lengths.json").read_text("ascii")
    found: dict[str, list[int]] = json.loads(text)
    return found


def _field(part: Part, field: Field | None, version: str, length: int) -> ET.Element:
    _, reference, (least, most), _ = part
    usage = "R" if least else "X" if most == 0 else "O"
    told = {
        "Name": field.name if field else _words(reference[3]),
        "Usage": field.usage if field else usage,
        "Min": str(least),
        "Max": "*" if most < 0 else str(most or 1),
    }
    own = field.length if field else 0
    made = ET.Element("Field", told | _typed(reference, own or length))
    if field:
        if field.about:
            ET.SubElement(made, "Description").text = field.about
        if field.predicate:
            ET.SubElement(made, "Predicate").text = field.predicate
    for component, longest in _measured(reference, version, own):
        inner = _component(component, "Component", longest)
        for sub, length_of_sub in _measured(component[1], version, own):
            inner.append(_component(sub, "SubComponent", length_of_sub))
        made.append(inner)
    return made


def _measured(reference: tuple[Any, ...], version: str, own: int) -> Iterator[tuple[Part, int]]:
    """Yield what a field or component consists of with its length; in ours, up to the field's."""
    datatype = _datatype(reference)
    for number, part in enumerate(_children(reference), 1):
        yield part, own or _length(version, datatype, number)


def _children(reference: tuple[Any, ...]) -> tuple[Part, ...]:
    """Return the components; hl7apy writes the type of OBX-5 in their place since 2.7."""
    found = reference[1]
    return () if found is None or isinstance(found, str) else tuple(_in_order(tuple(found)))


def _component(part: Part, tag: str, length: int) -> ET.Element:
    _, reference, (least, most), _ = part
    usage = "R" if least else "X" if most == 0 else "O"
    return ET.Element(
        tag, {"Name": _words(reference[3]), "Usage": usage} | _typed(reference, length)
    )


def _typed(reference: tuple[Any, ...], length: int) -> dict[str, str]:
    """Return data type, length and table as attributes."""
    table = reference[4]
    made = {"Datatype": _datatype(reference), "Length": str(length)}
    if table:
        made["Table"] = table.removeprefix("HL7")
    return made


def _datatype(reference: tuple[Any, ...]) -> str:
    """Return HL7's name of a type; one that is withdrawn has none, and hl7apy has names of its own."""
    return (reference[2] or "ST").removesuffix("_SIMPLE")


def _words(name: str) -> str:
    """Return a name of hl7apy's as people write it: ``Set Id Pid``."""
    return name if len(name) == 3 else name.replace("_", " ").title()
