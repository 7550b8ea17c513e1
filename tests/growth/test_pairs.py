"""Statements times copies: grouped and decided once, and beyond ``limits.pairs`` refused."""

import json

import pytest
from serving import MEDIA, service
from sopstatus import DocumentError, Limits, SOPInstance, codec, expand, transformer
from sopstatus.profile import Link

from growth.families import (
    CLASS,
    COMMENT,
    DATA_SETS,
    IMAGE_SETS,
    MESSAGES,
    RESOURCES,
    SERIES,
    STATEMENTS,
    STATUS,
    STUDY,
    dated,
    said,
    text,
    uids,
    written,
)

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
DISAGREEING, COPIES = STATEMENTS["holders who disagree"], DATA_SETS["copies that contradict"]


def study(n):
    """Return an ImagingStudy of n instances, about which n holders each say another thing."""
    wide = [
        SOPInstance(STUDY, "", "", "", f"PACS{i}", x.attributes) for i, x in enumerate(dated(n))
    ]
    known = [said(u) for u in uids(n)]
    under = codec("fhir")
    return under.encode(wide, under.blank(known)).value


def refused(call, *arguments, **options):
    with pytest.raises(DocumentError) as caught:
        call(*arguments, **options)
    return [issue.code for issue in caught.value.issues]


def test_what_many_holders_say_of_many_copies_is_written_once_for_each():
    carry = transformer("hl7", "dicom-json")
    source = written("hl7", STATEMENTS["holders of one instance"](1000))
    into = DATA_SETS["silent copies of an instance"](1000)
    done = carry(source, into, link=TRUSTED)
    assert len(done.records) == 1000 and not done.issues
    assert {one["01000410"]["Value"][0] for one in done.value} == {"AO"}


def test_every_copy_with_every_statement_is_refused_before_any_is_decided():
    n = 20
    source, into = written("hl7", DISAGREEING(n)), COPIES(n)
    at = Limits(pairs=n * n)
    assert transformer("hl7", "dicom-json", limits=at)(source, into, link=TRUSTED).value == into
    beyond = Limits(pairs=n * n - 4 * n)
    carry = transformer("hl7", "dicom-json", limits=beyond)
    assert refused(carry, source, into, link=TRUSTED) == ["document/too-many-pairs"]


@pytest.mark.parametrize("target", ["dicom-json", "healthimaging"])
def test_holders_of_a_study_and_its_instances(target):
    assert refused(transformer("fhir", target), study(400)) == ["document/too-many-pairs"]


def test_expanding():
    n = 400
    known = [said(u) for u in uids(n)]
    wide = [SOPInstance(STUDY, "", "", "", f"PACS{i}", {STATUS: "AO"}) for i in range(n)]
    assert refused(expand, wide, known) == ["document/too-many-pairs"]
    assert len(expand(wide[:100], known)) == 100 * n


SEVERAL = {
    ("dicom-json", "silent copies of an instance"): DATA_SETS,
    ("dicom-json", "silent data sets"): DATA_SETS,
    ("healthimaging", "silent instances"): IMAGE_SETS,
    ("fhir", "extensions of ours"): RESOURCES,
    ("hl7", "orders of one study"): MESSAGES,
}


@pytest.mark.parametrize(("target", "name"), SEVERAL)
def test_a_long_value_onto_many_copies(target, name):
    """A few hundred kilobytes would become hundreds of megabytes."""
    uids = (
        ("", "", "") if "silent " in name and "copies" not in name else (SERIES, CLASS, "1.2.3.4.5")
    )
    into = SEVERAL[target, name][name](100)
    given = [
        written("hl7", [SOPInstance(STUDY, *uids, "", {STATUS: "AO", COMMENT: "x" * length})])
        for length in (1000, 10_000)
    ]
    carry = transformer("hl7", target, limits=Limits(pairs=800))
    assert carry(given[0], into, link=TRUSTED).value != into
    assert refused(carry, given[1], into, link=TRUSTED) == ["document/too-many-pairs"]
    assert transformer("hl7", target)(given[1], into, link=TRUSTED).value != into


def test_over_http():
    with service() as running, running.client() as client:
        answer = client.post(
            "/transform/fhir-to-dicom-json",
            content=json.dumps(study(400)).encode(),
            headers={"content-type": MEDIA["fhir"], "accept": "*/*"},
        )
        assert answer.status_code == 413
        assert "document/too-many-pairs" in answer.text


def test_a_copy_that_stands_twice_is_left_silent_beside_one_that_speaks():
    silent, speaking = DATA_SETS["copies, half of them silent"](1)
    under = codec("dicom-json")
    new = [said(**{STATUS: "NS"})]
    found = under.decode(under.encode(new, text([silent, speaking] * 2)).value).value
    assert [one[STATUS] for one in found] == ["NS", "NS"]
