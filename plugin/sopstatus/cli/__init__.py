"""The command line: ``sopstatus`` and ``python -m sopstatus``.

A command is the file of its name: ``add`` gives a parser its options, ``run`` does the work and
returns an exit code, ``EXAMPLES`` are two command lines for its help. Only the file of the chosen
command is loaded, so it imports at its head what it needs. `shared` is what several commands use,
`servers` what those that listen do, `arguments` how they are parsed.

Exit codes: 0 success, 1 an issue is an error, 2 wrong usage, a fault in a table or a missing extra,
3 a document cannot be read or written, 4 cannot listen, 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from sopstatus import __version__
from sopstatus.catalogue import document_error, reason_of
from sopstatus.cli import shared
from sopstatus.cli.arguments import Parser, Stop, check_settled, did_you_mean, misspelt, settle
from sopstatus.codecs.shared.library import quiet
from sopstatus.model import DocumentError, TableError


class Command(NamedTuple):
    """What is known of a command before its file is loaded.

    ``packages`` are what its ``extra`` installs, by the names that they are imported by.
    """

    group: str
    help: str
    extra: str = ""
    packages: tuple[str, ...] = ()


_HTTP = (
    *("httptools", "prometheus_client", "python_multipart", "starlette", "structlog"),
    *("uvicorn", "watchfiles"),
)
_REPORT = ("duckdb", "jinja2", "pygal")
COMMANDS = {
    "demo": Command("look", "Tell the story of one image's status, and prove it on all samples"),
    "samples": Command("look", "Write the shipped samples into a folder"),
    "show": Command("look", "Show what documents say, the status first"),
    "explain": Command("look", "Explain how a document is read, value by value"),
    "issue": Command("look", "Explain the code of an issue: cause, remedy and a sample"),
    "bundle": Command("look", "Collect what a ticket needs, without patient data"),
    "convert": Command("convert", "Write what documents say onto other documents, or new ones"),
    "mllp": Command("serve", "Listen for HL7 v2 messages over MLLP", "log", ("structlog",)),
    "spool": Command("serve", "List, show and replay what mllp keeps", "log", ("structlog",)),
    "send": Command("serve", "Send HL7 v2 messages over MLLP", "log", ("structlog",)),
    "serve": Command("serve", "Serve the transformers over HTTP", "http", _HTTP),
    "gateway": Command("serve", "Run before a FHIR server", "gateway", (*_HTTP, "httpx")),
    "scan": Command("archive", "Scan all files, one row per instance", "archive", ("pyarrow",)),
    "report": Command("archive", "Write a page about a scanned archive", "report", _REPORT),
    "export": Command("archive", "Export a scan for another system", "report", ("duckdb",)),
    "ledger": Command("archive", "Record who holds which copy", "ledger", ("sqlalchemy",)),
    "check": Command("tables", "Check mapping tables and report every fault"),
    "new": Command("tables", "Create a mapping table and its test case"),
    "diff": Command("tables", "Show what a change of mapping tables does"),
    "workbench": Command("tables", "Open a page to try tables on documents", "http", _HTTP),
    "artifacts": Command(
        "tables", "Generate files for other systems from the tables", "docs", ("hl7apy", "jinja2")
    ),
    "audit": Command("audit", "Verify or show a file of audit records"),
    "completion": Command("shell", "Print what completes commands and options in a shell"),
}
"""Every command by its name, which is also its file's."""
_SERVICES = ("mllp", "serve", "gateway")
GROUPS = {
    "look": "Look",
    "convert": "Convert",
    "serve": "Serve",
    "archive": "Archive",
    "tables": "Mapping tables",
    "audit": "Audit",
    "shell": "Shell",
}
_END = """\
sopstatus COMMAND --help shows the options of a command and two examples.
Exit codes: 0 success, 1 an issue is an error, 2 wrong usage or a missing extra,
3 a document cannot be read or written, 4 cannot listen, 130 interrupted."""


def overview() -> str:
    """Return all commands, in their groups."""
    lines = ["Carry DICOM SOP Instance Status between DICOM, HL7 v2 and FHIR.", ""]
    lines += ["Usage: sopstatus COMMAND ...", ""]
    for group, title in GROUPS.items():
        lines.append(title)
        mine = ((name, one.help) for name, one in COMMANDS.items() if one.group == group)
        lines += [f"  {name:<12}{text}" for name, text in mine]
    return "\n".join([*lines, "", _END, ""])


def parser(name: str) -> Parser:
    """Return the parser of a command."""
    module = _module(name)
    examples = "".join(f"  {line}\n" for line in module.EXAMPLES)
    made = Parser(
        f"sopstatus {name}",
        description=f"{COMMANDS[name].help}.",
        epilog=f"Examples:\n{examples}",
    )
    module.add(made)
    return made


def _module(name: str) -> Any:
    return import_module(f"sopstatus.cli.{name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    quiet()
    given = list(sys.argv[1:] if arguments is None else arguments)
    shared.open_streams(written={*given[:1]} <= {*_SERVICES, "workbench"})
    options = Namespace()
    shared.codes.clear()
    try:
        name, given = _chosen(given)
        if not name:
            sys.stdout.flush()
            return shared.CLEAN
        _, _, extra, packages = COMMANDS[name]
        with shared.needs(name, extra, packages):
            if name in _SERVICES:
                _ignore_hangup()
            whole = parser(name)
            settle(whole, name, COMMANDS)
            options = whole.parse_args(given)
            check_settled(whole, options)
            options.places = whole.places()
            if getattr(options, "issues", "text") == "text" and not getattr(options, "quiet", 0):
                for line in misspelt():
                    print(f"warning: {line}", file=sys.stderr)
            code: int = _module(name).run(options)
        sys.stdout.flush()
    except Stop as stop:
        print(f"error: {stop}", file=sys.stderr)
        return stop.code
    except DocumentError as error:
        shared.refuse(options, error)
        return shared.ERRORS if error.records else shared.UNREADABLE  # refused, or not to be read
    except TableError as error:
        print(f"error table {error}", file=sys.stderr)
        return shared.USAGE
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        return shared.CLEAN
    except OSError as error:
        if not shared.is_output_lost():
            raise
        options.several = False
        where = "standard output"
        shared.refuse(
            options, document_error("document/unwritable", where, reason=reason_of(error))
        )
        return shared.UNREADABLE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return shared.INTERRUPTED
    finally:
        if shared.codes and not sys.stderr.closed and sys.stderr.isatty():
            print(f"sopstatus issue {shared.codes[0]} explains this issue", file=sys.stderr)
    return code


def _chosen(given: list[str]) -> tuple[str, list[str]]:
    """Return the command and its arguments; no command where all that was asked for is printed."""
    name, *others = given or ["help"]
    if name in ("help", "-h", "--help"):
        if others:
            return _chosen([others[0], "--help"])
        print(overview(), end="")
        return "", []
    if name == "--version":
        print(f"sopstatus {__version__}")
        return "", []
    if name not in COMMANDS:
        from pathlib import Path

        what = "option" if name.startswith("-") else "command"
        told = did_you_mean(name, (*COMMANDS, "help", "--version", "--help"))
        if not told and Path(name).exists():
            told = f": sopstatus show {name} shows what a file says"
        raise Stop(f"there is no {what} {name}{told}; see sopstatus help")
    return name, others


def _ignore_hangup() -> None:
    """Let SIGHUP end no service that is starting: what it asks for, reading files, is being done."""
    import signal

    if hasattr(signal, "SIGHUP"):
        with suppress(ValueError):  # in another thread than the first
            signal.signal(signal.SIGHUP, lambda *_: None)
