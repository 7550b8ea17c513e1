"""The command line: ``sopstatus`` and ``python -m sopstatus``.

Exit codes: 0 clean, 1 an issue is an error, 2 usage (tables included), 3 the document is unreadable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from sopstatus import __version__, archive_arguments, server_arguments
from sopstatus.issue_forms import FORMS
from sopstatus.model import DocumentError, TableError
from sopstatus.transform import FORMATS

ARTIFACTS = ("docs", "fhir", "hl7", "mirth", "schema")
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
    convert.add_argument(
        "--stamp", action="store_true", help="with --to fhir: say in meta.tag which tables made it"
    )
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
    archive_arguments.add(commands)
    _add_ledger(commands)
    _add_mllp(commands)
    _add_spool(commands)
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
    _add_tables(commands)
    server_arguments.add_serve(commands)
    server_arguments.add_gateway(commands)
    workbench = commands.add_parser(
        "workbench", help="a page on this machine: tables and documents"
    )
    workbench.add_argument("--port", type=int, default=8411, help="0 = any (default: 8411)")
    workbench.add_argument("--mappings", default="", metavar="DIR", help="your own tables")
    workbench.add_argument(
        "--max-body", type=int, default=64 << 20, metavar="N", help="bytes of a request (64 MiB)"
    )
    artifacts = commands.add_parser("artifacts", help="make files for other systems of the tables")
    artifacts.add_argument("folder", metavar="OUT", help="folder to write into")
    artifacts.add_argument(
        "--only",
        action="append",
        choices=ARTIFACTS,
        help="docs: reference pages; fhir: packages; hl7: conformance profiles; mirth: channels;"
        " schema: JSON Schemas for editors (default: all)",
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


def _add_tables(commands: Any) -> None:
    check = commands.add_parser("check", help="find every fault of mapping tables")
    check.add_argument(
        "folder", nargs="?", metavar="DIR", help="your own tables (default: shipped)"
    )
    check.add_argument("--sarif", action="store_true", help="SARIF 2.1.0, for code review")
    new = commands.add_parser("new", help="a table and its case for one more attribute")
    new.add_argument("keyword", metavar="KEYWORD", help="DICOM Keyword, like QualityControlImage")
    new.add_argument("--into", metavar="DIR", help="write both below this folder (default: print)")
    new.add_argument("--mappings", action="append", default=[], metavar="DIR", help="your tables")
    diff = commands.add_parser("diff", help="what a change of tables does, before it ships")
    diff.add_argument("old", metavar="OLD", help="a folder of your tables; - is the shipped ones")
    diff.add_argument("new", metavar="NEW", help="the same after the change")
    diff.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="PATH",
        help="stored documents: a file, a folder, an ER7 batch, NDJSON, a zip",
    )
    diff.add_argument("--to", action="append", choices=FORMATS, help="output to compare")
    diff.add_argument("--json", action="store_true", help="for machines")


def _add_mllp(commands: Any) -> None:
    mllp = commands.add_parser("mllp", help="listen for HL7 v2 messages, and pass them on")
    mllp.add_argument("--port", type=int, required=True, help="0 = any that is free")
    mllp.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1)")
    mllp.add_argument("--forward", metavar="HOST:PORT", help="where messages go; needs --spool")
    mllp.add_argument("--spool", metavar="DIR", help="where messages are kept until delivered")
    mllp.add_argument("--transform", metavar="NAME", help="an entry point, or MODULE:CALLABLE")
    mllp.add_argument(
        "--source",
        metavar="FROM",
        help="what is added: a folder, https://... (DICOMweb), fhir+https://..., a ledger",
    )
    mllp.add_argument("--source-token", metavar="FILE", help="a server's bearer token")
    mllp.add_argument("--holder", default="", metavar="AE", help="who holds the data sets there")
    mllp.add_argument("--respond", action="store_true", help="answer with the message as it became")
    mllp.add_argument("--mappings", action="append", default=[], metavar="DIR", help="your tables")
    tls = mllp.add_argument_group("TLS; needed where --host is not this machine alone")
    tls.add_argument("--tls-cert", metavar="PEM", help="the listener's certificate chain")
    tls.add_argument("--tls-key", metavar="PEM", help="its key (default: in the same file)")
    tls.add_argument("--tls-client-ca", metavar="PEM", help="who may connect: the CA of clients")
    tls.add_argument(
        "--peer-conforms",
        action="store_true",
        help="vouch that who shows such a certificate conforms to the profile (PS3.15 A.1.1)",
    )
    tls.add_argument(
        "--forward-ca", metavar="PEM", help="send over TLS, to who has its certificate"
    )
    tls.add_argument(
        "--forward-cert", metavar="PEM", help="our own certificate chain, with its key"
    )
    bounds = mllp.add_argument_group("bounds; times in seconds")
    bounds.add_argument("--limit", type=int, default=16, metavar="MIB", help="of a message (16)")
    bounds.add_argument("--connections", type=int, default=1000, help="at a time (1000)")
    bounds.add_argument("--block-timeout", type=float, default=60.0, help="for a message (60)")
    bounds.add_argument("--idle-timeout", type=float, default=3600.0, help="between them (3600)")
    bounds.add_argument("--answer-timeout", type=float, default=30.0, help="of --forward (30)")
    bounds.add_argument(
        "--give-up-after", type=int, default=0, metavar="N", help="rejections (AR) of one message"
    )
    bounds.add_argument("--drain-timeout", type=float, default=10.0, help="at the end (10)")
    mllp.add_argument("--only-one", action="store_true", help="at most one answer to a message")
    mllp.add_argument("--log", choices=("json", "text"), default="json", help="events on stderr")
    mllp.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))


def _add_spool(commands: Any) -> None:
    spool = commands.add_parser("spool", help="look after the messages that mllp keeps")
    tasks = spool.add_subparsers(dest="task", required=True, metavar="TASK")
    listed = tasks.add_parser("list", help="messages and their states, without patient data")
    show = tasks.add_parser("show", help="one message: codes, sizes and times")
    replay = tasks.add_parser("replay", help="send a dead letter again, as it is or mended")
    export = tasks.add_parser("export", help="write a message's text into a file: patient data")
    for task in (listed, show, replay, export):
        task.add_argument("folder", metavar="DIR", help="the folder of mllp --spool")
    for task in (show, replay, export):
        task.add_argument("id", type=int, metavar="ID", help="as list prints it")
    listed.add_argument("--state", choices=("queued", "sent", "dead", "replayed"), default="")
    for task in (listed, show):
        task.add_argument("--json", action="store_true", help="for machines")
    replay.add_argument("--with", dest="file", metavar="FILE", help="the mended message")
    replay.add_argument("--to", metavar="HOST:PORT", help="send it there, now (default: queue it)")
    replay.add_argument("--ca", metavar="PEM", help="of --to: over TLS")
    replay.add_argument("--cert", metavar="PEM", help="of --to: our own certificate and key")
    export.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    from sopstatus import commands, extra_commands

    try:
        run = getattr(extra_commands, options.command, None) or getattr(commands, options.command)
        code: int = run(options)
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
