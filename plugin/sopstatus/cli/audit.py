"""The command ``sopstatus audit``."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from sopstatus.audit import log as audit_log
from sopstatus.cli import shared
from sopstatus.model import AuditRecord

EXAMPLES = (
    "sopstatus audit verify audit.jsonl",
    "sopstatus audit show audit.jsonl --as fhir",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "task", choices=("verify", "show"), help="Verify the hash chain, or print the records"
    )
    parser.add_argument("file", metavar="FILE", help="Read this file that --audit wrote")
    parser.add_argument(
        "--as",
        dest="form",
        choices=("json", "fhir", "dicom"),
        default="json",
        help="Print the records as JSON, FHIR AuditEvents or DICOM audit messages (default: json)",
    )
    parser.add_argument(
        "--release",
        choices=("R4", "R4B", "R5"),
        default="R4",
        help="Print AuditEvents of this FHIR release (default: R4)",
    )
    parser.add_argument(
        "--last",
        default="",
        metavar="HASH",
        help="Check that the last line has this hash: otherwise lines are missing at the end",
    )
    shared.add_verbosity(parser)


def run(options: Namespace) -> int:
    """Check a file of audit records, or print it for other systems."""
    if options.task == "verify":
        with shared.reading("FILE"):
            faults = audit_log.verify(options.file, last=options.last)
        if not any(found.is_error for found in faults):
            print("the chain is whole")
        return shared.report(faults, options)
    with shared.reading("FILE"):
        records = list(audit_log.read(options.file))
    for record in records:
        print(_shown(record, options.form, options.release))
    return 0


def _shown(record: AuditRecord, form: str, release: str) -> str:
    if form == "json":
        return audit_log.canonical(record)
    if form == "dicom":
        from sopstatus.audit.dicom import message

        return message(record)
    from sopstatus.audit.fhir import audit_event

    return json.dumps(audit_event(record, release))
