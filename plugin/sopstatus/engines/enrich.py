"""Statements that a source knows of a message's studies, added to the message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sopstatus.codecs.hl7_orders import studies
from sopstatus.model import Result, SOPInstance
from sopstatus.transform import Codec


class Source(Protocol):
    """Where statements come from: a folder, a ledger, a server."""

    def statements(self, study_instance_uid: str) -> Iterable[SOPInstance]:
        """Return what is known of a study; nothing where it is not known."""


def enriched(
    message: bytes, said: Iterable[SOPInstance], codec: Codec, source: Source
) -> Result[bytes]:
    """Add what the source knows of the message's studies and the message does not say itself.

    What the message says stays, also where the source says otherwise. A message that needs nothing
    comes back as it is. The issues tell what could not be added.
    """
    stated = [statement for statement in said if statement.attributes]
    known = {statement.identity for statement in stated}
    whole = {s.study_instance_uid for s in stated if not s.series_instance_uid}
    new = [
        statement
        for uid in studies(message)
        if uid not in whole  # an order's one statement, too, is the message's own
        for statement in source.statements(uid)
        if statement.attributes and statement.identity not in known
    ]
    return codec.encode(new, message) if new else Result(message)
