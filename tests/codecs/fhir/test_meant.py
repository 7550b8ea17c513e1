"""What is nearly ours, or nearly FHIR JSON: it is reported in the words of what was meant, and not read."""

import copy
import json

import pytest
from samples_of import sample
from sopstatus import DocumentError, codec
from sopstatus.codecs.fhir import codec as fhir_codec
from sopstatus.codecs.fhir import fast

FHIR = codec("fhir")
STUDY = sample("authorized-original", "fhir")
SAID = FHIR.decode(STUDY).value
OURS = STUDY["series"][0]["instance"][0]["extension"][0]
URL = OURS["url"]
CODES = "https://w3id.org/sopstatus/fhir/CodeSystem/sop-instance-status"


def instance(document):
    return document["series"][0]["instance"][0]


def with_instance(**more):
    document = copy.deepcopy(STUDY)
    instance(document).update(more)
    return document


def reported(document):
    read = FHIR.decode(document)
    return read.value, [(one.code, one.location) for one in read.issues]


@pytest.mark.parametrize(
    "url",
    [
        *(f"{URL}|0.1.0", f"{URL}/", f" {URL}", f"<{URL}>", f"{URL}#status", f"{URL}?v=1"),
        *(URL.replace("https:", scheme) for scheme in ("http:", "HTTPS:", "")),
        *(f"{URL}/_history/2", URL.replace("w3id.org", "W3ID.org").replace("fhir", "FHIR")),
    ],
)
def test_a_url_that_is_nearly_ours(url):
    where = "ImagingStudy.series[0].instance[0].extension[0].url"
    near = with_instance(extension=[{**OURS, "url": url}])
    assert reported(near) == ((), [("fhir/near-url", where)])
    assert URL in FHIR.decode(near).issues[0].diagnostics


@pytest.mark.parametrize("extension", [OURS, None, "x", 3])
def test_an_extension_that_is_no_list(extension):
    where = "ImagingStudy.series[0].instance[0].extension"
    found = FHIR.decode(with_instance(extension=extension))
    assert found.value == ()
    assert ("fhir/malformed", where) in [(one.code, one.location) for one in found.issues]


@pytest.mark.parametrize("inner", [None, {"url": "status", "valueCode": "AO"}])
def test_slices_that_are_no_list(inner):
    where = "ImagingStudy.series[0].instance[0].extension[0].extension"
    found = with_instance(extension=[{"url": URL, "extension": inner}])
    assert reported(found) == ((), [("fhir/malformed", where)])


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"modifierExtension": [OURS]}, "modifierExtension[0]"),
        ({"_uid": {"extension": [OURS]}}, "_uid.extension[0]"),
        ({"sopClass": {"code": "urn:oid:1.2.3", "extension": [OURS]}}, "sopClass.extension[0]"),
        (
            {"extension": [{"url": "http://x.test", "extension": [OURS]}]},
            "extension[0].extension[0]",
        ),
    ],
)
def test_ours_at_an_impossible_place_of_an_instance(more, where):
    document = with_instance(**{"extension": [], **more})
    path = f"ImagingStudy.series[0].instance[0].{where}"
    assert reported(document) == ((), [("fhir/out-of-place", path)])


@pytest.mark.parametrize("member", ["contained", "subject", "identifier", "meta"])
def test_ours_at_an_impossible_place_of_a_study(member):
    document = {**STUDY, member: [*STUDY.get("identifier", []), {"extension": [OURS]}]}
    said, told = reported(document)
    assert said == SAID
    assert [code for code, where in told if where.startswith(f"ImagingStudy.{member}[")] == [
        "fhir/out-of-place"
    ]


def test_a_study_that_another_resource_contains():
    for kind in ("DiagnosticReport", "Parameters"):
        inside = {"contained": [STUDY]}
        if kind == "Parameters":
            inside = {"parameter": [{"name": "study", "resource": STUDY}]}
        with pytest.raises(DocumentError) as caught:
            FHIR.decode({"resourceType": kind, **inside})
        (one,) = caught.value.issues
        assert one.code == "fhir/wrapped"
        assert one.location in ("contained[0]", "parameter[0].resource")


@pytest.mark.parametrize("member", ["uid", "availability"])
def test_stu3_is_named(member):
    document = {**STUDY, member: "x"}
    assert reported(document) == ((), [("fhir/stu3", "ImagingStudy")])
    assert FHIR.encode(SAID, document).value == document


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_not(value):
    text = json.dumps({**STUDY, "note": ["Infinity", '"NaN\\']})[:-1] + f',\n "n": {value}}}'
    for given in (text, text.encode(), f"\ufeff{text}".encode()):
        with pytest.raises(DocumentError) as caught:
            FHIR.decode(given)
        (one,) = caught.value.issues
        assert one.code == "document/not-json"
        assert "line 2, column 7" in one.diagnostics


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(charset):
    with pytest.raises(DocumentError) as caught:
        FHIR.decode(json.dumps(STUDY).encode(charset))
    assert [one.code for one in caught.value.issues] == ["document/utf-16"]


def test_xml_is_named():
    xml = '<?xml version="1.0"?><!-- x --><ImagingStudy xmlns="http://hl7.org/fhir"/>'
    for given in (xml, xml.encode()):
        with pytest.raises(DocumentError) as caught:
            FHIR.decode(given)
        assert [one.code for one in caught.value.issues] == ["fhir/xml"]


CODING = {"system": CODES, "code": "AO"}


@pytest.mark.parametrize(
    "value",
    [
        {"valueCoding": CODING},
        {"valueCodeableConcept": {"coding": [{"system": "http://x.test", "code": "NS"}, CODING]}},
    ],
)
def test_a_coding_of_ours_is_read_as_its_code(value):
    coded = with_instance(extension=[{"url": URL, "extension": [{"url": "status", **value}]}])
    read = FHIR.decode(coded)
    assert [dict(one.attributes) for one in read.value] == [{"SOPInstanceStatus": "AO"}]
    assert [(one.severity, one.code) for one in read.issues] == [("information", "fhir/coded")]
    assert FHIR.encode(read.value, coded).value == coded


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"valueCoding": {"system": "http://x.test", "code": "AO"}}, "fhir/wrong-type"),
        (
            {"valueCodeableConcept": {"coding": [CODING, {**CODING, "code": "NS"}]}},
            "fhir/wrong-type",
        ),
        ({"valueCode": "NS", "valueCoding": CODING}, "fhir/malformed"),
    ],
)
def test_no_code_is_chosen(value, code):
    coded = with_instance(extension=[{"url": URL, "extension": [{"url": "status", **value}]}])
    read = FHIR.decode(coded)
    assert (read.value, [one.code for one in read.issues]) == ((), [code])


def test_text_is_read_and_written_as_what_it_is():
    text = json.dumps(STUDY)
    assert FHIR.decode(text) == FHIR.decode(text.encode()) == FHIR.decode(STUDY)
    assert FHIR.encode(SAID, text).value is text
    bare = with_instance(extension=[])
    for given in (json.dumps(bare), json.dumps(bare).encode()):
        written = FHIR.encode(SAID, given).value
        assert type(written) is type(given)
        assert FHIR.decode(written).value == SAID


def test_the_quick_roads_see_the_same(monkeypatch):
    documents = [STUDY, with_instance(_uid={"extension": [OURS]}), with_instance(extension=None)]
    quick = [FHIR.read(one) for one in documents]
    monkeypatch.setattr(fast.Plan, "read", lambda *_: None)
    monkeypatch.setattr(fhir_codec, "is_clean", lambda *_: False)
    assert [FHIR.read(one) for one in documents] == quick
