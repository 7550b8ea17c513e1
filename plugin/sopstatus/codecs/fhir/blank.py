"""A new ImagingStudy, and which FHIR release a resource is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sopstatus.codecs.fhir.elements import STUDY_SYSTEM
from sopstatus.codecs.shared.context import (
    Authority,
    Context,
    agreed,
    authority,
    by,
    code_of,
    moment,
    names,
    number,
)
from sopstatus.model import SOPInstance
from sopstatus.table import Site
from sopstatus.values import dt_to_date_time

RELEASES = ("R4", "R4B", "R5", "R6")  # R6 as its ballot has it
SINCE_R5 = ("R5", "R6")
_DCM, _SNOMED = "http://dicom.nema.org/resources/ontology/DCM", "http://snomed.info/sct"
_SYSTEMS = {"DCM": _DCM, "SCT": _SNOMED, "LN": "http://loinc.org"}
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SIDES = {"R": ("24028007", "Right"), "L": ("7771000", "Left"), "B": ("51440002", "Bilateral")}
_URIS = {"ISO": "urn:oid:", "UUID": "urn:uuid:", "URI": ""}
_DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_RELEASE_MARKS = {"4.0": "R4", "4.3": "R4B", "5.0": "R5", "6.0": "R6"}


def imaging_study(
    instances: Iterable[SOPInstance],
    *,
    release: str,
    contexts: Iterable[Context] = (),
    site: Site | None = None,
) -> dict[str, Any]:
    """Make the smallest ImagingStudy that names these instances.

    ``contexts`` are what their data sets say beside the statements: subject, order, modality and the
    like. What FHIR requires and nobody said is there with a data-absent-reason. Instances of several
    studies make a Bundle of type collection, each with a ``fullUrl`` made of its Study Instance UID
    (RFC 4122 version 5). ``release`` is R4, R4B, R5 or R6.
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
    about = by("StudyInstanceUID", contexts)
    made = [
        _Maker(about.get(uid, []), site, release).study(uid, series)
        for uid, series in (studies or {"": {}}).items()
    ]
    if len(made) == 1:
        return made[0]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": full_url(uid), "resource": study}
            for uid, study in zip(studies, made, strict=True)
        ],
    }


def full_url(study_instance_uid: str) -> str:
    """Return the ``fullUrl`` of a study's entry in a Bundle: a UUID of version 5 as ``urn:uuid:``."""
    return f"urn:uuid:{uuid5(NAMESPACE_OID, study_instance_uid)}"


class _Maker:
    """Makes the ImagingStudy of one study."""

    def __init__(self, contexts: list[Context], site: Site | None, release: str) -> None:
        self.contexts, self.site, self.is_r5 = contexts, site, release in SINCE_R5
        self.release = release
        self.said = agreed(contexts)

    def study(self, uid: str, series: dict[str, dict[str, str]]) -> dict[str, Any]:
        """Make the resource; an element of which nothing is known is not there."""
        accession = _identifier(
            self.said.get("AccessionNumber", ""), self._authority("AccessionNumber")
        )
        if accession:
            accession = {"type": _coded(_IDENTIFIER_TYPES, "ACSN"), **accession}
        number = self.said.get("StudyID")
        identifiers = [
            {"system": STUDY_SYSTEM, "value": f"urn:oid:{uid}"} if uid else None,
            accession,
            {"type": {"text": "Study ID"}, "value": number} if number else None,
        ]
        inner = by("SeriesInstanceUID", self.contexts)
        members = [self._series(s, known, inner.get(s, [])) for s, known in series.items()]
        day = dt_to_date_time(moment(self.said, self.site.offset if self.site else ""))
        order = {"type": "ServiceRequest", "identifier": accession}
        name = _name(self.said.get("ReferringPhysicianName", ""))
        endpoint = self.site.endpoint if self.site else ""
        modalities = {
            s["modality"].get("code", ""): s["modality"] for s in members if not self.is_r5
        }
        modalities |= {
            c["code"]: s["modality"] for s in members for c in s["modality"].get("coding", ())
        }
        return _present(
            {
                "resourceType": "ImagingStudy",
                "identifier": [one for one in identifiers if one],
                "status": "available" if self.contexts else "unknown",
                "modality": [found for code, found in modalities.items() if code],
                "subject": self._subject() or {**unknown(), "display": "unknown"},
                "started": day,
                "basedOn": [order] if accession else None,
                "referrer": {"display": name} if name else None,
                "endpoint": [{"reference": endpoint}] if endpoint else None,
                "numberOfSeries": _count(self.said, "NumberOfStudyRelatedSeries", len(series)),
                "numberOfInstances": _count(
                    self.said, "NumberOfStudyRelatedInstances", sum(map(len, series.values()))
                ),
                **self._procedure(),
                "description": self.said.get("StudyDescription"),
                "series": sorted(members, key=_number),
            }
        )

    def _series(self, uid: str, known: dict[str, str], contexts: list[Context]) -> dict[str, Any]:
        said = agreed(contexts)
        numbers = {c.get("SOPInstanceUID", ""): _count(c, "InstanceNumber") for c in contexts}
        modality, part = said.get("Modality"), said.get("BodyPartExamined")
        side = _SIDES.get(said.get("Laterality", ""))
        return _present(
            {
                **series_of(uid),
                "number": _count(said, "SeriesNumber"),
                **({"modality": self._concept(_DCM, modality)} if modality else {}),
                "description": said.get("SeriesDescription"),
                "bodySite": self._body_site(part) if part else None,
                "laterality": self._concept(_SNOMED, *side) if side else None,
                "instance": sorted(
                    (
                        _present({**instance_of(*one, self.release), "number": numbers.get(one[0])})
                        for one in known.items()
                    ),
                    key=_number,
                ),
            }
        )

    def _body_site(self, part: str) -> Any:
        return {"concept": {"text": part}} if self.is_r5 else {"display": part}

    def _subject(self) -> dict[str, Any]:
        """Return a logical reference to the patient: who that is, the receiver looks up."""
        name = _name(self.said.get("PatientName", ""))
        found = _identifier(self.said.get("PatientID", ""), self._authority("PatientID"))
        return _present(
            {"type": "Patient" if found else None, "identifier": found, "display": name}
        )

    def _authority(self, keyword: str) -> Authority:
        return authority(self.said, keyword, self.site.patient_authority if self.site else "")

    def _procedure(self) -> dict[str, Any]:
        code = code_of(self.said)
        if not code:
            return {}
        if self.release == "R6":  # a reference, which has no code
            return {"procedure": [{"type": "Procedure", "display": code[1] or code[0]}]}
        coding = _present({"system": _SYSTEMS.get(code[2]), "code": code[0], "display": code[1]})
        concept = {"coding": [coding]}
        return {"procedure": [{"concept": concept}]} if self.is_r5 else {"procedureCode": [concept]}

    def _concept(self, system: str, code: str, display: str = "") -> Any:
        coded = _coded(system, code, display)
        return coded if self.is_r5 else coded["coding"][0]


