"""The messages of the HL7 versions with our segments in their places, as hl7apy has them.

hl7apy describes a part of a message as ``(name, reference, (least, most), kind)``, where the
reference is ``(form, children, data type, long name, table, length)`` or, of a group or a segment,
``(form, children)``; a most of -1 has no bound. A profile is the same with our segments added.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hl7apy import load_library

from sopstatus.artifacts.hl7.fields import Field

Part = tuple[str, Any, tuple[int, int], str]


class Kind(NamedTuple):
    """A kind of message that carries statements, and where."""

    structure: str
    title: str
    group: str  # that holds our segments, without the structure's name; "" = the message
    after: tuple[str, ...]  # behind the last of these in that group; () = at the group's end
    most: int = -1  # of our segments in a group

    @property
    def has_ipc(self) -> bool:
        """Tell whether the message has an IPC."""
        return self.structure == "OMI_O23"

    @property
    def message_type(self) -> str:
        """The first component of MSH-9."""
        return self.structure[:3]

    @property
    def event(self) -> str:
        """The second component of MSH-9."""
        return self.structure[4:]


KINDS = (
    Kind(
        "ORU_R01",
        "Unsolicited observation message",
        "ORDER_OBSERVATION",
        ("OBR", "NTE", "OBSERVATION"),
    ),
    # IHE RAD-4: at most one an order, whose readers take every ZDS for a study
    Kind("ORM_O01", "Order message", "ORDER_DETAIL", ("OBR", "NTE"), 1),
    Kind("OMI_O23", "Imaging order message", "ORDER", ()),
    Kind("MDM_T02", "Original document notification with content", "", ()),
)


def is_in(kind: Kind, version: str) -> bool:
    """Tell whether a version has this message."""
    return kind.structure in load_library(version).MESSAGES


def structure(kind: Kind, version: str, ours: dict[str, tuple[Field, ...]]) -> tuple[Part, ...]:
    """Return the parts of a message with our segments, by their names, in it."""
    added = tuple(segment(name, held, version, kind.most) for name, held in ours.items())
    parts = tuple(load_library(version).MESSAGES[kind.structure][1])
    placed = _placed(parts, kind, added)
    return placed if kind.group else (*placed, *added)


def segment(name: str, held: tuple[Field, ...], version: str, most: int = -1) -> Part:
    """Return one of our segments as hl7apy describes it."""
    children = tuple(_field(name, field, version) for field in held)
    return (name, ("sequence", children), (0, most), "SEG")


def _field(name: str, field: Field, version: str) -> Part:
    datatype = field.datatype_in(version)
    held = load_library(version).DATATYPES_STRUCTS.get(datatype)
    table = f"HL7{field.table}" if field.table else None
    children = held
    if held and (table or field.usage == "R"):
        children = (_first(held[0], table, field.usage == "R"), *held[1:])
    long_name = field.name.upper().replace(" ", "_")
    reference = (
        "sequence" if held else "leaf",
        children,
        datatype,
        long_name,
        None if held else table,
        field.length,
    )
    limits = (int(field.usage == "R"), -1 if field.repeats else 1)
    return (f"{name}_{field.number}", reference, limits, "FIE")


def _first(component: Part, table: str | None, required: bool) -> Part:
    """Return the first component of a field with the table of its codes, required if the field is."""
    name, (form, inner, datatype, long_name, ours, length), limits, kind = component
    reference = (form, inner, datatype, long_name, table or ours, length)
    return (name, reference, (1, 1) if required else limits, kind)


def _placed(parts: tuple[Part, ...], kind: Kind, added: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts with ours in their group, wherever in the message that is."""
    made = []
    for name, reference, limits, sort in _whole(parts):
        if sort == "GRP":
            children = _placed(tuple(reference[1]), kind, added)
            if name == f"{kind.structure}_{kind.group}":
                children = _behind(children, kind, added)
            reference = (reference[0], children)
        made.append((name, reference, limits, sort))
    return tuple(made)


def _behind(parts: tuple[Part, ...], kind: Kind, added: tuple[Part, ...]) -> tuple[Part, ...]:
    names = [part[0].removeprefix(f"{kind.structure}_") for part in parts]
    found = [i for i, name in enumerate(names) if name in kind.after]
    place = found[-1] + 1 if found else len(parts)
    return (*parts[:place], *added, *parts[place:])


def _whole(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts without choices: of an order's details, an image has OBR.

    ORDER_DOCUMENT (2.8) goes too: it holds an OBX, and hl7apy takes every OBX for that one.
    """
    made: list[Part] = []
    for part in parts:
        choice = part[3] == "GRP" and part[1][0] == "choice"
        made += [one for one in part[1][1] if one[0] == "OBR"] if choice else [part]
    return tuple(part for part in made if not part[0].endswith("_ORDER_DOCUMENT"))
