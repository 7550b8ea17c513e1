"""The command ``sopstatus report``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, date, datetime
from pathlib import Path

from sopstatus import writing
from sopstatus.archive.folder import Folder
from sopstatus.archive.rows import column_of
from sopstatus.catalogue import issue
from sopstatus.cli import shared
from sopstatus.model import Issue
from sopstatus.report.figures import TWO_WAYS, Figures, figures
from sopstatus.report.page import page
from sopstatus.table import load_tables

EXAMPLES = (
    "sopstatus report scanned/",
    "sopstatus report scanned/ -o state.html --png state.png",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "folder", metavar="SCANNED", help="Read the Parquet files of the folder that scan -o wrote"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="HTML",
        help="Write the page into this file (default: report.html in SCANNED)",
    )
    parser.add_argument(
        "--png", metavar="PNG", help="Also write a picture of its first screen, drawn by Chromium"
    )
    parser.add_argument("--at", metavar="DATE", help="Count ages up to this day (default: today)")
    parser.add_argument(
        "--paths",
        action="store_true",
        help="Name up to 200 files that could not be read: the page then holds paths, which may hold names",
    )
    shared.add_bounds(parser, {"--studies": (0, 100, "List at most N studies one by one")})
    shared.add_verbosity(parser)
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Write the page of a scan, and its picture."""
    try:
        at = date.fromisoformat(options.at) if options.at else datetime.now(UTC).date()
    except ValueError:
        raise shared.Stop("--at is not a date like 2026-01-31") from None
    folder = Folder(options.folder, ".parquet", "SCANNED")
    settings = folder.settings()
    parts = [part.file for part in folder.parts()]
    if settings.get("format") != "parquet":
        raise shared.Stop(
            f"{shared.named(options.folder)} has no Parquet files: scan with --format parquet"
        )
    if not parts:
        raise shared.Stop(f"{shared.named(options.folder)} has no rows: the scan found no files")
    tables = load_tables(*options.mappings)
    keywords = [one for one in tables.attributes if column_of(one) in settings["columns"]]
    given = {"at": at, "studies": options.studies, "paths": options.paths}
    found = figures(parts, keywords, **given, holders=tables.holders)
    text = page(found, tables, folder.summary(), at=at)
    out = Path(options.output or folder.path / "report.html")
    writing.write(out, text.encode(), at="HTML")
    print(out)
    if options.png:
        from sopstatus.report.picture import picture

        picture(text, Path(options.png))
        print(options.png)
    return shared.report(told(found), options)


def told(found: Figures) -> list[Issue]:
    """Return the issue that documents contradict each other, if they do."""
    twice = sum(one.number for one in found.contradictions if one.code == TWO_WAYS)
    return [issue(TWO_WAYS, "", count=twice)] if twice else []
