"""The command ``sopstatus new``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sopstatus import writing
from sopstatus.cli import shared
from sopstatus.table import load_tables
from sopstatus.table.scaffold import Unfit, enabling, scaffold

EXAMPLES = (
    "sopstatus new QualityControlImage",
    "sopstatus new 'Pixel Spacing' --into site",
    "sopstatus new 300E,0002 --into site --enable",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "keyword",
        metavar="KEYWORD",
        help="Create a table for this attribute: its DICOM Keyword, name or tag, such as QualityControlImage, "
        "'Pixel Spacing' or 0028,0030",
    )
    parser.add_argument(
        "--into",
        metavar="DIR",
        help="Write the table and the case below this folder (default: print them)",
    )
    parser.add_argument(
        "--enable",
        action="store_true",
        help="Switch on the shipped table that has the attribute and is off",
    )
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Print a table and its case, or write both below ``--into``; what is there stays."""
    own = [options.into] if options.into and any(Path(options.into).glob("*.toml")) else []
    try:
        make = enabling if options.enable else scaffold
        made = make(options.keyword, load_tables(*options.mappings, *own))
    except Unfit as unfit:
        raise shared.Stop(str(unfit)) from None
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    if not options.into:
        print(made.table)
        if not made.case:
            return 0
        print(f"# --- cases/{made.name}/case.toml ---")
        print(made.case, end="")
        return 0
    folder = Path(options.into)
    texts = {
        folder / f"{made.name}.toml": made.table,
    }
    if made.case:
        texts[folder / "cases" / made.name / "case.toml"] = made.case
    for path, text in texts.items():
        with writing.told("DIR"):
            path.parent.mkdir(parents=True, exist_ok=True)
        writing.write(path, text.encode(), at="DIR", new=True)
        print(path)
    return 0
