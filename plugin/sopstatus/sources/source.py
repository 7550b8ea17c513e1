"""What a source of statements offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sopstatus.model import SOPInstance


class Source(Protocol):
    """Where statements come from: a folder, a ledger, a server."""

    def statements(self, study_instance_uid: str) -> Iterable[SOPInstance]:
        """Return what is known of a study; nothing where it is not known."""
