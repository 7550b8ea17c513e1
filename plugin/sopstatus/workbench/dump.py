"""The elements that the codec reads from a data set, one per line; none of them is patient data."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs.dicom import elements as dicom_elements
from sopstatus.codecs.dicom.fast import plan
from sopstatus.codecs.shared import data_set
from sopstatus.explain.text import visible
from sopstatus.table import MappingTable
from sopstatus.values import tag_text

Span = tuple[int, int]
_CONTEXT = {
    data_set.CHARACTER_SET: ("CS", "SpecificCharacterSet"),
    data_set.TIMEZONE_OFFSET: ("SH", "TimezoneOffsetFromUTC"),
    **{tag: ("UI", keyword) for tag, keyword in data_set.IDENTITY.items()},
}


def dump(document: Any, tables: MappingTable) -> tuple[str, dict[str, Span]]:
    """Return the lines, and where in them the value of each element stands, by its location.

    Raise `DocumentError` if the document is not a data set.
    """
    rows = {row.tag: row for row in tables.attributes.values()}
    elements = dicom_elements.read(document, plan(tuple(rows.values())))
    named = _CONTEXT | {tag: (row.vr, row.keyword) for tag, row in rows.items()}
    lines: list[str] = []
    spans: dict[str, Span] = {}
    at = 0
    for tag, (vr, keyword) in sorted(named.items()):
        found = elements.get(tag)
        if found is None:
            continue
        text = elements.text(tag, vr)
        if text is None:
            text = str(found, "latin-1") if isinstance(found, bytes) else found
        shown = visible(text.rstrip("\0") if vr == "UI" else text)  # its padding (PS3.5 9.1)
        head = f"{tag_text(tag)} {vr} ["
        spans[tag_text(tag)] = (at + len(head), at + len(head) + len(shown))
        lines.append(f"{head}{shown}] {keyword}\n")
        at += len(lines[-1])
    return "".join(lines), spans
