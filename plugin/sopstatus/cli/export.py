"""The command ``sopstatus export``."""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sopstatus import writing
from sopstatus.archive import export
from sopstatus.archive.folder import Folder
from sopstatus.archive.progress import progress
from sopstatus.catalogue import document_error
from sopstatus.cli import shared
from sopstatus.holder import Holder
from sopstatus.model import Issue
from sopstatus.profile.language import NOT_HELD, shown
from sopstatus.table import MappingTable, load_tables
from sopstatus.values import is_uid

if TYPE_CHECKING:
    from sopstatus.ledger import Ledger

Parts = list[Path]

EXAMPLES = (
    "sopstatus export scanned/ --to fhir -o ImagingStudy.ndjson",
    "sopstatus export scanned/ --to ledger -o archive.db --holder PACS",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "folder", metavar="SCANNED", help="Read the Parquet files of the folder that scan -o wrote"
    )
    parser.add_argument(
        "--to",
        required=True,
        choices=("fhir", "hl7", "ledger", "changes"),
        help="Write ImagingStudy NDJSON (fhir), a batch of messages (hl7) or observations into a ledger (ledger), or print what has changed since the ledger was fed (changes)",
    )
    parser.add_argument(
        "-o",
        "--output",
        dest="target",
        metavar="OUT",
        help="Write this file, or with --to ledger into this ledger (default: standard output, for changes "
        "only)",
    )
    parser.add_argument(
        "--ledger", metavar="LEDGER", help="Compare with this ledger (with --to changes)"
    )
    shared.add_holders(parser, "Refuse to store statements about the copies of other holders")
    shared.add_json(parser, "Print changes as JSON lines")
    shared.add_verbosity(parser)
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Write a scan for another system, or tell what has changed since the ledger was fed."""
    if options.only_holder and options.to != "ledger":
        raise shared.Stop("--only-holder needs --to ledger")
    if (options.to == "changes") != bool(options.ledger):
        raise shared.Stop("--to changes needs --ledger, and nothing else has a use for it")
    if options.to != "changes" and not options.target:
        raise shared.Stop(f"--to {options.to} needs -o")
    folder = Folder(options.folder, ".parquet", "SCANNED")
    settings, parts = folder.settings(), [part.file for part in folder.parts()]
    if settings.get("format") != "parquet":
        raise shared.Stop(
            f"{shared.named(options.folder)} has no Parquet files: scan with --format parquet"
        )
    check_whole(options.to, settings.get("since", ""), options.folder)
    if folder.summary() is None:  # half a study is no study
        raise document_error("archive/not-ended", "SCANNED")
    tables = load_tables(*options.mappings)
    if tables.sha256 != settings.get("tables"):
        raise document_error("archive/other-scan", "SCANNED", setting="tables")
    if options.to == "changes":
        given = parts, tables, options.ledger, options.holder
        if not options.target:
            return shared.report(tell_changes(*given, lines=options.json), options)
        with writing.replacing(options.target, at="OUT", mode=writing.PRIVATE) as out:
            text = io.TextIOWrapper(out, "utf-8", write_through=True)
            refused = tell_changes(*given, lines=options.json, out=text)
            text.detach()
        return shared.report(refused, options)
    return write(options.to, options.target, folder, tables, options)


def check_whole(kind: str, since: str, folder: str) -> None:
    """Stop where an import of what is written would lose the instances that have not changed."""
    if kind == "fhir" and since:
        raise shared.Stop(
            f"{shared.named(folder)} has only what is new since another scan, and an ImagingStudy lists a whole study: "
            "scan without --since, or choose --to hl7"
        )


def write(kind: str, target: str, folder: Folder, tables: MappingTable, options: Namespace) -> int:
    """Write a scan that has ended as ``fhir`` or ``hl7`` into a file, or into a ``ledger``."""
    parts = [part.file for part in folder.parts()]
    if kind == "ledger":
        return _ledger(target, parts, tables, folder, options)
    make = export.fhir if kind == "fhir" else export.hl7
    count, issues = make(parts, tables, Path(target))
    print(f"{count} studies")
    return shared.report(issues, options)


def _ledger(
    target: str, parts: Parts, tables: MappingTable, folder: Folder, options: Namespace
) -> int:
    ended = datetime.fromtimestamp((folder.path / "summary.json").stat().st_mtime, UTC)
    keywords = list(tables.attributes)
    whose = {"holder": options.holder, "time": ended.isoformat(), "only": options.only_holder}
    with _opened(target, tables) as ledger:
        done = ledger.observe(
            progress(export.observations(parts, keywords), "instances", quiet=options.quiet),
            **whose,
        )
        done += ledger.claim(export.observations(parts, keywords, claimed=True), **whose)
    print(f"{done.new} new, {done.known} known")
    return shared.report(done.issues, options)


def tell_changes(
    parts: Parts,
    tables: MappingTable,
    database: str,
    holder: str,
    *,
    lines: bool = False,
    out: TextIO | None = None,
) -> list[Issue]:
    """Print what the scan shows otherwise than the ledger does; return what no ledger could hold."""
    count = 0
    refused: list[Issue] = []
    for uid, whose, before, after in _changed(parts, tables, database, holder, refused):
        count += 1
        if lines:
            told = {"sop_instance_uid": uid, "holder": whose, "before": before, "after": after}
            print(json.dumps(told), file=out)
        else:
            print(f"{uid}  {whose:<16}  {before} -> {after}", file=out)
    if not lines:
        print(f"{count} changed", file=out)
    return refused


def _changed(
    parts: Parts, tables: MappingTable, database: str, holder: str, refused: list[Issue]
) -> Iterator[tuple[str, Holder, str, str]]:
    """Yield instance, holder, and the states before and now; ``-`` = not known to be held."""
    with _opened(database, tables, create=False) as ledger:
        for same in export.by_instance(parts, list(tables.attributes)):
            uid = same[0].sop_instance_uid
            if not is_uid(uid):  # no ledger has it, and it may be a name
                continue
            known = {one.holder.key: shown(one.state) for one in ledger.holdings(uid)}
            seen = {}
            for fact in ledger.facts_of(same, holder=holder):
                if isinstance(fact, Issue):
                    refused.append(fact)
                else:
                    seen[fact.holder.key] = fact.holder, fact.state
            for whose, state in sorted(seen.values()):
                before = known.get(whose.key, NOT_HELD)
                if before != state:
                    yield uid, whose, before, state


def _opened(database: str, tables: MappingTable, *, create: bool = True) -> Ledger:
    with shared.needs("a ledger", "ledger", ("sqlalchemy",)):
        from sopstatus.ledger import Ledger

    return Ledger(database, create=create, holders=tables.holders)
