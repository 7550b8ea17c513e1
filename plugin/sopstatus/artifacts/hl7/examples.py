"""Example messages, one a profile: the segments around ours are synthetic and the least that is legal."""

from __future__ import annotations

from importlib.resources import files

from sopstatus.artifacts.hl7.structures import Kind
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable, load_tables

_SAMPLE = "authorized-original"  # whose statement all of them make
_PATIENT = ("PID|1||SYNTHETIC^^^SYN^MR||Sample^Synthetic||19700101|O", "PV1|1|O")
_ORDER = ("ORC|{control}|P-1|F-1", "OBR|1|P-1|F-1|IMG^Imaging^L|||20240115100000")
_BODIES = {
    "ORU_R01": (
        *_PATIENT,
        *_ORDER,
        "OBX|1|TX|GDT^Report^L|1|Synthetic report||||||F",
    ),
    "ORM_O01": (*_PATIENT, *_ORDER, "OBX|1|ST|X^Indication^L|1|Synthetic||||||F"),
    "OMI_O23": (*_PATIENT, *_ORDER, "IPC|A-1^RIS|P-1^RIS|{study}^^{study}^ISO|S-1^RIS|MR"),
    "MDM_T02": (
        "EVN|{trigger}|20240115104500",
        *_PATIENT,
        "TXA|1|DI|TX|||||||||SYN-DOC-1|||||LA",
        "OBX|1|TX|GDT^Report^L|1|Synthetic report||||||F",
    ),
}


def example(kind: Kind, version: str, tables: MappingTable) -> bytes:
    """Return a message of this kind with one statement, ER7, in UTF-8."""
    statements = _statements()
    if kind.most == 1:  # about the study: IHE's readers take every ZDS for one
        statements = tuple(
            SOPInstance(x.study_instance_uid, attributes=x.attributes) for x in statements
        )
    blank = _blank(kind, version, statements[0].study_instance_uid)
    made: bytes = HL7Codec(tables).encode(statements, blank).value
    return made


def _statements() -> tuple[SOPInstance, ...]:
    text = files("sopstatus.samples").joinpath(_SAMPLE, "message.hl7").read_bytes()
    return HL7Codec(load_tables()).decode(text).value


def _blank(kind: Kind, version: str, study: str) -> bytes:
    """Return the message without a statement."""
    message_type = f"{kind.message_type}^{kind.event}"
    if version != "2.3.1":  # MSH-9.3 is of 2.4
        message_type += f"^{kind.structure}"
    trigger = "" if version >= "2.7" else kind.event  # EVN-1 is withdrawn since 2.7
    control = "RE" if kind.structure == "ORU_R01" else "NW"
    header = (
        "MSH|^~\\&|RIS|SYNTHETIC|PACS|SYNTHETIC|20240115104500||"
        f"{message_type}|SYN-{kind.structure}|P|{version}||||||UNICODE UTF-8"
    )
    body = [
        line.format(study=study, control=control, trigger=trigger)
        for line in _BODIES[kind.structure]
    ]
    return "".join(f"{line}\r" for line in (header, *body)).encode()
