"""The command line: ``sopstatus`` and ``python -m sopstatus``.

Exit codes: 0 clean, 1 an issue is an error, 2 usage (tables included), 3 the document is unreadable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from sopstatus import __version__
from sopstatus.issue_forms import FORMS
from sopstatus.model import DocumentError, TableError
from sopstatus.transform import FORMATS

ARTIFACTS = ("fhir", "mirth")
CLEAN, ERRORS, USAGE, UNREADABLE = range(4)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sopstatus",
        description="Carry DICOM SOP Instance Status between DICOM, HL7 v2 and FHIR.",
        epilog="exit codes: 0 clean, 1 an issue is an error, 2 usage, 3 unreadable document",
    )
    parser.add_argument("--version", action="version", version=f"sopstatus {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    convert = commands.add_parser("convert", help="write a document's statements onto another")
    convert.add_argument("source", metavar="SOURCE", help="a file of any format; - is stdin")
    convert.add_argument("--to", required=True, choices=FORMATS, help="format to write")
    convert.add_argument("--into", metavar="TARGET", help="document to write onto (default: new)")
    convert.add_argument("-o", "--output", metavar="OUT", help="file to write (default: stdout)")
    convert.add_argument("--release", choices=("R4", "R4B", "R5"), help="FHIR release of a new one")
    convert.add_argument(
        "--holder", default="", metavar="AE", help="AE Title of a data set's holder"
    )
    convert.add_argument("--validate", action="store_true", help="run fhir.resources over FHIR")
    convert.add_argument("--strict", action="store_true", help="write nothing if anything is amiss")
    convert.add_argument(
        "--trusted-link",
        action="store_true",
        help="vouch that SOURCE came over a secure transport, from an authenticated system that "
        "conforms to the profile (PS3.15 A.1.1); else a data set gets NS",
    )
    convert.add_argument(
        "--audit", metavar="FILE", help="append what became of each status to this audit file"
    )
    audit = commands.add_parser("audit", help="check or show a file of audit records")
    audit.add_argument("task", choices=("verify", "show"))
    audit.add_argument("file", metavar="FILE", help="a file that --audit has written")
    audit.add_argument("--as", dest="form", choices=("json", "fhir", "dicom"), default="json")
    audit.add_argument("--release", choices=("R4", "R4B", "R5"), default="R4", help="of FHIR")
    audit.add_argument("--last", default="", metavar="HASH", help="hash of the last line")
    _add_ledger(commands)
    show = commands.add_parser("show", help="what a document says, as a table")
    show.add_argument("source", metavar="SOURCE", help="a file of any format; - is stdin")
    show.add_argument("--json", action="store_true", help="for machines")
    explain = commands.add_parser("explain", help="how a document is read, value by value")
    explain.add_argument("source", metavar="DOCUMENT", help="a file of any format; - is stdin")
    explain.add_argument("--into", metavar="TARGET", help="what writing onto this would do")
    explain.add_argument("--json", action="store_true", help="for machines")
    explain.add_argument(
        "--no-values",
        dest="values",
        action="store_false",
        help="hide every value, UID and AE Title: safe to paste into a ticket",
    )
    explain.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="(default: auto)"
    )
    explain.add_argument("--trusted-link", action="store_true", help="as for convert")
    for command in (convert, show):
        command.add_argument(
            "--issues",
            choices=FORMS,
            default="text",
            help="how stderr tells them: lines, JSON, OperationOutcome, answer to an HL7 message",
        )
    for command in (convert, show, explain):
        command.add_argument(
            "--mappings", action="append", default=[], metavar="DIR", help="your own tables"
        )
    check = commands.add_parser("check", help="find every fault of mapping tables")
    check.add_argument(
        "folder", nargs="?", metavar="DIR", help="your own tables (default: shipped)"
    )
    artifacts = commands.add_parser("artifacts", help="make files for other systems of the tables")
    artifacts.add_argument("folder", metavar="OUT", help="folder to write into")
    artifacts.add_argument(
        "--only",
        action="append",
        choices=ARTIFACTS,
        help="fhir: packages; mirth: channels and code templates (default: all)",
    )
    artifacts.add_argument(
        "--mappings", action="append", default=[], metavar="DIR", help="your own tables"
    )
    commands.add_parser("demo", help="carry the shipped samples through every format and back")
    return parser


def _add_ledger(commands: Any) -> None:
    ledger = commands.add_parser("ledger", help="who holds what, and what is wrong with that")
    tasks = ledger.add_subparsers(dest="task", required=True, metavar="TASK")
    database = {"metavar": "DB", "help": "an SQLite file, or a postgresql: URL"}
    add = tasks.add_parser("add", help="take in what documents or audit files say")
    add.add_argument("database", **database)
    add.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a document, a folder of them, or a file of --audit",
    )
    add.add_argument("--holder", default="", metavar="AE", help="whose copies, where not said")
    add.add_argument("--time", default="", help="when documents were seen (default: now)")
    add.add_argument("--mappings", action="append", default=[], metavar="DIR", help="your tables")
    show = tasks.add_parser("show", help="who holds an instance, and its history")
    show.add_argument("database", **database)
    show.add_argument("uid", metavar="UID", help="SOP Instance UID")
    check = tasks.add_parser("check", help="find what is wrong")
    check.add_argument("database", **database)
    check.add_argument(
        "--original-age", type=float, metavar="DAYS", help="report an OR that is older"
    )
    for task in (show, check):
        task.add_argument("--json", action="store_true", help="for machines")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    from sopstatus import commands

    try:
        code: int = getattr(commands, options.command)(options)
        sys.stdout.flush()
    except DocumentError as error:
        commands.refuse(options, error)
        return UNREADABLE
    except TableError as error:
        print(f"error table {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        return CLEAN
    return code


if __name__ == "__main__":
    sys.exit(main())
