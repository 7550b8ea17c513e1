"""How much a document may ask for: bounds that a caller may change, each with its own issue code."""

from __future__ import annotations

from dataclasses import dataclass

_MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on time and memory; what goes beyond one is an issue or a `DocumentError`, never a hang.

    ``document`` and ``inflated`` count bytes (HL7 and JSON documents; a deflated data set once
    inflated), ``depth`` nested sequences, Bundles or JSON values, ``statements`` and ``repetitions``
    what one document and one field may hold, ``issues`` what one reading tells before it counts
    the rest. In DICOM JSON nothing nested is read: ``depth`` is how deep copies are looked for.
    """

    document: int = 1024 * _MEBI
    inflated: int = 2048 * _MEBI
    depth: int = 64
    statements: int = 1_000_000
    repetitions: int = 10_000
    issues: int = 10_000


DEFAULT = Limits()
