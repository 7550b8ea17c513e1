"""What ``sopstatus ledger`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sopstatus import audit_log, content
from sopstatus.audit import AuditRecord
from sopstatus.catalogue import document_error
from sopstatus.commands import report
from sopstatus.files import files
from sopstatus.ledger import Added, Ledger
from sopstatus.ledger.facts import Fact, utc
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.progress import progress
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import transformer

_AUDIT = b'{"record"'
_Content = tuple[Iterable[AuditRecord], tuple[SOPInstance, ...], tuple[Issue, ...]]


def add(options: Namespace) -> int:
    """Take in files; one that is unreadable or whose chain is broken does not stop the others."""
    try:
        time = utc(options.time) if options.time else ""
    except ValueError:
        print("error: --time is no ISO 8601 time with an offset", file=sys.stderr)
        return 2
    tables = load_tables(*options.mappings)
    total, code = Added(), 0
    with Ledger(options.database) as ledger:
        for file in progress(list(files(options.files)), "files"):
            try:
                records, instances, issues = _read(file, tables)
            except DocumentError as error:
                report(error.issues, options)
                code = 3
                continue
            done = ledger.add(progress(records, "records"), holder=options.holder)
            done += ledger.observe(instances, holder=options.holder, time=time)
            code = max(code, report((*issues, *done.issues), options))
            total += done
    print(f"{total.new} new, {total.known} known")
    return code


def _read(file: str, tables: MappingTable) -> _Content:
    try:
        with Path(file).open("rb") as opened:
            start = opened.read(len(_AUDIT))
        if start == _AUDIT:
            faults = audit_log.verify(file)
            # what was tampered with is no evidence of anything
            return (() if faults else audit_log.read(file)), (), faults
        name, document = content.load(Path(file).read_bytes())
    except OSError as error:  # an issue names the argument: a path may hold a patient's name
        reason = error.strerror or type(error).__name__
        raise document_error("document/unreadable", "FILE", reason=reason) from None
    result = transformer(name, name, tables=tables).source.decode(document)
    return (), result.value, result.issues


def show(options: Namespace) -> int:
    """Print who holds an instance, and all that is known of it."""
    with Ledger(options.database, create=False) as ledger:
        held, facts = ledger.holdings(options.uid), ledger.facts(options.uid)
    if options.json:
        told = {"holdings": [asdict(h) for h in held], "facts": [_plain(f) for f in facts]}
        print(json.dumps(told, indent=2))
    elif not facts:
        print("nothing is known of this instance")
    else:
        for holding in held:
            print(f"{holding.holder:<16}  {holding.state:<3}  since {holding.since}")
        print()
        for fact in facts:
            print(_line(fact))
    return 0


def _line(fact: Fact) -> str:
    if fact.kind == "observation":
        until = f", again {fact.seen}" if fact.seen != fact.time else ""
        return f"{fact.time}  {fact.holder:<16}  seen {fact.state}{until}"
    peer = f" (peer {fact.peer})" if fact.peer else ""
    change = f"{fact.before} -> {fact.state}" if fact.before != fact.state else fact.state
    return f"{fact.time}  {fact.holder:<16}  {fact.event} {fact.outcome}: {change}{peer}"


def _plain(fact: Fact) -> dict[str, Any]:
    return {k: v for k, v in asdict(fact).items() if v not in ("", None) and k != "number"}


def check(options: Namespace) -> int:
    """Print what is wrong."""
    count, found = 0, 0
    code = 0
    with Ledger(options.database, create=False) as ledger:
        for _, issues in progress(ledger.check(original_age=options.original_age), "instances"):
            count += 1
            found += len(issues)
            if options.json:
                code = max(code, *map(_exit, issues), 0)
                for issue in issues:
                    print(json.dumps({name: getattr(issue, name) for name in Issue.__slots__}))
            else:
                code = max(code, report(issues, options))
    if not options.json:
        print(f"{count} instances, {found} findings")
    return code


def _exit(issue: Issue) -> int:
    return int(issue.severity in ("fatal", "error"))
