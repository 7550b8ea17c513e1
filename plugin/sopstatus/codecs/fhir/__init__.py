"""FHIR ImagingStudy, ImagingSelection and Bundle.

`elements` are where a statement may stand,
`extension` is how it is spelt, `fast` the quick road, `blank` makes new resources, `update` sends them, `models`
validates.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.codecs.fhir.blank import imaging_study, release_of
    from sopstatus.codecs.fhir.codec import FHIRCodec
    from sopstatus.codecs.fhir.update import transaction, with_id

__all__ = ["FHIRCodec", "imaging_study", "release_of", "transaction", "with_id"]

exports(__name__, "codec", "blank", "update")
