"""HL7 v2 in ER7.

`er7` cuts and splices text, `outline` and `segment` are its parts; `reader` and
`writer` are the careful road, `fast` and `fast_append` the quick one; `orders` is about order messages.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.hl7.blank import message
    from sopstatus.codecs.hl7.codec import HL7Codec, ZSegments, usable

__all__ = ["HL7Codec", "ZSegments", "message", "usable"]

exports(__name__, "codec", "blank")
