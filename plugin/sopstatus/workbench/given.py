"""Documents of a request: text that was pasted, or the bytes of a file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs import Format
from sopstatus.codecs.hl7 import outline
from sopstatus.documents.opened import Opened, opened

_STARTS = ("MSH", "FHS", "BHS", "{", "[", "<")
_SKIPPED = "\ufeff\x0b \t\r\n"


@dataclass(frozen=True, slots=True)
class Given:
    """A document as it came: ``str`` where it was pasted, ``bytes`` where it is a file."""

    data: bytes | str
    opened: Opened

    @property
    def format(self) -> Format:
        """Return the name of its format."""
        return self.opened.format

    @property
    def document(self) -> Any:
        """Return it as its codec takes it."""
        return self.opened.document


def given(said: object) -> Given:
    """Take ``{"text": ...}`` or ``{"base64": ...}``; raise `DocumentError` for anything else.

    Text is never a path here.
    """
    if isinstance(said, dict) and isinstance(text := said.get("text"), str):
        if not text.strip(_SKIPPED):
            raise document_error("document/empty", "")
        if not text.lstrip(_SKIPPED).startswith(_STARTS):
            raise document_error("document/unknown-format", "")
        return of(text)
    if isinstance(said, dict) and isinstance(coded := said.get("base64"), str):
        try:
            return of(base64.b64decode(coded, validate=True))
        except (binascii.Error, ValueError):
            pass
    raise document_error("http/parameter", "", parameter="a document", known="text, base64")


def of(data: bytes | str) -> Given:
    """Open a document of any format."""
    return Given(data, opened(data))


def charset_of(one: Given) -> str:
    """Return Python's name of the character set that a document's bytes are in."""
    if one.format == "hl7" and isinstance(one.data, bytes):
        found = outline.messages(one.data)
        charset = found[0].charset if found else ""
        if charset and charset != "ascii":
            return charset
    return "utf-8"
