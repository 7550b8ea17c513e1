"""Files that two readers read in two ways: what is written is read alike by all, or nothing is written.

Each was made by an attack on the second reader: a length leads to another place in one reading than in
another, so that an AO is hidden in what the other takes for a value.
"""

import io
from struct import pack

import pytest
from pydicom import dcmread
from sopstatus import DocumentError, load_tables, transformer

IMPLICIT, EXPLICIT = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1"
BIG, JPIP = b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.4.95"
ITEM, ITEM_END, SEQUENCE_END, OPEN = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFFFFFF
LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")


def tag(number):
    return pack("<HH", number >> 16, number & 0xFFFF)


def explicit(number, vr, value=b"", length=None):
    value += b"\0" * (len(value) % 2)
    size = len(value) if length is None else length
    return (
        tag(number) + vr + (b"\0\0" + pack("<I", size) if vr in LONG else pack("<H", size)) + value
    )


def implicit(number, value=b"", length=None):
    value += b"\0" * (len(value) % 2)
    return tag(number) + pack("<I", len(value) if length is None else length) + value


def part10(syntax, data=b"", vr=b"UI"):
    meta = explicit(0x00020010, vr, syntax)
    length = explicit(0x00020000, b"UL", pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + data


def far(head, at, hidden):
    """Give the last header a length, so that what is hidden stands at a place and ends the file."""
    gap = at - len(head) - 4
    return head + pack("<I", gap + len(hidden)) + bytes(gap) + hidden


def swapped(*elements):
    """Return short elements in big endian."""
    return b"".join(x[1::-1] + x[3:1:-1] + x[4:6] + x[7:5:-1] + x[8:] for x in elements)


def stored(data, last=0):
    """Return a block of a deflate stream that holds data as it is (RFC 1951 3.2.4)."""
    return bytes([last]) + pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def deflated(length):
    hidden = bytes(236) + I_AO + implicit(0x7FE00010, length=length)
    return stored(b"") * 2 + stored(explicit(0x00070001, b"UN", hidden) + ID + NS, 1)


ID, NS, AO = (
    explicit(number, vr, value)
    for number, vr, value in (
        (0x00080018, b"UI", b"1.2.3"), (0x01000410, b"CS", b"NS"), (0x01000410, b"CS", b"AO"),
    )
)  # fmt: skip
I_ID, I_NS, I_AO = (
    implicit(0x00080018, b"1.2.3"),
    implicit(0x01000410, b"NS"),
    implicit(0x01000410, b"AO"),
)
END, ITEMS = implicit(SEQUENCE_END), implicit(ITEM_END) + implicit(SEQUENCE_END)
PIXELS = tag(0x7FE00010)
SWALLOWED = tag(0x01031001) + b"OB\0\0"
LIE = tag(0x00080001) + b"UN\0\0\0\1\0\0" + bytes(256) + ID + AO + PIXELS + b"OW\0\0"
ORDER = b"\0\x08\0\x01UN\0\0\0\0\1\0" + bytes(256) + swapped(ID, NS)
ORDERED = far(ORDER + b"\x7f\xe0\0\x10OW\0\0", 12 + 65536, ID + AO)
AT = len(ORDER) + 8

ATTACKS = {
    "implicit that looks explicit": part10(IMPLICIT) + far(tag(0x00080001) + b"DS\0\0" + ID + AO + PIXELS + b"OW\0\0", 8 + 0x5344, I_ID + I_AO),
    "a VR that only pydicom knows": part10(IMPLICIT) + far(tag(0x00080001) + b"ZZ\0\0" + ID + AO + PIXELS + b"OW\0\0", 8 + 0x5A5A, I_ID + I_NS),
    **{
        f"a transfer syntax spelt {syntax!r}": part10(syntax) + far(LIE, 12 + 65536, swapped(ID, AO))
        for syntax in (b" " + BIG, BIG + b"\n", BIG + b"\t", BIG + b"\x0b", BIG + b"\0.1", BIG + b"\x85", BIG + b"\xa0")
    },
    "a transfer syntax in OB": part10(BIG, vr=b"OB") + ORDERED[:AT] + ORDERED[AT : AT + 4][::-1] + ORDERED[AT + 4 :],
    "a group length that ends too early": part10(IMPLICIT, tag(0x00020100) + b"DS\0\0") + far(I_ID + I_AO + PIXELS, 0x5344, I_ID + I_AO),
    "a delimiter in a sequence of defined length": part10(EXPLICIT) + ID + explicit(0x00081140, b"SQ", END + AO) + AO,
    "delimiters behind an item": part10(EXPLICIT) + ID + explicit(0x00081140, b"SQ", implicit(ITEM, length=26) + ITEMS + AO) + AO,
    "a delimiter, in implicit VR": part10(IMPLICIT) + I_ID + implicit(0x00081140, END + I_AO) + I_AO,
    "delimiters in an item of defined length": part10(EXPLICIT) + ID + NS + explicit(0x01011001, b"SQ", b"", OPEN) + implicit(ITEM, ITEMS + AO + SWALLOWED + pack("<I", 8)) + END,
    "the same before NS": part10(EXPLICIT) + ID + explicit(0x00081140, b"SQ", b"", OPEN) + implicit(ITEM, ITEMS + AO + tag(0x00091001) + b"OB\0\0" + pack("<I", 8)) + END + NS,
    "an element longer than its item": part10(EXPLICIT) + ID + NS + explicit(0x01011001, b"SQ", b"", OPEN) + implicit(ITEM, tag(0x00080100) + b"SH\x14\0") + END + tag(0x01021001) + b"OB\0\0" + pack("<I", 30) + END + AO + SWALLOWED + pack("<I", 0),
    "undefined length of UT": part10(EXPLICIT) + ID + NS + explicit(0x01011001, b"UT", b"", OPEN) + implicit(ITEM, length=OPEN) + explicit(0x00080005, b"LO", END + explicit(0x01021001, b"CS", b"X ") + AO + SWALLOWED + pack("<I", 16)) + ITEMS,
    "undefined length of a plain attribute": part10(IMPLICIT) + I_ID + I_NS + implicit(0x40000010, length=OPEN) + implicit(ITEM, length=OPEN) + implicit(0x00080005, END + I_AO + tag(0x01031001) + pack("<I", 16)) + ITEMS,
    "an item that looks explicit": part10(EXPLICIT) + ID + NS + explicit(0x01011001, b"UN", b"", OPEN) + implicit(ITEM, length=OPEN) + far(tag(0x00080001) + b"DS\0\0" + ITEMS + AO + SWALLOWED, 8 + 0x5344, ITEMS),
    "deflated in blocks that hold it as it is": part10(JPIP) + deflated(len(deflated(0)) - 263 - len(I_AO) - 8),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_is_written(name):
    carry = transformer("dicom", "dicom")
    for document in (ATTACKS[name], io.BytesIO(ATTACKS[name])):
        try:
            done = carry(document)
        except DocumentError as error:
            assert all(record.outcome == "refused" for record in error.records)
        else:  # pydicom has read one thing, and has written that
            assert not isinstance(done.value, bytes)
            written = io.BytesIO()
            done.value.save_as(written)
            written.seek(0)
            assert dcmread(written).SOPInstanceStatus == "NS"
            assert b"CS\2\0AO" not in written.getvalue()


def test_a_raw_sequence_of_pydicom_is_looked_into():
    dataset = dcmread(io.BytesIO(ATTACKS["a delimiter in a sequence of defined length"]))
    with pytest.raises(DocumentError, match="profile/not-written"):
        transformer("dicom", "dicom")(dataset)


def said(status, **more):
    known = {"00080018": {"vr": "UI", "Value": ["1.2.3"]}}
    return known | {"01000410": {"vr": "CS", "Value": [status]}} | more


CARRY = transformer("dicom-json", "dicom-json")
ODD = {"vr": "CS", "Value": ["AO"]}


def test_a_study_makes_no_image_set_of_a_data_set():
    with pytest.raises(DocumentError):
        CARRY(said("AO", **{"1000410": ODD, "Study": {}}))


def test_the_same_time_local_to_another_offset_is_another_time():
    def at(zone):
        offset = {"vr": "SH", "Value": [zone]}
        when = {"vr": "DT", "Value": ["20200101120000"]}
        return said("AO", **{"00080201": offset, "01000420": when})

    with pytest.raises(DocumentError, match="profile/better-held"):
        CARRY(at("-0500"), at("+0100"))
    assert CARRY(at("+0100"), at("+0100")).records == ()


UNREAD = {
    "a value in a value": {"vr": "CS", "Value": [["AO"]]},
    "elsewhere": {"vr": "CS", "BulkDataURI": "http://127.0.0.1/ao"},
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_held_status_that_cannot_be_read_is_not_lowered(name):
    held = said("") | {"01000410": UNREAD[name]}
    with pytest.raises(DocumentError) as refused:
        CARRY(said("NS"), held)
    assert [record.outcome for record in refused.value.records] == ["refused"]


@pytest.mark.parametrize("name", UNREAD)
def test_what_says_nothing_governed_removes_nothing_governed(name):
    carry = transformer("dicom-json", "dicom-json", tables=load_tables(enable=["approval-status"]))
    comment = {"vr": "LT", "BulkDataURI": "http://127.0.0.1/comment"}
    approved = {"00080018": said("")["00080018"], "300E0002": {"vr": "CS", "Value": ["APPROVED"]}}
    for held in (said("") | {"01000410": UNREAD[name]}, said("AO", **{"01000424": comment})):
        try:
            done = carry(approved, held)
        except DocumentError as error:
            assert error.records == ()
        else:
            assert {k: done.value.get(k) for k in held} == held
