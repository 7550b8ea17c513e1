"""What ``sopstatus export`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sopstatus.archive import export
from sopstatus.archive.folder import Folder
from sopstatus.catalogue import document_error
from sopstatus.commands import report as tell
from sopstatus.profile import status_of
from sopstatus.progress import progress
from sopstatus.table import MappingTable, load_tables

Parts = list[Path]


def run(options: Namespace) -> int:
    """Write a scan for another system, or tell what has changed since the ledger was fed."""
    folder = Folder(options.folder, ".parquet")
    settings, parts = folder.settings(), [part.file for part in folder.parts()]
    if settings.get("format") != "parquet" or not parts:
        print("error: an export is made of a scan's Parquet, and there is none", file=sys.stderr)
        return 2
    if folder.summary() is None:  # half a study is no study
        raise document_error("archive/not-ended", "OUT")
    tables = load_tables(*options.mappings)
    if tables.sha256 != settings.get("tables"):
        raise document_error("archive/other-scan", "OUT", setting="tables")
    if options.to == "changes":
        tell_changes(parts, tables, options.target, options.holder, lines=options.json)
        return 0
    return write(options.to, options.target, folder, tables, options)


def write(kind: str, target: str, folder: Folder, tables: MappingTable, options: Namespace) -> int:
    """Write a scan that has ended as ``fhir`` or ``hl7`` into a file, or into a ``ledger``."""
    parts = [part.file for part in folder.parts()]
    if kind == "ledger":
        return _ledger(target, parts, tables, folder, options)
    make = export.fhir if kind == "fhir" else export.hl7
    count, issues = make(parts, tables, Path(target))
    print(f"{count} studies")
    return tell(issues, options)


def _ledger(
    target: str, parts: Parts, tables: MappingTable, folder: Folder, options: Namespace
) -> int:
    from sopstatus.ledger import Ledger

    ended = datetime.fromtimestamp((folder.path / "summary.json").stat().st_mtime, UTC)
    found = export.observations(parts, list(tables.attributes))
    with Ledger(target) as ledger:
        done = ledger.observe(
            progress(found, "instances"), holder=options.holder, time=ended.isoformat()
        )
    print(f"{done.new} new, {done.known} known")
    return tell(done.issues, options)


def tell_changes(
    parts: Parts, tables: MappingTable, database: str, holder: str, *, lines: bool = False
) -> None:
    """Print what the scan shows otherwise than the ledger does."""
    count = 0
    for uid, whose, before, after in _changed(parts, tables, database, holder):
        count += 1
        if lines:
            told = {"sop_instance_uid": uid, "holder": whose, "before": before, "after": after}
            print(json.dumps(told))
        else:
            print(f"{uid}  {whose:<16}  {before} -> {after}")
    if not lines:
        print(f"{count} changed")


def _changed(
    parts: Parts, tables: MappingTable, database: str, holder: str
) -> Iterator[tuple[str, str, str, str]]:
    """Yield instance, holder, and the states before and now; ``-`` = not known to be held."""
    from sopstatus.ledger import Ledger

    with Ledger(database, create=False) as ledger:
        for same in export.by_instance(parts, list(tables.attributes)):
            uid = same[0].sop_instance_uid
            known = {held.holder: held.state.rstrip("?>") for held in ledger.holdings(uid)}
            seen = {one.holder or holder: status_of(one) for one in same}
            for whose, state in sorted(seen.items()):
                if known.get(whose, "-") != state:
                    yield uid, whose, known.get(whose, "-"), state
