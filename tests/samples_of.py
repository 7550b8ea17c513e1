"""The shipped samples, for tests."""

import json
from pathlib import Path

from sopstatus import SOPInstance, codec

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "samples"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/image.dcm"))
FILES = {
    "dicom": "image.dcm",
    "hl7": "message.hl7",
    "hl7-xml": "message.xml",
    "fhir": "imaging-study.json",
    "dicom-json": "metadata.json",
}


def sample(case, name):
    """Return a sample's document as its codec takes it."""
    data = (FOLDER / case / FILES[name]).read_bytes()
    return json.loads(data) if name == "fhir" else data


def emptied(x):
    """Return the statement that removes another."""
    return SOPInstance(*x.identity[:2], "", x.sop_instance_uid, x.holder)


def bare(case, name):
    """Return a sample's document with our statements removed."""
    document = sample(case, name)
    under = codec(name)
    return under.encode([emptied(x) for x in under.decode(document).value], document).value


def verbatim_slice(text):
    """The slice of an exact text, given as ZDS-9 has it: Keyword=<JSON string>."""
    keyword, _, value = text.partition("=")
    inner = [{"url": "attribute", "valueCode": keyword}, {"url": "value", "valueString": value}]
    return {"url": "verbatim", "extension": inner}
