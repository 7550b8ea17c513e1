"""The command ``sopstatus show``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sopstatus.cli import shared
from sopstatus.documents.files import files
from sopstatus.model import DocumentError, SOPInstance
from sopstatus.outcome import plain
from sopstatus.profile import STATUS
from sopstatus.table import MappingTable
from sopstatus.transform import transformer

EXAMPLES = (
    "sopstatus show image.dcm",
    "sopstatus show images/ message.hl7 --brief",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    shared.add_sources(parser)
    parser.add_argument(
        "--brief", action="store_true", help="Print one line per statement: status, UID, holder"
    )
    shared.add_json(parser)
    shared.add_issues(parser)
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Print what documents say; one that cannot be read does not stop the others."""
    if options.brief and options.json:
        raise shared.Stop("--brief has no meaning with --json")
    tables = shared.tables_of(options)
    folders = [name for name in options.sources if Path(name).is_dir()]
    if len(options.sources) == 1 and not folders:
        (options.source,) = options.sources
        return _one(options, tables)
    if options.issues == "ack":
        raise shared.Stop("--issues ack answers one message: name one file")
    worst, options.several = 0, True
    for source in files(options.sources):
        options.source = source
        try:
            if not (options.brief or options.json):
                print(f"{shared.named(options.source)}:")
            worst = max(worst, _one(options, tables, several=True))
        except DocumentError as error:
            shared.refuse(options, error)
            worst = shared.UNREADABLE
    return worst


def _one(options: Namespace, tables: MappingTable, *, several: bool = False) -> int:
    name, document = shared.read_source(options)
    result = transformer(name, name, tables=tables).source.decode(document)
    if options.json:
        records = [_record(x) for x in result.value]
        told = {"format": name, "statements": records, "issues": plain(result.issues)}
        if several:
            print(json.dumps({"file": options.source, **told}))
        else:
            print(json.dumps(told, indent=2))
    elif options.brief:
        for line in _brief(result.value, shared.named(options.source)):
            print(line)
    else:
        shared.print_text(_table(result.value, name, tables))
    sys.stdout.flush()  # before the issues
    return shared.report(result.issues, options)


def _record(instance: SOPInstance) -> dict[str, Any]:
    """Return a statement as JSON; ``null`` is a value that was stated and emptied."""
    uids = {name: getattr(instance, name) for name in SOPInstance.__slots__[:-1]}
    return {**uids, "attributes": dict(instance.attributes)}


def _brief(statements: Iterable[SOPInstance], file: str) -> Iterator[str]:
    """Yield a line per statement: the status, whose it is, and the file; ``-`` = not said."""
    for one in statements or (SOPInstance(),):
        status = dict(one.attributes).get(STATUS, "-")
        uid = one.sop_instance_uid or one.series_instance_uid or one.study_instance_uid or "-"
        shown = "(empty)" if status is None else _printable(status)
        yield f"{shown:<7}  {uid}  {one.holder or '-'}  {file}"


def _table(statements: Iterable[SOPInstance], name: str, tables: MappingTable) -> str:
    """Return statements as lines of name and value, the status first, with what a term means."""
    lines = []
    order = {keyword: number for number, keyword in enumerate(tables.attributes)}
    for instance in statements:
        rows = []
        for keyword, value in sorted(instance.attributes, key=lambda one: order[one[0]]):
            display = tables.attributes[keyword].displays.get(value or "", "")
            text = "(emptied)" if value is None else _printable(value)
            rows.append((keyword, f"{text}  {display}".rstrip()))
        uids = (
            ("Study Instance UID", instance.study_instance_uid),
            ("Series Instance UID", instance.series_instance_uid or "(the whole study)"),
            ("SOP Instance UID", instance.sop_instance_uid or "(the whole series)"),
            ("Holder", str(instance.holder or "(not said)")),
        )
        rows += list(uids if instance.series_instance_uid else (*uids[:2], uids[3]))
        width = max(len(label) for label, _ in rows)
        lines += [f"{label:<{width}}  {text}" for label, text in rows] + [""]
    return "\n".join(lines) if lines else f"this {name} document states no status\n"


def _printable(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
