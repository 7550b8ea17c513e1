"""What looks like a status and states nothing: whose it is, where it stands, and what covers one."""

import io
import struct
from dataclasses import replace

import pydicom
import pytest
from part10_made import plain
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from sopstatus import DocumentError, codec, load_tables, transformer
from sopstatus.codecs.dicom import hidden as dicom_nooks
from sopstatus.codecs.part10.file import Part10File
from sopstatus.limits import Limits

ROWS = tuple(load_tables().attributes.values())
STATUS, WHEN, COMMENT, NUMBER = ROWS
SYNTAXES = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
}


def told(issues):
    return [(i.code, i.location) for i in issues]


def dataset(**said):
    found = Dataset()
    found.SOPClassUID, found.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    found.update(said)
    return found


def saved(found, syntax="explicit"):
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    out = io.BytesIO()
    found.save_as(out, enforce_file_format=True)
    return out.getvalue()


# --- private twins -------------------------------------------------------------------------------


def test_each_twin_is_told_as_what_it_repeats():
    found = dataset()
    block = found.private_block(0x0029, "MMCPrivate", create=True)
    for low, vr in ((0x38, "CS"), (0x39, "DT"), (0x3A, "LT"), (0x3B, "LO"), (0x37, "LO")):
        block.add_new(low, vr, "2024")
    issues = dicom_nooks.of_dataset(found, ROWS)
    assert told(issues) == [
        ("dicom/private-twin", f"(0029,xx{low})") for low in ("38", "39", "3A", "3B")
    ]
    for row, issue, tag in zip(ROWS, issues, ("0410", "0420", "0424", "0426"), strict=True):
        assert row.keyword in issue.diagnostics
        assert f"(0100,{tag})" in issue.diagnostics
    assert told(dicom_nooks.of_dataset(found, iter([COMMENT]))) == [
        ("dicom/private-twin", "(0029,xx3A)")
    ]


@pytest.mark.parametrize(
    ("creators", "element", "is_twin"),
    [
        ({0x10: "MMCPrivate"}, 0x1038, True),
        ({0x10: "MMCPrivate "}, 0x1038, True),
        ({0x10: "OTHER", 0x11: "MMCPrivate"}, 0x1138, True),
        ({0xFF: "MMCPrivate"}, 0xFF38, True),
        ({0x10: "OTHER", 0x11: "MMCPrivate"}, 0x1038, False),
        ({0x11: "MMCPrivate"}, 0x1038, False),
        ({0x100: "MMCPrivate"}, 0x0038, False),
        ({0x10: "mmcprivate"}, 0x1038, False),
        ({0x10: "MMCPrivate2"}, 0x1038, False),
        ({0x10: ""}, 0x1038, False),
        ({}, 0x1038, False),
    ],
)
def test_a_twin_stands_in_its_creator_s_block(creators, element, is_twin):
    """PS3.5 7.8.1."""
    found = dataset()
    for number, name in creators.items():
        found.add_new(0x00290000 | number, "LO", name)
    found.add_new(0x00290000 | element, "CS", "AO")
    found.add_new(0x00310010, "LO", "MMCPrivate")  # of another group
    found.add_new(0x00311039, "DT", "2024")
    issues = dicom_nooks.of_dataset(found, ROWS)
    assert told(issues) == [("dicom/private-twin", "(0029,xx38)")] * is_twin


def test_twins_of_two_blocks_are_told():
    found = dataset()
    for block, low in ((0x10, 0x39), (0x11, 0x38)):
        found.add_new(0x00290000 | block, "LO", "MMCPrivate")
        found.add_new(0x00290000 | block << 8 | low, "LO", "x")
    issues = dicom_nooks.of_dataset(found, ROWS)
    assert [i.location for i in issues] == ["(0029,xx39)", "(0029,xx38)"]


def test_a_broken_creator_makes_no_twin():
    found = dataset()
    found.add_new(0x00291038, "CS", "AO")
    found[0x00290010] = RawDataElement(Tag(0x00290010), "XX", 2, b"\xff\xff", 0, False, True)
    assert dicom_nooks.of_dataset(found, ROWS) == []


# --- copies in sequences -------------------------------------------------------------------------


def inside(*items, keyword="ReferencedImageSequence"):
    found = Dataset()
    setattr(found, keyword, Sequence(items))
    return found


