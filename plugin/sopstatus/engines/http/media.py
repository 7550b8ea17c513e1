"""Media types: which formats a document may have, and in which one the caller wants the answer."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from python_multipart.multipart import parse_options_header

from sopstatus.catalogue import document_error
from sopstatus.codecs import FORMATS

JSON = "application/json"
BYTES = "application/octet-stream"
FHIR_JSON = "application/fhir+json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"

MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "application/hl7-v2": ("hl7",),
    "x-application/hl7-v2+er7": ("hl7",),
    FHIR_JSON: ("fhir",),
    "application/dicom": ("dicom",),
    "application/dicom+json": ("dicom-json",),
    "application/xml": ("hl7-xml", "dicom-xml"),
    JSON: ("healthimaging", "fhir", "dicom-json"),
}
"""The formats that a media type may mean. A format is answered in the first type that names it first."""


class MediaType(NamedTuple):
    """A media type or range, in small letters, with its parameters."""

    name: str
    parameters: dict[str, str]


class Form(NamedTuple):
    """How the answer is written: its media type, or with its issues around it."""

    media: str
    wrapped: bool = False


@lru_cache(maxsize=256)
def parsed(header: str) -> MediaType:
    """Read a Content-Type, or one range of an Accept."""
    name, parameters = parse_options_header(header)
    read = {key.decode("latin-1"): value.decode("latin-1") for key, value in parameters.items()}
    return MediaType(name.decode("latin-1").lower(), read)


def types_of(name: str) -> tuple[str, ...]:
    """Return the media types of a format, the one that it is answered in first."""
    known = [media for media, formats in MEDIA_TYPES.items() if name in formats]
    return tuple(sorted(known, key=lambda media: MEDIA_TYPES[media].index(name)))


_TYPES: dict[str, tuple[str, ...]] = {name: types_of(name) for name in FORMATS}


def check(content_type: str, name: str, location: str) -> None:
    """Raise `DocumentError` (415) where a media type does not mean this format."""
    if name not in MEDIA_TYPES.get(parsed(content_type).name, ()):
        raise document_error("http/media-type", location, expected=", ".join(_TYPES[name]))


@lru_cache(maxsize=256)
def _ranges(accept: str) -> tuple[tuple[str, float], ...]:
    found = []
    for piece in accept.split(","):
        name, parameters = parsed(piece.strip())
        try:
            quality = float(parameters.get("q", "1"))
        except ValueError:
            quality = 0.0
        found.append((name, quality))
    return tuple(found)


def _quality(ranges: tuple[tuple[str, float], ...], media: str) -> float:
    """Return what the most specific range says of a type (RFC 9110 12.5.1)."""
    for range_ in (media, f"{media.partition('/')[0]}/*", "*/*"):
        for name, quality in ranges:
            if name == range_:
                return quality
    return 0.0


@lru_cache(maxsize=256)
def answer_form(accept: str, name: str) -> Form:
    """Return how to answer in a format; raise `DocumentError` (406) where no way is allowed.

    Only a caller that names ``application/json`` gets the issues around the document.
    """
    own = _TYPES[name]
    if not accept:
        return Form(own[0])
    ranges = _ranges(accept)
    named = dict(ranges)
    best = max((m for m in own if m != JSON), key=lambda m: _quality(ranges, m), default=own[0])
    wrapped = named.get(JSON, 0.0)
    if wrapped > (named.get(best, 0.0) if best != JSON else 0.0):
        return Form(JSON, wrapped=True)
    if _quality(ranges, best) > 0:
        return Form(best)
    raise document_error(
        "http/not-acceptable", "Accept", offered=", ".join(m for m in own if m != JSON) or JSON
    )


def asks_fhir(accept: str, content_type: str) -> bool:
    """Tell whether the caller is a FHIR client, so that it gets an OperationOutcome."""
    return any("fhir" in name for name, _ in _ranges(accept)) or "fhir" in content_type
