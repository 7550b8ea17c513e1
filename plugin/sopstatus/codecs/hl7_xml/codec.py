"""HL7 v2 as Mirth Connect's XML: what a channel's ``msg`` is, read and written as the message it stands for.

The engine (and Open Integration Engine, BridgeLink) turns ER7 into XML before a transformer runs
and back afterwards. Its own parser, the default, is supported; the XML of its strict parser (HAPI)
is refused, for it loses segments. Values keep HL7's escape sequences, for the engine neither undoes
nor makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import ZSegments, er7, outline, usable
from sopstatus.codecs.hl7.orders import NAMING, studies
from sopstatus.codecs.hl7.outline import Message, named_character_set
from sopstatus.codecs.hl7.writer import Writer
from sopstatus.codecs.hl7_xml.document import NAME, ROOT, View, segment_text, view
from sopstatus.codecs.hl7_xml.writer import spliced
from sopstatus.codecs.shared import xml_text
from sopstatus.codecs.shared.context import Context
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import not_carried, unmapped
from sopstatus.model import DocumentError, Result, SOPInstance


class HL7XMLCodec(ZSegments):
    """Statements in messages as Mirth's XML: ``bytes`` or ``str``, and the same comes out."""

    __slots__ = ()

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that the document names, in any segment."""
        return studies(outline.messages(self.er7(document), "utf-8", NAMING))

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        contexts: Sequence[Context] = (),
    ) -> Result[Any]:
        """Write statements into a message and return the new one; the rest as in `HL7Codec`."""
        given, known = self.tables.settled(instances), tuple(known)
        issues = Issues(self.limits)
        if into is None:
            into = self._new(given or known, contexts, issues)
        data, back = xml_text.as_bytes(into)
        issues += unmapped(given, self.tables)
        issues += not_carried(
            given, self.tables, "field", "hl7/not-carried", reason="its row has no hl7"
        )
        seen, found = self._seen(data, issues)
        position, known = self.tables.site.hl7_position, known or given
        holders = self.tables.holders
        for name, rows in self.tables.segments.items():
            writer = Writer(seen.data, found, name, rows, position, issues, holders)
            writer.write(given, known)
            if writer.edits:
                marks = {item.start: item.delimiters for item in found if item.delimiters}
                data = spliced(seen, writer.edits, marks)
                seen, found = self._seen(data, Issues(self.limits))
        return Result(back(data), issues.told())

    def blank(self, known: Iterable[SOPInstance], contexts: Sequence[Context] = ()) -> bytes:
        """Return the smallest message that can hold statements about these instances."""
        return of_er7(super().blank(known, contexts))

    def er7(self, document: Any) -> bytes:
        """Return the message as the engine would write it, but that raw delimiters are escaped."""
        return self._seen(xml_text.as_bytes(document)[0], Issues(self.limits))[0].data

    def _found(self, document: Any, issues: Issues) -> list[Message]:
        return self._seen(xml_text.as_bytes(document)[0], issues)[1]

    def _seen(self, data: bytes, issues: Issues) -> tuple[View, list[Message]]:
        names = tuple(self.tables.segments)
        seen = view(data, frozenset(names), issues)
        found = outline.messages(seen.data, "utf-8", names)
        if not found:
            raise document_error("hl7/no-msh", "")
        for (
            item
        ) in found:  # the engine writes it in that of its listener, and the receiver reads MSH-18
            item.written_as = named_character_set(item, self.tables.site.hl7_character_sets)
        return seen, usable(found, issues, self.tables.site.processing)


def of_er7(data: bytes, charset: str = "") -> bytes:
    """Write a message in ER7 as the engine's XML (UTF-8); ``charset`` overrules MSH-18.

    Raise `DocumentError` where it has no MSH, or cannot be cut or decoded, or where the name of a
    segment, with blanks say, cannot be that of an element.
    """
    found = outline.messages(data, charset)
    if not found:
        raise document_error("hl7/no-msh", "")
    issues = Issues()
    if not usable(found[:1], issues):
        raise DocumentError(*issues)
    item = found[0]
    assert item.delimiters and item.charset
    texts = []
    for number, span in enumerate(item.segments, 1):
        text = er7.decode(data[span.start : span.end], item.charset, item.charset_term)
        if text is None:
            term = item.charset_term or "none"
            raise document_error("hl7/undecodable", span.name, charset=term)
        if not NAME.fullmatch(text.split(item.delimiters.field)[0]):
            raise document_error("hl7-xml/segment-name", f"segment[{number}]")
        texts.append(segment_text(text.encode("utf-8"), item.delimiters))
    return f"<{ROOT}>{''.join(texts)}</{ROOT}>".encode()
