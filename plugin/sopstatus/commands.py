"""What each command does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sopstatus import audit_log, content, listing
from sopstatus.catalogue import document_error
from sopstatus.issue_forms import plain, written
from sopstatus.model import DocumentError, Issue
from sopstatus.profile import Link
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import transformer

T = TypeVar("T")


def convert(options: Namespace) -> int:
    """Write the statements of a document onto another, and print or store the result."""
    if options.to == "dicom" and not options.into:
        print("error: --to dicom needs --into: a status stands in a data set", file=sys.stderr)
        return 2
    tables = _tables(options)
    name, document = _source(options)
    if _no_message(options, name):
        return 2
    into = None
    if options.into:
        target, into = _target(options)
        if target != options.to:
            print(f"error: TARGET is {target}, not {options.to}", file=sys.stderr)
            return 2
    link = Link(True, True, True) if options.trusted_link else None
    carry = transformer(name, options.to, tables=tables)
    result = carry(document, into, link=link, holder=options.holder)
    issues = list(result.issues)
    if options.stamp and options.to == "fhir":
        from sopstatus.stamp import stamped

        result = replace(result, value=stamped(result.value, tables))
    if options.to == "fhir" and options.validate:
        from sopstatus.codecs.fhir import release_of
        from sopstatus.codecs.fhir_models import validate

        issues += validate(result.value, options.release or release_of(result.value))
    code = _exit_code(issues, strict=options.strict)
    if options.strict and code:
        _print_issues(issues, options, refused=True)
        return code
    if options.audit and result.records:  # before the document: no change without its record
        audited(lambda: audit_log.append(options.audit, result.records))
    if hasattr(result.value, "save"):
        result.value.save(options.output, at="OUT")
    else:
        data = result.value if isinstance(result.value, bytes) else content.dump_json(result.value)
        _write(data, options.output)
    _print_issues(issues, options)  # not before: an acknowledgment says that it is done
    return code


def audit(options: Namespace) -> int:
    """Check a file of audit records, or print it for other systems."""
    from sopstatus import audit_commands

    return audit_commands.audit(options)


def audited(work: Callable[[], T]) -> T:
    """Do something with a file of audit records; raise `DocumentError` where it cannot be opened."""
    try:
        return work()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unreadable", "FILE", reason=reason) from None


def show(options: Namespace) -> int:
    """Print what a document says."""
    tables = _tables(options)
    name, document = _source(options)
    if _no_message(options, name):
        return 2
    source = transformer(name, name, tables=tables).source
    result = source.decode(document)
    if options.json:
        records = [listing.record(x) for x in result.value]
        faults = plain(result.issues)
        print(json.dumps({"format": name, "statements": records, "issues": faults}, indent=2))
    else:
        sys.stdout.write(listing.table(result.value, name, tables))
    return report(result.issues, options)


def explain(options: Namespace) -> int:
    """Print how a document was read, and what becomes of each value."""
    from sopstatus import explain as explanation
    from sopstatus.explain.text import rendered, wants_color

    tables = _tables(options)
    source = _read(options.source, "SOURCE")
    into = _read(options.into, "TARGET") if options.into else None
    link = Link(True, True, True) if options.trusted_link else None
    told = explanation.explain(source, tables=tables, into=into, link=link)
    if options.json:
        print(json.dumps(told.to_dict(values=options.values), indent=2))
    else:
        color = wants_color(options.color, sys.stdout)
        text = rendered(told, color=color, values=options.values)
        charset = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(charset, "backslashreplace").decode(charset))
    return _exit_code((*told.issues, *(told.into.issues if told.into else ())))


def check(options: Namespace) -> int:
    """Print every fault of the tables."""
    from sopstatus import table_commands

    return table_commands.check(options)


def new(options: Namespace) -> int:
    """Make a table and its case for one more attribute."""
    from sopstatus import table_commands

    return table_commands.new(options)


def diff(options: Namespace) -> int:
    """Tell what a change of the tables does."""
    from sopstatus import diff_commands

    return diff_commands.diff(options)


def artifacts(options: Namespace) -> int:
    """Write what is made of the tables for other systems, and name the files."""
    from sopstatus import artifact_commands

    return artifact_commands.artifacts(options)


def demo(options: Namespace) -> int:
    """Carry the shipped samples through every format and back."""
    from sopstatus.demo import run

    return run()


def _tables(options: Namespace) -> MappingTable:
    tables = load_tables(*options.mappings)
    release = getattr(options, "release", None)
    return replace(tables, site=replace(tables.site, fhir_release=release)) if release else tables


def _read(source: str, argument: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:  # an issue names the argument: a path may hold a patient's name
        return Path(source).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unreadable", argument, reason=reason) from None


def _write(data: bytes, output: str | None) -> None:
    if not output:
        sys.stdout.buffer.write(data)
        return
    # the reader of OUT never sees half of it
    temporary = Path(f"{output}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "OUT", reason=reason) from None


def _source(options: Namespace) -> tuple[str, Any]:
    options.data = _read(options.source, "SOURCE")  # an acknowledgment answers it
    return content.load(options.data)


def _target(options: Namespace) -> tuple[str, Any]:
    """Open TARGET; a data set that goes from file to file stays on the disk, whatever its size."""
    path = Path(options.into)
    if options.to == "dicom" and options.output and options.into != "-":
        from sopstatus.codecs.part10_file import Part10File

        try:
            if path.is_file():
                with path.open("rb") as file:
                    if file.read(132)[128:] == b"DICM":
                        return "dicom", Part10File(path)
        except OSError:  # told below
            pass
    return content.load(_read(options.into, "TARGET"))


def _no_message(options: Namespace, name: str) -> bool:
    if options.issues == "ack" and name != "hl7":
        print(f"error: --issues ack answers a message, and SOURCE is {name}", file=sys.stderr)
        return True
    return False


def report(issues: Sequence[Issue], options: Namespace) -> int:
    """Print issues to standard error, and return the exit code that they make."""
    _print_issues(issues, options)
    return _exit_code(issues)


def _exit_code(issues: Iterable[Issue], *, strict: bool = False) -> int:
    bad = {"fatal", "error"} | ({"warning"} if strict else set())
    return 1 if any(found.severity in bad for found in issues) else 0


def refuse(options: Namespace, error: DocumentError) -> None:
    """Print why a document could not be read or written."""
    _print_issues(error.issues, options, refused=True)


def _print_issues(issues: Sequence[Issue], options: Namespace, *, refused: bool = False) -> None:
    form = getattr(options, "issues", "text")
    canonical = load_tables(*options.mappings).site.canonical if form == "outcome" else ""
    told = written(
        issues,
        form,
        message=getattr(options, "data", b""),
        refused=refused,
        release=getattr(options, "release", None) or "R4",
        canonical=canonical,
    )
    if form == "ack":  # in the message's own character set and with its own terminators
        sys.stderr.buffer.write(told)
    else:
        sys.stderr.write(told.decode())
