"""DICOM data sets and Part 10 files.

`codec` is the careful road, `fast` the quick one; `hidden`
finds what looks like a status and states nothing.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.dicom.codec import DICOMCodec

__all__ = ["DICOMCodec"]

exports(__name__, "codec")
