"""The arguments of the commands about archives."""

from __future__ import annotations

from typing import Any


def add(commands: Any) -> None:
    """Add ``scan``, ``report`` and ``export``."""
    _add_scan(commands)
    _add_report(commands)
    _add_export(commands)


def _add_scan(commands: Any) -> None:
    scan = commands.add_parser("scan", help="what all files of an archive say, a row an instance")
    scan.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder, or a DICOMweb URL"
    )
    scan.add_argument("-o", "--output", required=True, metavar="OUT", help="folder to write")
    scan.add_argument("--format", choices=("parquet", "ndjson"), default="parquet")
    scan.add_argument("--resume", action="store_true", help="go on with OUT; read only what is new")
    scan.add_argument("--workers", type=int, metavar="N", help="processes (default: one a CPU)")
    scan.add_argument(
        "--holder", default="", metavar="AE", help="AE Title of the data sets' holder"
    )
    scan.add_argument("--json", action="store_true", help="progress as lines of JSON on stderr")
    scan.add_argument(
        "--to",
        nargs=2,
        action="append",
        default=[],
        metavar=("KIND", "FILE"),
        help="at the end, write it as fhir (NDJSON) or hl7 (a batch) too, or into a ledger",
    )
    scan.add_argument(
        "--against", metavar="LEDGER", help="at the end, tell what has changed since it was fed"
    )
    scan.add_argument(
        "--part-rows", type=int, default=65_536, metavar="N", help="rows of a part file (65536)"
    )
    scan.add_argument("--mappings", action="append", default=[], metavar="DIR", help="your tables")


def _add_report(commands: Any) -> None:
    report = commands.add_parser("report", help="the state of a scanned archive, as a page")
    report.set_defaults(command="archive_report")
    report.add_argument("folder", metavar="OUT", help="the folder of scan -o, with Parquet")
    report.add_argument("-o", "--output", metavar="HTML", help="(default: report.html in OUT)")
    report.add_argument("--png", metavar="PNG", help="a picture of it, by Chromium")
    report.add_argument("--at", metavar="DATE", help="count ages to this day (default: today)")
    report.add_argument(
        "--studies", type=int, default=100, metavar="N", help="studies told one by one (100)"
    )
    report.add_argument("--mappings", action="append", default=[], metavar="DIR", help="as scan")


def _add_export(commands: Any) -> None:
    export = commands.add_parser("export", help="a scanned archive for another system")
    export.add_argument("folder", metavar="SCANNED", help="the folder of scan -o, with Parquet")
    export.add_argument(
        "--to",
        required=True,
        choices=("fhir", "hl7", "ledger", "changes"),
        help="ImagingStudy NDJSON, a batch of messages, observations; changes: since the ledger",
    )
    export.add_argument(
        "-o", "--output", dest="target", required=True, metavar="OUT", help="file, or the ledger"
    )
    export.add_argument("--holder", default="", metavar="AE", help="whose copies, where not said")
    export.add_argument("--json", action="store_true", help="changes for machines")
    export.add_argument("--mappings", action="append", default=[], metavar="DIR", help="as scan")
