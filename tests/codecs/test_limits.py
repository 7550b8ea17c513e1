"""What a document may ask for is bounded, and each bound is an argument."""

import io
import tracemalloc
import zlib

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence
from sopstatus import DocumentError, Limits, codec


def bomb(size):
    """Return the deflated bytes of an element of this many bytes."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = deflater.compress(b"\x08\x00\x12\x21UT\0\0" + size.to_bytes(4, "little"))
    for _ in range(size >> 20):
        body += deflater.compress(bytes(1 << 20))
    return body + deflater.flush()


@pytest.mark.parametrize("limit", [1 << 20, 8 << 20])
def test_a_zip_bomb_in_a_deflated_data_set(limit):
    with open(get_testdata_file("image_dfl.dcm"), "rb") as file:
        real = file.read()
    head = real[: codec_start(real)]
    body = bomb(256 << 20)
    tracemalloc.start()
    with pytest.raises(DocumentError) as refused:
        codec("dicom", limits=Limits(inflated=limit)).decode(head + body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.issues[0].code == "dicom/too-large"
    assert peak < 8 * limit + (4 << 20)


def codec_start(data):
    """Return where the deflated part of image_dfl.dcm begins."""
    for start in range(132, 1024):
        try:
            zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], 64)
        except zlib.error:
            continue
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], 64)
        if inflated[:2] == b"\x08\x00":
            return start
    raise AssertionError


@pytest.mark.parametrize(("limit", "deep"), [(3, True), (8, False)])
def test_nested_sequences(limit, deep):
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    inner = pydicom.Dataset()
    inner.PatientID = "x"
    for _ in range(6):
        outer = pydicom.Dataset()
        outer.ReferencedStudySequence = Sequence([inner])
        outer["ReferencedStudySequence"].is_undefined_length = True
        inner.is_undefined_length_sequence_item = True
        inner = outer
    dataset.ReferencedStudySequence = inner.ReferencedStudySequence
    dataset["ReferencedStudySequence"].is_undefined_length = True
    dataset.SOPInstanceStatus = "AO"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    under = codec("dicom", limits=Limits(depth=limit))
    if deep:
        with pytest.raises(DocumentError) as refused:
            under.decode(buffer.getvalue())
        assert refused.value.issues[0].code == "dicom/too-deep"
    else:
        assert under.decode(buffer.getvalue()).value
