"""Every resource, read back by fhir.resources in its release (R4 by the R4B models)."""

import pytest
from fhir.resources.bundle import Bundle as R5Bundle
from fhir.resources.imagingstudy import ImagingStudy as R5Study
from fhir.resources.R4B.bundle import Bundle as R4BBundle
from fhir.resources.R4B.imagingstudy import ImagingStudy as R4BStudy
from samples_of import CASES, bare, sample
from sopstatus import codec, transformer
from sopstatus.codecs.fhir import release_of

from oracles.meaning import COMMENT, NUMBER, STATUS, TERMS, WHEN, statements

MODELS = {
    ("R4", "ImagingStudy"): R4BStudy,
    ("R4", "Bundle"): R4BBundle,
    ("R4B", "ImagingStudy"): R4BStudy,
    ("R5", "ImagingStudy"): R5Study,
    ("R5", "Bundle"): R5Bundle,
}
URL = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"


def resources():
    for case in CASES:
        document = sample(case, "fhir")
        release = release_of(document)
        yield f"{case}-sample", release, document
        for source in ("dicom", "hl7"):
            written = transformer(source, "fhir")(sample(case, source), bare(case, "fhir")).value
            yield f"{case}-{source}-onto", release, written
        for new in ("R4", "R4B", "R5"):
            known = codec("dicom").instances(sample(case, "dicom"))
            found = codec("dicom").decode(sample(case, "dicom")).value
            made = codec("fhir").encode(found, codec("fhir").blank(known, new)).value
            yield f"{case}-{new}-new", new, made


ALL = list(resources())


def elements(model):
    studies = [e.resource for e in model.entry] if hasattr(model, "entry") else [model]
    for study in studies:
        yield study
        for series in study.series or ():
            yield series
            yield from series.instance or ()


@pytest.mark.parametrize(("release", "document"), [a[1:] for a in ALL], ids=[a[0] for a in ALL])
def test_read_back(release, document):
    model = MODELS[release, document["resourceType"]].model_validate(document)
    found = []
    for element in elements(model):
        for extension in element.extension or ():
            if extension.url == URL:
                slices = {e.url: e for e in extension.extension}
                when = slices.get("authorizationDateTime")
                found.append(
                    (
                        slices["status"].valueCode if "status" in slices else None,
                        str(when.valueDateTime)[:4] if when else None,
                        slices["authorizationComment"].valueString
                        if "authorizationComment" in slices
                        else None,
                        slices["equipmentCertificationNumber"].valueString
                        if "equipmentCertificationNumber" in slices
                        else None,
                    )
                )
    want = [
        (
            said.get(STATUS) if said.get(STATUS) in TERMS else None,
            said[WHEN][:4] if said.get(WHEN) else None,
            said.get(COMMENT),
            said.get(NUMBER),
        )
        for _, said in statements("fhir", document)
    ]
    assert found == want
