"""The smallest legal ImagingStudy, and which FHIR release a resource is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sopstatus.codecs.fhir_elements import STUDY_SYSTEM
from sopstatus.model import SOPInstance

RELEASES = ("R4", "R4B", "R5")
_DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_RELEASE_MARKS = {"4.0": "R4", "4.3": "R4B", "5.0": "R5"}


def imaging_study(instances: Iterable[SOPInstance], *, release: str) -> dict[str, Any]:
    """Make the smallest ImagingStudy that names these instances.

    What FHIR requires and the hub does not know (subject, modality, a missing SOP Class) is there
    with a data-absent-reason. Instances of several studies make a Bundle of type collection.
    ``release`` is R4, R4B or R5.
    """
    if release not in RELEASES:
        raise ValueError(f"{release!r} is not one of {', '.join(RELEASES)}")
    studies: dict[str, dict[str, dict[str, str]]] = {}
    for instance in instances:
        series = studies.setdefault(instance.study_instance_uid, {})
        if instance.series_instance_uid:
            known = series.setdefault(instance.series_instance_uid, {})
            if instance.sop_instance_uid and not known.get(instance.sop_instance_uid):
                known[instance.sop_instance_uid] = instance.sop_class_uid
    made = [_study(uid, series) for uid, series in (studies or {"": {}}).items()]
    if len(made) == 1:
        return made[0]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": study} for study in made],
    }


def _study(uid: str, series: dict[str, dict[str, str]]) -> dict[str, Any]:
    study: dict[str, Any] = {"resourceType": "ImagingStudy"}
    if uid:
        study["identifier"] = [{"system": STUDY_SYSTEM, "value": f"urn:oid:{uid}"}]
    study |= {"status": "unknown", "subject": unknown()}
    if series:
        study["series"] = [
            {
                "uid": series_uid,
                "modality": unknown(),
                **({"instance": _instances(known)} if known else {}),
            }
            for series_uid, known in series.items()
        ]
    return study


def _instances(known: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "uid": uid,
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{sop_class}"}
            if sop_class
            else unknown(),
        }
        for uid, sop_class in known.items()
    ]


def unknown() -> dict[str, Any]:
    """Return what stands where a value has to be and is not known (data-absent-reason)."""
    # made anew: whoever gets the resource writes its own subject there
    return {"extension": [{"url": _DATA_ABSENT_REASON, "valueCode": "unknown"}]}


def release_of(document: dict[str, Any]) -> str:
    """Recognise the release of a resource or Bundle; an empty text where nothing tells.

    Told by the resource type (ImagingSelection is R5's), a profile in ``meta`` that names a FHIR
    version, or the shape of ``series.modality`` (Coding up to R4B, CodeableConcept in R5); R4 and
    R4B are one on the wire for these resources.
    """
    kind = document.get("resourceType")
    if kind == "ImagingSelection":
        return "R5"
    meta = document.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    for profile in profiles if isinstance(profiles, list) else ():
        for mark, release in _RELEASE_MARKS.items():
            if isinstance(profile, str) and f"/{mark}/" in profile:
                return release
    if kind == "Bundle":
        inner = [e.get("resource") for e in _list(document, "entry") if isinstance(e, dict)]
        found = {release_of(r) for r in inner if isinstance(r, dict)} - {""}
        return found.pop() if len(found) == 1 else ""
    for series in _list(document, "series"):
        modality = series.get("modality") if isinstance(series, dict) else None
        if isinstance(modality, dict):
            if "coding" in modality or "text" in modality:
                return "R5"
            if "code" in modality or "system" in modality:
                return "R4"
    return ""


def _list(node: dict[str, Any], name: str) -> list[Any]:
    found = node.get(name)
    return found if isinstance(found, list) else []
