"""What the walker does not follow, pydicom reads: within bounds that pydicom itself does not have."""

import io
import struct
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from part10_made import DEFLATED, EXPLICIT, part10_file, plain
from sopstatus import DocumentError, Limits, codec
from sopstatus.codecs.dicom import by_pydicom
from sopstatus.codecs.dicom import elements as dicom_elements
from sopstatus.codecs.part10.file import Part10File

STATUS, WHEN = 0x01000410, 0x01000420
AO = plain(STATUS, "CS", b"AO")
SOP = plain(0x00080018, "UI", b"1.2.3\0")
ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
ENDS = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
TWIN = plain(0x00290010, "LO", b"MMCPrivate")  # pydicom is asked which elements it has


def refused(call, *arguments, **options):
    with pytest.raises(DocumentError) as error:
        call(*arguments, **options)
    (issue,) = error.value.issues
    return issue.code


def of_undefined_length(tag, inside, vr=b"SQ"):
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, 0xFFFFFFFF) + inside


def test_pixel_data_is_not_read():
    data = part10_file(AO, plain(0x7FE00010, "OB", b"")[:6] + b"\0\0\4\0\0\0abcd")
    assert set(by_pydicom.headers(io.BytesIO(data), Limits()).keys()) == {STATUS}


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED, "1.2.840.10008.1.2.4.95"])
@pytest.mark.parametrize("is_path", [False, True])
def test_it_stops_behind_the_last_tag(tmp_path, is_path, syntax):
    behind = plain(WHEN, "DT", b"2024") + plain(0x01110010, "LO", b"X ")
    data = part10_file(AO, behind, syntax=syntax)
    if syntax not in (EXPLICIT, DEFLATED):  # of those that are deflated pydicom knows one
        begin = len(part10_file(syntax=syntax))
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = data[:begin] + packer.compress(data[begin:]) + packer.flush()
    (path := tmp_path / "x.dcm").write_bytes(data)
    for stop, tags in ((WHEN, {STATUS, WHEN}), (WHEN - 1, {STATUS})):
        for source in (path, str(path)) if is_path else (io.BytesIO(data),):
            assert set(by_pydicom.headers(source, Limits(), stop).keys()) == tags


def test_what_is_no_file(tmp_path):
    assert refused(by_pydicom.headers, tmp_path / "none", Limits()) == "document/unreadable"
    assert refused(by_pydicom.headers, io.BytesIO(b"x" * 300), Limits()) == "dicom/not-part10"


class Told(io.BytesIO):
    """A file that tells how often it is asked."""

    asked = 0

    def read(self, size=-1):
        self.asked += 1
        return super().read(size)


@pytest.mark.parametrize(
    "inside",
    [bytes(800_000), (ITEM[:2] + bytes(6)) * 100_000, ITEM + b"\x08\0\x18\0" * 200_000],
    ids=["zeros", "tags", "letters"],
)
@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_a_sequence_that_breaks_costs_what_the_limit_allows(tmp_path, inside, vr, syntax):
    """Of these bytes pydicom would make a hundred thousand data sets."""
    data = part10_file(SOP, of_undefined_length(0x00081140, inside, vr), AO, syntax=syntax)
    (path := tmp_path / "x.dcm").write_bytes(data)
    limits = Limits(elements=1000)
    file = Told(data)
    for document in (data, path, file, Part10File(path)):
        told = refused(dicom_elements.read, document, codec("dicom").plan, limits)
        assert told in ("dicom/too-many-elements", "dicom/not-understood")
    assert file.asked < 5000


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_items_without_end_cost_what_the_limit_allows(syntax):
    """The walker follows them; pydicom is asked whether a status is among them."""
    many = of_undefined_length(0x00081140, ITEM * 50_000 + ENDS)
    data = part10_file(SOP, many, TWIN, AO, syntax=syntax)
    (said,) = codec("dicom", limits=Limits(elements=60_000)).decode(data).value
    assert said.attributes == (("SOPInstanceStatus", "AO"),)
    told = codec("dicom", limits=Limits(elements=1000)).decode(data)
    assert told.value[0].attributes == said.attributes
    assert "dicom/not-looked-into" in [issue.code for issue in told.issues]


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "behind"])
def test_padding_costs_what_the_limit_allows(tmp_path, syntax, ahead):
    for size, limit in ((2 << 20, 3000), (8 << 20, 3000)):
        elements = (SOP, bytes(size), AO) if ahead else (SOP, AO, bytes(size))
        data = part10_file(*elements, syntax=syntax)
        (path := tmp_path / "x.dcm").write_bytes(data)
        under = codec("dicom", limits=Limits(elements=limit))
        for document in (data, path, io.BytesIO(data)):
            if size > limit << 10:
                assert refused(under.decode, document) == "dicom/too-many-elements"
            else:
                found = under.decode(document)
                assert found.value[0].attributes == (("SOPInstanceStatus", "AO"),)
                assert ("dicom/stray" in [issue.code for issue in found.issues]) is ahead


