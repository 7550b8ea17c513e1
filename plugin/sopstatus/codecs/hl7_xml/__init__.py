"""HL7 v2 as Mirth's XML. `document` is its shape, `writer` splices it."""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.hl7_xml.codec import HL7XMLCodec, of_er7

__all__ = ["HL7XMLCodec", "of_er7"]

exports(__name__, "codec")
