"""Audit records: what became of a status, told beside the document and never in it.

A record holds terms, UIDs, AE Titles and table versions; never the text of (0100,0424). Records
are chained: each names the hash of the one before it, so that a removed line shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One change, or refused change, of the status of one held copy (PS3.15 A.1.1).

    ``before`` and ``after`` are states of the transition table: ``-`` (not held), ``ABS``, ``NS``,
    ``OR``, ``AO``, ``AC`` and the bookkeeping states ``OR?``, ``AO?`` (received, not yet committed)
    and ``OR>``, ``AO>`` (sent, waiting for commitment). ``time`` is UTC, ISO 8601 with a ``Z``.
    ``received`` is the status that arrived (``ABS`` where there was none, ``invalid`` where it is
    no term), ``sent`` the one that went out or into a new instance (``left-out`` where none did);
    both are empty where no data set moved. ``row`` is the row of the table.
    ``mappings`` names the mapping tables that read and wrote: name, version, SHA-256.
    """

    event: str
    before: str
    after: str
    rule: str  # "f.2", or "interpretation"
    outcome: str  # "done" or "refused"
    code: str  # the catalogue's issue code where there is one
    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    holder: str
    peer: str  # AE Title of the other side; "" = not said
    secure: bool | None
    authenticated: bool | None
    conforms: bool | None
    policy: str
    time: str
    table: str
    table_version: str
    table_sha256: str
    received: str = ""
    sent: str = ""
    row: str = ""
    mappings: str = ""


def now() -> str:
    """Return the time as records have it."""
    return instant(datetime.now(UTC))


def instant(moment: datetime) -> str:
    """Write a moment as records have it: UTC, milliseconds, ``Z``.

    Raise `OverflowError` where it has no year in UTC that Python can count.
    """
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
