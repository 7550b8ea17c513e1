"""``$sop-status`` and ``$to-hl7v2`` on an ImagingStudy."""

from __future__ import annotations

import base64
import json
from typing import Any

from sopstatus.codecs.fhir.blank import unknown
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.engines.gateway.document import Resource, rolled_up
from sopstatus.engines.gateway.settings import Site
from sopstatus.engines.http.answers import Answer, counted
from sopstatus.engines.http.media import FHIR_JSON
from sopstatus.model import SOPInstance

HL7 = "application/hl7-v2"


def given(document: Any) -> Any:
    """Return the resource of a request: the document itself, or the one in its Parameters."""
    if not isinstance(document, dict) or document.get("resourceType") != "Parameters":
        return document
    found = document.get("parameter")
    inner = [p.get("resource") for p in found if isinstance(p, dict)] if found else []
    return next((one for one in inner if isinstance(one, dict)), None)


def answer(operation: str, resource: Resource, site: Site, accept: str) -> Answer:
    """Return what an operation says of a study; raise `DocumentError` where that cannot be."""
    if operation == "$sop-status":
        said = site.codec.decode(resource)
        found = parameters(said.value, rolled_up(resource, site), site)
        return _json(found, said.issues)
    read = site.codec.decode(resource)
    under = HL7Codec(site.tables, site.limits)
    known = site.codec.instances(resource)
    made = under.encode(read.value, under.blank(known or read.value), known=known)
    issues = read.issues + made.issues
    message: bytes = made.value if isinstance(made.value, bytes) else made.value.encode()
    if HL7 in accept:
        return Answer(200, HL7, message, issues, counted(issues))
    data = base64.b64encode(message).decode()
    return _json({"resourceType": "Binary", "contentType": HL7, "data": data}, issues)


def parameters(said: tuple[SOPInstance, ...], rollup: str, site: Site) -> dict[str, Any]:
    """Return statements as a Parameters resource: the rolled-up status, then one each.

    Values are the attributes' own DICOM text, by Keyword; one that is emptied has the
    reason instead, for a parameter must have something (inv-1).
    """
    found: list[dict[str, Any]] = []
    if rollup:
        found.append({"name": "rollup", "valueCode": rollup})
    for one in said:
        named = {
            "studyInstanceUID": one.study_instance_uid,
            "seriesInstanceUID": one.series_instance_uid,
            "sopClassUID": one.sop_class_uid,
            "sopInstanceUID": one.sop_instance_uid,
            "holder": one.holder.ae_title,
            "holderUid": one.holder.universal_id,
            "holderUidType": one.holder.universal_id_type,
        }
        part: list[dict[str, Any]] = [
            {"name": name, "valueString": value} for name, value in named.items() if value
        ]
        for keyword, text in one.attributes:
            value = {"valueString": text} if text else {"_valueString": unknown()}
            part.append({"name": keyword, **value})
        found.append({"name": "statement", "part": part})
    return {"resourceType": "Parameters", **({"parameter": found} if found else {})}


def _json(resource: dict[str, Any], issues: Any) -> Answer:
    body = f"{json.dumps(resource, indent=2)}\n".encode()
    return Answer(200, FHIR_JSON, body, issues, counted(issues))
