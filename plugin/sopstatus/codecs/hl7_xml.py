"""HL7 v2 as Mirth Connect's XML: what a channel's ``msg`` is, read and written as the message it stands for.

The engine (and Open Integration Engine, BridgeLink) turns ER7 into XML before a transformer runs
and back afterwards. Its own parser, the default, is supported; the XML of its strict parser (HAPI)
is refused, for it loses segments. Values keep HL7's escape sequences, for the engine neither undoes
nor makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs import er7, xml_text
from sopstatus.codecs.er7 import Message
from sopstatus.codecs.hl7 import message, usable
from sopstatus.codecs.hl7_read import pieces
from sopstatus.codecs.hl7_write import Writer
from sopstatus.codecs.hl7_xml_document import ROOT, View, segment_text, view
from sopstatus.codecs.hl7_xml_write import spliced
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.statement import Reading, identities, merge, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.table import MappingTable


@dataclass(frozen=True, slots=True)
class HL7XMLCodec:
    """Statements in messages as Mirth's XML: ``bytes`` or ``str``, and the same comes out."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any) -> Result[tuple[SOPInstance, ...]]:
        """Read what the message's Z segments say; raise `DocumentError` for any other XML."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told())

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List what the message's Z segments are about, said about or not."""
        return identities(chain.from_iterable(self._said(document)[0]))

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told()), identities(chain.from_iterable(said))

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
    ) -> Result[Any]:
        """Write statements into a message and return the new one; ``known`` as in `HL7Codec`."""
        given = tuple(instances)
        data, back = xml_text.as_bytes(self.blank(given) if into is None else into)
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        seen, found = self._seen(data, issues)
        position, known = self.tables.site.hl7_position, tuple(known) or given
        for name, rows in self.tables.segments.items():
            writer = Writer(seen.data, found, name, rows, position, issues, self.limits)
            writer.write(given, known)
            if writer.edits:
                marks = {item.start: item.delimiters for item in found if item.delimiters}
                data = spliced(seen, writer.edits, marks)
                seen, found = self._seen(data, [])
        return Result(back(data), issues.told())

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> bytes:
        """Return the smallest message that can hold statements about these instances."""
        return of_er7(message(tuple(known)))

    def er7(self, document: Any) -> bytes:
        """Return the message as the engine would write it, but that raw delimiters are escaped."""
        return self._seen(xml_text.as_bytes(document)[0], [])[0].data

    def _said(self, document: Any) -> tuple[list[list[SOPInstance]], Issues]:
        issues = Issues(self.limits)
        _, found = self._seen(xml_text.as_bytes(document)[0], issues)
        return pieces(found, self.tables.segments, issues, self.limits), issues

    def _seen(self, data: bytes, issues: list[Issue]) -> tuple[View, list[Message]]:
        names = tuple(self.tables.segments)
        seen = view(data, self.limits, frozenset(names), issues)
        found = er7.messages(seen.data, "utf-8", names)
        if not found:
            raise document_error("hl7/no-msh", "")
        return seen, usable(found, issues)


def of_er7(data: bytes, charset: str = "") -> bytes:
    """Write a message in ER7 as the engine's XML (UTF-8); ``charset`` overrules MSH-18.

    Raise `DocumentError` where it has no MSH, or cannot be cut or decoded.
    """
    found = er7.messages(data, charset)
    if not found:
        raise document_error("hl7/no-msh", "")
    issues: list[Issue] = []
    if not usable(found[:1], issues):
        raise DocumentError(*issues)
    item = found[0]
    assert item.delimiters and item.charset
    texts = []
    for span in item.segments:
        text = er7.decode(data[span.start : span.end], item.charset, item.charset_term)
        if text is None:
            term = item.charset_term or "none"
            raise document_error("hl7/undecodable", span.name, charset=term)
        texts.append(segment_text(text.encode("utf-8"), item.delimiters))
    return f"<{ROOT}>{''.join(texts)}</{ROOT}>".encode()
