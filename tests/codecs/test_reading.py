"""What a codec reads in one look at a document is what it decodes and the instances that it lists."""

import json

import pydicom
import pytest
from artifacts.mirth.data_sets import dicom_xml
from samples_of import CASES, FILES, FOLDER, sample
from sopstatus import SOPInstance, codec
from sopstatus.limits import DEFAULT, Limits

HELD = ("dicom", "dicom-json", "dicom-xml", "healthimaging")  # the document is the copy
NAMES = (*HELD, "fhir", "hl7", "hl7-xml")
AO = {"SOPInstanceStatus": "AO"}
CLASS = "1.2.840.10008.5.1.4.1.1.7"
FOUR = [SOPInstance("1.2.3", "1.2.3.1", CLASS, f"1.2.3.1.{n}", "", AO) for n in range(4)]


def look(name, document, limits=DEFAULT, **options):
    under = codec(name, limits=limits)
    said, known = under.read(document, **options)
    assert said == under.decode(document, **options)
    assert known == under.instances(document)
    return said, known


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("case", CASES)
def test_samples(name, case):
    look(name, sample(case, name))


@pytest.mark.parametrize("case", CASES)
def test_samples_as_mirth_s_xml(case):
    look("dicom-xml", dicom_xml(pydicom.dcmread(FOLDER / case / "image.dcm")))


@pytest.mark.parametrize("name", NAMES)
def test_instances_are_known_whether_or_not_something_is_said(name):
    under, is_message = codec(name), name.startswith("hl7")
    known = FOUR[: 1 if name in ("dicom", "dicom-xml") else 4]
    blank = under.blank(known)
    said, found = look(name, blank)
    # a new message names its study alone
    assert (said.value, len(found)) == ((), 0 if is_message else len(known))
    full = under.encode(known[:2], blank).value
    said, found = look(name, full)
    assert [x.sop_instance_uid for x in said.value] == [x.sop_instance_uid for x in known[:2]]
    assert len(found) == (2 if is_message else len(known))
    if name in HELD:
        said, found = look(name, full, holder="PACS1")
        assert {x.holder for x in said.value} == {"PACS1"}
        assert {x.holder for x in found} == {""}


def test_what_is_told_of_a_document_is_told_here_too():
    node = {"00080018": {"vr": "UI", "Value": ["1.2.3.1.1"]}, "01000410": {"Value": ["AO"]}}
    bulk = {"00080018": {"vr": "UI"}, "01000424": {"vr": "LT", "BulkDataURI": "x"}}
    document = [7, node, bulk, {**bulk, **{"00080018": node["00080018"]}}]
    said, known = look("dicom-json", json.dumps(document), fetch=lambda _: b"words")
    assert [dict(x.attributes) for x in said.value] == [AO, {"SOPAuthorizationComment": "words"}]
    assert len(said.issues) > 3 and len(known) == 1
    one, _ = look("dicom-json", document, Limits(issues=1))
    assert [i.code for i in one.issues][::2] == ["dicom-json/not-a-data-set"]
    nameless = "<dicom><tag01000410>QQ</tag01000410></dicom>"
    said, known = look("dicom-xml", nameless)
    assert (len(said.issues), known) == (6, ())
    odd = codec("fhir").encode([*FOUR], codec("fhir").blank(FOUR)).value
    for instance in odd["series"][0]["instance"]:
        instance["extension"][0]["extension"].append({"url": "theirs"})
    said, known = look("fhir", odd, Limits(issues=2))
    assert [len(said.value), len(said.issues), len(known)] == [4, 3, 4]
    deep = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Bundle", "entry": []}}],
    }
    assert [len(look("fhir", deep, Limits(depth=n))[0].issues) for n in (4, 8)] == [1, 0]
    message = codec("hl7").blank(FOUR) + b"ZDS|x\r" * 4
    for name, held in (
        ("hl7", message),
        (
            "hl7-xml",
            codec("hl7-xml")
            .blank(FOUR)
            .replace(b"</HL7Message>", b"<ZDS><ZDS.1>x</ZDS.1></ZDS>" * 4 + b"</HL7Message>"),
        ),
    ):
        said, known = look(name, held, Limits(issues=2))
        assert (said.value, len(said.issues), known) == ((), 3, ())
