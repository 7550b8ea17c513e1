"""The smallest ImagingStudy: what it names, what is marked unknown; and the release of a resource."""

from uuid import NAMESPACE_OID, uuid5

import pytest
from sopstatus import SOPInstance
from sopstatus.codecs.fhir import imaging_study, release_of
from sopstatus.codecs.fhir.blank import RELEASES

UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
SUBJECT = UNKNOWN | {"display": "unknown"}  # R4 2.3.0.3: a reference has a part that is read
EMPTY = {"resourceType": "ImagingStudy", "status": "unknown", "subject": SUBJECT}


def named(uid, *series):
    identifier = [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}]
    return EMPTY | {"identifier": identifier} | ({"series": list(series)} if series else {})


def series(uid, *instances):
    inside = {"instance": list(instances)} if instances else {}
    return {"uid": uid, "modality": UNKNOWN} | inside


def instance(uid, sop_class=""):
    coding = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{sop_class}"}
    return {"uid": uid, "sopClass": coding if sop_class else UNKNOWN}


def url(uid):
    return f"urn:uuid:{uuid5(NAMESPACE_OID, uid)}"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], EMPTY),
        ([("",)], EMPTY),
        ([("1.2",)], named("1.2")),
        ([("1.2",), ("1.2", "1.2.3")], named("1.2", series("1.2.3"))),
        (
            [("1.2", "1.2.3", "1.9", "1.2.3.4"), ("1.2", "1.2.3", "", "1.2.3.5")],
            named("1.2", series("1.2.3", instance("1.2.3.4", "1.9"), instance("1.2.3.5"))),
        ),
        (
            # two copies of one instance, of which only one statement says the SOP Class
            [("1.2", "1.2.3", x, "1.2.3.4") for x in ("", "1.9", "1.8")],
            named("1.2", series("1.2.3", instance("1.2.3.4", "1.9"))),
        ),
        (
            [("1.2", "1.2.3", "", "1.2.3.4"), ("1.2", "1.2.6"), ("1.2", "1.2.3", "", "1.2.3.5")],
            named(
                "1.2", series("1.2.3", instance("1.2.3.4"), instance("1.2.3.5")), series("1.2.6")
            ),
        ),
    ],
)
def test_a_study_names_what_is_given_once(given, made):
    assert imaging_study([SOPInstance(*uids) for uids in given], release="R4") == made


def test_several_studies_make_a_collection():
    given = [SOPInstance("1.2"), SOPInstance("1.7", "1.7.3"), SOPInstance("1.2", "1.2.3")]
    assert imaging_study(given, release="R5") == {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": url("1.2"), "resource": named("1.2", series("1.2.3"))},
            {"fullUrl": url("1.7"), "resource": named("1.7", series("1.7.3"))},
        ],
    }


def test_a_subject_filled_in_stays_in_its_resource():
    first = imaging_study([SOPInstance("1.2", "1.2.3", "", "1.2.3.4")], release="R4")
    inner = first["series"][0]
    for node in (first["subject"], inner["modality"], inner["instance"][0]["sopClass"]):
        assert node in (UNKNOWN, SUBJECT)
        node["extension"].clear()
        node["reference"] = "Patient/1"
    assert imaging_study([], release="R4") == EMPTY


def test_releases():
    for release in RELEASES:
        assert imaging_study([], release=release) == EMPTY
    with pytest.raises(ValueError, match=r"^'R7' is not one of R4, R4B, R5, R6$"):
        imaging_study([], release="R7")


def profiled(*profiles):
    return {"resourceType": "ImagingStudy", "meta": {"profile": list(profiles)}}


def of_modality(*modalities):
    return {"resourceType": "ImagingStudy", "series": [{"modality": m} for m in modalities]}


R4, R5 = of_modality({"code": "CT"}), of_modality({"coding": [{"code": "CT"}]})


@pytest.mark.parametrize(
    ("document", "release"),
    [
        ({"resourceType": "ImagingSelection"}, "R5"),
        ({"resourceType": "ImagingStudy"}, ""),
        ({"resourceType": "ImagingStudy", "meta": 7, "series": 7}, ""),
        ({"resourceType": "ImagingStudy", "meta": {"profile": "/4.0/"}}, ""),
        (profiled("http://x.test/4.0/y"), "R4"),
        (profiled("http://x.test/4.3/y"), "R4B"),
        (profiled("http://x.test/5.0/y"), "R5"),
        (profiled(7, "http://x.test/y", "http://x.test/5.0/y"), "R5"),
        (profiled("http://x.test/4.3/y") | R5, "R4B"),
        (of_modality({"code": "CT"}), "R4"),
        (of_modality({"system": "x"}), "R4"),
        (of_modality({"coding": []}), "R5"),
        (of_modality({"text": "CT"}), "R5"),
        (of_modality(7, {}, UNKNOWN, {"text": "CT"}), "R5"),
        ({"resourceType": "ImagingStudy", "series": [7, *R5["series"]]}, "R5"),
        ({"resourceType": "Bundle"}, ""),
        ({"resourceType": "Bundle", "entry": 7}, ""),
        ({"resourceType": "Bundle", "entry": [7, {}, {"resource": 7}, {"resource": R5}]}, "R5"),
        (
            {"resourceType": "Bundle", "entry": [{"resource": r} for r in (R4, R4, profiled())]},
            "R4",
        ),
        ({"resourceType": "Bundle", "entry": [{"resource": r} for r in (R4, R5)]}, ""),
    ],
)
def test_the_release_of_a_resource(document, release):
    assert release_of(document) == release
