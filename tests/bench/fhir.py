"""FHIR rows: decode, and encode one statement onto an ImagingStudy; all data is synthetic."""

import fhirkit
import orjson
from fhir.resources.R4B.imagingstudy import ImagingStudy
from sopstatus import SOPInstance, codec

from bench.harness import OURS, Row
from bench.hl7 import ATTRIBUTES

NOTE = (
    "By profile, 100 instances: the legality of their UIDs, which decoding and encoding ask, is a sixth (it was "
    "a quarter), the list of elements a tenth, the look for extensions of ours anywhere else in the resource a "
    "twentieth; of one instance most is done once for a resource, in many small steps. orjson and fhirkit ask "
    "none of this. "
    "fhir.resources is quicker than it was when the aim was set."
)
ALONE = "orjson alone"  # loads and dumps; the work on the parsed dict is ours


def study(count):
    """An ImagingStudy with as many instances, with what archives usually say of each."""
    instance = {
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"},
        "title": "CT of the chest, transverse, 1 mm",
    }
    return {
        "resourceType": "ImagingStudy",
        "id": "synthetic",
        "meta": {"versionId": "7", "lastUpdated": "2024-01-02T03:04:05.000Z"},
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "status": "available",
        "subject": {"reference": "Patient/1"},
        "started": "2024-01-02T03:04:05+01:00",
        "numberOfSeries": 1,
        "numberOfInstances": count,
        "series": [
            {
                "uid": "1.2.3.1",
                "number": 1,
                "modality": {
                    "system": "http://dicom.nema.org/resources/ontology/DCM",
                    "code": "CT",
                },
                "description": "Chest",
                "numberOfInstances": count,
                "instance": [
                    {"uid": f"1.2.826.0.1.3680043.8.498.{n}", "number": n, **instance}
                    for n in range(1, count + 1)
                ],
            }
        ],
    }


SHOWN = {5000: "an ImagingStudy of 5,000 instances, read and written"}


def rows():
    """Yield a row for each number of instances."""
    under = codec("fhir")
    uid = "1.2.826.0.1.3680043.8.498.1"
    new = [SOPInstance("1.2.3", "1.2.3.1", "", uid, "", ATTRIBUTES)]
    for count in (1, 100, 5000):
        parsed = study(count)
        text = orjson.dumps(parsed)

        def ours(parsed=parsed):
            return under.decode(parsed), under.encode(new, parsed)

        def models(text=text):
            return ImagingStudy.model_validate_json(text).model_dump_json()

        contenders = {
            OURS: ours,
            ALONE: lambda text=text: orjson.dumps(orjson.loads(text)),
            "fhirkit (Rust)": lambda text=text: fhirkit.parse(text).to_json(),
            "fhir.resources": models,
        }
        aims = {ALONE: 1 / 1.5, "fhir.resources": 130.0} if count > 100 else {}
        aims |= {1: {"fhirkit (Rust)": 1 / 1.6}, 100: {ALONE: 0.65}}.get(count, {})
        work = "FHIR: decode and encode a parsed resource"
        size = f"{count:,} instance{'s' * (count > 1)}"
        limits, shown = frozenset([ALONE]), SHOWN.get(count, "")
        yield Row(work, size, contenders, aims, limits=limits, note=NOTE, shown=shown)
