"""ImagingStudies that update themselves: an id that is always the same, and transactions of them.

A resource that is sent twice, or made again after a change, then takes the place of its own earlier
version (FHIR R4 3.1.0.4.1, update as create), and of no other's.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sopstatus.codecs.fhir.elements import STUDY_SYSTEM

_OID = "urn:oid:"


def with_id(resource: dict[str, Any]) -> dict[str, Any]:
    """Return an ImagingStudy with its id: the UUID of its Study Instance UID (RFC 9562 5.5).

    One that has an id, or names no study, is returned as it is.
    """
    if resource.get("id"):
        return resource
    named = (one.get("value", "") for one in resource.get("identifier", ()) if _is_study(one))
    uid = next((value.removeprefix(_OID) for value in named if value.startswith(_OID)), "")
    if not uid:
        return resource
    kind = {"resourceType": resource["resourceType"]}
    return kind | {"id": str(uuid5(NAMESPACE_OID, uid))} | resource


def transaction(document: dict[str, Any]) -> dict[str, Any]:
    """Return a Bundle that updates these ImagingStudies, all or none (FHIR R4 3.1.0.11).

    ``document`` is one, or a Bundle of them. One that names no study is created.
    """
    if document.get("resourceType") == "Bundle":
        resources = [entry["resource"] for entry in document.get("entry", ())]
    else:
        resources = [document]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(with_id(resource)) for resource in resources],
    }


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    kind, name = resource["resourceType"], resource.get("id")
    request = (
        {"method": "PUT", "url": f"{kind}/{name}"} if name else {"method": "POST", "url": kind}
    )
    return {"resource": resource, "request": request}


def _is_study(identifier: Any) -> bool:
    return isinstance(identifier, dict) and identifier.get("system") == STUDY_SYSTEM
