"""The elements of a data set that are read, a line each: nothing of the patient is among them."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs import character_set, dicom_read
from sopstatus.codecs.dicom_plan import plan
from sopstatus.codecs.dicom_read import location
from sopstatus.table import MappingTable

Span = tuple[int, int]
_CONTEXT = {
    dicom_read.CHARACTER_SET: ("CS", "SpecificCharacterSet"),
    dicom_read.SOP_CLASS: ("UI", "SOPClassUID"),
    dicom_read.SOP_INSTANCE: ("UI", "SOPInstanceUID"),
    dicom_read.TIMEZONE_OFFSET: ("SH", "TimezoneOffsetFromUTC"),
    dicom_read.STUDY: ("UI", "StudyInstanceUID"),
    dicom_read.SERIES: ("UI", "SeriesInstanceUID"),
}


def dump(document: Any, tables: MappingTable) -> tuple[str, dict[str, Span]]:
    """Return the lines, and where in them the value of each element stands, by its location.

    Raise `DocumentError` where the document is no data set.
    """
    rows = {row.tag: row for row in tables.attributes.values()}
    elements = dicom_read.read(document, plan(tuple(rows.values())).walk)
    named = _CONTEXT | {tag: (row.vr, row.keyword) for tag, row in rows.items()}
    lines: list[str] = []
    spans: dict[str, Span] = {}
    at = 0
    for tag, (vr, keyword) in sorted(named.items()):
        found = elements.get(tag)
        if found is None:
            continue
        if isinstance(found, bytes):
            text = character_set.decode(found, elements.terms(vr))
            found = found.decode("latin-1") if text is None else text
        shown = visible(found.rstrip("\0") if vr == "UI" else found)  # its padding (PS3.5 9.1)
        head = f"{location(tag)} {vr} ["
        spans[location(tag)] = (at + len(head), at + len(head) + len(shown))
        lines.append(f"{head}{shown}] {keyword}\n")
        at += len(lines[-1])
    return "".join(lines), spans


def visible(text: str) -> str:
    r"""Write controls and bidirectional marks as ``\uXXXX``, so that each value stays in its line."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
