"""Series and instances that an ImagingStudy does not list: added to our own, to others by request."""

import copy
import json
from itertools import permutations

import pytest
from sopstatus import DocumentError, SOPInstance, codec, transformer
from sopstatus.codecs.hl7 import message

FHIR = codec("fhir")
AO = {"SOPInstanceStatus": "AO"}


def said(sop="1.2.3.4", series="1.2.3", study="1.2", holder="", **more):
    return SOPInstance(study, series, "1.9", sop, holder, {**AO, **more})


ALL = [said(), said("1.2.3.5"), said("1.2.6.1", "1.2.6"), said("", "1.2.8")]
OURS = FHIR.encode([said()]).value
FOREIGN = {name: value for name, value in OURS.items() if name != "meta"}


def test_a_resource_that_we_make_says_so():
    assert OURS["meta"] == {
        "tag": [{"system": "https://w3id.org/sopstatus/fhir/origin", "code": "made"}]
    }
    bundle = FHIR.encode([said(), said(study="1.7", sop="1.7.1")]).value
    assert [entry["resource"]["meta"] for entry in bundle["entry"]] == [OURS["meta"]] * 2


@pytest.mark.parametrize("order", list(permutations(ALL)))
def test_one_after_another_says_what_all_at_once_say(order):
    document = FHIR.encode(order[:1]).value
    for statement in order[1:]:
        result = FHIR.encode([statement], document)
        assert not result.issues
        document = result.value
    assert sorted(FHIR.decode(document).value, key=lambda x: x.identity) == sorted(
        FHIR.decode(FHIR.encode(ALL).value).value, key=lambda x: x.identity
    )
    assert len(FHIR.instances(document)) == 3


def test_the_same_in_text_and_of_several_studies():
    text = json.dumps({name: value for name, value in OURS.items() if name != "series"})
    assert FHIR.decode(FHIR.encode([said()], text).value).value == (said(),)
    bundle = FHIR.encode([said(), said(study="1.7", sop="1.7.1")]).value
    grown = FHIR.encode([said("1.7.2", study="1.7")], bundle)
    assert grown.value["entry"][0] == bundle["entry"][0]
    assert [x.sop_instance_uid for x in FHIR.instances(grown.value)] == [
        "1.2.3.4",
        "1.7.1",
        "1.7.2",
    ]


def test_somebody_elses_is_as_it_was_until_it_is_asked_for():
    before = copy.deepcopy(FOREIGN)
    result = FHIR.encode([said("1.2.3.5")], FOREIGN)
    assert (result.value, [i.code for i in result.issues]) == (before, ["fhir/no-counterpart"])
    result = FHIR.encode([said("1.2.3.5")], FOREIGN, add_missing=True)
    assert not result.issues
    assert FHIR.decode(result.value).value == (said(), said("1.2.3.5"))
    assert before == FOREIGN


@pytest.mark.parametrize(
    "tag",
    [
        [],
        "made",
        [None],
        [{"system": "https://w3id.org/sopstatus/fhir/origin"}],
        [{"system": "https://example.org/origin", "code": "made"}],
        [{"system": "https://w3id.org/sopstatus/fhir/origin", "code": "read"}],
    ],
)
def test_another_tag_is_none_of_ours(tag):
    result = FHIR.encode([said("1.2.3.5")], FOREIGN | {"meta": {"tag": tag}})
    assert [i.code for i in result.issues] == ["fhir/no-counterpart"]


@pytest.mark.parametrize(
    "statement",
    [
        said("1.2.3.5", study="1.3"),
        said("1.2.3.5", study=""),
        said("1.2.3.5", series=""),
        said("1.2.3.5", series="series"),
        said("instance"),
        said(series="1.2.6"),  # its UID stands in another series
    ],
)
def test_what_is_not_known_to_belong_there_is_not_added(statement):
    result = FHIR.encode([statement], OURS)
    assert result.value == OURS
    assert [i.code for i in result.issues if i.is_error] == ["fhir/no-counterpart"]


@pytest.mark.parametrize(
    "more",
    [
        {"series": {}},
        {"series": [None]},
        {"series": [OURS["series"][0] | {"instance": {}}]},
        {"series": OURS["series"] * 2},
        {"identifier": []},
    ],
)
def test_nothing_is_added_to_what_is_not_as_it_should_be(more):
    document = OURS | more
    result = FHIR.encode([said("1.2.3.5")], document)
    assert result.value == document
    assert "fhir/no-counterpart" in [i.code for i in result.issues]


@pytest.mark.parametrize("where", ["study", "series"])
def test_nothing_is_added_to_what_was_taken_back(where):
    document = copy.deepcopy(OURS)
    (document if where == "study" else document["series"][0])["modifierExtension"] = [
        {"url": "https://example.org/not", "valueBoolean": True}
    ]
    result = FHIR.encode([said("1.2.3.5")], document)
    assert result.value == document
    assert [i.code for i in result.issues if i.is_error] == ["fhir/no-counterpart"]
    with pytest.raises(DocumentError):
        FHIR.encode([said()], document)


def test_an_empty_statement_adds_nothing():
    gone = SOPInstance("1.2", "1.2.3", "1.9", "1.2.3.5", "", {})
    assert FHIR.encode([gone], OURS).value == OURS


@pytest.mark.parametrize(
    ("counts", "left"),
    [
        ((1, 1, 1), (1, None, None)),  # one series, and now two instances
        ((1, 2, 2), (1, 2, 2)),
        ((0, 9, 1), (None, 9, None)),
    ],
)
def test_a_count_that_is_too_low_now_goes(counts, left):
    series, study, own = counts
    document = OURS | {"numberOfSeries": series, "numberOfInstances": study}
    document["series"] = [OURS["series"][0] | {"numberOfInstances": own}]
    made = FHIR.encode([said("1.2.3.5")], document).value
    told = (made.get("numberOfSeries"), made.get("numberOfInstances"))
    assert (*told, made["series"][0].get("numberOfInstances")) == left


def test_the_transformer_has_the_option():
    sent = codec("hl7").encode([said("1.2.3.5")], message([said()])).value
    carry = transformer("hl7", "fhir")
    assert carry(sent, FOREIGN).value == FOREIGN
    assert FHIR.decode(carry(sent, FOREIGN, add_missing=True).value).value == (
        said(),
        said("1.2.3.5"),
    )
    with pytest.raises(ValueError, match="only an ImagingStudy"):
        transformer("hl7", "hl7")(sent, add_missing=True)
