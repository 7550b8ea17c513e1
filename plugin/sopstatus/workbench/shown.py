"""A side as the page shows it: lines, cut where a value begins and ends, each issue at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.explain import Explained, Explanation, explain
from sopstatus.explain.model import DOCUMENT, Source
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable
from sopstatus.workbench.dump import dump
from sopstatus.workbench.given import Given, charset_of
from sopstatus.workbench.places import line_of

MOST_CHARACTERS = 200_000
"""How much of a document is shown."""
Mark = tuple[int, int, list[str], str]
"""Start, end, the values that stand there, and "value" or "exact"."""
Named = Callable[[Explained, SOPInstance], list[str]]
"""Tells which values of the source one value of a side is."""
_LINE_END = re.compile(r"\r\n|\r|\n")


def told(issue: Issue) -> dict[str, str]:
    """Return an issue with the cause that the catalogue gives."""
    fields = {name: getattr(issue, name) for name in Issue.__slots__}
    entry = catalogue().get(issue.code)
    return fields | ({"cause": entry.cause, "source": entry.source} if entry else {})


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
    if one.format == "dicom":
        text, spans = dump(one.document, tables)
        places = spans.get
        return text, _marks(_explained(one, tables), named, lambda source: places(source.path))
    explanation = _explained(one, tables)
    if isinstance(one.data, str):
        return one.data, _marks(explanation, named, _span)
    charset = charset_of(one)
    sources = [source for value in explanation.values for source in _sources(value)]
    bounds = sorted({offset for source in sources for offset in _span(source) or ()})
    text, at = "", {}
    for start, end in zip([0, *bounds], [*bounds, len(one.data)], strict=True):
        at[start] = len(text)
        text += one.data[start:end].decode(charset, "replace")
        at[end] = len(text)

    def in_text(source: Source) -> tuple[int, int] | None:
        span = _span(source)
        return (at[span[0]], at[span[1]]) if span else None

    return text, _marks(explanation, named, in_text)


def _explained(one: Given, tables: MappingTable) -> Explanation:
    try:
        return explain(one.opened, tables=tables)
    except DocumentError as error:  # it was read before: what was read then is shown
        return Explanation(one.format, (), (), (), error.issues)


def _sources(value: Explained) -> list[Source]:
    return [source for source in (value.source, value.verbatim_source) if source]


def _span(source: Source) -> tuple[int, int] | None:
    if source.start is None or source.end is None or source.of != DOCUMENT:
        return None
    return source.start, source.end


def _marks(
    explanation: Explanation, named: Named, where: Callable[[Source], tuple[int, int] | None]
) -> list[Mark]:
    marks: list[Mark] = []
    for value in explanation.values:
        ids = named(value, explanation.statements[value.statement])
        for source, kind in ((value.source, "value"), (value.verbatim_source, "exact")):
            span = where(source) if source else None
            if span and ids:
                marks.append((*span, ids, kind))
    return marks


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
