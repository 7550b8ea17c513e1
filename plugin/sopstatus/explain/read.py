"""The reader of each format, and how its places add up to the statements that its codec decodes."""

from __future__ import annotations

from sopstatus.explain import data_sets, dicom, fhir, hl7
from sopstatus.explain.document import Opened, Place, Reading
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
    by_identity: dict[Identity, list[int]] = {}
    for number, statement in enumerate(statements):
        by_identity.setdefault(statement.identity, []).append(number)
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
        number = next(
            number
            for number in by_identity[identity]
            if set(said) <= set(statements[number].attributes)
            and not any((number, keyword) in claimed for keyword, _ in said)
        )
        claimed |= {(number, keyword) for keyword, _ in said}
        seen[key] = number
        found.append((place, number, False))
    return found
