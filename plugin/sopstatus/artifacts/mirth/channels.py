"""The channels: each complete in one file, functions and all, so that importing it is enough."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from sopstatus.artifacts.mirth.export import filled, identifier
from sopstatus.artifacts.mirth.library import script
from sopstatus.table import MappingTable

_ER7 = ("tables", "text", "values", "read", "holder", "place")
_STUDIES = (*_ER7, "studies")
_WRITING = (*_ER7, "write", "fields")
_LINE = "// ---- sopstatus: functions, generated; the code template library has the same ----"
ORU = (
    "MSH|^~\\&|SOPSTATUS||||20240101||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8",
    "PID|||",
    "OBR|1|||18748-4^Diagnostic imaging study^LN",
    "OBX|1|ST|113014^DICOM Study^DCM||||||||F",
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One use: what listens, which functions its step needs, and where the result goes.

    ``next_port`` is that of the next HL7 system; without one, the destination is a script
    (``writer``) that calls the functions ``sending``.
    """

    name: str
    title: str
    description: str
    listener: str  # "tcp" or "dicom"
    port: int
    step: str
    functions: tuple[str, ...]
    next_port: int = 0
    writer: str = ""
    sending: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id in the engine."""
        return identifier(self.name)


CHANNELS = (
    Channel(
        "channel-enriched",
        "sopstatus MLLP enriched",
        "MLLP in on 6661, MLLP out to 6671. The service (sopstatus serve) checks the ZDS segments "
        "and adds those that a DICOMweb server knows of the study. See docs/mirth.md.",
        "tcp",
        6661,
        "Enrich by the service",
        (*_ER7, "service"),
        6671,
    ),
    Channel(
        "channel-dicom",
        "sopstatus DICOM to HL7",
        "DICOM in on 11112, ORU^R01 with a ZDS out to 6672. No Python at run time. "
        "See docs/mirth.md.",
        "dicom",
        11112,
        "Data set to ORU with ZDS",
        (*_WRITING, "dicom"),
        6672,
    ),
    Channel(
        "channel-fhir",
        "sopstatus MLLP to FHIR",
        "MLLP in on 6662, ImagingStudy with our extension out to a FHIR server on 8081, by the "
        "service (sopstatus serve). See docs/mirth.md.",
        "tcp",
        6662,
        "Check by the service, cut by study",
        (*_STUDIES, "service"),
        writer="writer-fhir",
        sending=(*_STUDIES, "service", "fhir"),
    ),
)


def step_script(channel: Channel, tables: MappingTable) -> str:
    """Return the script of a channel's only step: what it does, then the functions that it calls."""
    return _with_functions(channel.name, channel.functions, tables)


def writer_script(channel: Channel, tables: MappingTable) -> str:
    """Return the script of a destination that is a JavaScript Writer."""
    return _with_functions(channel.writer, channel.sending, tables)


def _with_functions(name: str, functions: tuple[str, ...], tables: MappingTable) -> str:
    return "\n".join([script(name, tables), _LINE, *(script(f, tables) for f in functions)])


def channel_xml(channel: Channel, tables: MappingTable) -> str:
    """Return a channel as the engine exports it."""
    is_dicom = channel.listener == "dicom"
    resources, frame = filled("resources"), filled("mllp-frame")
    template = ""
    if is_dicom:
        er7 = "".join(f"{line}\r" for line in ORU)
        encoded = base64.b64encode(er7.encode("ascii")).decode("ascii")
        template = f'<outboundTemplate encoding="base64">{encoded}</outboundTemplate>'
    inbound = "DICOM" if is_dicom else "HL7V2"
    return filled(
        "channel",
        id=channel.id,
        name=channel.title,
        description=channel.description,
        listener=filled(
            f"{channel.listener}-listener",
            port=str(channel.port),
            resources=resources,
            frame=frame,
        ),
        step=channel.step,
        script=step_script(channel, tables),
        outbound_template=template,
        inbound=inbound,
        inbound_properties=_properties(inbound, "inbound"),
        outbound_properties=_properties("HL7V2", "outbound"),
        transport="DICOM Listener" if is_dicom else "TCP Listener",
        destination=_destination(channel, tables, resources, frame),
        resources=resources,
    )


def _destination(channel: Channel, tables: MappingTable, resources: str, frame: str) -> str:
    is_hl7 = bool(channel.next_port)
    response = "HL7V2" if is_hl7 else "JSON"
    queue = filled("queue", validate="true" if is_hl7 else "false", resources=resources)
    if is_hl7:
        sender = filled("tcp-sender", queue=queue, frame=frame, port=str(channel.next_port))
    else:
        made = writer_script(channel, tables)
        sender = filled("javascript-writer", queue=queue, script=made)
    return filled(
        "destination",
        name="Next system" if is_hl7 else "FHIR server",
        sender=sender,
        inbound_properties=_properties("HL7V2", "inbound"),
        outbound_properties=_properties("HL7V2", "outbound"),
        response=response,
        response_inbound_properties=_properties(response, "inbound"),
        response_outbound_properties=_properties(response, "outbound"),
        transport="TCP Sender" if is_hl7 else "JavaScript Writer",
    )


def _properties(data_type: str, side: str) -> str:
    return filled(f"properties-{data_type}", side=side)
