"""Audit records as FHIR ``AuditEvent`` and ``Provenance``, R4 (R4B) and R5, as parsed JSON."""

from __future__ import annotations

from typing import Any

from sopstatus.audit.dicom import ACCESSED, EVENT_IDS, SOURCE, action, details
from sopstatus.model import AuditRecord

DCM = "http://dicom.nema.org/resources/ontology/DCM"
RELEASES = ("R4", "R4B", "R5")
_ACTIVITIES = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_ACTIVITY = {"C": "CREATE", "R": "READ", "U": "UPDATE", "D": "DELETE", "E": "EXECUTE"}


def audit_event(record: AuditRecord, release: str = "R4") -> dict[str, Any]:
    """Return an ``AuditEvent``; `ValueError` for a record without a time or another release."""
    r5 = _checked(record, release)
    code, display = EVENT_IDS.get(record.event, ACCESSED)
    coding = {"system": DCM, "code": code, "display": display}
    refused = record.outcome != "done"
    agents = [_agent(record.holder or SOURCE, requestor=True)]
    agents += [_agent(record.peer, requestor=False)] if record.peer else []
    found: dict[str, Any] = {"resourceType": "AuditEvent"}
    if r5:
        found |= {
            "category": [{"coding": [coding]}],
            "code": {"coding": [coding]},
            "action": action(record),
            "severity": "warning" if refused else "informational",
            "recorded": record.time,
            "outcome": {
                "code": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-event-outcome",
                    "code": "4" if refused else "0",
                }
            },
        }
    else:
        found |= {
            "type": coding,
            "action": action(record),
            "recorded": record.time,
            "outcome": "4" if refused else "0",
        }
        if refused:
            found["outcomeDesc"] = f"{record.code}, rule {record.rule}"
    found["agent"] = agents
    found["source"] = {"observer": {"display": record.holder or SOURCE}}
    found["entity"] = [
        {
            "what": _instance(record),
            "detail": [
                {"type": {"text": name} if r5 else name, "valueString": text}
                for name, text in details(record).items()
            ],
        }
    ]
    return found


def provenance(record: AuditRecord, release: str = "R4") -> dict[str, Any]:
    """Return a ``Provenance`` of the copy that a record is about; `ValueError` as `audit_event`.

    Only a done event has one: a refused one has made nothing.
    """
    _checked(record, release)
    if record.outcome != "done":
        raise ValueError("a refused event has no provenance")
    agents = [{"who": {"display": name}} for name in (record.holder or SOURCE, record.peer) if name]
    code = _ACTIVITY[action(record)]
    return {
        "resourceType": "Provenance",
        "target": [_instance(record)],
        "recorded": record.time,
        "policy": [f"urn:sopstatus:{record.table}:{record.table_version}"],
        "activity": {
            "coding": [{"system": _ACTIVITIES, "code": code}],
            "text": f"{record.event}: {record.before} to {record.after}, rule {record.rule}",
        },
        "agent": agents,
    }


def _checked(record: AuditRecord, release: str) -> bool:
    if release not in RELEASES:
        raise ValueError(f"{release!r} is not one of {', '.join(RELEASES)}")
    if not record.time:
        raise ValueError("the resource needs the record's time")
    return release == "R5"


def _agent(name: str, *, requestor: bool) -> dict[str, Any]:
    return {"who": {"display": name}, "requestor": requestor}


def _instance(record: AuditRecord) -> dict[str, Any]:
    uid = record.sop_instance_uid or record.series_instance_uid or record.study_instance_uid
    if not uid:
        return {"display": "SOP Instance"}
    return {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}}
