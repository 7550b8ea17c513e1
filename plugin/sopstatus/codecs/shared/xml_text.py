"""XML as bytes with places: a bounded parse without DTD, and text made fit for XML.

Parsing is expat's. A document type declaration is refused, so that there are no entities to expand
and nothing outside the document is ever read. Nothing is printed again: edits are spliced in.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from sopstatus.catalogue import document_error
from sopstatus.codecs.shared.taken import check_text, content_of
from sopstatus.limits import Limits

_ENCODING = re.compile(rb"""\bencoding\s*+=\s*+["']([A-Za-z0-9._-]++)["']""")
_ENCODINGS = ("ascii", "utf-8", "iso8859-1", "iso8859-15", "cp1252")
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_LEAD = 200
_SPECIAL_PATTERN = re.compile("[&<>\r]")


@dataclass(slots=True)
class Node:
    """An element: its span in the document, its text without that of its children, its children.

    ``inner`` is where its content ends (at the end tag); an empty-element tag has none, so there
    it is ``end``.
    """

    name: str
    attributes: dict[str, str]
    start: int
    inner: int = 0
    end: int = 0
    text: str = ""
    children: list[Node] = field(default_factory=list)


def as_bytes(document: Any) -> tuple[bytes, Callable[[bytes], Any]]:
    """Return the document as UTF-8, and the way back to its own type and encoding.

    Raise `DocumentError` for an encoding that is none of ours, or bytes that are not of it.
    """
    if isinstance(document, str):
        check_text(document, ("<", "\ufeff"))
        return document.encode("utf-8", "surrogatepass"), lambda data: data.decode("utf-8")
    if not isinstance(document, bytes | bytearray | memoryview):
        document = content_of(document, "XML: bytes, str, a pathlib.Path or a binary file object")
    data = bytes(document)
    head, end, _ = data.removeprefix(codecs.BOM_UTF8).partition(b">")
    is_declaration = end and head.startswith(b"<?xml") and head.endswith(b"?")
    declared = _ENCODING.search(head) if is_declaration else None
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else "utf-8"
    except LookupError:
        name = ""
    if name not in _ENCODINGS or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise document_error("document/xml-encoding", "", encodings=", ".join(_ENCODINGS))
    if name == "utf-8":
        return data, bytes
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        raise document_error("document/xml-encoding", "", encodings=", ".join(_ENCODINGS)) from None
    return text.encode("utf-8"), lambda new: new.decode("utf-8").encode(name, "xmlcharrefreplace")


def parse(data: bytes, limits: Limits) -> Node:
    """Parse a document that is UTF-8, whatever it declares, and return its root.

    Raise `DocumentError` for what is not well-formed, declares a document type, or asks for more
    than the limits allow.
    """
    if len(data) > limits.document:
        raise document_error("document/too-large", "", limit=limits.document)
    if not data.strip():
        raise document_error("document/empty", "")
    reading = _Reading(data, limits)
    try:
        reading.parser.Parse(data, True)
    except expat.ExpatError as error:
        facts = {"line": error.lineno, "column": error.offset + 1}
        raise document_error("document/not-xml", "", **facts) from None
    return reading.top.children[0]


class _Reading:
    """expat's callbacks, and the elements that are open."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits = data, limits
        self.top = Node("", {}, 0)
        self.open = [self.top]
        self.texts: list[list[str]] = [[]]
        parser = self.parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype

    def doctype(self, *_: object) -> None:
        raise document_error("document/xml-dtd", "")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) > self.limits.depth:
            raise document_error("document/too-deep", "", limit=self.limits.depth)
        node = Node(name, attributes, self.parser.CurrentByteIndex)
        self.open[-1].children.append(node)
        self.open.append(node)
        self.texts.append([])

    def characters(self, text: str) -> None:
        self.texts[-1].append(text)

    def end(self, name: str) -> None:
        node, at = self.open.pop(), self.parser.CurrentByteIndex
        node.text = "".join(self.texts.pop())
        # expat stands at the end tag, or behind an empty-element tag
        empty = not node.children and not node.text and self.data[at - 2 : at] == b"/>"
        node.inner = at
        node.end = at if empty else self.data.index(b">", at) + 1


def tag_end(data: bytes, start: int) -> int:
    """Return the end of the start tag that begins here; an attribute's value may hold a ``>``."""
    quote = 0
    for place in range(start, len(data)):
        byte = data[place]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == 0x3E:
            return place + 1
    raise AssertionError("expat has seen the end of the tag")


def lead(document: bytes, start: int) -> bytes:
    """Return the white space before an element: indentation that a new neighbour gets too."""
    before = document[max(0, start - _LONGEST_LEAD) : start]
    return before[len(before.rstrip(b" \t\r\n")) :]


def holds(text: str) -> bool:
    """Tell whether XML 1.0 can hold all characters of the text."""
    return _ILLEGAL.search(text) is None


def escape(text: str) -> str:
    """Escape text for an element's content."""
    return _SPECIAL_PATTERN.sub(lambda match: _SPECIAL[match[0]], text)
