"""The fields of our Z segments: what the segment table and the conformance profiles say of them."""

from __future__ import annotations

from typing import NamedTuple

from sopstatus.artifacts.fhir.names import title_of
from sopstatus.table import Attribute, MappingTable
from sopstatus.table.language import CODED, HOLDER_FIELD, VERBATIM_FIELD

VERSIONS = ("2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")
_BEFORE = {  # what a data type was called where a version has none of its name
    "2.3.1": {"DTM": "TS", "CWE": "CE", "CNE": "CE"},
    "2.4": {"DTM": "TS", "CWE": "CE", "CNE": "CE"},
}
_SINCE = {  # and what it is called since
    version: {"TS": "DTM", "CE": "CWE"} for version in ("2.6", "2.7", "2.8")
}
LENGTHS = {
    **{"RP": 200, "UID": 64, "HD": 227, "CWE": 705, "CNE": 705, "CE": 483, "DTM": 24, "TS": 26},
    **{"TX": 65536, "FT": 65536, "ST": 199, "ID": 16, "IS": 20, "NM": 16, "DT": 8, "TM": 16},
}
"""The longest value of each data type, escapes counted."""
_VERBATIM_LENGTH = 65536


class Field(NamedTuple):
    """One field, as a row of a segment table has it."""

    number: int
    name: str
    datatype: str  # as 2.5.1 calls it
    length: int
    usage: str  # R, RE or C
    repeats: bool = False
    table: str = ""
    predicate: str = ""  # of usage C
    about: str = ""

    @property
    def item(self) -> str:
        """The item number; IHE gives ZDS-1 the number Z0001."""
        return f"Z{self.number:04}"

    def datatype_in(self, version: str) -> str:
        """Return the data type as a version calls it."""
        renamed = _BEFORE.get(version) or _SINCE.get(version) or {}
        return renamed.get(self.datatype, self.datatype)


IDENTITY = (
    Field(
        1,
        "Study Instance UID",
        "RP",
        LENGTHS["RP"],
        "R",
        about="As IHE has it: UID^application^Application^DICOM.",
    ),
    Field(
        2,
        "Series Instance UID",
        "ST",
        LENGTHS["UID"],
        "C",
        predicate="Valued where field 4 is",
        about="(0020,000E). Empty = the statement is about the whole study.",
    ),
    Field(3, "SOP Class UID", "ST", LENGTHS["UID"], "RE", about="(0008,0016)."),
    Field(
        4,
        "SOP Instance UID",
        "ST",
        LENGTHS["UID"],
        "RE",
        about="(0008,0018). Empty = the statement is about the whole series or study.",
    ),
)
VERBATIM = Field(
    VERBATIM_FIELD,
    "Verbatim Values",
    "ST",
    _VERBATIM_LENGTH,
    "RE",
    repeats=True,
    about="Exact DICOM text of a value that its own field cannot say exactly: Keyword=JSON string.",
)
HOLDER = Field(
    HOLDER_FIELD,
    "Holder",
    "HD",
    LENGTHS["HD"],
    "RE",
    about="The Application Entity that holds the copy, where it is known: AE Title, universal ID and "
    "its type. An OID is DICOM's Retrieve Location UID (0040,E011).",
)


def fields(tables: MappingTable, segment: str) -> tuple[Field, ...]:
    """Return the fields of a segment in their order; numbers may be left out between them."""
    rows = [_of_row(row) for row in tables.segments[segment]]
    return tuple(sorted((*IDENTITY, *rows, VERBATIM, HOLDER)))


def table_id(row: Attribute) -> str:
    """Return the number of the user-defined table of an attribute, "" where it has no terms."""
    return f"Z{row.tag & 0xFFFF:04X}" if row.displays else ""


def _of_row(row: Attribute) -> Field:
    about = row.definition or f"{title_of(row)}."
    if row.datatype in CODED and row.coding_system:
        about += f" Coding system {row.coding_system}."
    return Field(
        row.field,
        title_of(row),
        row.datatype,
        LENGTHS[row.datatype],
        "RE",
        repeats=row.vm != "1",
        table=table_id(row),
        about=about,
    )
