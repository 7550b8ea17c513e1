"""Messages of hl7apy and python-hl7: their ER7 text, and the way back to the same type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def text_of(document: Any) -> tuple[str, Callable[[str], Any]]:
    """Return the ER7 text of a message object, and a function that makes such an object of text."""
    if type(document).__module__.partition(".")[0] == "hl7":
        import hl7

        batch = isinstance(document, hl7.File | hl7.Batch)
        return str(document), hl7.parse_hl7 if batch else hl7.parse
    from hl7apy.parser import parse_message

    level = document.validation_level

    def back(text: str) -> Any:
        # with groups, hl7apy drops every Z segment that its structures do not name
        return parse_message(text, validation_level=level, find_groups=False)

    return document.to_er7(), back
