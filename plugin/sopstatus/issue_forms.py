"""Issues as a script wants them: lines, JSON, a FHIR OperationOutcome, or an HL7 acknowledgment."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sopstatus.acknowledge import acknowledge, negative
from sopstatus.model import DocumentError, Issue
from sopstatus.outcome import operation_outcome

FORMS = ("text", "json", "outcome", "ack")


def written(
    issues: Sequence[Issue],
    form: str,
    *,
    message: bytes = b"",
    refused: bool = False,
    release: str = "R4",
    canonical: str = "",
) -> bytes:
    """Write the issues in one of `FORMS`.

    ``ack`` answers ``message``, the ER7 bytes that the issues are about; ``refused`` says that
    nothing was done with it, so that the answer is AR (or CR) whatever the message asks for. ``release``
    and ``canonical`` are for the OperationOutcome.
    """
    if form == "ack":
        return (
            negative(message, DocumentError(*issues)) if refused else acknowledge(message, issues)
        )
    if form == "outcome":
        return _json(operation_outcome(issues, release=release, canonical=canonical))
    if form == "json":
        return _json(plain(issues))
    return "".join(f"{issue}\n" for issue in issues).encode()


def plain(issues: Sequence[Issue]) -> list[dict[str, str]]:
    """Return the issues as JSON has them."""
    return [{name: getattr(issue, name) for name in Issue.__slots__} for issue in issues]


def _json(told: object) -> bytes:
    return f"{json.dumps(told, indent=2)}\n".encode()
