"""What several commands use: their options, reading and writing, issues, exit codes.

Nothing here is slow to load: every command loads it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from sopstatus import writing
from sopstatus.catalogue import catalogue, document_error, refusals
from sopstatus.cli import arguments
from sopstatus.cli.arguments import Folders, seconds, whole
from sopstatus.documents import content
from sopstatus.model import ERROR, WARNING, DocumentError, Issue
from sopstatus.outcome import operation_outcome, plain
from sopstatus.table import MappingTable, load_tables

if TYPE_CHECKING:
    from sopstatus.codecs import Format


CLEAN, ERRORS, USAGE, UNREADABLE, CANNOT_LISTEN = range(5)
"""Exit codes; `INTERRUPTED` is the shell's."""
INTERRUPTED = 130
Stop = arguments.Stop


@contextmanager
def needs(what: str, extra: str, packages: Collection[str]) -> Iterator[None]:
    """Raise `Stop` where one of these packages is not installed; any other fault is raised as it is."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in packages:
            raise
        raise Stop(f'{what} needs the extra: pip install "sopstatus[{extra}]"') from None


# options


def add_source(parser: ArgumentParser, metavar: str = "SOURCE") -> None:
    """Add the document that a command reads."""
    parser.add_argument(
        "source",
        metavar=metavar,
        help="Read this file of any supported format; - means standard input",
    )


def add_sources(parser: ArgumentParser) -> None:
    """Add the documents that a command reads."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="Read these files of any supported format, and those below a folder; - means standard input",
    )


def add_mappings(parser: ArgumentParser) -> None:
    """Add the folders of a site's own tables."""
    parser.add_argument(
        "--mappings",
        action=Folders,
        default=[],
        metavar="DIR",
        help="Read your own tables in this folder after the shipped ones (repeatable)",
    )


def add_issues(parser: ArgumentParser) -> None:
    """Add how issues are printed."""
    parser.add_argument(
        "--issues",
        choices=("text", "json", "outcome", "ack"),
        default="text",
        help="Print issues on standard error as text lines, JSON, a FHIR OperationOutcome or an HL7 "
        "acknowledgment (default: text)",
    )
    add_verbosity(parser)


def add_quiet(parser: ArgumentParser, text: str = "Print only errors, and no progress") -> None:
    """Add that as little as can be is printed on standard error."""
    parser.add_argument("-q", "--quiet", action="store_true", help=text)


def add_verbosity(parser: ArgumentParser) -> None:
    """Add how much is printed on standard error."""
    add_quiet(parser, "Print only issues that are errors, and no progress")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="Also print the cause of each issue"
    )


def add_json(parser: ArgumentParser, text: str = "Print JSON") -> None:
    """Add the choice of JSON for output."""
    parser.add_argument("--json", action="store_true", help=text)


def add_holder(parser: ArgumentParser, whose: str) -> None:
    """Add who holds what: ``whose`` copies."""
    told = f"Name {whose}: AE Title, or AE Title^universal ID^type"
    parser.add_argument("--holder", default="", metavar="HOLDER", help=told)


def add_holders(parser: ArgumentParser, refused: str) -> None:
    """Add whose copies a ledger takes facts about; ``refused`` says what is refused."""
    add_holder(parser, "the holder, for documents that do not name one")
    parser.add_argument(
        "--only-holder",
        action="append",
        default=[],
        metavar="HOLDER",
        help=f"{refused} (repeatable; default: take all). A bare AE Title names no holder that has a "
        "universal ID",
    )


def add_trusted_link(parser: ArgumentParser, what: str) -> None:
    """Add the assertion that all that comes may be trusted; ``what`` comes."""
    parser.add_argument(
        "--trusted-link",
        action="store_true",
        help=f"Assert that {what} over a secure transport, from an authenticated system that conforms "
        "to the profile (PS3.15 A.1.1). Otherwise a status is written into a data set as NS",
    )


def add_audit(parser: ArgumentParser) -> None:
    """Add the file of audit records."""
    parser.add_argument(
        "--audit",
        default="",
        metavar="FILE",
        help="Append an audit record of each status to this file",
    )


