"""Examples: the shipped samples as resources of each release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from sopstatus.artifacts.fhir.basic import as_basic
from sopstatus.artifacts.fhir.heads import Resource, url_of
from sopstatus.artifacts.fhir.profiles import profile_id
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.codecs.fhir import FHIRCodec, imaging_study, release_of
from sopstatus.codecs.fhir.blank import instance_of
from sopstatus.codecs.fhir.elements import STUDY_SYSTEM
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable, load_tables

_SUBJECT = {"reference": "Patient/synthetic"}
_PATIENT = {
    "resourceType": "Patient",
    "id": "synthetic",
    "name": [{"text": "Synthetic Sample"}],
}


def examples(tables: MappingTable, release: Release) -> Iterator[Resource]:
    """Yield the samples in a release, and what they refer to. Written with the tables' own URLs."""
    yield dict(_PATIENT)
    shipped, codec = FHIRCodec(load_tables()), FHIRCodec(tables)
    samples = files("sopstatus.samples")
    for case in sorted(folder.name for folder in samples.iterdir() if folder.is_dir()):
        file = samples.joinpath(case, "imaging-study.json")
        if not file.is_file():
            continue
        document = json.loads(file.read_text("utf-8"))
        said = shipped.decode(document).value
        known = shipped.instances(document)
        study = _study(document, known, codec, release)
        made = codec.encode(said, study, known=known).value
        yield _profiled(made, case, "ImagingStudy", tables)
        if not said or not said[0].sop_instance_uid:
            continue
        selection = codec.encode(said[:1], _selection(said[0], release)).value
        if "ImagingSelection" in release.resources:
            yield _profiled(selection, case, "ImagingSelection", tables)
        elif tables.site.selection_before_r5 == "basic":
            yield as_basic({**selection, "id": case})


def _study(
    document: Resource, known: tuple[SOPInstance, ...], codec: FHIRCodec, release: Release
) -> Resource:
    """Return the sample's study without statements, in a release."""
    if document["resourceType"] == "Bundle":
        document = document["entry"][0]["resource"]
    if (release_of(document) or "R4") != ("R4" if release.name == "R4B" else release.name):
        made = imaging_study(known, release=release.name)
        return made | {"status": "available", "subject": _SUBJECT}
    shipped = FHIRCodec(load_tables())
    emptied = [
        SOPInstance(
            x.study_instance_uid, x.series_instance_uid, "", x.sop_instance_uid, x.holder, ()
        )
        for x in shipped.decode(document).value
    ]
    bare: Resource = shipped.encode(emptied, document).value
    return bare


def _selection(x: SOPInstance, release: Release) -> Resource:
    """Return an ImagingSelection of one instance."""
    coding = {
        "system": "http://dicom.nema.org/resources/ontology/DCM",
        "code": "113000",
        "display": "Of Interest",
    }
    return {
        "resourceType": "ImagingSelection",
        "identifier": [{"system": STUDY_SYSTEM, "value": f"urn:oid:{x.study_instance_uid}"}],
        "status": "available",
        "subject": _SUBJECT,
        "code": {"coding": [coding]},
        "studyUid": x.study_instance_uid,
        "seriesUid": x.series_instance_uid,
        "instance": [instance_of(x.sop_instance_uid, x.sop_class_uid, release.name)],
    }


def _profiled(resource: Resource, case: str, kind: str, tables: MappingTable) -> Resource:
    made: Resource = {
        "resourceType": kind,
        "id": case,
        "meta": {"profile": [url_of(tables.site, "StructureDefinition", profile_id(kind))]},
    }
    return made | {key: value for key, value in resource.items() if key not in made}
