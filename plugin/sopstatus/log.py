"""Structured log events with structlog: one per issue, one per transformation (extra ``log``).

Events hold codes, severities, locations, terms, counts and times; never patient data, free text or
UIDs. What a caller adds is let through only where it is a number or one short word.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from errno import errorcode
from json import JSONEncoder
from pathlib import Path
from typing import Any

import structlog

from sopstatus.model import ERROR, FATAL, WARNING, DocumentError, Issue, Result, SOPInstance
from sopstatus.table import MappingTable, load_tables

LEVELS = ("debug", "info", "warning", "error", "critical")
_LEVEL = {FATAL: "critical", ERROR: "error", WARNING: "warning"}
_HERE = Path(__file__).parent
_WORD = re.compile(r"[A-Za-z0-9_./:+-]{1,64}")
_LOGGER: Any = structlog.get_logger("sopstatus")
_NOT_WRITTEN: Any = structlog.make_filtering_bound_logger(logging.CRITICAL).debug
"""What structlog does with an event below the level."""
_PRINTED = JSONEncoder(default=repr).encode
_ABOUT: ContextVar[dict[str, object]] = ContextVar("about", default={})  # noqa: B039 - never changed


def configure(*, json: bool, level: str) -> None:
    """Send events of this level and above to standard error, as JSON lines or for people.

    This is the application's own choice: nothing in this package calls it.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is not one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            (lambda *said: _PRINTED(said[2]))
            if json
            else structlog.dev.ConsoleRenderer(colors=False),
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
    at_most: str = "critical",
    **context: object,
) -> None:
    """Write one event an issue and, for a `Result`, one about the transformation.

    ``context`` goes into every event: ``source="hl7", target="fhir", seconds=0.003``, a channel's
    name. ``statements`` are what was carried (default: those of a result of ``decode``); they are
    counted by term. ``tables`` are the tables used (default: the shipped ones). ``at_most`` bounds
    the level: what is wrong with a sender's document is no error of the service.
    """
    most = LEVELS.index(at_most)
    issues = found.issues if isinstance(found, Result | DocumentError) else tuple(found)
    for issue in issues:
        level = _LEVEL.get(issue.severity, "info")
        _write(
            issue.code,
            LEVELS[min(LEVELS.index(level), most)],
            context,
            severity=issue.severity,
            location=issue.location,
            diagnostics=issue.diagnostics,
        )
    if not isinstance(found, Result):
        return
    tables = tables or load_tables()
    _write(
        "transformation",
        "info",
        context,
        **_counts(_statements(found) if statements is None else tuple(statements), tables),
        issues=dict(Counter(issue.severity for issue in issues)),
        tables={group.name: group.version for group in tables.groups},
        sha256=tables.sha256,
    )


def tables_loaded(tables: MappingTable) -> None:
    """Say which tables are in use from now on."""
    versions = {group.name: group.version for group in tables.groups}
    _write("tables-loaded", "info", {}, tables=versions, sha256=tables.sha256)


def tables_refused(fault: str) -> None:
    """Say that changed tables are broken, where, and that the old ones stay in use."""
    _write("tables-refused", "error", {}, fault=fault)


def not_reloaded(what: str, fault: Exception) -> None:
    """Say which changed files could not be used, and why; the text of `Unsafe` is ours."""
    reason = getattr(fault, "reason", None) or type(fault).__name__
    if reason == "OSError" and isinstance(fault, OSError):
        reason = errorcode.get(fault.errno or 0, reason)
    more = {"fault": str(fault)} if reason == "Unsafe" else {}
    _write("not-reloaded", "error", {"what": what, "reason": reason}, **more)


def event(name: str, level: str = "info", **context: object) -> None:
    """Write one event of a service: a connection, a start, a retry; numbers and short words only."""
    _write(name, level, context)


class about:  # noqa: N801 - called as a function
    """Add this to every event of the block: which message, which request."""

    __slots__ = ("_context", "_token")

    def __init__(self, **context: object) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token = _ABOUT.set(_ABOUT.get() | self._context)

    def __exit__(self, *_: object) -> None:
        _ABOUT.reset(self._token)


def failure(error: BaseException, route: str, **context: object) -> None:
    """Log a fault in code, ours or a site's: its class and the lines that led to it, never its words."""
    lines = _lines_of(error)
    told: dict[str, Any] = {"error": type(error).__name__, "line": lines[-1], "frames": lines}
    _write("failed", "error", context, route=route, **told)


def line_of(error: BaseException) -> str:
    """Return where an error was raised: ``codecs/dicom/reader.py:123``, of others' code the name alone."""
    return _lines_of(error)[-1]


def _lines_of(error: BaseException) -> list[str]:
    """Return where an error came through, the line that raised it last."""
    places = [(Path(f.f_code.co_filename), n) for f, n in traceback.walk_tb(error.__traceback__)]
    return [
        f"{file.relative_to(_HERE).as_posix() if file.is_relative_to(_HERE) else file.name}:{line}"
        for file, line in places
    ]


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


def _write(event: str, level: str, context: dict[str, object], /, **ours: Any) -> None:
    """Write an event, if its level is written: what a caller adds let through, and what is ours."""
    if getattr(structlog.get_config()["wrapper_class"], level, None) is not _NOT_WRITTEN:
        known = {key: _safe(value) for key, value in (_ABOUT.get() | context).items()}
        getattr(_LOGGER, level)(event, **known | ours)


def is_word(text: str) -> bool:
    """Tell whether a text is short and plain enough to stand in an event."""
    return bool(_WORD.fullmatch(text))


def _safe(value: object) -> object:
    """Let through what cannot hold a name, a message or an address of a person."""
    if isinstance(value, str):
        return value if is_word(value) else "(left out)"
    return value if value is None or isinstance(value, int | float) else "(left out)"
