"""Documents of the DICOM JSON Model: one data set or a list of them, as text or parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.shared import data_set, json_text
from sopstatus.codecs.shared.json_text import MARK
from sopstatus.codecs.shared.taken import check_text, content_of
from sopstatus.limits import Limits
from sopstatus.table import Attribute


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was given: ``data`` is its text in UTF-8, or ``parsed`` the parsed JSON.

    ``many``: it is a list. ``back`` makes a new text what the old one was.
    """

    data: bytes | None
    parsed: Any
    many: bool
    back: Callable[[bytes], Any]


def opened(document: Any, limits: Limits) -> Document:
    """Take a document apart; raise `DocumentError` where it is none of this format."""
    if isinstance(document, list | dict):
        return Document(None, document, isinstance(document, list), bytes)
    if isinstance(document, str):
        check_text(document, ("{", "[", "\ufeff"))
        data = document.encode("utf-8", "surrogatepass")
        back: Callable[[bytes], Any] = bytes.decode
    elif isinstance(document, bytes | bytearray | memoryview):
        data, back = bytes(document), bytes
    else:
        accepted = (
            "DICOM JSON: a dict or a list, bytes, str, a pathlib.Path or a binary file object"
        )
        data, back = content_of(document, accepted), bytes
    if len(data) > limits.document:
        raise document_error("document/too-large", "", limit=limits.document)
    if not data.strip():
        raise document_error("document/empty", "")
    start = data[:64].removeprefix(MARK).lstrip()[:1] or data.removeprefix(MARK).lstrip()[:1]
    if start not in (b"{", b"["):
        raise document_error("dicom-json/not-dicom-json", "")
    json_text.bound(data)
    return Document(data, None, start == b"[", back)


def values(text: str) -> Iterator[tuple[Any, int, int]]:
    """Parse the values of a list (or the one object), one after the other."""
    at = json_text.blank(text, 0)
    many = text[at : at + 1] == "["
    at = json_text.blank(text, at + 1) if many else at
    if not many or text[at : at + 1] != "]":
        while True:
            node, end = json_text.scan(text, at)
            yield node, at, end
            at = json_text.blank(text, end)
            if not many or text[at : at + 1] != ",":
                break
            at = json_text.blank(text, at + 1)
    if many and text[at : at + 1] != "]":
        raise json_text.bad(text, at)
    at = json_text.blank(text, at + many)
    if at != len(text):
        raise json_text.bad(text, at)


class DataSet(data_set.DataSet):
    """One data set of a document; ``at`` is its place in the list."""

    __slots__ = ()

    @property
    def where(self) -> str:
        """The place of its SOP Instance UID."""
        return place(self.at, f"{data_set.SOP_INSTANCE:08X}")

    def place_of(self, row: Attribute) -> str:
        """Write the place of an attribute, as ``[3].01000410``."""
        return place(self.at, f"{row.tag:08X}")


def place(at: str, name: str) -> str:
    """Write the place of a member of the data set at ``at``."""
    return f"{at}.{name}" if at else name
