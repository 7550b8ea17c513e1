"""What a page reads of a large DICOM file says the same as the file; what is not in order is read whole."""

import io
from itertools import islice

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malformed.data_sets import variants
from pydicom.data import get_testdata_file
from samples_of import FOLDER
from sopstatus import DocumentError, codec
from sopstatus.limits import DEFAULT
from sopstatus.workbench import header as header_module
from sopstatus.workbench.header import header

AO = (FOLDER / "authorized-original" / "image.dcm").read_bytes()
PIXELS = b"\xe1\x7f\x10\0OW\0\0" + (1 << 20).to_bytes(4, "little") + bytes(1 << 20)
PADDING = b"\xfc\xff\xfc\xff"
IMAGE = AO.replace(PADDING, PIXELS + PADDING)
STATUS = b"\0\1\x10\4CS\2\0AO"
FILES = [
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_gdcm.dcm",
    "image_dfl.dcm", "reportsi.dcm", "rtplan.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm",
]  # fmt: skip


def read(data):
    try:
        result = codec("dicom").decode(data)
    except DocumentError as error:
        return [str(issue) for issue in error.issues]
    return result.value, [str(issue) for issue in result.issues]


def test_pixels_are_emptied_and_nothing_else():
    short = header(io.BytesIO(IMAGE), DEFAULT)
    assert short == IMAGE.replace(PIXELS, PIXELS[:8] + bytes(4))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore")
def test_the_elements_are_those_of_the_file(name, monkeypatch):
    monkeypatch.setattr(header_module, "_LONG", 64)
    path = get_testdata_file(name)
    with open(path, "rb") as file:
        data, short = file.read(), header(file, DEFAULT)
    assert read(short) == read(data)
    one, two = (pydicom.dcmread(io.BytesIO(each)) for each in (short, data))
    assert list(one.keys()) == list(two.keys())
    for tag in [*two.keys()]:
        assert one[tag].value == two[tag].value or (not one[tag].value and two[tag].VR[0] == "O")


@given(st.integers(0, 10**6))
@pytest.mark.filterwarnings("ignore")
def test_a_malformed_file_says_the_same(seed):
    for _, data in islice(variants(AO, seed), 3):
        document = data + PIXELS
        assert read(header(io.BytesIO(document), DEFAULT)) == read(document)


@pytest.mark.parametrize("behind", [STATUS, b"\0\1\x20\4DT\4\x002024"])
def test_what_stands_behind_the_pixels_is_seen_or_the_file_is_refused(behind, monkeypatch):
    for data in (IMAGE + behind, IMAGE.replace(STATUS, b"") + behind):
        assert header(io.BytesIO(data), DEFAULT) == data
        monkeypatch.setattr(header_module, "LARGEST", 1 << 20)
        with pytest.raises(DocumentError, match="document/too-large"):
            header(io.BytesIO(data), DEFAULT)
        monkeypatch.undo()
