"""``GET /{instances,series,studies}/{id}/sop-status``: what is stated, in the form that is asked for."""

from __future__ import annotations

from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.documents import content
from sopstatus.engines.orthanc.archive import Archive, Held, word, written
from sopstatus.table import MappingTable

ROUTES = "/(instances|series|studies)/([^/]+)/sop-status"
DICOM_JSON, FHIR_JSON, HL7 = "application/dicom+json", "application/fhir+json", "application/hl7-v2"
TEXT = "text/plain"
_FORMS = {
    DICOM_JSON: DICOM_JSON,
    "application/json": DICOM_JSON,
    FHIR_JSON: FHIR_JSON,
    HL7: HL7,
    "x-application/hl7-v2+er7": HL7,
    TEXT: TEXT,
    "application/*": DICOM_JSON,
    "*/*": DICOM_JSON,
}


def answer(
    archive: Archive, tables: MappingTable, level: str, identifier: str, accept: str
) -> tuple[int, bytes, str]:
    """Return the status, the body and its media type; 404 and 406 have no body.

    DICOM JSON lists every instance, also one that states nothing. Text is the one status of all
    of them, or ``mixed``.
    """
    form = wanted(accept)
    if not form:
        return 406, b"", ""
    found = archive.whole(level, identifier)
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


def _written(found: list[Held], tables: MappingTable, form: str) -> bytes:
    said = [one.statement for one in found]
    if form == TEXT:
        return word(said).encode("utf-8")
    if form == HL7:
        return bytes(written(HL7Codec(tables), found).value)
    if form == FHIR_JSON:
        return content.dump_json(written(FHIRCodec(tables), found).value)
    stated = [one for one in said if one.attributes]
    return content.dump_json(DICOMJSONCodec(tables).encode(stated, known=said).value)
