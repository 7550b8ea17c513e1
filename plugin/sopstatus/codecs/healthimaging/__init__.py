"""AWS HealthImaging's metadata of an image set."""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.healthimaging.codec import LONGEST_UPDATE, HealthImagingCodec

__all__ = ["LONGEST_UPDATE", "HealthImagingCodec"]

exports(__name__, "codec")