COPY = Dataset()
COPY.SOPInstanceStatus = "AO"
OTHER = Dataset()
OTHER.ReferencedSOPInstanceUID = "1.2.3.4"
PRIVATE = Dataset()
PRIVATE.add_new(0x00091001, "SQ", Sequence([COPY]))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("outer", "is_told"),
    [
        (inside(COPY), True),
        (inside(OTHER, COPY), True),
        (inside(OTHER, inside(OTHER, inside(COPY))), True),
        (inside(OTHER, inside(OTHER)), False),
        (inside(), False),
        (Dataset(), False),
    ],
    ids=["first", "second", "third level", "elsewhere", "empty", "none"],
)
def test_a_copy_is_told_however_deep_it_stands(outer, is_told, syntax):
    found = dataset()
    found.update(outer)
    read = pydicom.dcmread(io.BytesIO(saved(found, syntax)))
    for document in (found, read):
        issues = dicom_nooks.of_dataset(document, ROWS)
        assert told(issues) == [("dicom/nested", "(0100,0410)")] * is_told
        assert all(STATUS.keyword in i.diagnostics for i in issues)
    found.SOPInstanceStatus = "AO"  # its own is no copy
    assert len(dicom_nooks.of_dataset(found, ROWS)) == is_told


def test_every_attribute_that_is_copied_is_told():
    copy = Dataset()
    copy.SOPAuthorizationComment, copy.AuthorizationEquipmentCertificationNumber = "x", "y"
    found = dataset()
    found.update(inside(copy))
    assert told(dicom_nooks.of_dataset(found, iter(ROWS))) == [
        ("dicom/nested", "(0100,0424)"),
        ("dicom/nested", "(0100,0426)"),
    ]


def raw(tag, vr, value, *, implicit, little):
    return {tag: RawDataElement(Tag(tag), vr, len(value), value, 0, implicit, little)}


@pytest.mark.parametrize(
    ("implicit", "little", "copy"),
    [
        (False, True, b"\0\1\x10\4CS\2\0AO"),
        (True, True, b"\0\1\x10\4\2\0\0\0AO"),
        (False, False, b"\1\0\4\x10CS\0\2AO"),
    ],
)
def test_a_sequence_that_is_still_bytes(implicit, little, copy):
    order = "<" if little else ">"
    item = struct.pack(order + "HHI", 0xFFFE, 0xE000, len(copy)) + copy
    kinds = {"implicit": implicit, "little": little}
    for tag, vr, value, is_told in (
        (0x00081140, "SQ", item, True),
        (0x00081140, None, item, True),  # the dictionary says that it is a sequence
        (0x00081140, "SQ", copy, False),  # no item
        (0x00081140, "SQ", item.replace(copy[:4], b"\0\1\x11\4"), False),
        (0x00081140, "SQ", item.replace(b"CS", b"LO"), implicit),  # of another VR
        (0x00081140, "UN", item, False),
        (0x00091001, None, item, False),
        (0x00204000, None, item, False),
    ):
        found = Dataset(raw(tag, vr, value, **kinds))
        assert len(dicom_nooks.of_dataset(found, ROWS)) == is_told


def test_a_broken_element_hides_no_copy_behind_it():
    found = dataset()
    found.update(inside(COPY))

    class Broken(Dataset):
        def get_item(self, key, *, keep_deferred=False):
            if key == 0x00080018:
                raise ValueError("broken")
            return super().get_item(key)

    assert told(dicom_nooks.of_dataset(Broken(found), ROWS)) == [("dicom/nested", "(0100,0410)")]


# --- digital signatures --------------------------------------------------------------------------


def signing(*items):
    found = dataset()
    found.SOPInstanceStatus = "OR"
    made = []
    for tags in items:
        item = Dataset()
        item.MACIDNumber = 1
        if tags is not None:
            item.DataElementsSigned = tags
        made.append(item)
    found.MACParametersSequence = Sequence(made)
    return found


def changed(document):
    """The issues of a change of all four."""
    said = {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "2024"}
    said |= {"SOPAuthorizationComment": "x", "AuthorizationEquipmentCertificationNumber": "y"}
    (own,) = codec("dicom").copies(document)
    return codec("dicom").encode([replace(own, attributes=said)], document).issues


def every_way(data, folder):
    """The issues of a change of all four, which are the same however the file is given."""
    (path := folder / "x.dcm").write_bytes(data)
    opened = pydicom.dcmread(io.BytesIO(data))
    issues, *others = [changed(one) for one in (data, Part10File(path), path, opened)]
    assert others == [issues] * len(others)
    return issues


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("items", "covered"),
    [
        ([[0x01000410, 0x00080018]], [STATUS]),
        ([0x01000410], [STATUS]),
        ([[0x00080018, 0x01000424]], [COMMENT]),
        ([0x01000410, 0x00080018], [STATUS]),
        ([0x00080018, [0x01000424, 0x01000420]], [WHEN, COMMENT]),
        ([0x00080018], []),
        ([], []),
    ],
)
def test_a_signature_is_told_of_for_what_it_covers(items, covered, syntax, tmp_path):
    issues = every_way(saved(signing(*items), syntax), tmp_path)
    assert told(issues) == [
        ("dicom/signature", f"(0100,{row.tag & 0xFFFF:04X})") for row in covered
    ]
    assert all(r.keyword in i.diagnostics for r, i in zip(covered, issues, strict=True))


