"""What each command does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sopstatus import audit_log, content
from sopstatus.audit import AuditRecord
from sopstatus.catalogue import document_error
from sopstatus.model import Issue, SOPInstance
from sopstatus.profile import Link
from sopstatus.table import MappingTable, lint, load_tables
from sopstatus.transform import transformer

T = TypeVar("T")


def convert(options: Namespace) -> int:
    """Write the statements of a document onto another, and print or store the result."""
    if options.to == "dicom" and not options.into:
        print("error: --to dicom needs --into: a status stands in a data set", file=sys.stderr)
        return 2
    tables = _tables(options)
    name, document = content.load(_read(options.source, "SOURCE"))
    into = None
    if options.into:
        target, into = content.load(_read(options.into, "TARGET"))
        if target != options.to:
            print(f"error: TARGET is {target}, not {options.to}", file=sys.stderr)
            return 2
    link = Link(True, True, True) if options.trusted_link else None
    carry = transformer(name, options.to, tables=tables)
    result = carry(document, into, link=link, holder=options.holder)
    issues = list(result.issues)
    if options.to == "fhir" and options.validate:
        from sopstatus.codecs.fhir import release_of
        from sopstatus.codecs.fhir_models import validate

        issues += validate(result.value, options.release or release_of(result.value))
    code = report(issues, strict=options.strict)
    if options.strict and code:
        return code
    if options.audit and result.records:  # before the document: no change without its record
        _audited(lambda: audit_log.append(options.audit, result.records))
    data = content.dump_json(result.value) if options.to == "fhir" else result.value
    _write(data, options.output)
    return code


def audit(options: Namespace) -> int:
    """Check a file of audit records, or print it for other systems."""
    if options.task == "verify":
        faults = _audited(lambda: audit_log.verify(options.file, last=options.last))
        if not faults:
            print("the chain is whole")
        return report(faults)
    for record in _audited(lambda: list(audit_log.read(options.file))):
        print(_shown(record, options.form, options.release))
    return 0


def _shown(record: AuditRecord, form: str, release: str) -> str:
    if form == "json":
        return audit_log.canonical(record)
    if form == "dicom":
        from sopstatus.audit_dicom import message

        return message(record)
    from sopstatus.audit_fhir import audit_event

    return json.dumps(audit_event(record, release))


def _audited(work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unreadable", "FILE", reason=reason) from None


def ledger(options: Namespace) -> int:
    """Feed a ledger of who holds what, show an instance of it, or check it."""
    try:
        from sopstatus import ledger_commands
    except ImportError:
        print("error: the ledger needs the extra: pip install sopstatus[ledger]", file=sys.stderr)
        return 2
    work: Callable[[Namespace], int] = getattr(ledger_commands, options.task)
    return work(options)


def show(options: Namespace) -> int:
    """Print what a document says."""
    tables = _tables(options)
    name, document = content.load(_read(options.source, "SOURCE"))
    source = transformer(name, name, tables=tables).source
    result = source.decode(document)
    if options.json:
        records = [record(x) for x in result.value]
        faults = [{f: getattr(i, f) for f in Issue.__slots__} for i in result.issues]
        print(json.dumps({"format": name, "statements": records, "issues": faults}, indent=2))
    else:
        sys.stdout.write(_table(result.value, name, tables))
    return report(result.issues)


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
    issues = (*told.issues, *(told.into.issues if told.into else ()))
    return 1 if any(found.severity in ("fatal", "error") for found in issues) else 0


def check(options: Namespace) -> int:
    """Print every fault of the tables."""
    faults = lint(*([options.folder] if options.folder else []))
    for fault in faults:
        print(fault)
    if not faults:
        tables = load_tables(*([options.folder] if options.folder else []))
        for group in tables.available:
            state = "on" if group.enabled else "off"
            print(f"{group.name} {group.version} {state}, {len(group.attributes)} attributes")
    return 1 if faults else 0


def demo(options: Namespace) -> int:
    """Carry the shipped samples through every format and back."""
    from sopstatus.demo import run

    return run()


def record(instance: SOPInstance) -> dict[str, Any]:
    """Return a statement as JSON; ``null`` is a value that was stated and emptied."""
    uids = {name: getattr(instance, name) for name in SOPInstance.__slots__[:-1]}
    return {**uids, "attributes": dict(instance.attributes)}


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


def report(issues: Iterable[Issue], *, strict: bool = False) -> int:
    """Print issues to standard error, and return the exit code that they make."""
    bad = {"fatal", "error"} | ({"warning"} if strict else set())
    code = 0
    for found in issues:
        print(found, file=sys.stderr)
        if found.severity in bad:
            code = 1
    return code


def _table(statements: Iterable[SOPInstance], name: str, tables: MappingTable) -> str:
    lines = []
    for instance in statements:
        uids = (
            ("Study Instance UID", instance.study_instance_uid),
            ("Series Instance UID", instance.series_instance_uid or "(the whole study)"),
            ("SOP Instance UID", instance.sop_instance_uid or "(the whole series)"),
            ("Holder", instance.holder or "(not said)"),
        )
        rows = list(uids if instance.series_instance_uid else (*uids[:2], uids[3]))
        for keyword, value in instance.attributes:
            display = tables.attributes[keyword].displays.get(value or "", "")
            text = "(emptied)" if value is None else json.dumps(value, ensure_ascii=False)[1:-1]
            rows.append((keyword, f"{text}  {display}".rstrip()))
        width = max(len(label) for label, _ in rows)
        lines += [f"{label:<{width}}  {text}" for label, text in rows] + [""]
    return "\n".join(lines) if lines else f"this {name} document says nothing of any status\n"
