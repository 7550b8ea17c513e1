"""Bulk rows: DICOM files to FHIR NDJSON, beside pydicom and fhir.resources as a user would write it."""

import json
import tempfile
from pathlib import Path

import orjson
import pydicom
from fhir.resources.R4B.imagingstudy import ImagingStudy
from pydicom.data import get_testdata_file
from sopstatus import load_tables, scan
from sopstatus.codecs.fhir import FHIRCodec

from bench.harness import OURS, Row

FILES = 1000
NOTE = (
    "One process; both processors together stand beside it. Of our time making the resources is 54 %, reading and "
    "opening the files 44 %."
)
GROUP = load_tables().groups[0]
UNDER = FHIRCodec(load_tables())
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UNKNOWN = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
MADE = {"system": "https://w3id.org/sopstatus/fhir/origin", "code": "made"}


def archive(folder, count):
    """Write copies of pydicom's CT_small with a status and UIDs that are synthetic."""
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.SOPInstanceStatus = "AO"
    dataset.SOPAuthorizationDateTime = "20240115103015+0100"
    for number in range(count):
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{number + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"{number:05}.dcm")


def line(record):
    """Return a record as a line of FHIR NDJSON."""
    return orjson.dumps(UNDER.encode(record.instances).value)


def ours(folder, workers):
    """Return the lines of a folder."""
    return list(scan([folder], workers=workers, each=line))


def by_libraries(folder):
    """Do the same as a user of pydicom and fhir.resources would."""
    return [
        ImagingStudy.model_validate(
            resource(pydicom.dcmread(name, stop_before_pixels=True))
        ).model_dump_json()
        for name in sorted(folder.iterdir())
    ]


def resource(ds):
    """Write a data set as an ImagingStudy."""
    when = str(ds.SOPAuthorizationDateTime)
    date = f"{when[:4]}-{when[4:6]}-{when[6:8]}T{when[8:10]}:{when[10:12]}:{when[12:14]}"
    slices = [
        {"url": "status", "valueCode": ds.SOPInstanceStatus},
        {"url": "authorizationDateTime", "valueDateTime": f"{date}{when[14:17]}:{when[17:]}"},
    ]
    instance = {
        "uid": ds.SOPInstanceUID,
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{ds.SOPClassUID}"},
        "extension": [{"url": GROUP.extension, "extension": slices}],
    }
    return {
        "resourceType": "ImagingStudy",
        "meta": {"tag": [MADE]},
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{ds.StudyInstanceUID}"}],
        "status": "unknown",
        "subject": UNKNOWN | {"display": "unknown"},
        "series": [{"uid": ds.SeriesInstanceUID, "modality": UNKNOWN, "instance": [instance]}],
    }


def rows():
    """Yield the row, having seen that both write the same resources."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive(folder, FILES)
        want = [json.loads(text) for text in by_libraries(folder)]
        assert [json.loads(text) for text in ours(folder, 1)] == want
        contenders = {
            OURS: lambda: ours(folder, 1),
            "sopstatus, 2 processes": lambda: ours(folder, 2),
            "pydicom + fhir.resources": lambda: by_libraries(folder),
        }
        aims = {"pydicom + fhir.resources": 18.0}
        yield Row(
            "bulk: DICOM to FHIR NDJSON",
            f"{FILES:,} files",
            contenders,
            aims,
            note=NOTE,
            shown="1,000 DICOM files to FHIR NDJSON",
        )
