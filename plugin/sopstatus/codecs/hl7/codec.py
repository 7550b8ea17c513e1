"""HL7 v2 ER7: statements in the Z segments of any message, as bytes in and bytes out.

``decode`` reads every Z segment of ours, ``encode`` splices what differs into the bytes as they
came; everything else, foreign Z segments included, stays byte for byte. Text (``str``), and messages
of hl7apy, python-hl7 and MessageFoundry go in too and come out as what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.fast_append import appended
from sopstatus.codecs.hl7.orders import NAMING, studies
from sopstatus.codecs.hl7.outline import Message
from sopstatus.codecs.hl7.reader import pieces
from sopstatus.codecs.hl7.writer import Writer
from sopstatus.codecs.shared.context import Context
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.splice import splice
from sopstatus.codecs.shared.statements import Reading, identities, merge, not_carried, unmapped
from sopstatus.codecs.shared.taken import check_text, content_of
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Result, SOPInstance
from sopstatus.table import MappingTable


@dataclass(frozen=True, slots=True)
class ZSegments:
    """What ER7 and its spelling in XML share: how statements are read out of a message."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any) -> Result[tuple[SOPInstance, ...]]:
        """Read what the Z segments say; raise `DocumentError` for what is no message."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told())

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List what the Z segments are about, said about or not."""
        return identities(chain.from_iterable(self._said(document)[0]))

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told()), identities(chain.from_iterable(said))

    def _said(self, document: Any) -> tuple[list[list[SOPInstance]], Issues]:
        issues = Issues(self.limits)
        found = self._found(document, issues)
        return pieces(found, self.tables, issues), issues

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that the document names, in any segment."""
        raise NotImplementedError

    def blank(self, known: Iterable[SOPInstance], contexts: Sequence[Context] = ()) -> bytes:
        """Return the smallest messages that can hold statements about these instances, one a study."""
        from sopstatus.codecs.hl7.blank import message

        return message(known, contexts=contexts, site=self.tables.site)

    def _new(
        self, known: Iterable[SOPInstance], contexts: Sequence[Context], issues: Issues
    ) -> Any:
        """Make a new document; an issue tells that a receiver will not know whose images these are."""
        if not any(context.get("PatientID") for context in contexts):
            issues.at("PID-3").add("hl7/no-patient")
        return self.blank(known, contexts)

    def _found(self, document: Any, issues: Issues) -> list[Message]:
        raise NotImplementedError


class HL7Codec(ZSegments):
    """Statements in HL7 v2 messages."""

    __slots__ = ()

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that the document names, in any segment."""
        data, charset, _, is_object = _as_bytes(document)
        aliases = self.tables.site.hl7_character_sets
        found = outline.messages(data, charset, NAMING, is_object=is_object, aliases=aliases)
        return studies(found)

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        contexts: Sequence[Context] = (),
    ) -> Result[Any]:
        """Write statements into a message and return the new one.

        ``contexts`` are what the data sets that are spoken of say, for a new message.
        ``known`` lists the instances that the source knows, so that an order message, which takes
        one ZDS per order, gets a statement about the study only where it is true of all of them.
        """
        given, known = self.tables.settled(instances), tuple(known)
        issues = Issues(self.limits)
        if into is None:
            into = self._new(given or known, contexts, issues)
        is_short = type(into) is bytes and len(into) <= self.limits.document
        if len(given) == 1 and is_short and not self.tables.site.processing:
            quick = appended(into, given[0], self.tables.segments)
            if quick is not None:
                return Result(quick, issues.told())
        data, charset, back, is_object = _as_bytes(into)
        issues += unmapped(given, self.tables)
        issues += not_carried(
            given, self.tables, "field", "hl7/not-carried", reason="its row has no hl7"
        )
        if is_object:
            _check_groups(into, issues)
        found = self._messages(data, charset, issues, is_object)
        writer: Writer | None = None
        position, known = self.tables.site.hl7_position, known or given
        holders = self.tables.holders
        for name, rows in self.tables.segments.items():
            if writer is not None and writer.edits:
                data = splice(data, writer.edits)
                found = self._messages(data, charset, Issues(self.limits), is_object)
            writer = Writer(data, found, name, rows, position, issues, holders)
            writer.write(given, known)
        if writer is not None and writer.edits:
            data = splice(data, writer.edits)
        return Result(back(data), issues.told())

    def _found(self, document: Any, issues: Issues) -> list[Message]:
        data, charset, _, is_object = _as_bytes(document)
        if is_object:
            _check_groups(document, issues)
        return self._messages(data, charset, issues, is_object)

    def _messages(
        self, data: bytes, charset: str, issues: Issues, is_object: bool
    ) -> list[Message]:
        if len(data) > self.limits.document:
            raise document_error("document/too-large", "", limit=self.limits.document)
        if not data or data.isspace():
            raise document_error("document/empty", "")
        found = outline.messages(
            data,
            charset,
            tuple(self.tables.segments),
            is_object=is_object,
            aliases=self.tables.site.hl7_character_sets,
        )
        if not found:
            raise document_error("hl7/no-msh", "")
        return usable(found, issues, self.tables.site.processing)


