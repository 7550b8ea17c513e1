"""Where data sets are kept that we cannot read from a disk: DICOMweb and FHIR servers, and clouds.

Every source yields what `sopstatus.scan` yields, a `Scanned` a study, image set or change; its
``statements`` are what engines enrich documents with; its ``metadata`` is a document that
transformers take. What a cloud does of its own stands in `azure` and `google`. See docs/cloud.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sopstatus.sources.fhir import FHIRServer
    from sopstatus.sources.image_sets import HealthImaging
    from sopstatus.sources.web import DICOMweb

__all__ = ["dicomweb", "fhir_server", "healthimaging"]


def dicomweb(url: str, *, token_file: str = "", **options: Any) -> DICOMweb:
    """Return a DICOMweb server as a source (extra ``sources``); options as for `DICOMweb`.

    ``token_file`` holds the bearer token that it knows us by, and is read for every request.
    """
    from sopstatus.sources.web import DICOMweb

    if token_file:
        from sopstatus.sources.attempts import known_by

        options["session"] = known_by(token_file)
    return DICOMweb(url, **options)


def fhir_server(url: str, **options: Any) -> FHIRServer:
    """Return a FHIR server as a source of statements (extra ``sources``)."""
    from sopstatus.sources.fhir import FHIRServer

    return FHIRServer(url, **options)


def healthimaging(datastore: str, **options: Any) -> HealthImaging:
    """Return an AWS HealthImaging data store as a source (extra ``cloud``)."""
    from sopstatus.sources.image_sets import HealthImaging

    return HealthImaging(datastore, **options)
