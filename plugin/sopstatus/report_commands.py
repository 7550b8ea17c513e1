"""What ``sopstatus report`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import UTC, date, datetime
from pathlib import Path

from sopstatus.archive.folder import Folder
from sopstatus.catalogue import document_error, issue
from sopstatus.commands import report as tell
from sopstatus.model import Issue
from sopstatus.report.figures import TWO_WAYS, Figures, figures
from sopstatus.report.page import page
from sopstatus.table import load_tables


def report(options: Namespace) -> int:
    """Write the page of a scan, and its picture."""
    try:
        at = date.fromisoformat(options.at) if options.at else datetime.now(UTC).date()
    except ValueError:
        print("error: --at is no date like 2026-01-31", file=sys.stderr)
        return 2
    folder = Folder(options.folder, ".parquet")
    settings = folder.settings()
    parts = [part.file for part in folder.parts()]
    if settings.get("format") != "parquet" or not parts:
        print("error: a report is made of a scan's Parquet, and there is none", file=sys.stderr)
        return 2
    tables = load_tables(*options.mappings)
    keywords = [name for name in settings["columns"] if name in tables.attributes]
    found = figures(parts, keywords, at=at, studies=options.studies)
    text = page(found, tables, folder.summary(), at=at)
    out = Path(options.output or folder.path / "report.html")
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "OUT", reason=reason) from None
    print(out)
    if options.png:
        from sopstatus.report.picture import picture

        picture(text, Path(options.png))
        print(options.png)
    return tell(told(found), options)


def told(found: Figures) -> list[Issue]:
    """Return what is worth a line beside the page: that documents contradict each other."""
    twice = sum(one.number for one in found.contradictions if one.code == TWO_WAYS)
    return [issue(TWO_WAYS, "", count=twice)] if twice else []
