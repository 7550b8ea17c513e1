"""Figures as one HTML page that asks for nothing: style and drawings stand in it, and no script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import jinja2

from sopstatus.catalogue import catalogue, fault
from sopstatus.profile import language as profile
from sopstatus.report import charts
from sopstatus.report.figures import ABSENT, EMPTIED, INVALID, STATES, Figures
from sopstatus.table import MappingTable
from sopstatus.table.language import STATUS
from sopstatus.values import is_uid

_AUTHORIZED = (profile.AUTHORIZED_ORIGINAL, profile.AUTHORIZED_COPY)
_SILENT = (profile.NOT_SPECIFIED, ABSENT, EMPTIED, INVALID)


def page(
    figures: Figures, tables: MappingTable, summary: Mapping[str, Any] | None, *, at: date
) -> str:
    """Return the page; ``summary`` is what the scan says of itself, ``None`` = it has not ended."""
    labels = labels_of(tables)
    told = {
        "modalities": charts.by_state(figures.modalities, labels),
        "stations": charts.by_state(figures.stations, labels),
        "years": charts.by_state(figures.years, labels, upright=True),
        "ages": charts.ages(figures.waiting, charts.COLORS[profile.ORIGINAL]),
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sopstatus.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["day"] = _day
    environment.filters["number"] = "{:,}".format
    environment.filters["uid"] = _uid
    environment.filters["s"] = lambda count: "" if count == 1 else "s"
    return environment.get_template("page.html").render(
        figures=figures,
        summary=summary,
        at=at.isoformat(),
        labels=labels,
        colors=charts.COLORS,
        states=STATES,
        charts=told,
        entries=catalogue(),
        fault=fault,
        original=profile.ORIGINAL,
        done=sum(figures.counts.get(state, 0) for state in _AUTHORIZED),
        silent=sum(figures.counts.get(state, 0) for state in _SILENT),
    )


def labels_of(tables: MappingTable) -> dict[str, str]:
    """Return the name of each state, as the table has it."""
    displays = tables.attributes[STATUS].displays
    named = {term: f"{displays.get(term, term)} ({term})" for term in profile.TERMS}
    return {**named, ABSENT: "no status stated", EMPTIED: "status emptied", INVALID: "invalid"}


def _uid(text: str) -> str:
    """Show a UID; what stands in the place of one may be a name."""
    return text if not text or is_uid(text) else "(not a UID)"


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else text
