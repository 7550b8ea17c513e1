"""The DICOM JSON Model.

`reader` and `writer` are the careful road, `fast` the quick one; `hidden`
finds what looks like a status and states nothing.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.dicom_json.codec import DICOMJSONCodec

__all__ = ["DICOMJSONCodec"]

exports(__name__, "codec")