def add_token_file(parser: ArgumentParser, option: str) -> None:
    """Add the file of the bearer token that a server knows us by."""
    parser.add_argument(
        option, metavar="FILE", help="Send the bearer token in this file, which has one line"
    )


def add_bounds(parser: Any, bounds: dict[str, tuple[int, int, str]]) -> None:
    """Add whole numbers, each with its least value, its default and what it bounds."""
    for name, (least, default, text) in bounds.items():
        parser.add_argument(
            name,
            type=whole(least),
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )


def add_seconds(parser: Any, name: str, default: float, text: str) -> None:
    """Add a time in seconds, which may have a fraction."""
    parser.add_argument(
        name,
        type=seconds(0),
        default=float(default),
        metavar="S",
        help=f"{text} (default: {default:g})",
    )


# documents


def tables_of(options: Namespace) -> MappingTable:
    """Return the tables of ``--mappings``, for the FHIR release of ``--release``."""
    tables = load_tables(*options.mappings)
    release = getattr(options, "release", None)
    return replace(tables, site=replace(tables.site, fhir_release=release)) if release else tables


def read(source: str, argument: str) -> bytes:
    """Return the bytes of a file or of standard input (``-``); ``argument`` is its name in issues."""
    if source == "-":
        return sys.stdin.buffer.read()
    with reading(argument):
        return Path(source).read_bytes()


def reading(argument: str) -> AbstractContextManager[None]:
    """Raise what stands against reading as `DocumentError`; ``argument`` is its name in issues."""
    return refusals("document/unreadable", argument)


@contextmanager
def located(argument: str) -> Iterator[None]:
    """Say of a document that cannot be read as a whole which of the arguments it is."""
    try:
        yield
    except DocumentError as error:
        issues = (replace(one, location=one.location or argument) for one in error.issues)
        raise DocumentError(*issues, records=error.records) from None


def read_source(options: Namespace) -> tuple[Format, Any]:
    """Return the format of SOURCE and the document; raise `Stop` where it cannot be answered."""
    options.data = read(options.source, "SOURCE")  # an acknowledgment answers it
    with located("SOURCE"):
        name, document = content.load_lines(options.data) or content.load(options.data)
    if options.issues == "ack" and name != "hl7":
        raise Stop(f"--issues ack answers a message, and {named(options.source)} is {name}")
    return name, document


def read_target(target: str) -> bytes:
    """Return the bytes of TARGET; raise `DocumentError` where they hold several documents."""
    data = read(target, "TARGET")
    if content.is_packed(data):
        raise document_error("document/packed-target", "TARGET")
    return data


def load_target(target: str) -> tuple[Format, Any]:
    """Return the format of TARGET, and the document."""
    with located("TARGET"):
        return content.load(read_target(target))


def write(data: bytes, output: str | None, name: Format | None = None) -> None:
    """Write a document into a file or to standard output; a message line by line on a terminal."""
    if output:
        writing.write(output, data, at="OUT")
        return
    if name == "hl7" and sys.stdout.isatty():  # what a terminal would obey is not for it
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
        data = b"".join(re.split(rb"[\x00-\x09\x0b-\x1f\x7f]", lines)) + b"\n"
    sys.stdout.buffer.write(data)


def print_text(text: str) -> None:
    """Print text; what the terminal's character set has not is escaped."""
    charset = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(charset, "backslashreplace").decode(charset))


def open_streams(*, written: bool) -> None:
    """Put something in the place of standard streams that are closed: the next file would be theirs.

    A write to standard output fails, or is lost where that does not matter: ``written``.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        mode = os.O_WRONLY if written else os.O_RDONLY
        sys.stdout = os.fdopen(os.open(os.devnull, mode), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def is_output_lost() -> bool:
    """Tell whether standard output takes nothing, as a full disk does; then nothing more is tried."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the end of Python
        return True
    return False


# what the user typed


def exists(paths: Iterable[str], option: str = "") -> None:
    """Raise `Stop` where a path is not there: before anything starts or is created."""
    for path in paths:
        if not os.path.lexists(path):
            told = f"{option}: " if option else ""
            raise Stop(f"{told}there is no file or folder {named(path)}")


