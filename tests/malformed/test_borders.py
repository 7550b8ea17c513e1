"""What stands beyond a file's first read is read as it is in memory, and as others read it."""

import io
import struct

import pytest
from part10_made import DEFLATED, EXPLICIT, part10_file, plain
from pydicom import dcmread
from sopstatus import DocumentError, codec, transformer
from sopstatus.codecs.part10.file import Part10File
from sopstatus.codecs.part10.walk import survey
from sopstatus.codecs.part10.window import Window

CLASS, SOP = plain(0x00080016, "UI", b"1.2.3.4\0"), plain(0x00080018, "UI", b"1.2.3.5\0")
PARENTS = plain(0x0020000D, "UI", b"1.2.3.6\0") + plain(0x0020000E, "UI", b"1.2.3.7\0")
STATUS = plain(0x01000410, "CS", b"AO") + plain(0x01000420, "DT", b"20240115103015")
CREATOR = plain(0x00290010, "LO", b"MMCPrivate")


def of_no_vr(tag, value):
    """An element of a VR that is none, whose length has 32 bits."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"ZZ", 0, len(value)) + value


def every_way(data, folder):
    """What is read of a file: its statement, and the codes, by how it is given; all agree."""
    path = folder / "one.dcm"
    path.write_bytes(data)
    said = []
    for document in (data, path, io.BytesIO(data), memoryview(data)):
        found = codec("dicom").decode(document)
        said.append(([one.attributes for one in found.value], [one.code for one in found.issues]))
    assert said[1:] == said[:-1]
    return said[0]


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
@pytest.mark.parametrize("size", [0, 1000, 16_000, 16_384, 40_000, 3_000_000])
def test_a_vr_to_come_ends_where_its_length_says(size, syntax, tmp_path):
    long = of_no_vr(0x00180015, b"v" * size)
    data = part10_file(CLASS, SOP, long, PARENTS, STATUS, syntax=syntax)
    (said,), codes = every_way(data, tmp_path)
    assert (dict(said)["SOPInstanceStatus"], codes) == ("AO", ["dicom/unknown-vr"])


def test_a_value_that_looks_like_elements_is_none(tmp_path):
    """Were the length of 16 bits, the four bytes behind it would be a tag, and NS the status."""
    length = 0x00010018
    inside = b"LO\2\0xx" + PARENTS + plain(0x01000410, "CS", b"NS") + plain(0x01000500, "LO", b"")
    rest = length - len(inside) - 12
    inside += struct.pack("<HH4sI", 0x7FE0, 0x10, b"OB\0\0", rest + len(PARENTS + STATUS))
    data = part10_file(CLASS, SOP, of_no_vr(0x00104000, inside + bytes(rest)), PARENTS, STATUS)
    (said,), codes = every_way(data, tmp_path)
    assert (dict(said)["SOPInstanceStatus"], codes) == ("AO", ["dicom/unknown-vr"])


@pytest.mark.parametrize(
    "creator", [CREATOR, plain(0x00290010, "LO", b"OTHER ")], ids=["ours", "another"]
)
def test_a_creator_behind_a_status_is_out_of_order(creator, tmp_path):
    first, second = STATUS[:10], STATUS[10:]
    for behind in (STATUS + creator, first + creator + second, STATUS + creator * 2):
        (said,), codes = every_way(part10_file(CLASS, SOP, PARENTS, behind), tmp_path)
        assert (dict(said)["SOPInstanceStatus"], codes) == ("AO", ["dicom/order"])


def test_behind_what_cannot_be_followed_nobody_has_looked(tmp_path):
    """In explicit VR inside of UN, as some write it and pydicom reads it: a status may stand behind."""
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + plain(0x00081155, "UI", b"1.2.3\0")
    ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    un = struct.pack("<HH4sI", 0x0400, 0x0561, b"UN\0\0", 0xFFFFFFFF) + item + ends
    said, codes = every_way(part10_file(CLASS, SOP, PARENTS, un, STATUS), tmp_path)
    assert (said, codes) == ([], ["dicom/not-looked-behind"])


@pytest.mark.parametrize("pixels", [0, 3000, 200_000])
def test_a_deflated_file_that_is_cut_is_not_made_whole(pixels, tmp_path):
    """What is deflated says where it ends; without that the rest is missing, even behind an element."""
    behind = struct.pack("<HH4sI", 0x7FE0, 0x10, b"OB\0\0", pixels) + bytes(range(250)) * (
        pixels // 250
    )
    whole = part10_file(CLASS, SOP, PARENTS, STATUS, behind * bool(pixels), syntax=DEFLATED)
    begin = len(part10_file(syntax=EXPLICIT)) + 2  # the UID is longer
    places = (
        range(begin, len(whole)) if len(whole) < 1000 else (*range(begin, begin + 99), -900, -7, -1)
    )
    path, carry = tmp_path / "cut.dcm", transformer("dicom", "dicom")
    assert dcmread(io.BytesIO(carry(whole).value)).SOPInstanceStatus == "NS"
    for place in places:
        data = whole[:place]
        path.write_bytes(data)
        for document in (data, path, io.BytesIO(data)):
            try:
                said = codec("dicom").decode(document).value
            except DocumentError as error:
                assert error.issues[0].code in ("dicom/truncated", "dicom/not-part10")
            else:
                assert dict(said[0].attributes)["SOPInstanceStatus"] == "AO"
        for document in (data, Part10File(path), io.BytesIO(data)):
            with pytest.raises(DocumentError) as caught:
                carry(document)
            assert caught.value.issues[0].code in ("dicom/truncated", "dicom/not-part10")


class Counted(bytes):
    """Bytes that count how many are copied out of them."""

    copied = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        self.copied += len(found) if isinstance(key, slice) else 0
        return found


def test_padding_again_and_again_takes_time_by_its_length():
    unit = bytes(8) + plain(0x00090010, "LO", b"")
    for n in (2_000, 20_000):
        data = Counted(part10_file(CLASS, SOP, PARENTS, STATUS, unit * n))
        found = survey(Window(data), codec("dicom").plan.walk)
        assert found.elements[0x01000410].data == b"AO"
        assert "dicom/stray" in found.findings.faults
        assert data.copied < 10 * len(data)
