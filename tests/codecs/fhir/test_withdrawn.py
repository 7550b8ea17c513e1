"""What takes a statement back, on every level above it or at it: nothing is stated, in no direction."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.formats import fhir_documents
from samples_of import sample
from sopstatus import DocumentError, codec, explain, transformer

FHIR = codec("fhir")
STUDY = sample("authorized-original", "fhir")
SAID = FHIR.decode(STUDY).value
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": {"resourceType": "Bundle", "entry": [{"resource": STUDY}]}}],
}
SELECTION = {
    "resourceType": "ImagingSelection",
    "status": "available",
    "studyUid": SAID[0].study_instance_uid,
    "seriesUid": SAID[0].series_instance_uid,
    "instance": STUDY["series"][0]["instance"],
}
MODIFIER = {"modifierExtension": [{"url": "http://elsewhere.test/negated", "valueBoolean": True}]}
OURS = {"modifierExtension": STUDY["series"][0]["instance"][0]["extension"]}
ERROR = {"status": "entered-in-error"}
RULES = {"implicitRules": "http://elsewhere.test/rules"}
INNER = ("entry", 0, "resource", "entry", 0)
PLACES = [
    (STUDY, (), ERROR),
    *((STUDY, (), {"status": text}) for text in ("Entered-In-Error ", ["entered_in_error"])),
    (STUDY, (), RULES),
    (STUDY, (), MODIFIER),
    (STUDY, (), OURS),
    (STUDY, ("series", 0), MODIFIER),
    (STUDY, ("series", 0, "instance", 0), MODIFIER),
    (STUDY, ("series", 0, "instance", 0), OURS),
    (SELECTION, (), ERROR),
    (SELECTION, (), RULES),
    (SELECTION, (), MODIFIER),
    (SELECTION, ("instance", 0), MODIFIER),
    (BUNDLE, (), RULES),
    (BUNDLE, ("entry", 0), MODIFIER),
    (BUNDLE, INNER[:3], RULES),
    (BUNDLE, INNER, MODIFIER),
    (BUNDLE, (*INNER, "resource"), ERROR),
    (BUNDLE, (*INNER, "resource", "series", 0, "instance", 0), MODIFIER),
]


def at(document, path, more):
    document = copy.deepcopy(document)
    node = document
    for step in path:
        node = node[step]
    node.update(copy.deepcopy(more))
    return document


def codes(issues):
    return {one.code for one in issues}


@pytest.fixture(
    params=PLACES, ids=lambda place: f"{place[0]['resourceType']}{place[1]}{[*place[2]]}"
)
def withdrawn(request):
    return at(*request.param)


def test_it_states_nothing(withdrawn):
    for document in (withdrawn, json.dumps(withdrawn), json.dumps(withdrawn).encode()):
        read = FHIR.decode(document)
        assert read.value == ()
        assert "fhir/withdrawn" in codes(read.issues)
        assert FHIR.read(document)[0] == read
        assert FHIR.instances(document)  # what it is about is known still
    assert "fhir/withdrawn" in codes(explain.explain(withdrawn).issues)
    assert not explain.explain(withdrawn).statements


def test_it_goes_nowhere(withdrawn):
    message = transformer("fhir", "hl7")(withdrawn)
    assert codec("hl7").decode(message.value).value == ()
    again = transformer("hl7", "fhir")(message.value)
    assert FHIR.decode(again.value).value == ()
    image = sample("not-specified", "dicom")
    assert transformer("fhir", "dicom")(withdrawn, image).value == image


def test_nothing_is_written_onto_it(withdrawn):
    before = copy.deepcopy(withdrawn)
    with pytest.raises(DocumentError) as caught:
        FHIR.encode(SAID, withdrawn)
    assert codes(caught.value.issues) == {"fhir/withdrawn"}
    with pytest.raises(DocumentError):
        transformer("dicom", "fhir")(sample("authorized-original", "dicom"), withdrawn)
    assert withdrawn == before
    assert FHIR.encode((), withdrawn).value == before


@pytest.mark.parametrize("more", [{"modifierExtension": []}, {"implicitRules": None}, {}])
def test_what_takes_nothing_back(more):
    assert FHIR.decode(at(STUDY, (), more)).value == SAID


def test_another_entry_of_the_bundle_still_states_it():
    entries = [{"resource": at(STUDY, (), ERROR)}, {"resource": STUDY}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert FHIR.decode(bundle).value == SAID
    new = replace(SAID[0], attributes={"SOPInstanceStatus": "NS"})
    written = FHIR.encode([new], bundle).value
    assert written["entry"][0] == bundle["entry"][0]
    assert FHIR.decode(written).value == (new,)


@settings(max_examples=60)
@given(st.data())
def test_whatever_it_holds_nothing_is_stated_and_nothing_written(data):
    document, known, _ = data.draw(fhir_documents())
    back = data.draw(st.sampled_from([ERROR, RULES, MODIFIER]))
    if document["resourceType"] == "Bundle":
        document = {**document, **RULES}
    else:
        document = {**document, **back}
    text = json.dumps(document)
    assert FHIR.decode(text).value == FHIR.decode(document).value == ()
    new = replace(known[0], attributes={"SOPInstanceStatus": "NS"})
    with pytest.raises(DocumentError):
        FHIR.encode([new], document)
    assert FHIR.encode((), text).value is text
    name = data.draw(st.sampled_from([*document]))
    with pytest.raises(DocumentError) as caught:
        FHIR.decode(f"{text[:-1]}, {json.dumps(name)}: null}}")
    assert codes(caught.value.issues) == {"document/repeated-member"}
