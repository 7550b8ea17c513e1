"""A side as the page shows it: lines, cut where a value begins and ends, each issue at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.codecs import codec
from sopstatus.explain.model import DOCUMENT, Source
from sopstatus.explain.read import numbered, read
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable
from sopstatus.workbench.dump import dump
from sopstatus.workbench.given import Given, charset_of
from sopstatus.workbench.places import line_of

MOST_CHARACTERS = 200_000
"""How much of a document is shown."""
Mark = tuple[int, int, list[str], str]
"""Start, end, the values that stand there, and "value" or "exact"."""
Named = Callable[[str, SOPInstance], list[str]]
"""Tells which values of the source the value of a keyword in a statement of a side is."""
Found = tuple[list[str], Source, str]
"""Which values, where, and "value" or "exact"."""
REMEDIES = {
    "link/untrusted": "if the sender is secure, authenticated and conforming, "
    "check 'I vouch for the link' under Options",
    "dicom/holder-ambiguous": "enter the AE Title of this copy's holder under Options",
    "dicom/not-one-instance": "choose the data set to write onto under Options",
    "document/says-nothing": "choose the document to write onto under Options",
    "healthimaging/not-one-study": "choose the metadata to write onto under Options",
    "hl7/no-patient": "choose a message that names the patient under Options, 'Write onto'",
    "hl7/lost-line-ends": "choose the message's file instead, with CR at the end of each segment",
    "document/packed-target": "unpack it, and choose the result under Options",
}
"""Remedies that name controls of the page, for those that name options of commands."""
_LINE_END = re.compile(r"\r\n|\r|\n")


def told(issue: Issue) -> dict[str, str]:
    """Return an issue with the cause that the catalogue gives; its remedy names the page's controls."""
    fields = {name: getattr(issue, name) for name in Issue.__slots__}
    entry = catalogue().get(issue.code)
    if entry is None:
        return fields
    if remedy := REMEDIES.get(issue.code):
        fields["diagnostics"] = fields["diagnostics"].removesuffix(entry.remedy) + remedy
    return fields | {"cause": entry.cause, "source": entry.source}


def shown(
    one: Given, tables: MappingTable, issues: Sequence[Issue], named: Named
) -> dict[str, Any]:
    """Return ``lines``, each with its pieces ``[text, ids, kind]`` and its ``issues``.

    ``issues`` without a line are the side's own; ``more`` counts characters that are not shown.
    """
    text, marks = _marked(one, tables, named)
    more = max(0, len(text) - MOST_CHARACTERS)
    text = text[:MOST_CHARACTERS]
    ends = [(m.start(), m.end()) for m in _LINE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(text)]
    if starts[-1] == len(text) and len(starts) > 1:  # the last line end ends the document
        starts.pop()
        stops.pop()
    lines = [text[start:stop] for start, stop in zip(starts, stops, strict=True)]
    cut = _cut(text, starts, stops, sorted(marks, key=lambda mark: mark[:2]))
    placed: dict[int, list[dict[str, str]]] = {}
    rest: list[dict[str, str]] = []
    for issue in issues:
        number = line_of(issue.location, one.format, lines)
        (rest if number is None else placed.setdefault(number, [])).append(told(issue))
    return {
        "lines": [
            {"pieces": pieces, "issues": placed.get(number, [])}
            for number, pieces in enumerate(cut)
        ],
        "issues": rest,
        "more": more,
    }


def _marked(one: Given, tables: MappingTable, named: Named) -> tuple[str, list[Mark]]:
    """Return a document as text, and where in it values stand."""
    found = _found(one, tables, named)
    if one.format == "dicom":
        text, spans = dump(one.document, tables)
        places = spans.get
        return text, _marks(found, lambda source: places(source.path))
    if isinstance(one.data, str):
        return one.data, _marks(found, _span)
    charset = charset_of(one)
    bounds = sorted({offset for _, source, _ in found for offset in _span(source) or ()})
    text, at = "", {}
    for start, end in zip([0, *bounds], [*bounds, len(one.data)], strict=True):
        at[start] = len(text)
        text += one.data[start:end].decode(charset, "replace")
        at[end] = len(text)

    def in_text(source: Source) -> tuple[int, int] | None:
        span = _span(source)
        return (at[span[0]], at[span[1]]) if span else None

    return text, _marks(found, in_text)


def _found(one: Given, tables: MappingTable, named: Named) -> list[Found]:
    """Find the places of values, as `explain` does, but not what becomes of them."""
    found: list[Found] = []
    try:
        statements = codec(one.format, tables=tables).decode(one.document).value
        places = numbered(read(one.opened, tables).places, statements)
    except DocumentError:  # what was made of it was told already
        return found
    for place, number, _ in places:
        for slot in place.slots:
            ids = named(slot.row.keyword, statements[number])
            for source, kind in ((slot.source, "value"), (slot.verbatim_source, "exact")):
                if source and ids:
                    found.append((ids, source, kind))
    return found


def _span(source: Source) -> tuple[int, int] | None:
    if source.start is None or source.end is None or source.of != DOCUMENT:
        return None
    return source.start, source.end


def _marks(found: list[Found], where: Callable[[Source], tuple[int, int] | None]) -> list[Mark]:
    return [(*span, ids, kind) for ids, source, kind in found if (span := where(source))]


def _cut(
    text: str, starts: Iterable[int], stops: Iterable[int], marks: list[Mark]
) -> list[list[list[Any]]]:
    """Cut each line where marks begin and end; marks do not overlap."""
    lines = []
    coming = iter(marks)
    mark = next(coming, None)
    for start, stop in zip(starts, stops, strict=True):
        pieces: list[list[Any]] = []
        at = start
        while mark and mark[0] < stop:
            begin, end = max(mark[0], at), min(mark[1], stop)
            if begin > at:
                pieces.append([text[at:begin]])
            if end > begin or mark[0] == mark[1]:
                pieces.append([text[begin:end], mark[2], mark[3]])
            at = max(at, end)
            if mark[1] > stop:
                break
            mark = next(coming, None)
        if at < stop:
            pieces.append([text[at:stop]])
        lines.append(pieces)
    return lines
