"""Audit records: each change of a status, stored outside the document and never in it.

A record holds terms, UIDs, AE Titles and table versions; never the text of (0100,0424). Records
are chained: each names the hash of the one before it, so that a removed line shows.
"""

from __future__ import annotations

from datetime import UTC, datetime

TORN_LINE = "torn-line"
"""The event of a record about the file: its last line was cut off, and this one took its place."""


def now() -> str:
    """Return the time as records have it."""
    return instant(datetime.now(UTC))


def instant(moment: datetime) -> str:
    """Write a moment as records have it: UTC, milliseconds, ``Z``.

    Raise `OverflowError` where it has no year in UTC that Python can count.
    """
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
