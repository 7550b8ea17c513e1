"""``GET /{instances,series,studies}/{id}/sop-status``: what is stated, in the form that is asked for."""

from __future__ import annotations

from sopstatus import content
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.engines.orthanc_archive import Archive
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable

ROUTES = "/(instances|series|studies)/([^/]+)/sop-status"
DICOM_JSON, FHIR_JSON, HL7 = "application/dicom+json", "application/fhir+json", "application/hl7-v2"
_FORMS = {
    DICOM_JSON: DICOM_JSON,
    "application/json": DICOM_JSON,
    FHIR_JSON: FHIR_JSON,
    HL7: HL7,
    "x-application/hl7-v2+er7": HL7,
    "application/*": DICOM_JSON,
    "*/*": DICOM_JSON,
}


def answer(
    archive: Archive, tables: MappingTable, level: str, identifier: str, accept: str
) -> tuple[int, bytes, str]:
    """Return the status, the body and its media type; 404 and 406 have no body.

    DICOM JSON lists every instance, also one that states nothing.
    """
    form = wanted(accept)
    if not form:
        return 406, b"", ""
    found = archive.statements(level, identifier)
    if found is None:
        return 404, b"", ""
    return 200, _written(found, tables, form), form


def wanted(accept: str) -> str:
    """Return the form that an Accept wants most (RFC 9110 12.5.1), DICOM JSON where it is silent."""
    best, most = "", 0.0
    for one in (accept or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in one.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            number = float(quality)
        except ValueError:
            continue
        if name in _FORMS and number > most:
            best, most = _FORMS[name], number
    return best


def _written(found: list[SOPInstance], tables: MappingTable, form: str) -> bytes:
    stated = [one for one in found if one.attributes]
    if form == HL7:
        hl7 = HL7Codec(tables)
        return bytes(hl7.encode(stated, hl7.blank(found), known=found).value)
    codec = FHIRCodec(tables) if form == FHIR_JSON else DICOMJSONCodec(tables)
    return content.dump_json(codec.encode(stated, codec.blank(found), known=found).value)
