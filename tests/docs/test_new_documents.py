"""The page shows what is made."""

import json
import re

from samples_of import ROOT, sample
from sopstatus import transformer

PAGE = (ROOT / "docs/new-documents.md").read_text("utf-8")
VARIES = re.compile(r"\d{14}\+0000\|\|ORU\^R01\^ORU_R01\|[0-9A-F]{20}")  # MSH-7, MSH-10


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_one_image_as_both():
    image = sample("authorized-original", "dicom")
    message = transformer("dicom", "hl7")(image).value.decode().replace("\r", "\n")
    assert VARIES.search(message)
    assert VARIES.sub("", block("hl7")) == VARIES.sub("", message)
    assert json.loads(block("json")) == transformer("dicom", "fhir")(image).value


def test_every_setting_and_code_is_named():
    for name in ("context", "patient-authority", "hl7-version", "hl7-sender", "endpoint"):
        assert f"`{name}`" in PAGE
