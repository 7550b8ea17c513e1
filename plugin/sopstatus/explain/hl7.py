"""What `explain` finds in HL7 v2: fields of Z segments, each with its span."""

from __future__ import annotations

import sys
from itertools import accumulate

from sopstatus import values
from sopstatus.codecs import hl7
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7 import reader as hl7_read
from sopstatus.codecs.hl7.outline import Message, Segment
from sopstatus.codecs.hl7.segment import NULL, ZSegment, coding
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Found
from sopstatus.documents.opened import Opened
from sopstatus.explain.document import Place, Reading, Slot, counter, off, switched_off
from sopstatus.explain.model import Source, Untouched
from sopstatus.limits import Limits
from sopstatus.model import Value
from sopstatus.table import Attribute, MappingTable, older_keywords
from sopstatus.table.language import CODED, FIRST_FIELD, HOLDER_FIELD, VERBATIM_FIELD

_Found = Found[hl7_read.Place]
_WHOLE = Limits(issues=sys.maxsize)  # each message that is not read is to say why
_UNUSABLE = {
    "hl7/encoding-characters": "its delimiters cannot be used",
    "hl7/charset-unsupported": "its character set is not known",
    "hl7/processing-id": "its processing ID is not one that is read here",
    "hl7/lost-line-ends": "its line ends were lost",
}


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find every statement in the Z segments, and what is left alone beside them."""
    data, charset = _bytes(opened, tables)
    is_object = opened.data is None and opened.format == "hl7"
    site = tables.site
    aliases, names = site.hl7_character_sets, tuple(tables.segments)
    found = outline.messages(data, charset, names, is_object=is_object, aliases=aliases)
    told = Issues(_WHOLE)
    usable = hl7.usable(found, told, site.processing)
    reader = _Reader(opened, tables, data)
    reader.unusable(found, usable, told)
    for name, rows in tables.segments.items():
        issues = Issues(_WHOLE)
        ours = hl7_read.read(usable, name, rows, issues)
        codes: dict[str, list[str]] = {}  # by segment, and by field
        for found_issue in issues:
            where = found_issue.location
            for place in {where, where.partition("-")[0]}:
                codes.setdefault(place, []).append(found_issue.code)
        for one in ours:
            reader.statement(name, rows, one, codes)
        reader.foreign(name, usable, {one.place.span.start for one in ours}, codes)
    reader.other_segments(usable)
    return reader.reading


def _bytes(opened: Opened, tables: MappingTable) -> tuple[bytes, str]:
    if opened.format == "hl7-xml":
        from sopstatus.codecs.hl7_xml import HL7XMLCodec

        return HL7XMLCodec(tables).er7(opened.document), "utf-8"
    if opened.data is not None:
        return opened.data, "utf-8" if opened.is_text else ""
    from sopstatus.codecs.hl7 import objects as hl7_objects

    return hl7_objects.text_of(opened.document)[0].encode("utf-8"), "utf-8"


class _Reader:
    """Collects what is found in one document."""

    def __init__(self, opened: Opened, tables: MappingTable, data: bytes) -> None:
        self.data, self.tables, self.reading = data, tables, Reading()
        self.unit = counter(opened)
        self.has_spans = opened.data is not None and opened.format == "hl7"

    def source(self, path: str, start: int, end: int) -> Source:
        """Make a place; a message object and XML have no spans."""
        return Source(path, self.unit(start), self.unit(end)) if self.has_spans else Source(path)

    def leave(self, source: Source, why: str, code: str = "", detail: str = "") -> None:
        """Note what is not touched."""
        self.reading.untouched.append(Untouched(source, why, code, detail))

    def unusable(self, found: list[Message], usable: list[Message], told: Issues) -> None:
        """Note messages that are not read, each with the issue that says why."""
        ours = {item.start for item in usable}
        why = {i.location.rpartition("MSH")[0]: i for i in told if i.code in _UNUSABLE}
        for item in found:
            if item.start in ours:
                continue
            path, code = why[item.prefix].location, why[item.prefix].code
            span = self.source(path, item.segments[0].start, item.segments[-1].end)
            self.leave(span, f"the whole message stays as it is: {_UNUSABLE[code]}", code)

    def statement(
        self, name: str, rows: tuple[Attribute, ...], found: _Found, codes: dict[str, list[str]]
    ) -> None:
        """Note the values of one segment, and its fields that are not ours."""
        span, segment = found.place.span, found.place.segment
        said = dict(found.instance.attributes)
        kept = self._verbatim(segment, span)
        starts = _starts(segment, span)
        slots = []
        for row in rows:
            field = self._field(segment, starts, row.field)
            if row.keyword in said:
                slots.append(self._slot(segment, row, said[row.keyword], field, kept))
            elif row.keyword in found.unread:
                path = f"{segment.location}-{row.field}"
                code = codes.get(path, [""])[0]
                self.leave(field or Source(path), f"{row.keyword} cannot be read", code)
        if not found.instance.attributes and not found.unread:
            whole = self.source(segment.location, span.start, span.end)
            self.leave(whole, "names what it is about and states nothing")
        self._other_fields(name, rows, segment, starts)
        self.reading.places.append(Place(name, segment.location, found.instance, slots))

    def _field(self, segment: ZSegment, starts: list[int], number: int) -> Source | None:
        if number >= len(segment.fields) or not segment.fields[number]:
            return None
        start = starts[number]
        end = start + len(segment.fields[number])
        return self.source(f"{segment.location}-{number}", start, end)

    def _verbatim(
        self, segment: ZSegment, span: Segment
    ) -> dict[str, tuple[Source, str, str | None]]:
        """Return place, text and value of every readable entry of ZDS-9, by keyword."""
        kept: dict[str, tuple[Source, str, str | None]] = {}
        if len(segment.fields) <= VERBATIM_FIELD or segment.raw(VERBATIM_FIELD) is None:
            return kept
        raw, separator = segment.fields[VERBATIM_FIELD], segment.delimiters.repetition
        parts = er7.split(raw, separator, segment.charset) if separator else [raw]
        start = _starts(segment, span)[VERBATIM_FIELD]
        known = {*self.tables.attributes, values.OFFSET_KEYWORD}
        older = older_keywords(self.tables.attributes.values())
        for number, part in enumerate(parts, 1):
            end = start + len(part)
            source = self.source(f"{segment.location}-{VERBATIM_FIELD}[{number}]", start, end)
            start = end + 1
            text = er7.decode(part, segment.charset, segment.message.charset_term) or ""
            text = er7.unescape(text, segment.delimiters, segment.charset)
            entry = values.parse_verbatim(text, older) if part else None
            if entry:
                kept.setdefault(entry[0], (source, text, entry[1]))
            if part and not entry:
                self.leave(source, "is not Keyword=<JSON string>", "hl7/verbatim-malformed")
            elif entry and entry[0] not in known:
                self.leave(source, "is about no attribute that is switched on", detail=entry[0])
        return kept

    def _slot(
        self,
        segment: ZSegment,
        row: Attribute,
        value: Value,
        field: Source | None,
        kept: dict[str, tuple[Source, str, str | None]],
    ) -> Slot:
        raw = (segment.raw(row.field) or "") if field else ""
        slot = Slot(row, value, f"{segment.location}-{row.field}", field, raw if field else None)
        if value is None and raw.split(segment.delimiters.component, 1)[0] == NULL:
            slot.note('emptied by ""')
            return slot
        if raw:
            _notes(slot, segment, raw)
        if row.keyword in kept:
            slot.verbatim_source, slot.verbatim, exact = kept[row.keyword]
            preferred = exact is not None and exact == value
            slot.note(
                f"exact text of {slot.verbatim_source.path} preferred"
                if preferred
                else f"{slot.verbatim_source.path} contradicts the field, which wins"
            )
        if offset := values.context_offset(value):
            own = kept.get(values.OFFSET_KEYWORD)
            told = own if own and own[2] else None
            if told and not slot.verbatim:
                slot.verbatim_source, slot.verbatim, _ = told
            where = told[0].path if told else "MSH-7"
            slot.note(f"has no offset; it is local to that of {where}", offset)
        return slot

    def _other_fields(
        self, name: str, rows: tuple[Attribute, ...], segment: ZSegment, starts: list[int]
    ) -> None:
        owned = {*range(FIRST_FIELD), VERBATIM_FIELD, HOLDER_FIELD, *(row.field for row in rows)}
        groups = [group for group in switched_off(self.tables) if group.segment == name]
        owners = {row.field: off(group) for group in groups for row in group.attributes}
        for number in range(FIRST_FIELD, len(segment.fields)):
            if number not in owned and (source := self._field(segment, starts, number)):
                self.leave(source, owners.get(number, "no row of the tables has this field"))

    def foreign(
        self, name: str, usable: list[Message], ours: set[int], codes: dict[str, list[str]]
    ) -> None:
        """Note the segments of our name that are not ours, or whose identity cannot be read."""
        for item in usable:
            for index, span in outline.numbered(item, name):
                if span.start in ours:
                    continue
                path = f"{item.prefix}{name}[{index}]"
                own = codes.get(path, [])
                why = "its identity cannot be read"
                if "hl7/withdrawn" in own:
                    why = "the message takes back what it states"
                elif "hl7/foreign-zds" in own:
                    why = f"{name}-1 is not a DICOM study pointer: this is another product's {name}"
                source = self.source(path, span.start, span.end)
                self.leave(source, why, own[0] if own else "")

    def other_segments(self, usable: list[Message]) -> None:
        """Note segments that belong to groups that are switched off."""
        groups = {g.segment: g for g in switched_off(self.tables)}
        for name in groups.keys() - self.tables.segments.keys():
            for item in usable:
                for index, span in outline.numbered(item, name):
                    source = self.source(f"{item.prefix}{name}[{index}]", span.start, span.end)
                    self.leave(source, off(groups[name]))


def _starts(segment: ZSegment, span: Segment) -> list[int]:
    """Return where each field of a segment begins in the document."""
    lengths = (len(field) + 1 for field in segment.fields)
    return list(accumulate(lengths, initial=span.start))


def _notes(slot: Slot, segment: ZSegment, raw: str) -> None:
    """Tell what was done to the text of a field."""
    row, delimiters = slot.row, segment.delimiters
    if not raw.isascii():
        term = segment.message.charset_term
        if segment.charset == "utf-8" and not term:
            slot.note("read as Unicode text")
        else:
            slot.note(f"read as {term}" if term else "read as UTF-8, for MSH-18 is empty")
    if er7.unescape(raw, delimiters, segment.charset) != raw:
        slot.note("escape sequences undone")
    first = raw.split(delimiters.repetition, 1)[0] if delimiters.repetition else raw
    if row.vr not in ("CS", "DT"):
        if row.vm != "1" and first != raw:
            slot.note("several repetitions are several values")
        return
    parts = er7.components(first, delimiters, segment.charset)
    if row.vr == "CS":
        found, told = coding(row, [*parts, *[""] * 12]) if row.datatype in CODED else (parts, "")
        slot.note_code(found[0], row.from_hl7)
        if told:
            slot.note("the alternate coding is ours")
    if first != raw:
        slot.note("several repetitions are several values")
    if len(parts) > 1 and row.datatype not in CODED:
        slot.note("first component only")
