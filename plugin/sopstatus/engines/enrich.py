"""Statements that a source knows of a message's studies, added to the message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.model import ERROR, FATAL, WARNING, Result, SOPInstance
from sopstatus.table import MappingTable, load_tables


class Source(Protocol):
    """Where statements come from: a folder, a ledger, a server."""

    def statements(self, study_instance_uid: str) -> Iterable[SOPInstance]:
        """Return what is known of a study; nothing where it is not known."""


def enriched(
    message: Any, said: Iterable[SOPInstance], codec: HL7Codec, source: Source
) -> Result[Any]:
    """Add what the source knows of the message's studies and the message does not say itself.

    What the message says stays, also where the source says otherwise. A message that needs nothing
    comes back as it is. The issues tell what could not be added.
    """
    stated = [statement for statement in said if statement.attributes]
    known = {statement.identity for statement in stated}
    whole = {s.study_instance_uid for s in stated if not s.series_instance_uid}
    new = [
        statement
        for uid in codec.studies(message)
        if uid not in whole  # an order's one statement, too, is the message's own
        for statement in source.statements(uid)
        if statement.attributes and statement.identity not in known
    ]
    return codec.encode(new, message) if new else Result(message)


def enricher(source: Source, *, tables: MappingTable | None = None) -> Callable[[Any], Result[Any]]:
    """Make a callable that enriches any message that the codec takes, and returns the same type.

    A message with an issue that is an error comes back as it is. What the source knows and the
    message could not take is a warning: no fault of the message's. Threads may share it if they may
    share the source.
    """
    codec = HL7Codec(tables or load_tables())

    def enrich(message: Any) -> Result[Any]:
        read = codec.decode(message)
        if any(issue.severity in (FATAL, ERROR) for issue in read.issues):
            return Result(message, read.issues)
        more = enriched(message, read.value, codec, source)
        notes = [
            replace(issue, severity=WARNING) if issue.severity in (FATAL, ERROR) else issue
            for issue in more.issues
        ]
        return Result(more.value, (*read.issues, *notes))

    return enrich