def test_pydicom_inflates_nothing_itself():
    """It knows a file as deflated where the walker does not: of two transfer syntaxes it takes the other."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(bytes(1 << 20)) + packer.flush()
    odd = plain(0x00020012, "UI", b"1.2\0")
    for head in (plain(0x00020010, "UI", DEFLATED.encode()) + odd, odd):
        again = plain(0x00020010, "UI", DEFLATED.encode())
        data = bytes(128) + b"DICM" + head + again + packed
        limits = Limits(inflated=1000)
        told = refused(dicom_elements.read, data, codec("dicom").plan, limits)
        assert told == "dicom/too-large"
    with pytest.raises(TypeError):
        by_pydicom._Counted(io.BytesIO(b"x"), 1).read()


@pytest.mark.parametrize("nested", [TWIN, of_undefined_length(0x00081140, ITEM + ENDS)])
def test_a_deflated_data_set_is_inflated_no_further_than_it_is_read(nested):
    pixels = struct.pack("<HH4sI", 0x7FE0, 0x10, b"OB\0\0", 50 << 20) + bytes(50 << 20)
    data = part10_file(SOP, nested, AO, pixels, syntax=DEFLATED)
    tracemalloc.start()
    (said,) = codec("dicom").decode(data).value
    found = by_pydicom.headers(io.BytesIO(data), Limits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (said.attributes[0][1], found.SOPInstanceStatus) == ("AO", "AO")
    assert peak < 4 << 20


@pytest.mark.parametrize("elements", range(1000, 1008))
def test_wherever_the_limit_is_met_it_is_told(elements):
    """Inside of a sequence pydicom makes another exception of ours."""
    inner = plain(0x00081150, "UI", b"1.2\0") + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner
    data = part10_file(SOP, of_undefined_length(0x00081140, item * 3000 + ENDS), TWIN, AO)
    told = codec("dicom", limits=Limits(elements=elements)).decode(data)
    assert told.value[0].attributes == (("SOPInstanceStatus", "AO"),)
    assert "dicom/not-looked-into" in [issue.code for issue in told.issues]
    limits = Limits(elements=elements)
    assert refused(by_pydicom.headers, io.BytesIO(data), limits) == "dicom/too-many-elements"


def test_a_large_directory_is_named(tmp_path):
    records = of_undefined_length(0x00041220, ITEM * 5000 + ENDS)
    data = part10_file(plain(0x00041200, "UL", bytes(4)), records)
    told = codec("dicom", limits=Limits(elements=1000)).decode(data).issues
    assert [issue.code for issue in told] == ["dicom/directory"]


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_a_data_set_that_is_asked_for_costs_what_the_limit_allows(tmp_path, syntax):
    """A path or a file object becomes a pydicom ``Dataset``, which says how it was encoded."""
    whole = part10_file(
        SOP, AO, plain(0x7FE00010, "OB", b"")[:6] + b"\0\0\4\0\0\0abcd", syntax=syntax
    )
    few, many = (
        part10_file(SOP, of_undefined_length(0x00081140, ITEM * n + ENDS), AO, syntax=syntax)
        for n in (5000, 15_000)
    )
    under = codec("dicom", limits=Limits(elements=1000))
    (own,) = under.copies(few)  # a valid one, which the walker has followed
    assert under.encode([own], io.BytesIO(few)).value.SOPInstanceStatus == "AO"
    for data in (whole, many, part10_file(SOP, AO, bytes(300_000), syntax=syntax)):
        (path := tmp_path / "x.dcm").write_bytes(data)
        for document in (path, io.BytesIO(data), io.BufferedReader(io.BytesIO(data))):
            (own,) = under.copies(document)
            new = [replace(own, attributes={"SOPInstanceStatus": "NS"})]
            if data is not whole:
                assert refused(under.encode, new, document) == "dicom/too-many-elements"
                continue
            made = under.encode(new, document).value
            assert (made.SOPInstanceStatus, made.PixelData) == ("NS", b"abcd")
            assert made.file_meta.TransferSyntaxUID == syntax
            if not isinstance(document, Path):
                assert document.tell() == 0


def test_a_file_object_is_left_at_its_beginning():
    many = of_undefined_length(0x00081140, ITEM + ENDS)
    for data in (part10_file(SOP, many, TWIN, AO), part10_file(plain(0x00041200, "UL", bytes(4)))):
        file = io.BytesIO(data)
        codec("dicom").decode(file)
        assert file.tell() == 0


def test_the_file_meta_information_of_a_deflated_file_is_counted_too():
    data = part10_file(SOP, AO, syntax=DEFLATED)
    begin = len(part10_file(syntax=EXPLICIT)) + len(DEFLATED) - len(EXPLICIT) + len(DEFLATED) % 2
    begin -= len(EXPLICIT) % 2
    many = b"".join(plain(0x00020100 + n, "LO", b"") for n in range(40_000))
    limits = Limits(elements=1000)
    assert (
        refused(by_pydicom.whole, io.BytesIO(data[:begin] + many + data[begin:]), limits)
        == "dicom/too-many-elements"
    )
    assert by_pydicom.whole(io.BytesIO(data), limits).SOPInstanceStatus == "AO"
