"""FHIR rows: decode, and encode one statement onto an ImagingStudy; all data is synthetic."""

import json

from fhir.resources.R4B.imagingstudy import ImagingStudy
from sopstatus import SOPInstance, codec
from sopstatus.codecs.fhir import imaging_study

from bench.harness import Row
from bench.hl7 import ATTRIBUTES

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def rows():
    """Yield a row for each number of instances; orjson is the limit where it is installed."""
    try:
        import orjson as parser
    except ImportError:
        parser = json
    under = codec("fhir")
    for count in (1, 100, 5000):
        known = [
            SOPInstance("1.2.3", "1.2.3.1", SOP_CLASS, f"1.2.3.1.{n}") for n in range(1, count + 1)
        ]
        study = imaging_study(known, release="R4")
        text = parser.dumps(study)
        new = [SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", ATTRIBUTES)]

        def ours(study=study, new=new):
            return under.decode(study), under.encode(new, study)

        contenders = {
            "sopstatus": ours,
            f"{parser.__name__} alone": lambda text=text: parser.dumps(parser.loads(text)),
        }
        aims = {f"{parser.__name__} alone": 1 / 1.5}
        if count < 5000:
            contenders["fhir.resources"] = lambda text=text: ImagingStudy.model_validate_json(
                text
            ).model_dump_json()
            aims["fhir.resources"] = 130.0
        yield Row("decode and encode", f"{count} instances", count, contenders, aims)
