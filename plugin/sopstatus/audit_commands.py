"""What ``sopstatus audit`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
from argparse import Namespace

from sopstatus import audit_log
from sopstatus.audit import AuditRecord
from sopstatus.commands import audited, report


def audit(options: Namespace) -> int:
    """Check a file of audit records, or print it for other systems."""
    if options.task == "verify":
        faults = audited(lambda: audit_log.verify(options.file, last=options.last))
        if not faults:
            print("the chain is whole")
        return report(faults, options)
    for record in audited(lambda: list(audit_log.read(options.file))):
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
