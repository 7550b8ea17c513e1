"""How much a document may ask for: bounds that a caller may change, each with its own issue code."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields

_MEBI = 1 << 20
LARGEST = sys.maxsize - 1
"""What a limit is cut to: more cannot be asked of zlib. In a browser Python is a 32-bit program."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on time and memory; what goes beyond one is an issue or a `DocumentError`, never a hang.

    ``document`` and ``inflated`` count bytes (HL7 and JSON documents; a deflated data set once
    inflated), ``depth`` nested sequences, Bundles or JSON values, ``statements`` and ``repetitions``
    what one document and one field may hold, ``issues`` what one reading tells before it counts
    the rest. ``elements`` is how many pydicom may make of what the walker does not follow, and how
    many KiB of padding are passed. In DICOM JSON nothing nested is read: ``depth`` is how deep
    copies are looked for.
    ``pairs`` counts statements times the copies that they are about, beyond one pair for each
    statement and each copy: a few bytes can say the same of many holders and many instances. Of
    values that are written more than once it counts each 1024 characters, too.
    """

    document: int = 1024 * _MEBI
    inflated: int = 2048 * _MEBI
    depth: int = 64
    statements: int = 1_000_000
    repetitions: int = 10_000
    issues: int = 10_000
    pairs: int = 100_000
    elements: int = 100_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) > LARGEST:
                object.__setattr__(self, field.name, LARGEST)


DEFAULT = Limits()
