"""Structured log events with structlog: one an issue, one a transformation (extra ``log``).

Events hold codes, severities, locations, terms, counts and times; never patient data, free text or
UIDs. What a caller adds is let through only where it is a number or one short word.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import structlog

from sopstatus.model import ERROR, FATAL, WARNING, DocumentError, Issue, Result, SOPInstance
from sopstatus.table import MappingTable, load_tables

LEVELS = ("debug", "info", "warning", "error", "critical")
_LEVEL = {FATAL: "critical", ERROR: "error", WARNING: "warning"}
_WORD = re.compile(r"[A-Za-z0-9_./:+-]{1,64}")


def configure(*, json: bool, level: str) -> None:
    """Send events of this level and above to standard error, as JSON lines or for people.

    This is the application's own choice: nothing in this package calls it.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is not one of {', '.join(LEVELS)}")
    printer: Any = structlog.processors.JSONRenderer(sort_keys=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            printer if json else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is then
        cache_logger_on_first_use=False,
    )


def report(
    found: Result[Any] | DocumentError | Iterable[Issue],
    *,
    statements: Iterable[SOPInstance] | None = None,
    tables: MappingTable | None = None,
    **context: object,
) -> None:
    """Write one event an issue and, for a `Result`, one about the transformation.

    ``context`` goes into every event: ``source="hl7", target="fhir", seconds=0.003``, a channel's
    name. ``statements`` are what was carried (default: those of a result of ``decode``); they are
    counted by term. ``tables`` are the tables used (default: the shipped ones).
    """
    logger = structlog.get_logger("sopstatus").bind(**{k: _safe(v) for k, v in context.items()})
    issues = found.issues if isinstance(found, Result | DocumentError) else tuple(found)
    for issue in issues:
        getattr(logger, _LEVEL.get(issue.severity, "info"))(
            issue.code,
            severity=issue.severity,
            location=issue.location,
            diagnostics=issue.diagnostics,
        )
    if not isinstance(found, Result):
        return
    tables = tables or load_tables()
    logger.info(
        "transformation",
        **_counts(_statements(found) if statements is None else tuple(statements), tables),
        issues=dict(Counter(issue.severity for issue in issues)),
        tables={group.name: group.version for group in tables.groups},
        sha256=tables.sha256,
    )


def tables_loaded(tables: MappingTable) -> None:
    """Say which tables are in use from now on."""
    versions = {group.name: group.version for group in tables.groups}
    logger = structlog.get_logger("sopstatus")
    logger.info("tables-loaded", tables=versions, sha256=tables.sha256)


def tables_refused(fault: str) -> None:
    """Say that changed tables are broken, where, and that the old ones stay in use."""
    structlog.get_logger("sopstatus").error("tables-refused", fault=fault)


def event(name: str, level: str = "info", **context: object) -> None:
    """Write one event of a service: a connection, a start, a retry; numbers and short words only."""
    logger = structlog.get_logger("sopstatus")
    getattr(logger, level)(name, **{key: _safe(value) for key, value in context.items()})


def _statements(found: Result[Any]) -> tuple[SOPInstance, ...] | None:
    value = found.value
    if isinstance(value, tuple) and all(isinstance(item, SOPInstance) for item in value):
        return value
    return None


def _counts(statements: tuple[SOPInstance, ...] | None, tables: MappingTable) -> dict[str, Any]:
    """Count statements, and the terms in them; a text that is no term counts as "other"."""
    if statements is None:
        return {}
    terms: dict[str, Counter[str]] = {}
    for statement in statements:
        for keyword, value in statement.attributes:
            row = tables.attributes.get(keyword)
            if row and row.displays:
                known = "emptied" if value is None else value if value in row.displays else "other"
                terms.setdefault(keyword, Counter())[known] += 1
    counted = {keyword: dict(sorted(counts.items())) for keyword, counts in terms.items()}
    return {"statements": len(statements), "terms": counted}


def _safe(value: object) -> object:
    """Let through what cannot hold a name, a message or an address of a person."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "(left out)"
