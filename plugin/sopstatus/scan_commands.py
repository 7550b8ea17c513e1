"""What ``sopstatus scan`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType

from sopstatus.archive.folder import Folder
from sopstatus.archive.meter import Meter
from sopstatus.archive.ndjson import NDJSON
from sopstatus.archive.order import roots
from sopstatus.archive.rows import Columns
from sopstatus.archive.run import Format, mend, run, settings
from sopstatus.commands import report
from sopstatus.table import load_tables

EXPORTS = ("fhir", "hl7", "ledger")


def scan(options: Namespace) -> int:
    """Write what all files say; an error in one of them makes the exit code 1, and no stop."""
    if options.part_rows < 1 or (options.workers is not None and options.workers < 1):
        print("error: --workers and --part-rows are at least 1", file=sys.stderr)
        return 2
    paths = roots(options.paths)
    if len(roots([options.output, *paths])) <= len(paths):
        print("error: OUT is, or lies below, what is to be read", file=sys.stderr)
        return 2
    if unknown := [kind for kind, _ in options.to if kind not in EXPORTS]:
        print(f"error: --to {unknown[0]}: choose one of {', '.join(EXPORTS)}", file=sys.stderr)
        return 2
    needs_rows = "--against" if options.against else "--to" if options.to else ""
    if needs_rows and (options.format != "parquet" or find_spec("duckdb") is None):
        print(f"error: {needs_rows} needs Parquet, and the extra report", file=sys.stderr)
        return 2
    tables = load_tables(*options.mappings)
    columns = Columns.of(tables)
    form = _format(options.format, columns)
    folder = Folder(options.output, form.suffix)
    told = settings(form, columns.names, paths, tables, options.holder)
    with folder.opened(told, resume=options.resume), _signals() as caught:
        report(mend(folder), options)
        meter = Meter(paths, lines=options.json)
        try:
            counts, ended = run(
                folder,
                form,
                paths,
                tables=tables,
                holder=options.holder,
                workers=options.workers,
                rows=options.part_rows,
                told=meter,
                stopped=lambda: caught() != 0,
            )
            meter.show(counts)
        finally:
            meter.close()
        if ended:
            folder.finish(counts._asdict())
    print(
        f"{counts.files} files, {counts.rows} rows, {counts.unreadable} unreadable, "
        f"{counts.faulty} with an error{'' if ended else '; stopped: --resume goes on'}"
    )
    if not ended:
        return 128 + caught()
    if options.against:
        from sopstatus.export_commands import tell_changes

        parts = [part.file for part in folder.parts()]
        tell_changes(parts, tables, options.against, options.holder)
    exit_codes = [1 if counts.faulty else 0]
    for kind, target in options.to:
        from sopstatus.export_commands import write

        exit_codes.append(write(kind, target, folder, tables, options))
    return max(exit_codes)


def _format(name: str, columns: Columns) -> Format:
    if name == "ndjson":
        return NDJSON(columns)
    from sopstatus.archive.parquet import Parquet

    return Parquet(columns)


@contextmanager
def _signals() -> Iterator[Callable[[], int]]:
    """Catch the first SIGINT or SIGTERM, and tell its number; the next one ends at once."""
    numbers: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def caught(number: int, _frame: FrameType | None) -> None:
        numbers.append(number)
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in before:
        signal.signal(number, caught)
    try:
        yield lambda: numbers[0] if numbers else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
