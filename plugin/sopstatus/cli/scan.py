"""The command ``sopstatus scan``."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

from sopstatus.archive.documents import is_url
from sopstatus.archive.folder import Folder
from sopstatus.archive.meter import Meter
from sopstatus.archive.ndjson import NDJSON
from sopstatus.archive.order import roots
from sopstatus.archive.rows import Columns
from sopstatus.archive.run import Format, mend, settings
from sopstatus.archive.run import run as read_all
from sopstatus.cli import shared
from sopstatus.cli.arguments import whole
from sopstatus.table import load_tables

EXPORTS = ("fhir", "hl7", "ledger")

EXAMPLES = (
    "sopstatus scan /archive -o scanned/ --holder PACS",
    "sopstatus scan /archive -o scanned/ --resume",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="Scan this file, folder or DICOMweb URL"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="Write into this folder"
    )
    parser.add_argument(
        "--format",
        choices=("parquet", "ndjson"),
        default="parquet",
        help="Write the rows in this format (default: parquet)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="Continue the scan in OUT, and read only new files"
    )
    parser.add_argument(
        "--workers",
        type=whole(1),
        metavar="N",
        help="Read with N processes (default: one per CPU)",
    )
    parser.add_argument(
        "--since",
        metavar="SCANNED",
        help="Read only files that are new or changed since the scan in this folder",
    )
    shared.add_holders(parser, "Refuse to store statements about the copies of other holders")
    parser.add_argument(
        "--holder-from",
        choices=("data-set",),
        help="Name the holder from the data set: use Retrieve AE Title (0008,0054) and Retrieve Location UID (0040,E011) as the "
        "holder of a data set that has them, and --holder for the others",
    )
    parser.add_argument(
        "--context",
        action="store_true",
        help="Keep what the data sets say of patient, order and study, so that exports name the patient; "
        "the output then holds patient data",
    )
    shared.add_token_file(parser, "--token-file")
    shared.add_json(parser, "Print progress as JSON lines on standard error")
    parser.add_argument(
        "--to",
        nargs=2,
        action="append",
        default=[],
        metavar=("KIND", "FILE"),
        help="At the end, also export it: fhir (NDJSON), hl7 (a batch) or ledger (repeatable)",
    )
    parser.add_argument(
        "--against",
        metavar="LEDGER",
        help="At the end, report what has changed since this ledger was fed",
    )
    parser.add_argument(
        "--strict", action="store_true", help="Exit with 1 if a document has an error"
    )
    shared.add_bounds(parser, {"--part-rows": (1, 65_536, "Write N rows per part file")})
    shared.add_verbosity(parser)
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Write what all files say; an error in one of them is no stop, and exit code 1 with ``--strict``."""
    shared.exists((path for path in options.paths if not is_url(path)), "PATH")
    paths = roots(options.paths)
    if len(roots([options.output, *paths])) <= len(paths):
        raise shared.Stop(f"{shared.named(options.output)} must not be inside what is scanned")
    if unknown := [kind for kind, _ in options.to if kind not in EXPORTS]:
        raise shared.Stop(f"--to {unknown[0]}: choose one of {', '.join(EXPORTS)}")
    if options.only_holder and "ledger" not in dict(options.to):
        raise shared.Stop("--only-holder needs --to ledger")
    _check(options, paths)
    token_file, tables = _token_file(options), load_tables(*options.mappings)
    columns = Columns.of(tables)
    form = _format(options.format, columns)
    folder = Folder(options.output, form.suffix)
    holder, since = options.holder, options.since
    beside = {"from_data_set": bool(options.holder_from), "with_context": options.context}
    told = settings(form, columns.names, paths, tables, holder, since, **beside)
    with folder.opened(told, resume=options.resume), _signals() as caught:
        shared.report(mend(folder), options)
        meter = Meter(
            paths, token_file, lines=options.json, count=not options.since, quiet=options.quiet
        )
        try:
            counts, ended = read_all(
                folder,
                form,
                paths,
                tables=tables,
                holder=options.holder,
                token_file=token_file,
                **beside,
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
        f"{counts.faulty} with an error{'' if ended else '; stopped: continue with --resume'}"
    )
    if not ended:
        return 128 + caught()
    if options.against:
        from sopstatus.cli.export import tell_changes

        parts = [part.file for part in folder.parts()]
        tell_changes(parts, tables, options.against, options.holder)
    exit_codes = [1 if options.strict and counts.faulty else 0]
    for kind, target in options.to:
        from sopstatus.cli.export import write

        exit_codes.append(write(kind, target, folder, tables, options))
    return max(exit_codes)


def _check(options: Namespace, paths: list[str]) -> None:
    """Stop where options do not go together, or a package is missing: after hours it would be late."""
    if any(map(is_url, paths)):
        with shared.needs("scanning a server", "sources", ("dicomweb_client", "requests")):
            import_module("dicomweb_client")
    needs_rows = "--against" if options.against else "--to" if options.to else ""
    if needs_rows and options.format != "parquet":
        raise shared.Stop(f"{needs_rows} needs --format parquet")
    if needs_rows:
        with shared.needs(needs_rows, "report", ("duckdb",)):
            import_module("duckdb")
    if "fhir" in dict(options.to):
        from sopstatus.cli.export import check_whole

        check_whole("fhir", options.since, options.output)
    if options.against or "ledger" in dict(options.to):
        with shared.needs("a ledger", "ledger", ("sqlalchemy",)):
            import_module("sqlalchemy")
    if options.holder_from and any(map(is_url, paths)):
        raise shared.Stop("--holder-from reads files; name the holder of a server with --holder")
    if options.context and any(map(is_url, paths)):
        raise shared.Stop("--context reads files, not servers")


def _token_file(options: Namespace) -> str:
    """Return the file of the token, which holds one now; empty where none is named."""
    if not options.token_file:
        return ""
    with shared.needs("--token-file", "sources", ("dicomweb_client", "requests")):
        from sopstatus.sources.attempts import NoToken, token_in
    try:
        token_in(options.token_file)
    except NoToken as error:
        raise shared.Stop(f"--token-file: {error.reason}") from None
    return str(options.token_file)


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