def _signatures(value, vr="SQ"):
    long = vr in ("SQ", "UN", "OB")
    length = struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    return struct.pack("<HH", 0x4FFE, 1) + vr.encode() + length + value


def _item(value, vr="AT"):
    long = vr in ("SQ", "UN", "OB")
    length = struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    inside = struct.pack("<HH", 0x0400, 0x20) + vr.encode() + length + value
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside


_COVERS = struct.pack("<HH", 0x0100, 0x0410)
_EMPTY_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0)


@pytest.mark.parametrize(
    "malformed",
    [
        _signatures(b"AB", "CS"),
        _signatures(b"1.2\0", "UI"),
        _signatures(_COVERS, "UL"),
        _signatures(_item(_COVERS), "OB"),
        _signatures(struct.pack("<HHI2s", 0xFFFE, 0xE000, 2, b"\4\0"), "UN"),
        _signatures(_item(b"ABCD", "LO")),
        _signatures(_item(_EMPTY_ITEM, "SQ")),
        _signatures(_item(b"")),
        _signatures(_item(_COVERS[:3])),
        _signatures(_item(_COVERS + b"\0\1\x10")),
        _signatures(_EMPTY_ITEM),
        _signatures(_item(_COVERS) + _EMPTY_ITEM),
        _signatures(_EMPTY_ITEM * 40_000),
    ],
)
def test_a_signature_that_cannot_be_read_is_told(malformed, tmp_path):
    """Nobody can say what it covers; the data set itself is as good as before."""
    data = saved(dataset(SOPInstanceStatus="OR")) + malformed
    assert told(every_way(data, tmp_path)) == [("dicom/signature-unread", "(4FFE,0001)")]
    result = transformer("dicom", "dicom")(data)
    assert pydicom.dcmread(io.BytesIO(result.value)).SOPInstanceStatus == "NS"
    assert ("dicom/signature-unread", "(4FFE,0001)") in told(result.issues)


@pytest.mark.parametrize(
    "misplaced",
    [
        _signatures(_item(_COVERS)) * 2,
        plain(0x7FE00010, "OB", b"")[:6] + bytes(6) + _signatures(_item(_COVERS)),
    ],
    ids=["twice", "behind pixel data"],
)
def test_a_signature_out_of_its_place_is_told(misplaced):
    data = saved(dataset(SOPInstanceStatus="OR")) + misplaced
    assert ("dicom/signature-unread", "(4FFE,0001)") in told(changed(data))


def test_what_looks_like_a_signature_and_cannot_be_followed_is_not_written():
    """Its bytes are no items: an independent reader would not come to the end."""
    data = saved(dataset(SOPInstanceStatus="OR")) + _signatures(b"\1\2\3\4")
    with pytest.raises(DocumentError) as error:
        transformer("dicom", "dicom")(data)
    assert ("profile/not-written", "(0100,0410)") in told(error.value.issues)
    assert [record.outcome for record in error.value.records] == ["refused"]


def test_a_data_set_without_a_signature(tmp_path):
    assert every_way(saved(dataset()), tmp_path) == ()


def test_a_signature_behind_what_is_inflated_beyond_the_limit():
    """Nothing inflates without a limit for it."""
    found = signing([0x01000410])
    found.add_new(0x7FE00010, "OB", b"\0" * 100_000)
    data = saved(found, "deflated")
    (own,) = codec("dicom").copies(data)
    new = [replace(own, attributes={"SOPInstanceStatus": "NS"})]
    told_of = told(codec("dicom").encode(new, data).issues)
    assert ("dicom/signature", "(0100,0410)") in told_of
    with pytest.raises(DocumentError) as error:
        codec("dicom", limits=Limits(inflated=50_000)).encode(new, data)
    assert [issue.code for issue in error.value.issues] == ["dicom/too-large"]


def test_a_caller_s_own_data_set_stays_as_it_was():
    found = pydicom.dcmread(io.BytesIO(saved(signing([0x01000410]))))
    before = {int(tag): type(found.get_item(tag)) for tag in found.keys()}  # noqa: SIM118
    assert told(changed(found))
    assert {int(tag): type(found.get_item(tag)) for tag in found.keys()} == before  # noqa: SIM118
