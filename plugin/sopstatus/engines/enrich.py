"""Statements that a source knows of a message's studies, added to the message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.codecs.shared.statements import contradicts
from sopstatus.model import WARNING, Identity, Result, SOPInstance, Value
from sopstatus.sources.source import Source
from sopstatus.sources.source import said as said_by
from sopstatus.table import MappingTable, load_tables


def enriched(
    message: Any, said: Iterable[SOPInstance], codec: HL7Codec, source: Source
) -> Result[Any]:
    """Add what the source knows of the message's studies and the message does not say itself.

    What the message says stays, also where the source says otherwise. A message that needs nothing
    comes back as it is. The issues tell what could not be added, and where the two contradict each other.
    """
    stated = [statement for statement in said if statement.attributes]
    known: dict[Identity, list[tuple[tuple[str, Value], ...]]] = {}
    for statement in stated:
        known.setdefault(statement.identity, []).append(statement.attributes)
    whole = {s.study_instance_uid for s in stated if not s.series_instance_uid}
    found = [
        statement
        for uid in codec.studies(message)
        if uid not in whole  # an order's one statement, too, is the message's own
        for statement in said_by(source, uid)
        if statement.attributes
    ]
    new = [statement for statement in found if statement.identity not in known]
    made = codec.encode(new, message) if new else Result(message)
    count = sum(
        any(contradicts(said, statement.attributes) for said in known.get(statement.identity, ()))
        for statement in found
    )
    told = (issue("source/contradiction", "", count=count),) if count else ()
    return Result(made.value, (*told, *made.issues))


def enricher(source: Source, *, tables: MappingTable | None = None) -> Callable[[Any], Result[Any]]:
    """Make a callable that enriches any message that the codec takes, and returns the same type.

    A message with an issue that is an error comes back as it is. What the source knows and the
    message could not take is a warning: no fault of the message's. Threads may share it if they may
    share the source.
    """
    codec = HL7Codec(tables or load_tables())

    def enrich(message: Any) -> Result[Any]:
        read = codec.decode(message)
        if any(found.is_error for found in read.issues):
            return Result(message, read.issues)
        more = enriched(message, read.value, codec, source)
        notes = [replace(note, severity=WARNING) if note.is_error else note for note in more.issues]
        return Result(more.value, (*read.issues, *notes))

    return enrich
