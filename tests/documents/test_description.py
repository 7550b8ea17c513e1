"""Modality, station and dates of what a scan finds, wherever the document has them."""

import json
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import scan
from sopstatus.documents.description import NOTHING, Described, of_document
from sopstatus.model import SOPInstance

RELEASED = Path(__file__).resolve().parents[2] / "samples" / "authorized-original"
NAMES = (
    *("00080060", "00080018", "Value", "vr", "series", "modality", "coding", "code"),
    *("uid", "started", "entry", "resource", "resourceType"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["CT", "20240102"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def told(path):
    (found,) = scan([path])
    return found.described


def test_a_data_set_and_its_metadata_tell_the_same():
    dataset = pydicom.dcmread(RELEASED / "image.dcm")
    expected = Described(
        dataset.Modality, dataset.StationName, dataset.StudyDate, dataset.AcquisitionDate
    )
    assert all(expected[:4])
    assert told(RELEASED / "image.dcm") == told(RELEASED / "metadata.json") == (expected,)


def test_what_is_not_said_or_no_modality_and_no_date(tmp_path):
    dataset = pydicom.dcmread(RELEASED / "image.dcm")
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.StationName, dataset.Modality = "Röntgen", ""
    dataset.StudyDate = None
    dataset["AcquisitionDate"]._value = "yesterday"
    dataset.save_as(tmp_path / "image.dcm")
    assert told(tmp_path / "image.dcm") == (Described("", "Röntgen", "", ""),)


@pytest.mark.parametrize("coding", [{"code": "MR"}, {"coding": [{"system": "x"}, {"code": "MR"}]}])
def test_a_study_as_fhir(tmp_path, coding):
    study = json.loads((RELEASED / "imaging-study.json").read_text())
    study["started"] = "2024-01-15T10:00:00Z"
    study["series"][0]["modality"] = coding
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": study}]}
    (tmp_path / "study.json").write_text(json.dumps(bundle))
    assert set(told(tmp_path / "study.json")) == {Described("MR", "", "20240115", "")}


@given(JSON, st.booleans())
def test_any_json_is_taken(document, pretty):
    one = SOPInstance(sop_instance_uid="1.2", series_instance_uid="1")
    text = json.dumps(document, indent=pretty or None).encode()
    for name, given_ in (("fhir", document), ("dicom-json", text), ("hl7", text)):
        assert len(of_document(name, given_, (one,))) == 1
    assert of_document("dicom-json", text[:-1], (one,)) == (NOTHING,)
