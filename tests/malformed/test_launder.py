"""Nothing is laundered: malformed documents over every road into a data set, and what others read."""

import io
import json

import pydicom
import pytest
from samples_of import sample
from sopstatus import DocumentError, Link, codec, transformer

from malformed.launder import launder, unseen
from malformed.roads import AO, LINKS, ONTO, ROADS, statement

MANY, SOME = 2000, 100  # variants over bytes as they arrive, and over each other road and link


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("name", ROADS)
@pytest.mark.filterwarnings("ignore")  # pydicom reports what it repairs
def test_no_reader_reads_more_than_the_record_says(name, links):
    count = MANY if (name, links) == ("bytes", "untrusted") else SOME
    done = launder(ROADS[name], LINKS[links], count)
    assert not done.found, done.report
    assert done.written > count // 20  # it is not refused wholesale


@pytest.mark.parametrize("links", ["untrusted", "trusted"])
@pytest.mark.parametrize("name", ONTO)
@pytest.mark.filterwarnings("ignore")
def test_a_statement_onto_a_held_copy_launders_and_erases_nothing(name, links):
    done = launder(ONTO[name], LINKS[links], SOME)
    assert not done.found, done.report
    assert done.refused


@pytest.mark.filterwarnings("ignore")
def test_a_status_is_never_unseen_in_silence():
    done = unseen(MANY)
    assert not done.found, done.report
    assert done.written > MANY // 2


PLAIN = b"\0\1\x10\4CS\2\0AO"
NO_TERMS = {
    "behind a NUL": b"\0AO ", "in lower case": b"ao", "behind a tab": b"\tAO ", "one of two": b"AO\\NS ",
    "before a NUL": b"AO\0NS ", "before a no-break space": b"AO\xa0 ",
}  # fmt: skip


def stating(value):
    assert AO.count(PLAIN) == 1
    return AO.replace(PLAIN, PLAIN[:6] + len(value).to_bytes(2, "little") + value)


@pytest.mark.parametrize("term", ["NS", "AO", None])
@pytest.mark.parametrize("value", NO_TERMS.values(), ids=NO_TERMS)
def test_what_others_may_take_for_a_held_status_is_not_erased(value, term):
    with pytest.raises(DocumentError) as refused:
        transformer("fhir", "dicom")(statement("fhir", term), stating(value))
    assert [one.code for one in refused.value.issues] == ["profile/not-written"]
    assert {one.outcome for one in refused.value.records} == {"refused"}


CS = {"vr": "CS"}


@pytest.mark.parametrize("link", ["untrusted", "trusted"])
@pytest.mark.parametrize(
    "copies",
    [
        [{"Value": ["ao"]}],
        ["ao"],
        [{"vr": "LO", "Value": ["ao"]}],
        [{"vr": "UN", "InlineBinary": "YW8="}],
        [CS | {"Value": ["\ufeffAO"]}],
        [CS | {"Value": ["ao"]}, CS | {"Value": ["XX"]}],
    ],
    ids=["no VR", "no element", "another VR", "inline", "behind a mark", "two data sets"],
)
def test_nor_where_the_second_reader_doubts_or_another_copy_stands_beside(copies, link):
    (whole,) = json.loads(sample("authorized-original", "dicom-json"))
    into = json.dumps([whole | {"01000410": one} for one in copies])
    with pytest.raises(DocumentError) as refused:
        transformer("fhir", "dicom-json")(statement("fhir", "NS"), into, **LINKS[link])
    assert [one.code for one in refused.value.issues] == ["profile/not-written"]
    assert {one.outcome for one in refused.value.records} == {"refused"}


def test_nor_under_another_vr():
    element = PLAIN[:4] + b"UN\0\0\x02\0\0\0ao"
    with pytest.raises(DocumentError, match="profile/not-written"):
        transformer("fhir", "dicom")(statement("fhir", "NS"), AO.replace(PLAIN, element))


@pytest.mark.parametrize(
    "link", [Link.local(), Link(secure=True, authenticated=True, conforms=True)]
)
@pytest.mark.parametrize("value", NO_TERMS.values(), ids=NO_TERMS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_term_does_not_become_one(value, link):
    """pydicom reads it as it stands, so no record and no data set may say AO."""
    data = stating(value)
    assert pydicom.dcmread(io.BytesIO(data)).SOPInstanceStatus != "AO"
    said = codec("dicom").decode(data)
    assert said.value[0]["SOPInstanceStatus"] != "AO"
    assert any(one.severity in ("error", "warning") for one in said.issues)
    try:
        made = transformer("dicom", "dicom")(data, link=link)
    except DocumentError as refused:
        assert {one.outcome for one in refused.records} <= {"refused"}
    else:
        assert not link.is_local  # there, what is stated must be a term
        assert not made.records
        assert made.value == data
