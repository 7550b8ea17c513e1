"""What a source of statements offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sopstatus.catalogue import document_error
from sopstatus.model import DocumentError, SOPInstance


class Source(Protocol):
    """Where statements come from: a folder, a ledger, a server."""

    def statements(self, study_instance_uid: str) -> Iterable[SOPInstance]:
        """Return what is known of a study; nothing where it is not known."""


def said(source: Source, study_instance_uid: str) -> tuple[SOPInstance, ...]:
    """Return what a source knows of a study; raise `DocumentError` where it is at fault, and nobody else."""
    try:
        return tuple(source.statements(study_instance_uid))
    except DocumentError as error:
        code = error.issues[0].code
        if code.startswith(("source/", "ledger/")):
            raise
        raise document_error("source/unavailable", "", reason=code) from None