def series_of(uid: str) -> dict[str, Any]:
    """Make the smallest series."""
    return {"uid": uid, "modality": unknown()}


def instance_of(uid: str, sop_class: str, release: str = "") -> dict[str, Any]:
    """Make the smallest instance; a SOP Class that is not known is empty. In R6 it is an oid."""
    if release == "R6":
        known = {"sopClass": f"urn:oid:{sop_class}"} if sop_class else {"_sopClass": unknown()}
        return {"uid": uid, **known}
    coding = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{sop_class}"}
    return {"uid": uid, "sopClass": coding if sop_class else unknown()}


def _coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [_present({"system": system, "code": code, "display": display})]}


def _identifier(value: str, assigner: Authority) -> dict[str, Any]:
    if not value:
        return {}
    namespace, uid, kind = assigner
    prefix = _URIS.get(kind)
    system = f"{prefix}{uid}" if uid and prefix is not None else None
    shown = {"display": namespace or uid} if not system and namespace + uid else None
    return _present({"system": system, "value": value, "assigner": shown})


def _name(text: str) -> str:
    """Write a PN for people, the alphabetic group before the others."""
    for _, (family, given, middle, prefix, suffix) in names(text):
        return " ".join(filter(None, (prefix, given, middle, family, suffix)))
    return ""


def _count(context: Context, keyword: str, least: int = 0) -> int | None:
    """Return a number that FHIR can hold; one that is lower than what is listed is none."""
    found = number(context, keyword)
    return found if found is not None and least <= found < 2**31 else None


def _number(node: dict[str, Any]) -> int:
    return int(node.get("number", 2**31))


def _present(node: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known: FHIR has no empty element."""
    return {name: value for name, value in node.items() if value not in (None, "", [], {})}


def unknown() -> dict[str, Any]:
    """Return what stands where a value has to be and is not known (data-absent-reason)."""
    # a new one: whoever gets the resource writes its own subject there
    return {"extension": [{"url": _DATA_ABSENT_REASON, "valueCode": "unknown"}]}


def release_of(document: dict[str, Any]) -> str:
    """Recognise the release of a resource or Bundle; an empty text where nothing tells.

    Told by the resource type (ImagingSelection is R5's), a profile in ``meta`` that names a FHIR
    version, or the shape of ``series.modality`` (Coding up to R4B, CodeableConcept in R5) and of
    ``sopClass`` (an oid in R6); R4 and R4B are one on the wire for these resources.
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
        instances = _list(series, "instance") if isinstance(series, dict) else ()
        if any(isinstance(one, dict) and isinstance(one.get("sopClass"), str) for one in instances):
            return "R6"
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
