"""The command ``sopstatus artifacts``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from sopstatus.artifacts.write import KINDS, write
from sopstatus.cli import shared
from sopstatus.table import load_tables

EXAMPLES = (
    "sopstatus artifacts out/",
    "sopstatus artifacts out/ --only mirth --mappings site/",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("folder", metavar="OUT", help="Write into this folder")
    parser.add_argument(
        "--only",
        action="append",
        choices=KINDS,
        help="Write only this kind: docs (reference pages), fhir (packages), hl7 (conformance profiles), "
        "mirth (channels) or schema (JSON Schemas for editors); repeatable (default: all)",
    )
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Write the files that are generated from the tables, and print their names."""
    for path in write(Path(options.folder), load_tables(*options.mappings), options.only or KINDS):
        print(path)
    return 0
