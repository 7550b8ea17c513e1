"""The generator itself: the same again from a seed, of every kind, and readable enough to matter."""

from itertools import islice

import pytest
from samples_of import sample
from sopstatus import transformer

from malformed import documents
from malformed.data_sets import ENCODINGS, FAULTS, fault_names, variants, well_formed
from malformed.launder import launder
from malformed.readers import (
    NOTHING,
    Said,
    in_image_set,
    in_json,
    in_xml,
    more,
    terms,
    with_dcmtk,
    with_pydicom,
    written,
)
from malformed.roads import Road, Written

AO, NS = sample("authorized-original", "dicom"), sample("not-specified", "dicom")


def test_the_same_again_from_a_seed():
    once, again = (list(islice(variants(AO, 7), 200)) for _ in "ab")
    assert once == again
    assert list(islice(variants(AO, 8), 200)) != once


def test_every_fault_and_every_encoding_is_met():
    names = [name.split("+") for name, _ in islice(variants(AO, 1), 2000)]
    assert {name[0] for name in names} == set(ENCODINGS)
    assert {fault for name in names for fault in name[1:]} == fault_names()


@pytest.mark.parametrize("kind", FAULTS)
def test_kinds_can_be_asked_for_alone(kind):
    wanted = {fault.__name__ for fault in FAULTS[kind]}
    for name, _ in islice(variants(AO, 1, [kind]), 50):
        assert set(name.split("+")[1:]) <= wanted


def test_without_a_fault_both_readers_read_the_sample(tmp_path):
    made = dict(well_formed(AO))
    by_dcmtk = dict(zip(made, with_dcmtk(written(tmp_path, made.values())), strict=True))
    assert by_dcmtk.pop("jpip-htj2k") == NOTHING  # newer than DCMTK 3.6.7
    assert set(by_dcmtk.values()) == {Said("AO", True)}
    assert {with_pydicom(data) for data in made.values()} == {Said("AO", True)}


def test_most_of_what_is_malformed_can_be_read(tmp_path):
    made = [data for _, data in islice(variants(AO, 3), 400)]
    by_dcmtk = with_dcmtk(written(tmp_path, made))
    assert sum(said.status != "" for said in by_dcmtk) > 100
    by_pydicom = [with_pydicom(data) for data in made]
    assert sum(said.status != "" for said in by_pydicom) > 150
    assert sum(a != b for a, b in zip(by_dcmtk, by_pydicom, strict=True)) > 20  # they disagree


def test_the_order_of_what_is_read():
    assert [terms(text) for text in ("AO", "AO \0", "NS\\AO", "XX", "", "NS")] == [
        *("AO", "AO", "AO"),
        *("", "", ""),
    ]
    assert more(Said("AO"), "AO") == more(Said("AC"), "OR") == more(NOTHING, "") == ""
    assert more(Said("OR"), "AC")
    assert more(Said("AC"), "NS")
    assert more(Said("AO"), "")
    assert more(Said("", companions=True), "NS")
    assert more(Said("", companions=True), "NS", companions=True) == ""


@pytest.mark.parametrize(
    "make", [documents.dicom_json, documents.dicom_xml, documents.healthimaging]
)
def test_documents_are_the_same_again_from_a_seed(make):
    once, again = (list(islice(make(7), 200)) for _ in "ab")
    assert once == again
    assert list(islice(make(8), 200)) != once


def test_documents_are_read_whichever_of_repeated_members_counts():
    twice = b'[{"01000410":{"vr":"CS","Value":["%s"]},"01000410":{"vr":"CS","Value":["%s"]}}]'
    assert in_json(twice % (b"AO", b"NS")) == in_json(twice % (b"NS", b"AO")) == Said("AO")
    xml = b'<dicom><tag01000410 tag="01000410">NS</tag01000410>%s</dicom>'
    assert in_xml(xml % b"") == NOTHING
    assert in_xml(xml % b"<tag01000410>AO</tag01000410>") == Said("AO")
    assert in_xml(xml % b'<tag01000411 tag="01000410">AO</tag01000411>') == Said("AO")
    one = b'{"Study":{"Series":{"1":{"Instances":{"2":{"DICOM":{%s"SOPInstanceStatus":"NS"}}}}}}}'
    assert in_image_set(one % b"") == NOTHING
    assert in_image_set(one % b'"SOPInstanceStatus":"OR",') == Said("OR")


def test_a_road_that_launders_is_found_out():
    def as_it_came(data, folder, **links):
        said = transformer("dicom", "dicom")(NS).records  # ends in NS, whatever came
        return Written(said, (with_pydicom(data),), data)

    done = launder(Road(lambda seed: variants(AO, seed), as_it_came), {}, 200)
    assert len(done.found) > 50
    assert any("DCMTK" in line for line in done.found)
    assert done.written == done.documents == 200
    held = launder(Road(lambda seed: variants(AO, seed), as_it_came, onto=True), {}, 50)
    assert any("a stranger's statement" in line for line in held.found)
