"""pydicom's reading of what we write as DICOM JSON, and ours of what it writes."""

import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.formats import part10_files, plain
from laws.strategies import statements
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from samples_of import CASES, sample
from sopstatus import codec, load_tables

ROWS = load_tables().attributes.values()


def said_by(dataset):
    """What a data set says, by pydicom: several values joined as in a file."""
    found = {}
    for row in ROWS:
        if row.keyword in dataset:
            value = dataset[row.keyword].value
            text = value if isinstance(value, str | None) else "\\".join(map(str, value))
            found[row.keyword] = text or None
    return tuple(sorted(found.items()))


@pytest.mark.parametrize("case", CASES)
def test_samples(case):
    listed = json.loads(sample(case, "dicom-json"))
    found = {x.sop_instance_uid: x.attributes for x in codec("dicom-json").decode(listed).value}
    for node in listed:
        dataset = Dataset.from_json(node)
        assert said_by(dataset) == found.get(dataset.SOPInstanceUID, ())


@given(st.data())
def test_pydicom_reads_what_is_written(data):
    file = data.draw(st.sampled_from(part10_files()))
    dataset = dcmread(DicomBytesIO(file), stop_before_pixels=True)
    node = dataset.to_json_dict(suppress_invalid_tags=True)
    (known,) = codec("dicom").instances(file)
    for x in data.draw(statements([known], holders=st.just(""), wide=False))[:1]:
        written = codec("dicom-json").encode([plain(x)], json.dumps([node]).encode()).value
        (again,) = json.loads(written)
        assert {k: v for k, v in again.items() if not k.startswith("01000")} == node
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that are no date are carried all the same
            said = said_by(Dataset.from_json(again))
        read = {k: (v or "").rstrip(" \0") or None for k, v in said}
        assert tuple(sorted(read.items())) == plain(x).attributes
