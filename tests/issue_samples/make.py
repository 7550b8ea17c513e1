"""Make the DICOM files of this folder: the smallest data set that shows each fault.

Run it as `python tests/issue_samples/make.py`. The other samples are text, and written by hand.
"""

import io
import struct
import zlib
from pathlib import Path

from pydicom import DataElement, Dataset, FileMetaDataset, config
from pydicom.sequence import Sequence

FOLDER = Path(__file__).resolve().parent
EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def dataset(**attributes):
    """A data set about SOP Instance 1.2.3.1.1; `None` leaves one of its elements out."""
    made = Dataset()
    given = {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": SECONDARY_CAPTURE,
        "SOPInstanceUID": "1.2.3.1.1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        **attributes,
    }
    for keyword, value in given.items():
        if value is not None:
            element = DataElement(keyword, vr(keyword), value, validation_mode=config.IGNORE)
            made[element.tag] = element
    return made


def vr(keyword):
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    return dictionary_VR(tag_for_keyword(keyword))


def part10(made, syntax=EXPLICIT):
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1.1"
    made.file_meta.ImplementationClassUID = "1.2.3.9"
    made.file_meta.ImplementationVersionName = "SAMPLES"
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def nested(**attributes):
    item = Dataset()
    item.update(dataset(SpecificCharacterSet=None, **attributes))
    return Sequence([item])


def signed(tags=(0x00080018, 0x01000410)):
    made = dataset(SOPInstanceStatus="OR")
    item = Dataset()
    item.MACIDNumber = 1
    item.DataElementsSigned = tags and list(tags)
    made.MACParametersSequence = Sequence([item])
    return made


def twin():
    made = dataset()
    made.private_block(0x0029, "MMCPrivate", create=True).add_new(0x38, "CS", "AO")
    return made


def directory():
    made, record = Dataset(), Dataset()
    record.DirectoryRecordType = "PATIENT"
    made.FileSetID = "SAMPLES"
    made.DirectoryRecordSequence = Sequence([record])
    return made


def deep(levels):
    """Sequences of undefined length, each in the only item of the one around it."""
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    opened = struct.pack("<HH2sHI", 0x0008, 0x1115, b"SQ", 0, 0xFFFFFFFF) + item
    made = dataset(SpecificCharacterSet=None, StudyInstanceUID=None, SeriesInstanceUID=None)
    return part10(made) + opened * levels


def files():
    plain = part10(dataset())
    yield "shared/image.dcm", plain
    precise = "20240102030405.123456+0100"
    time = {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": precise}
    yield "shared/authorized.dcm", part10(dataset(**time))
    yield "value/padded.dcm", part10(dataset(SOPInstanceStatus=" AO"))
    yield "dicom/truncated.dcm", plain[:-20]
    # a sequence without an item
    yield "dicom/not-understood.dcm", plain + deep(1)[-20:-8] + plain[-16:]
    yield "dicom/not-deflated.dcm", plain.replace(*padded_syntax())
    yield "dicom/too-deep.dcm", deep(70)
    yield "dicom/no-uid.dcm", part10(dataset(SeriesInstanceUID=None, SOPInstanceStatus="AO"))
    yield "dicom/no-study-uid.dcm", part10(dataset(StudyInstanceUID=None, SOPInstanceStatus="AO"))
    yield "dicom/offset.dcm", part10(dataset(TimezoneOffsetFromUTC="+1500"))
    local = {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "20240102030405"}
    yield "dicom/new-york.dcm", part10(dataset(TimezoneOffsetFromUTC="-0500", **local))
    yield "dicom/berlin.dcm", part10(dataset(TimezoneOffsetFromUTC="+0100"))
    yield "shared/no-offset.dcm", part10(dataset(**local))
    yield "dicom/private-twin.dcm", part10(twin())
    sequence = nested(SOPInstanceStatus="AO")
    yield "dicom/nested.dcm", part10(dataset(ReferencedImageSequence=sequence))
    yield "dicom/signature.dcm", part10(signed())
    yield "dicom/signature-unread.dcm", part10(signed(None))
    comment = part10(dataset(SOPInstanceStatus="AO", SOPAuthorizationComment="fur KOln"))
    latin, utf8 = (comment.replace(b"fur KOln", t) for t in (b"f\xfcr K\xf6ln", b"f\xc3\xbcr Kln"))
    yield "dicom/charset-doubtful.dcm", utf8
    yield "dicom/charset-misspelt.dcm", latin.replace(b"ISO_IR 100", b"ISO-IR 100")
    yield "dicom/undecodable.dcm", latin.replace(b"ISO_IR 100", b"ISO_IR 192")
    bare = dataset(SpecificCharacterSet=None, SOPAuthorizationComment="fur KOln")
    yield "dicom/charset-missing.dcm", part10(bare).replace(b"fur KOln", b"f\xfcr K\xf6ln")
    stated = part10(dataset(SOPInstanceStatus="OR"))
    status = stated[-10:]
    numbered = plain + struct.pack("<HH2sH2s", 0x0100, 0x0426, b"LO", 2, b"C1")
    yield "dicom/order.dcm", numbered + status
    yield "dicom/repeated.dcm", stated + status.replace(b"OR", b"AO")
    yield "dicom/stray.dcm", stated + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    yield (
        "dicom/unknown-vr.dcm",
        plain + struct.pack("<HH2sH2s", 0x20, 0x13, b"XS", 2, b"1 ") + status,
    )
    yield "dicom/wrong-vr.dcm", stated[:-10] + status.replace(b"CS", b"LO")
    no_syntax = plain[:132] + struct.pack("<HH2sH4s", 2, 0x12, b"UI", 4, b"1.2\0")
    yield "dicom/by-pydicom.dcm", no_syntax + stated[meta_end(stated) :]
    yield "dicom/no-instance.dcm", plain[: meta_end(plain)]
    yield "dicom/directory.dcm", part10(directory())
    yield "dicom/not-rewritable.dcm", no_syntax + stated[meta_end(stated) :]
    bomb = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    element = struct.pack("<HH2sHI", 0x0008, 0x0001, b"UN", 0, 1 << 22)
    deflated = bomb.compress(element + bytes(1 << 22)) + bomb.flush()
    head = part10(Dataset(), EXPLICIT).replace(*padded_syntax())
    yield "dicom/too-large.dcm", head + deflated


def meta_end(data):
    """Where the data set begins: (0002,0000) says it."""
    return 144 + struct.unpack_from("<I", data, 140)[0]


def padded_syntax():
    """What makes a file of EXPLICIT claim that it is deflated."""
    old = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + EXPLICIT.encode() + b"\0"
    new = struct.pack("<HH2sH", 2, 0x10, b"UI", 22) + DEFLATED.encode()
    return old, new


if __name__ == "__main__":
    for name, content in files():
        (FOLDER / name).write_bytes(content)
