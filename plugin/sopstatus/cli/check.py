"""The command ``sopstatus check``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from sopstatus.table import lint, load_tables
from sopstatus.table import report as table_report

EXAMPLES = (
    "sopstatus check site/",
    "sopstatus check site/ --sarif",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="DIR",
        help="Check your own tables in this folder (default: the shipped ones)",
    )
    parser.add_argument(
        "--sarif", action="store_true", help="Print the faults as SARIF 2.1.0, for code review"
    )


def run(options: Namespace) -> int:
    """Print every fault of the tables."""
    folders = [options.folder] if options.folder else []
    faults = lint(*folders)
    if options.sarif:
        print(table_report.sarif(faults))
        return 1 if faults else 0
    for fault in faults:
        print(table_report.told(fault))
    if faults:
        where = dict.fromkeys(fault.file for fault in faults)
        summed = f"{_count(len(faults), 'fault')} in {_count(len(where), 'file')}"
        print(f"{summed}; fix the first, and check again", file=sys.stderr)
        return 1
    tables = load_tables(*folders)
    for group in tables.available:
        state = "on" if group.enabled else "off"
        print(f"{group.name} {group.version} {state}, {len(group.attributes)} attributes")
    on = _count(len(tables.groups), "table")
    print(f"no faults: {on} on with {_count(len(tables.attributes), 'attribute')}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
