"""The smallest Part 10 file about an instance, for a document that comes without an image."""

from __future__ import annotations

import io

from pydicom import config, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from sopstatus.codecs.dicom import DICOMCodec
from sopstatus.codecs.shared.data_set import CHARACTER_SET
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable

_UTF_8 = "ISO_IR 192"


def blank_file(about: SOPInstance, tables: MappingTable) -> bytes:
    """Return a file with the instance's UIDs, and with UTF-8 for text that is to come."""
    dataset = DICOMCodec(tables).blank([about])
    dataset.add_new(CHARACTER_SET, "CS", _UTF_8)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for tag, uid in ((0x00020002, about.sop_class_uid), (0x00020003, about.sop_instance_uid)):
        # pydicom's warning would print what is no UID
        meta[tag] = DataElement(tag, "UI", uid, validation_mode=config.IGNORE)
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=bool(about.sop_class_uid))
    return buffer.getvalue()
