"""The ZDS segment, typed, for hl7apy: the segment part of a message profile.

`ZDS` has the form that hl7apy's message profiles give a segment. It is passed as the reference of
the segment and not as the profile of the whole message: with a message profile, hl7apy 1.3.5 writes
the fields of a Z segment twice and puts segments into another order.
"""

from __future__ import annotations

from typing import Any

from hl7apy import load_library
from hl7apy.core import Segment
from hl7apy.parser import parse_segment

VERSION = "2.5.1"  # whose data types are used: 2.3.1 has no CWE and no DTM
FIELDS = (
    ("RP", "STUDY_INSTANCE_UID"),
    ("ST", "SERIES_INSTANCE_UID"),
    ("ST", "SOP_CLASS_UID"),
    ("ST", "SOP_INSTANCE_UID"),
    ("CWE", "SOP_INSTANCE_STATUS"),
    ("DTM", "SOP_AUTHORIZATION_DATETIME"),
    ("TX", "SOP_AUTHORIZATION_COMMENT"),
    ("ST", "AUTHORIZATION_EQUIPMENT_CERTIFICATION_NUMBER"),
    ("ST", "VERBATIM_VALUES"),
    ("HD", "HOLDER"),
)


def _field(number: int, datatype: str, name: str) -> tuple[Any, ...]:
    """Return the reference of a field; the components of complex types are hl7apy's own."""
    components = next(
        (
            child[1][1]
            for segment in load_library(VERSION).SEGMENTS.values()
            for child in segment[1]
            if child[1] and child[1][0] == "sequence" and child[1][2] == datatype
        ),
        None,
    )
    kind = "sequence" if components else "leaf"
    limits = (1, 1) if number == 1 else (0, -1 if number == 9 else 1)
    return (f"ZDS_{number}", (kind, components, datatype, name, None, -1), limits, "FIE")


ZDS = ("sequence", tuple(_field(n, *field) for n, field in enumerate(FIELDS, 1)))


def parse_zds(line: str) -> Segment:
    """Parse one ZDS segment, without its terminator, into typed fields."""
    return parse_segment(line, version=VERSION, reference=ZDS)
