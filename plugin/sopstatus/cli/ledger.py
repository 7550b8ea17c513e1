"""The command ``sopstatus ledger``."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sopstatus.archive.progress import progress
from sopstatus.audit import log as audit_log
from sopstatus.catalogue import issue
from sopstatus.cli import shared
from sopstatus.cli.arguments import seconds
from sopstatus.codecs import DATA_SETS
from sopstatus.documents import content
from sopstatus.documents.files import files
from sopstatus.ledger import Added, Ledger
from sopstatus.ledger.facts import Fact, utc
from sopstatus.model import AuditRecord, DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import transformer

_AUDIT = b'{"record"'
_EXAMPLES = 5
_Content = tuple[Iterable[AuditRecord], tuple[SOPInstance, ...], bool, tuple[Issue, ...]]

EXAMPLES = (
    "sopstatus ledger add archive.db image.dcm audit.jsonl --holder PACS",
    "sopstatus ledger check archive.db",
)


def add(parser: ArgumentParser) -> None:
    """Add the options of its tasks."""
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    added = tasks.add_parser("add", help="Add documents or audit files to the ledger")
    show = tasks.add_parser("show", help="Show who holds an instance, and its history")
    check = tasks.add_parser("check", help="Report contradictions")
    for task, work in ((added, _add), (show, _show), (check, _check)):
        shared.add_verbosity(task)
        task.add_argument(
            "database",
            metavar="DB",
            help="Use the ledger in this SQLite file or at this postgresql: URL",
        )
        task.set_defaults(work=work)
    added.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="Add this document, folder of documents, or file that --audit wrote",
    )
    shared.add_holders(added, "Refuse statements about the copies of other holders")
    added.add_argument(
        "--trusted-link",
        action="store_true",
        help="Assert that all documents came over a secure transport, from authenticated systems that "
        "conform to the profile (PS3.15 A.1.1). Otherwise messages and FHIR resources are stored as "
        "claims, not as evidence",
    )
    added.add_argument(
        "--time",
        default="",
        metavar="TIME",
        help="Say when the documents were seen, as ISO 8601 with an offset (default: now)",
    )
    shared.add_mappings(added)
    show.add_argument("uid", metavar="UID", help="Show the instance with this SOP Instance UID")
    check.add_argument(
        "--original-age",
        type=seconds(0),
        metavar="DAYS",
        help="Report an OR that is older than DAYS days",
    )
    check.add_argument(
        "--all",
        action="store_true",
        help=f"Print every contradiction, as it is found (default: {_EXAMPLES} of each code)",
    )
    for task in (show, check):
        shared.add_json(task)
        shared.add_mappings(task)


def run(options: Namespace) -> int:
    """Feed a ledger of who holds what, show an instance of it, or check it."""
    code: int = options.work(options)
    return code


def _add(options: Namespace) -> int:
    """Take in files; one that is unreadable or whose chain is broken does not stop the others."""
    try:
        time = utc(options.time) if options.time else ""
    except ValueError:
        raise shared.Stop("--time is not an ISO 8601 time with an offset") from None
    tables = load_tables(*options.mappings)
    total, code = Added(), 0
    with Ledger(options.database, holders=tables.holders) as ledger:
        for file in progress(list(files(options.files)), "files", quiet=options.quiet):
            options.source = file
            try:
                is_named = file in options.files
                records, said, is_claim, issues = _read(file, tables, is_named=is_named)
            except DocumentError as error:
                shared.report(error.issues, options)
                code = shared.UNREADABLE
                continue
            whose: dict[str, Any] = {"holder": options.holder, "only": options.only_holder}
            done = ledger.add(progress(records, "records", quiet=options.quiet), **whose)
            take = ledger.claim if is_claim and not options.trusted_link else ledger.observe
            done += take(said, **whose, time=time)
            code = max(code, shared.report((*issues, *done.issues), options))
            total += done
    print(f"{total.new} new, {total.known} known")
    return code


def _read(file: str, tables: MappingTable, *, is_named: bool) -> _Content:
    with shared.reading("FILE"):
        with Path(file).open("rb") as opened:
            start = opened.read(len(_AUDIT))
        if start == _AUDIT and not is_named:  # it could be anybody's
            return (), (), False, (issue("ledger/audit-in-folder", "FILE"),)
        if start == _AUDIT:
            faults = audit_log.verify(file)
            # what was tampered with is no evidence of anything
            broken = any(found.is_error for found in faults)
            return (() if broken else audit_log.read(file)), (), False, faults
        with shared.located("FILE"):
            name, document = content.load(Path(file).read_bytes())
    result = transformer(name, name, tables=tables).source.decode(document)
    return (), result.value, name not in DATA_SETS, result.issues


def _show(options: Namespace) -> int:
    """Print who holds an instance, and all that is known of it."""
    with _opened(options) as ledger:
        held, facts = ledger.holdings(options.uid), ledger.facts(options.uid)
    if options.json:
        told = {"holdings": [asdict(h) for h in held], "facts": [_plain(f) for f in facts]}
        print(json.dumps(told, indent=2))
    elif not facts:
        print("nothing is known about this instance")
    else:
        for holding in held:
            print(f"{holding.holder:<16}  {holding.state:<3}  since {holding.since}")
        print()
        for fact in facts:
            print(_line(fact))
    return 0


def _opened(options: Namespace) -> Ledger:
    """Open a ledger to look into it; the site's tables say whose a bare AE Title is."""
    holders = load_tables(*options.mappings).holders
    return Ledger(options.database, create=False, holders=holders)


def _line(fact: Fact) -> str:
    if fact.kind == "observation":
        until = f", again {fact.seen}" if fact.seen != fact.time else ""
        how = "claimed" if fact.claimed else "seen"
        return f"{fact.time}  {fact.holder:<16}  {how} {fact.state}{until}"
    peer = f" (peer {fact.peer})" if fact.peer else ""
    change = f"{fact.before} -> {fact.state}" if fact.before != fact.state else fact.state
    return f"{fact.time}  {fact.holder:<16}  {fact.event} {fact.outcome}: {change}{peer}"


def _plain(fact: Fact) -> dict[str, Any]:
    return {k: v for k, v in asdict(fact).items() if v not in ("", None) and k != "number"}


def _check(options: Namespace) -> int:
    """Print what is wrong: how much of each code, and examples."""
    count, code = 0, 0
    found: dict[tuple[str, str], list[Issue]] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    with _opened(options) as ledger:
        for _, issues in progress(
            ledger.check(original_age=options.original_age), "instances", quiet=options.quiet
        ):
            count += 1
            code = max(code, shared.exit_code(issues))
            for one in issues:
                kind = one.severity, one.code
                numbers[kind] += 1
                if options.json:
                    print(json.dumps({name: getattr(one, name) for name in Issue.__slots__}))
                elif options.all:
                    shared.report((one,), options)
                elif numbers[kind] <= _EXAMPLES:
                    found.setdefault(kind, []).append(one)
        claims = ledger.claims()
    if options.json:
        return code
    for kind, number in sorted(numbers.items(), key=lambda one: (one[0][0] != "error", -one[1])):
        print(f"{number:>7}  {' '.join(kind)}", flush=True)
        shared.report(found.get(kind, ()), options)
    besides = f", {claims} claims that are not evidence" if claims else ""
    print(f"{count} instances, {numbers.total()} findings{besides}")
    return code
