"""The mapping as the HL7 V2-to-FHIR project keeps it: a CSV sheet a segment, data type and code system.

Sheets of segments and data types have 19 columns, those of code systems 9; ``-1`` is no bound, a sort
order of 0 is a constant, an assignment stands in quotes or, where it is an instruction, in slashes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from hl7apy import load_library

from sopstatus.artifacts.fhir.heads import url_of
from sopstatus.artifacts.hl7.fields import Field, fields
from sopstatus.codecs.fhir.elements import STUDY_SYSTEM
from sopstatus.codecs.fhir.value import VALUE
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.table.language import (
    CODED,
    HOLDER_FIELD,
    HOLDER_SLICES,
    VERBATIM_FIELD,
    VERBATIM_KEYWORD,
    VERBATIM_SLICE,
    VERBATIM_VALUE,
)
from sopstatus.table.model import attribute_id

_VERSION = "2.8"  # whose components the sheets of data types list
_GROUPS = ("HL7 v2", *[""] * 5, "Condition (IF True)", "", "", "HL7 FHIR", *[""] * 8, "Comments")
_COLUMNS = (
    *("Sort Order", "Identifier", "Name", "Data Type", "Cardinality - Min", "Cardinality - Max"),
    *("Computable ANTLR", "Computable FHIRPath", "Narrative"),
    *("FHIR Attribute", "", "Data Type", "Cardinality - Min", "Cardinality - Max"),
    *("Data Type Mapping", "Vocabulary Mapping\n(IS, ID, CE, CNE, CWE)", "Assignment", "", ""),
)
_CODE_GROUPS = ("HL7 v2", "", "", "Condition (IF TRUE)", "", "", "HL7 FHIR", "", "")
_CODE_COLUMNS = (
    *("Code", "Text", "Code System", "Computable ANTLR", "Computable FHIRpath", "Narrative"),
    *("Code", "Display", "Code System"),
)
_LEVELS = {  # the element that a statement is about, and when
    "ImagingStudy.series.instance": "IF {segment}-4 VALUED",
    "ImagingStudy.series": "IF {segment}-2 VALUED AND {segment}-4 NOT VALUED",
    "ImagingStudy": "IF {segment}-2 NOT VALUED AND {segment}-4 NOT VALUED",
}
_HD_HOW = {
    2: '/must be prefixed with "urn:oid:" if HD.3 is ISO and with "urn:uuid:" if it is UUID/',
    3: "/only if the URI of HD.2 does not tell it: neither ISO, UUID nor URI/",
}
_HD = {"string": 1, "uri": 2, "code": 3}  # the component of a slice of the holder, by its type
Row = tuple[str, ...]
Slice = tuple[Field, str, str, str, str, str]
"""Field, its component, slice, type, data type mapping and vocabulary."""


def sheets(tables: MappingTable) -> dict[str, bytes]:
    """Return the sheets by their paths, named as the project names them."""
    made: dict[str, bytes] = {}
    for segment in tables.segments:
        groups = [group for group in tables.groups if group.segment == segment]
        name = f"segments/HL7 Segment - FHIR R4_ {segment}[ImagingStudy] - {segment}.csv"
        made[name] = _sheet(_GROUPS, _COLUMNS, _segment(tables, segment, groups))
    columns = tuple("FHIR Attribute/ Data Type" if c == "FHIR Attribute" else c for c in _COLUMNS)
    for title, rows in _types().items():
        made[f"datatypes/HL7 Data Type - FHIR R4_ {title} - Sheet1.csv"] = _sheet(
            _GROUPS, columns, iter(rows)
        )
    for row in tables.attributes.values():
        if row.displays:
            name = f"codesystems/HL7 Concept Map - FHIR R4_ {row.keyword} - Sheet1.csv"
            made[name] = _sheet(_CODE_GROUPS, _CODE_COLUMNS, _codes(row, tables))
    return made


def _sheet(groups: Row, columns: Row, rows: Iterator[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([groups, columns, *rows])
    return text.getvalue().encode()


def _row(
    left: Row,
    condition: str = "",
    target: Row = ("", "", "", ""),
    mapping: str = "",
    vocabulary: str = "",
    assignment: str = "",
    comment: str = "",
) -> Row:
    attribute, datatype, least, most = target
    right = (attribute, "", datatype, least, most, mapping, vocabulary, assignment, "", comment)
    return (*left, condition, "", "", *right)


def _left(segment: str, field: Field) -> Row:
    least, most = str(int(field.usage == "R")), "-1" if field.repeats else "1"
    number = str(field.number)
    return (number, f"{segment}-{number}", field.name, field.datatype, least, most)


def _segment(tables: MappingTable, segment: str, groups: list[Group]) -> Iterator[Row]:
    known = {field.number: field for field in fields(tables, segment)}
    lefts = {number: _left(segment, field) for number, field in known.items()}
    yield _row(lefts[1], "", ("identifier[1]", "Identifier", "0", "-1"), "RP[Identifier]")
    series, image = f"IF {segment}-2 VALUED", f"IF {segment}-4 VALUED"
    yield _row(lefts[2], series, ("series.uid", "id", "1", "1"), "ST[id]")
    sop_class = ("series.instance.sopClass", "Coding", "1", "1")
    yield _row(lefts[3], image, sop_class, "ST[Coding]")
    yield _row(lefts[4], image, ("series.instance.uid", "id", "1", "1"), "ST[id]")
    for group in groups:
        slices = _slices(group, known)
        for context in group.contexts:
            if context in _LEVELS:
                yield from _statement(context, group, slices, segment, lefts)


def _slices(group: Group, known: dict[int, Field]) -> list[Slice]:
    """Return every slice but that of exact texts."""
    rows = [
        (
            known[row.field],
            "",
            row.slice,
            row.fhir_type,
            f"{row.datatype}[{row.fhir_type}]",
            row.keyword if row.datatype in CODED else "",
        )
        for row in group.slices
        if row.field
    ]
    named = zip(HOLDER_SLICES, _HD.items(), strict=True)
    holder = [
        (known[HOLDER_FIELD], f".{part}", name, kind, f"HD[{kind}]", "")
        for name, (kind, part) in named
    ]
    return [*rows, *holder]


def _statement(
    context: str,
    group: Group,
    slices: list[Slice],
    segment: str,
    lefts: dict[int, Row],
) -> Iterator[Row]:
    condition = _LEVELS[context].format(segment=segment)
    below = context.removeprefix("ImagingStudy").removeprefix(".")
    path = f"{below}.extension[1]" if below else "extension[1]"
    constant = ("0", segment, "", "", "", "")
    url = (f"{path}.url", "uri", "1", "1")
    yield _row(constant, condition, url, assignment=f'"{group.extension}"')
    for index, (field, part, name, kind, mapping, vocabulary) in enumerate(slices, 1):
        inner = f"{path}.extension[{index}]"
        both = f"{condition} AND {segment}-{field.number}{part} VALUED"
        left = lefts[field.number]
        yield _row(left, both, (f"{inner}.url", "uri", "1", "1"), assignment=f'"{name}"')
        target = (f"{inner}.{VALUE[kind]}", kind, "1", "1")
        yield _row(left, both, target, mapping, vocabulary)
    left, inner = lefts[VERBATIM_FIELD], f"{path}.extension[{len(slices) + 1}]"
    both = f"{condition} AND {segment}-{VERBATIM_FIELD} VALUED"
    url = (f"{inner}.url", "uri", "1", "1")
    yield _row(left, both, url, assignment=f'"{VERBATIM_SLICE}"')
    for index, (name, kind) in enumerate(((VERBATIM_KEYWORD, "code"), (VERBATIM_VALUE, "string"))):
        within = f"{inner}.extension[{index + 1}]"
        yield _row(left, both, (f"{within}.url", "uri", "1", "1"), assignment=f'"{name}"')
        target = (f"{within}.{VALUE[kind]}", kind, "1", "1")
        yield _row(left, both, target, f"ST[{name}]")


def _types() -> dict[str, list[Row]]:
    """Return the sheets of data types by their titles."""
    value = "$value"
    return {
        "RP[Identifier]": [
            _row(
                ("0", "RP", "", "", "", ""),
                target=("system", "uri", "0", "1"),
                assignment=f'"{STUDY_SYSTEM}"',
            ),
            *_components(
                "RP", {1: (("value", "string", "0", "1"), '/must be prefixed with "urn:oid:"/')}
            ),
        ],
        "CWE[code]": _components("CWE", {1: ((value, "code", "0", "1"), "")}),
        "DTM[dateTime]": [
            _row(
                ("1", "DTM.1", "", "", "1", "1"),
                target=(value, "dateTime", "0", "1"),
                assignment="/must convert v2 date time format to FHIR date time format; without an "
                "offset from UTC only the date/",
            )
        ],
        "ST[id]": [_row(("1", "ST.1", "", "", "1", "1"), target=(value, "id", "0", "1"))],
        "ST[Coding]": [
            _row(
                ("0", "ST", "", "", "", ""),
                target=("system", "uri", "0", "1"),
                assignment='"urn:ietf:rfc:3986"',
            ),
            _row(
                ("1", "ST.1", "", "", "1", "1"),
                target=("code", "code", "0", "1"),
                assignment='/must be prefixed with "urn:oid:"/',
            ),
        ],
        "ST[string]": [_row(("1", "ST.1", "", "", "1", "1"), target=(value, "string", "0", "1"))],
        "TX[string]": [
            _row(
                ("1", "TX.1", "", "", "1", "1"),
                target=(value, "string", "0", "1"),
                assignment="/escape sequences must be undone/",
            )
        ],
        **{
            f"HD[{kind}]": _components(
                "HD", {part: ((value, kind, "0", "1"), _HD_HOW.get(part, ""))}
            )
            for kind, part in _HD.items()
        },
        **{
            f"ST[{name}]": [
                _row(
                    ("1", "ST.1", "", "", "1", "1"),
                    target=(value, kind, "1", "1"),
                    assignment=f"/only the text {where} the first =/",
                )
            ]
            for name, kind, where in (
                (VERBATIM_KEYWORD, "code", "before"),
                (VERBATIM_VALUE, "string", "behind"),
            )
        },
    }


def _components(
    datatype: str, mapped: dict[int, tuple[tuple[str, str, str, str], str]]
) -> list[Row]:
    made = []
    for part in load_library(_VERSION).DATATYPES_STRUCTS[datatype]:
        number = int(part[0].rpartition("_")[2])
        _, _, kind, long_name, *_ = part[1]
        name = long_name.replace("_", " ").title()
        left = (str(number), f"{datatype}.{number}", name, kind, "0", "1")
        target, assignment = mapped.get(number, (("", "", "", ""), ""))
        made.append(_row(left, target=target, assignment=assignment))
    return made


def _codes(row: Attribute, tables: MappingTable) -> Iterator[Row]:
    system = url_of(tables.site, "CodeSystem", attribute_id(row.keyword))
    for code, term in row.from_hl7.items():
        display = row.displays[term]
        yield (code, display, row.coding_system, "", "", "", row.to_fhir[term], display, system)
