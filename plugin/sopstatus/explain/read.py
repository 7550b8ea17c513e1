"""The reader of each format, and how its places add up to the statements that its codec decodes."""

from __future__ import annotations

from sopstatus.documents.opened import Opened
from sopstatus.explain import data_sets, dicom, fhir, hl7
from sopstatus.explain.document import Place, Reading
from sopstatus.model import Identity, SOPInstance
from sopstatus.table import MappingTable

_READERS = {
    "dicom": dicom.read,
    "dicom-json": data_sets.read,
    "dicom-xml": data_sets.read,
    "fhir": fhir.read,
    "healthimaging": data_sets.read,
    "hl7": hl7.read,
    "hl7-xml": hl7.read,
}


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find all statements of a document and what is left alone beside them."""
    return _READERS[opened.format](opened, tables)


def numbered(
    places: list[Place], statements: tuple[SOPInstance, ...]
) -> list[tuple[Place, int, bool]]:
    """Give each place the number of its statement, and whether another place said it before.

    Places of several kinds make one statement; contradictions within a kind stay apart.
    """
    saying: dict[tuple[str, ...], dict[object, list[int]]] = {}  # by keywords, by what is said
    seen: dict[tuple[str, Identity, object], int] = {}
    claimed: set[tuple[int, str]] = set()
    found: list[tuple[Place, int, bool]] = []
    for place in places:
        said, identity = place.instance.attributes, place.instance.identity
        if not said:
            continue
        key = (place.kind, identity, said)
        if key in seen:
            found.append((place, seen[key], True))
            continue
        keywords = tuple(keyword for keyword, _ in said)
        if keywords not in saying:
            saying[keywords] = _saying(statements, set(keywords))
        number = next(
            number
            for number in saying[keywords][identity, said]
            if not any((number, keyword) in claimed for keyword in keywords)
        )
        claimed |= {(number, keyword) for keyword, _ in said}
        seen[key] = number
        found.append((place, number, False))
    return found


def _saying(statements: tuple[SOPInstance, ...], keywords: set[str]) -> dict[object, list[int]]:
    """Return the numbers of the statements by their identity and what they say of some keywords."""
    found: dict[object, list[int]] = {}
    for number, statement in enumerate(statements):
        part = tuple(pair for pair in statement.attributes if pair[0] in keywords)
        found.setdefault((statement.identity, part), []).append(number)
    return found
