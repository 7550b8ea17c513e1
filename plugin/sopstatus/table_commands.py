"""What ``sopstatus check`` and ``new`` do; arguments come parsed, results are exit codes."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from sopstatus import table_report
from sopstatus.catalogue import document_error
from sopstatus.table import lint, load_tables


def check(options: Namespace) -> int:
    """Print every fault of the tables."""
    folders = [options.folder] if options.folder else []
    faults = lint(*folders)
    if options.sarif:
        print(table_report.sarif(faults))
        return 1 if faults else 0
    for fault in faults:
        print(table_report.told(fault))
    if faults:
        print(f"{len(faults)} fault{'' if len(faults) == 1 else 's'}", file=sys.stderr)
        return 1
    for group in load_tables(*folders).available:
        state = "on" if group.enabled else "off"
        print(f"{group.name} {group.version} {state}, {len(group.attributes)} attributes")
    return 0


def new(options: Namespace) -> int:
    """Print a table and its case, or write both below ``--into``; what is there stays."""
    from sopstatus.scaffold import Unfit, scaffold

    own = [options.into] if options.into and any(Path(options.into).glob("*.toml")) else []
    try:
        made = scaffold(options.keyword, load_tables(*options.mappings, *own))
    except Unfit as unfit:
        print(f"error: {unfit}", file=sys.stderr)
        return 2
    if not options.into:
        print(made.table)
        print(f"# --- cases/{made.name}/case.toml ---")
        print(made.case, end="")
        return 0
    folder = Path(options.into)
    texts = {
        folder / f"{made.name}.toml": made.table,
        folder / "cases" / made.name / "case.toml": made.case,
    }
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise document_error("document/unwritable", "DIR", reason=reason) from None
        print(path)
    return 0
