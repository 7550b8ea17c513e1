"""The sample values of a page: the same statement in every format, written by the codecs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from pydicom.datadict import dictionary_VR

from sopstatus.artifacts.fhir.names import tag_of, title_of
from sopstatus.codecs import Format, codec
from sopstatus.model import SOPInstance
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.table.scaffold import example


class Sample(NamedTuple):
    """One statement as each format spells it; all of them synthetic."""

    title: str
    note: str
    dicom: str
    dicom_json: str
    hl7: str
    fhir: str


NOTES = {
    "absent": "There is no status. That is not the same as NS.",
    "authorized-copy": "A copy of an authorized original, with a fraction of a second.",
    "authorized-original": "All four attributes.",
    "delimiters-in-comment": "Every delimiter of HL7 in the comment, escaped.",
    "empty": "Stated and empty: not the same as absent.",
    "foreign-zds": "A ZDS of another product, next to ours.",
    "ihe-order-zds": "An order: one ZDS about the study, as IHE's readers expect.",
    "kanji-comment": "ISO 2022 IR 87 in DICOM, UTF-8 in HL7 and FHIR.",
    "microseconds": "Six digits; a DTM has four, so the exact text is in ZDS-9.",
    "not-specified": "NS is a value.",
    "original": "Not yet authorized for diagnostic use.",
    "partial-datetime": "A DT of year and month stays one.",
    "study-level": "One statement about the whole study.",
    "two-series": "Two instances that differ.",
    "unknown-term": "XX is not a term: it is kept verbatim, and never read as one.",
}
_FILES: dict[Format, str] = {
    "dicom-json": "metadata.json",
    "hl7": "message.hl7",
    "fhir": "imaging-study.json",
}
UIDS = ("2.25.101", "2.25.102", "1.2.840.10008.5.1.4.1.1.2", "2.25.103")
Said = dict[Format, tuple[SOPInstance, ...]]
"""The statements by format: an order, for instance, states of a study what images state each."""


def samples(group: Group, tables: MappingTable) -> list[Sample]:
    """Return the shipped samples of a group, or one a term where no sample has its attributes."""
    keywords = {row.keyword for row in group.attributes}
    shipped = [
        _sample(name, NOTES.get(name, ""), said, group, tables)
        for name, said in _shipped()
        if any(keywords & dict(x.attributes).keys() for x in said["dicom-json"])
    ]
    return shipped or [
        _sample(title, about, _of(row.keyword, value), group, tables)
        for row in group.attributes
        for title, about, value in _examples(row)
    ]


def _examples(row: Attribute) -> Iterator[tuple[str, str, str]]:
    """Yield title, note and value of a sample for each term, or for one value of a row without terms."""
    if not row.displays:
        yield row.keyword, title_of(row), example(row.vr, row.vm, "")
    for term, display in row.displays.items():
        yield f"{row.keyword} {term}", display, example(row.vr, row.vm, term)


def first(group: Group, tables: MappingTable) -> Sample:
    """Return the sample that the page explains itself with."""
    found = samples(group, tables)
    return next((one for one in found if one.title == "authorized-original"), found[0])


def _of(keyword: str, term: str) -> Said:
    study, series, sop_class, instance = UIDS
    x = SOPInstance(study, series, sop_class, instance, attributes=((keyword, term),))
    return dict.fromkeys(_FILES, (x,))


@cache
def _shipped() -> list[tuple[str, Said]]:
    folder = files("sopstatus.samples")
    found = []
    for case in sorted(one.name for one in folder.iterdir() if one.is_dir()):
        read = {name: folder.joinpath(case, file) for name, file in _FILES.items()}
        if all(file.is_file() for file in read.values()):
            said = {name: _decoded(name, file.read_bytes()) for name, file in read.items()}
            found.append((case, said))
    return found


def _decoded(name: Format, data: bytes) -> tuple[SOPInstance, ...]:
    return tuple(codec(name).decode(json.loads(data) if name == "fhir" else data).value)


def _sample(title: str, note: str, said: Said, group: Group, tables: MappingTable) -> Sample:
    def encoded(name: Format) -> Any:
        return codec(name, tables=tables).encode(said[name], None).value

    written = encoded("dicom-json")
    rows = {f"{row.tag:08X}": row for row in group.attributes}
    objects = [{tag: one[tag] for tag in rows if tag in one} for one in written]
    lines = [
        f"{tag_of(rows[tag])} {dictionary_VR(rows[tag].tag)} [{_value(element)}]  # {rows[tag].keyword}"
        for one in objects
        for tag, element in one.items()
    ]
    segments = [
        line.decode()
        for line in encoded("hl7").split(b"\r")
        if group.segment and line.startswith(group.segment.encode())
    ]
    study = encoded("fhir")
    simple = [row.extension for row in group.attributes if row.extension]
    urls = [group.extension, *simple] if group.slices else simple
    return Sample(
        title,
        note,
        "\n".join(lines),
        "\n".join(json.dumps(one, ensure_ascii=False) for one in objects),
        "\n".join(segments),
        "\n".join(_dumped(one) for url in urls for one in _extensions(study, url)),
    )


def _value(element: dict[str, Any]) -> str:
    return "\\".join(map(str, element.get("Value", [""]))).replace("\r", "\\r").replace("\n", "\\n")


def _extensions(node: Any, url: str) -> list[dict[str, Any]]:
    """Return every extension of ours in a resource, in document order."""
    if isinstance(node, list):
        return [one for item in node for one in _extensions(item, url)]
    if not isinstance(node, dict):
        return []
    if node.get("url") == url:
        return [node]
    return [one for item in node.values() for one in _extensions(item, url)]


def _dumped(extension: dict[str, Any]) -> str:
    """Return an extension, a slice a line."""
    if "extension" not in extension:
        return json.dumps(extension, ensure_ascii=False)
    slices = ",\n".join(
        f"    {json.dumps(one, ensure_ascii=False)}" for one in extension["extension"]
    )
    return f'{{\n  "url": "{extension["url"]}",\n  "extension": [\n{slices}\n  ]\n}}'
