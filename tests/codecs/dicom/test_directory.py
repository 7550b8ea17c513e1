"""A DICOMDIR is named as what it is, however it is given, and nothing is written onto one."""

import io
from pathlib import Path

import pydicom
import pytest
from sopstatus import DocumentError, SOPInstance, codec, transformer
from sopstatus.codecs.part10.file import Part10File

FILE = Path(__file__).resolve().parents[2] / "issue_samples" / "dicom" / "directory.dcm"
DATA = FILE.read_bytes()
GIVEN = {
    "bytes": lambda: DATA,
    "bytearray": lambda: bytearray(DATA),
    "file object": lambda: io.BytesIO(DATA),
    "path": lambda: FILE,
    "Part10File": lambda: Part10File(FILE),
    "Dataset": lambda: pydicom.dcmread(FILE),
}


@pytest.mark.parametrize("name", GIVEN)
def test_it_is_named(name):
    under = codec("dicom")
    (told,) = under.decode(GIVEN[name]()).issues
    assert (told.code, told.severity) == ("dicom/directory", "error")
    said = SOPInstance("1.2", "1.3", "1.4", "1.5", "", {"SOPInstanceStatus": "AO"})
    with pytest.raises(DocumentError, match="dicom/directory"):
        under.encode([said], GIVEN[name]())
    with pytest.raises(DocumentError, match="dicom/directory"):
        transformer("dicom", "dicom")(GIVEN[name]())