def usable(found: list[Message], issues: Issues, processing: tuple[str, ...] = ()) -> list[Message]:
    """Return the messages that can be cut and are for us; the others are an issue each.

    ``processing`` are the values of MSH-11 that are for us, none: any.
    """
    cut = []
    for item in found:
        where = f"{item.prefix}MSH"
        if item.delimiters is None:
            issues.at(f"{where}-2").add("hl7/encoding-characters")
        elif item.has_lost_line_ends:
            issues.at(where).add("hl7/lost-line-ends")
        elif processing and _processing_id(item) not in processing:
            issues.at(f"{where}-11").add("hl7/processing-id", wanted=", ".join(processing))
        elif item.charset is None:
            issues.at(f"{where}-18").add("hl7/charset-unsupported")
        else:
            cut.append(item)
            if item.charset_note:
                issues.at(f"{where}-18").add(item.charset_note, charset=item.charset_term)
            if (place := item.hidden()) >= 0:
                issues.at(_segment_of(item, place)).add("hl7/line-feed")
    return cut


def _processing_id(item: Message) -> str:
    """Return MSH-11.1."""
    line, delimiters = item.header, item.delimiters
    assert delimiters
    fields = item.document[line.start : line.end].decode("latin-1").split(delimiters.field, 11)
    text = fields[10] if len(fields) > 10 else ""
    return er7.components(text, delimiters, "ascii")[0].strip()


def _segment_of(item: Message, place: int) -> str:
    """Return the segment that has this place in it, as an issue names it."""
    names = [segment.name for segment in item.segments if segment.start <= place]
    return f"{item.prefix}{names[-1]}[{names.count(names[-1])}]"


def _check_groups(document: Any, issues: Issues) -> None:
    """Tell where the library that parsed a message object leaves out Z segments."""
    from sopstatus.codecs.hl7 import objects as hl7_objects

    if hl7_objects.has_dropped(document):
        issues.add("hl7/groups")


_ACCEPTED = (
    "ER7 as bytes or str, a pathlib.Path, a binary file object, or a message of hl7apy, python-hl7 or "
    "MessageFoundry"
)


def _as_bytes(document: Any) -> tuple[bytes, str, Any, bool]:
    """Return the document's bytes, a character set that overrules MSH-18, and the way back.

    And whether it is a message object.
    """
    if isinstance(document, bytes | bytearray | memoryview):
        return bytes(document), "", bytes, False
    if isinstance(document, str):
        check_text(document, ("MSH", "FHS", "BHS", "\ufeff", "\x0b"))
        encoded = document.encode("utf-8", "surrogatepass")
        return encoded, "utf-8", lambda data: data.decode("utf-8", "surrogatepass"), False
    from sopstatus.codecs.hl7 import objects as hl7_objects

    if hl7_objects.is_message(document):
        text, back = hl7_objects.text_of(document)
        return text.encode("utf-8"), "utf-8", lambda data: back(data.decode("utf-8")), True
    return content_of(document, _ACCEPTED), "", bytes, False
