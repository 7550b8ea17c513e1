"""Audit records as DICOM audit messages (PS3.15 A.5)."""

from __future__ import annotations

from base64 import b64encode
from xml.etree import ElementTree as ET

from sopstatus.audit.record import TORN_LINE
from sopstatus.model import AuditRecord

ACCESSED = ("110103", "DICOM Instances Accessed")
TRANSFERRED = ("110104", "DICOM Instances Transferred")
BEGIN_TRANSFERRING = ("110102", "Begin Transferring DICOM Instances")
EVENT_IDS = {
    "receive": TRANSFERRED,
    "committed": TRANSFERRED,
    "confirmed": TRANSFERRED,
    "send": BEGIN_TRANSFERRING,
    "transfer": BEGIN_TRANSFERRING,
    TORN_LINE: ("110101", "Audit Log Used"),
}
"""PS3.16 CID 400; every other event is an access."""
ACTIONS = {"create": "C", "receive": "C", "delete": "D", "send": "E", "transfer": "E"}
"""EventActionCode; every other event is an update."""
DETAILS = (
    *("event", "before", "after", "received", "sent", "rule", "row", "code", "policy"),
    *("secure", "authenticated", "conforms", "table", "table_version", "table_sha256"),
    "mappings",
)
STUDY, SOURCE = "110180", "sopstatus"


def action(record: AuditRecord) -> str:
    """Return C, R, U, D or E: a refused event has changed nothing (R)."""
    return ACTIONS.get(record.event, "U") if record.outcome == "done" else "R"


def details(record: AuditRecord) -> dict[str, str]:
    """Return what only this profile knows of an event, as texts; what is not known is left out."""
    said = {name: getattr(record, name) for name in DETAILS}
    words = {True: "true", False: "false"}
    texts = {k: words[v] if isinstance(v, bool) else v for k, v in said.items()}
    return {k: v for k, v in texts.items() if v}


def message(record: AuditRecord) -> str:
    """Return an audit message as XML; `ValueError` for a record without a time."""
    if not record.time:
        raise ValueError("an audit message needs the record's time")
    root = ET.Element("AuditMessage")
    event = ET.SubElement(
        root,
        "EventIdentification",
        EventActionCode=action(record),
        EventDateTime=record.time,
        EventOutcomeIndicator="0" if record.outcome == "done" else "4",
    )
    _code(event, "EventID", *EVENT_IDS.get(record.event, ACCESSED))
    if record.code:
        ET.SubElement(event, "EventOutcomeDescription").text = f"{record.code}, rule {record.rule}"
    arrives = record.event in ("receive", "committed", "not-committed")
    for user, source in ((record.holder, not arrives), (record.peer, arrives)):
        if user or user is record.holder:
            person = ET.SubElement(
                root,
                "ActiveParticipant",
                UserID=user or SOURCE,
                UserIsRequestor="true" if source else "false",
            )
            role = ("110153", "Source Role ID") if source else ("110152", "Destination Role ID")
            _code(person, "RoleIDCode", *role)
    source_id = record.holder or SOURCE
    ET.SubElement(root, "AuditSourceIdentification", AuditSourceID=source_id)
    study = ET.SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=record.study_instance_uid or "unknown",
        ParticipantObjectTypeCode="2",
        ParticipantObjectTypeCodeRole="3",
    )
    _code(study, "ParticipantObjectIDTypeCode", STUDY, "Study Instance UID")
    ET.SubElement(study, "ParticipantObjectName").text = "SOP Instance Status"
    for name, text in details(record).items():
        value = b64encode(text.encode()).decode()
        ET.SubElement(study, "ParticipantObjectDetail", type=name, value=value)
    if record.sop_instance_uid:
        about = ET.SubElement(study, "ParticipantObjectDescription")
        uid = {"UID": record.sop_class_uid} if record.sop_class_uid else {}
        sop_class = ET.SubElement(about, "SOPClass", {**uid, "NumberOfInstances": "1"})
        ET.SubElement(sop_class, "Instance", UID=record.sop_instance_uid)
    return ET.tostring(root, "unicode")


def _code(parent: ET.Element, name: str, code: str, meaning: str) -> None:
    coded = {"csd-code": code, "codeSystemName": "DCM", "originalText": meaning}
    ET.SubElement(parent, name, coded)
