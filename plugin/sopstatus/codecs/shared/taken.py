"""What a codec takes beside the types of its own format: a path, and a binary file object."""

from __future__ import annotations

import os
from typing import Any

from sopstatus.catalogue import document_error, refusals

_LONGEST = 4096  # characters of a path


def content_of(document: Any, accepted: str) -> bytes:
    """Return what a path or a binary file object holds, from its beginning.

    Raise `DocumentError` for any other type; ``accepted`` says what the codec takes beside.
    """
    if isinstance(document, os.PathLike):
        with refusals("document/unreadable", ""), open(document, "rb") as file:
            return file.read()
    if _is_file(document):
        with refusals("document/unreadable", ""):
            document.seek(0)
            data = document.read()
            document.seek(0)
        if isinstance(data, bytes):
            return data
    raise document_error(
        "document/unknown-type", "", type=type(document).__name__, accepted=accepted
    )


def content(document: Any) -> Any:
    """Return what a path or a binary file object holds; any other document as it is."""
    if isinstance(document, os.PathLike) or _is_file(document):
        return content_of(document, "")
    return document


def _is_file(document: Any) -> bool:
    try:
        return hasattr(document, "read") and hasattr(document, "seek")
    except Exception:  # what objects of hl7apy raise for a name is no AttributeError
        return False


def check_text(text: str, begins: tuple[str, ...]) -> None:
    """Raise `DocumentError` where a text is not a document and names a file that is there.

    A document ``begins`` so, after blanks; an issue says that it is a name, and not which.
    """
    if len(text) > _LONGEST or text.lstrip().startswith(begins) or not text.strip():
        return
    if os.path.isfile(text):
        raise document_error("document/file-name", "")
