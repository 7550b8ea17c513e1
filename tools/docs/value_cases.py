"""The cases of hard values: what stands in a document, and what the codecs make of it.

They live beside the tests (``tests/value_cases.toml``), not in the installed package. The tests
hold the codecs to them, and the page of values shows them.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sopstatus.explain import Explained, explain
from sopstatus.model import Issue, SOPInstance
from sopstatus.table import MappingTable, load_tables

STUDY, SERIES, CT, SOP = "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
SOURCES = ("dicom", "hl7", "fhir")


@dataclass(frozen=True, slots=True)
class Case:
    """One row: where it is read from, what stands there, and what shall become of it.

    ``text`` is the value of the element, the content of the ZDS field (or with ``segment`` the
    whole ZDS), the JSON value of the slice (or with ``slices`` all of them); ``None``: not there.
    ``context`` is (0008,0201) in DICOM and MSH-7 in HL7, ``site`` the site's own offset. ``value``
    is the DICOM text that is read, ``""`` = emptied, ``None`` = nothing is stated. ``resource`` holds
    more members of the ImagingStudy, as JSON.
    """

    name: str
    keyword: str
    source: str
    text: str | None
    value: str | None = None
    hl7: str | None = None
    fhir: str | None = None
    codes: tuple[str, ...] = ()
    context: str = ""
    site: str = ""
    vr: str = ""
    charset: str = ""
    segment: bool = False
    slices: bool = False
    resource: str = ""

    @property
    def document(self) -> bytes:
        """Return the smallest document in which this stands."""
        return {"dicom": _part10, "hl7": _message, "fhir": _study}[self.source](self)


@dataclass(frozen=True, slots=True)
class Section:
    """A table of cases; ``carried``: from DICOM to the others, else what is read."""

    name: str
    title: str
    about: str
    carried: bool
    cases: tuple[Case, ...] = field(default=())


def sections(path: Path) -> tuple[Section, ...]:
    """Return the cases of a file, section by section."""
    found = tomllib.loads(path.read_text("utf-8"))["section"]
    return tuple(
        Section(
            part["name"],
            part["title"],
            part["about"],
            part.get("carried", False),
            tuple(_case(part.get("keyword", ""), row) for row in part["case"]),
        )
        for part in found
    )


def _case(keyword: str, row: dict[str, Any]) -> Case:
    source = next((name for name in SOURCES if f"from-{name}" in row), "")
    if not source:
        raise ValueError(f"the case {row} has none of from-dicom, from-hl7 and from-fhir")
    text = row.pop(f"from-{source}")
    given = {"keyword": keyword, "value": text if source == "dicom" and "hl7" in row else None}
    codes = tuple(row.pop("codes", ()))
    return Case(**{**given, **row, "source": source, "codes": codes, "text": _absent(text)})


def _absent(text: object) -> str | None:
    return text if isinstance(text, str) else None  # false: it is not there at all


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the codecs make of a case; ``explained`` is ``None`` where nothing is stated."""

    explained: Explained | None
    statements: tuple[SOPInstance, ...]
    issues: tuple[Issue, ...]


def outcome(case: Case) -> Outcome:
    """Read the case's document, and write its value into the other formats."""
    told = explain(case.document, tables=_tables(case))
    mine = next((v for v in told.values if v.row.keyword == case.keyword), None)
    return Outcome(mine, told.statements, told.issues)


def _tables(case: Case) -> MappingTable:
    tables = load_tables()
    return replace(tables, site=replace(tables.site, offset=case.site)) if case.site else tables


def _part10(case: Case) -> bytes:
    """Write a Part 10 file, byte by byte, for the values are not all legal (PS3.10 7.1)."""
    row = load_tables().attributes[case.keyword]
    meta = b"".join(
        (
            _element(0x00020001, "OB", b"\x00\x01"),
            _element(0x00020002, "UI", CT.encode()),
            _element(0x00020003, "UI", SOP.encode()),
            _element(0x00020010, "UI", EXPLICIT_LITTLE_ENDIAN.encode()),
        )
    )
    length = _element(0x00020000, "UL", len(meta).to_bytes(4, "little"))
    charset = case.charset or "ISO_IR 192"
    encoding = {"ISO_IR 192": "utf-8", "ISO_IR 100": "latin-1"}[charset]
    found = [
        _element(0x00080005, "CS", charset.encode()),
        _element(0x00080016, "UI", CT.encode()),
        _element(0x00080018, "UI", SOP.encode()),
        _element(0x00080201, "SH", case.context.encode()) if case.context else b"",
        _element(0x0020000D, "UI", STUDY.encode()),
        _element(0x0020000E, "UI", SERIES.encode()),
    ]
    if case.text is not None:
        found.append(_element(row.tag, case.vr or row.vr, case.text.encode(encoding)))
    return b"\0" * 128 + b"DICM" + length + meta + b"".join(found)


def _element(tag: int, vr: str, value: bytes) -> bytes:
    value += (b"\0" if vr in ("UI", "OB") else b" ") * (len(value) % 2)
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode()
    long = vr in ("OB", "UN")
    return head + b"\0\0" * long + len(value).to_bytes(4 if long else 2, "little") + value


def _message(case: Case) -> bytes:
    number = load_tables().attributes[case.keyword].field
    charset = case.charset or "UNICODE UTF-8"
    head = f"MSH|^~\\&|A||||{case.context}||ORU^R01|1|P|2.5.1||||||{charset}"
    begin = f"ZDS|{STUDY}|{SERIES}||{SOP}|"
    text = case.text or ""
    segment = text if case.segment else begin + "|" * (number - 5) + text
    return "\r".join((head, segment, "")).encode()


def _study(case: Case) -> bytes:
    tables = load_tables()
    group = tables.groups[0]
    row = tables.attributes[case.keyword]
    element = f"value{row.fhir_type[0].upper()}{row.fhir_type[1:]}"
    slices = json.loads(case.text) if case.slices and case.text else []
    if not case.slices and case.text is not None:
        slices = [{"url": row.slice, element: case.text}]
    extension = [{"url": group.extension, "extension": slices}] if case.text is not None else []
    instance = {"uid": SOP, "sopClass": {"code": f"urn:oid:{CT}"}, "extension": extension}
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}],
        "series": [{"uid": SERIES, "instance": [instance]}],
    }
    return json.dumps(study | json.loads(case.resource or "{}")).encode()