def check_audit(file: str) -> None:
    """Raise `Stop` where a file of audit records cannot be written; nothing is created."""
    if not file:
        return
    path = Path(file)
    if path.is_dir() or not path.parent.is_dir():
        reason = (
            "it is a folder" if path.is_dir() else f"there is no folder {named(str(path.parent))}"
        )
    elif os.access(path if path.exists() else path.parent, os.W_OK):
        return
    else:
        reason = "permission denied"
    raise Stop(f"--audit {named(file)} cannot be written: {reason}")


def named(text: str) -> str:
    """Return a path or URL as it may be printed: without user and query, and on one line."""
    if text == "-":
        return "standard input"
    if re.match(r"[a-z+]+://", text):
        try:
            parts = urlsplit(text)
        except ValueError:  # no URL at all
            return f"{text.partition(':')[0]}://"
        text = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return "".join(one if one.isprintable() else "?" for one in text)


def typed(options: Namespace, location: str) -> str:
    """Return what was typed for an argument that an issue is about; any other location as it is.

    Where ``several`` documents are read, the one that it is about comes first. A machine's form
    keeps the argument's name: a path may hold a patient's.
    """
    one = ("source",) if location in ("SOURCE", "FILE") else ()  # of several
    for name in (*one, *getattr(options, "places", {}).get(location, ())):
        value = getattr(options, name, None)
        if value and isinstance(value, str):
            return named(value)
    if getattr(options, "several", False):
        return f"{named(options.source)} {location}".rstrip()
    return location


# issues


def report(issues: Sequence[Issue], options: Namespace) -> int:
    """Print issues to standard error, and return the exit code that they make."""
    print_issues(issues, options)
    return exit_code(issues)


def exit_code(issues: Iterable[Issue], *, strict: bool = False) -> int:
    """Return the exit code that issues make; ``strict`` = warnings too."""
    least = WARNING if strict else ERROR
    return ERRORS if any(found.is_at_least(least) for found in issues) else CLEAN


def refuse(options: Namespace, error: DocumentError) -> None:
    """Print why a document could not be read or written."""
    print_issues(error.issues, options, refused=True)


def print_issues(issues: Sequence[Issue], options: Namespace, *, refused: bool = False) -> None:
    """Print issues to standard error as ``--issues`` says; ``refused`` = nothing was done."""
    form = getattr(options, "issues", "text")
    if form == "ack":  # in the message's own character set and with its own terminators
        from sopstatus.acknowledge import acknowledge, negative

        data = getattr(options, "data", b"")
        answer = negative(data, DocumentError(*issues)) if refused else acknowledge(data, issues)
        sys.stderr.buffer.write(answer)
    elif form == "text":
        quiet, verbose = (getattr(options, name, False) for name in ("quiet", "verbose"))
        color = wants_color("auto", sys.stderr)
        for issue in issues:
            if issue.is_error or not quiet:
                where = replace(issue, location=typed(options, issue.location))
                sys.stderr.write(_line(where, color=color, verbose=verbose))
        if not quiet:
            codes.extend(issue.code for issue in sorted(issues, key=lambda x: not x.is_error))
    elif form == "json":
        sys.stderr.write(f"{json.dumps(plain(issues), indent=2)}\n")
    else:
        canonical = load_tables(*options.mappings).site.canonical
        release = getattr(options, "release", None) or "R4"
        told = operation_outcome(issues, release=release, canonical=canonical)
        sys.stderr.write(f"{json.dumps(told, indent=2)}\n")


codes: list[str] = []
"""What was printed; on a terminal, `main` ends with where one of them is explained."""
_COLORS = {"fatal": "1;31", "error": "1;31", "warning": "33", "information": "36"}


def _line(issue: Issue, *, color: bool, verbose: bool) -> str:
    line = f"{issue}\n"
    if color:
        severity, blank, others = line.partition(" ")
        line = f"\x1b[{_COLORS[severity]}m{severity}\x1b[0m{blank}{others}"
    return f"{line}  cause: {catalogue()[issue.code].cause}\n" if verbose else line


def wants_color(choice: str, stream: TextIO) -> bool:
    """Tell whether to colour: ``always``, ``never``, or ``auto`` (a terminal, no NO_COLOR)."""
    if choice != "auto":
        return choice == "always"
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    return terminal and not os.environ.get("NO_COLOR")
