"""What `explain` finds in HL7 v2: fields of Z segments, each with its span."""

from __future__ import annotations

from sopstatus import values
from sopstatus.codecs import er7, hl7_read
from sopstatus.codecs.er7 import Message, Segment
from sopstatus.codecs.hl7_segment import NULL, ZSegment
from sopstatus.codecs.statement import Found
from sopstatus.explain.document import Opened, Place, Reading, Slot, counter, off, switched_off
from sopstatus.explain.model import Source, Untouched
from sopstatus.model import Issue, Value
from sopstatus.table import Attribute, MappingTable, older_keywords
from sopstatus.table_language import CODED, FIRST_FIELD, HOLDER_FIELD, VERBATIM_FIELD

_Found = Found[hl7_read.Place]


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find every statement in the Z segments, and what is left alone beside them."""
    data, charset = _bytes(opened, tables)
    found = er7.messages(data, charset)
    usable = [item for item in found if item.delimiters and item.charset]
    reader = _Reader(opened, tables, data)
    reader.unusable(found, usable)
    for name, rows in tables.segments.items():
        issues: list[Issue] = []
        ours = hl7_read.read(usable, name, rows, issues)
        for one in ours:
            reader.statement(name, rows, one, issues)
        reader.foreign(name, usable, {one.place.span.start for one in ours}, issues)
    reader.other_segments(usable)
    return reader.reading


def _bytes(opened: Opened, tables: MappingTable) -> tuple[bytes, str]:
    if opened.format == "hl7-xml":
        from sopstatus.codecs.hl7_xml import HL7XMLCodec

        return HL7XMLCodec(tables).er7(opened.document), "utf-8"
    if opened.data is not None:
        return opened.data, "utf-8" if opened.is_text else ""
    from sopstatus.codecs import hl7_objects

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

    def unusable(self, found: list[Message], usable: list[Message]) -> None:
        """Note messages that cannot be cut: without delimiters, or in a character set unknown."""
        for item in found:
            if any(item is other for other in usable):
                continue
            where = f"{item.prefix}MSH"
            path, code, why = (
                (f"{where}-2", "hl7/encoding-characters", "its delimiters cannot be used")
                if item.delimiters is None
                else (f"{where}-18", "hl7/charset-unsupported", "its character set is not known")
            )
            span = self.source(path, item.segments[0].start, item.segments[-1].end)
            self.leave(span, f"the whole message stays as it is: {why}", code)

    def statement(
        self, name: str, rows: tuple[Attribute, ...], found: _Found, issues: list[Issue]
    ) -> None:
        """Note the values of one segment, and its fields that are not ours."""
        span, segment = found.place.span, found.place.segment
        said = dict(found.instance.attributes)
        kept = self._verbatim(segment, span)
        slots = []
        for row in rows:
            field = self._field(segment, span, row.field)
            if row.keyword in said:
                slots.append(self._slot(segment, row, said[row.keyword], field, kept))
            elif row.keyword in found.unread:
                path = f"{segment.location}-{row.field}"
                code = next((i.code for i in issues if i.location == path), "")
                self.leave(field or Source(path), f"{row.keyword} cannot be read", code)
        if not found.instance.attributes and not found.unread:
            whole = self.source(segment.location, span.start, span.end)
            self.leave(whole, "names what it is about and states nothing")
        self._other_fields(name, rows, segment, span)
        self.reading.places.append(Place(name, segment.location, found.instance, slots))

    def _field(self, segment: ZSegment, span: Segment, number: int) -> Source | None:
        if number >= len(segment.fields) or not segment.fields[number]:
            return None
        start = span.start + sum(len(field) + 1 for field in segment.fields[:number])
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
        start = span.start + sum(len(field) + 1 for field in segment.fields[:VERBATIM_FIELD])
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
                self.leave(source, "is no Keyword=<JSON string>", "hl7/verbatim-malformed")
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
        self, name: str, rows: tuple[Attribute, ...], segment: ZSegment, span: Segment
    ) -> None:
        owned = {*range(FIRST_FIELD), VERBATIM_FIELD, HOLDER_FIELD, *(row.field for row in rows)}
        groups = [group for group in switched_off(self.tables) if group.segment == name]
        owners = {row.field: off(group) for group in groups for row in group.attributes}
        for number in range(FIRST_FIELD, len(segment.fields)):
            if number not in owned and (source := self._field(segment, span, number)):
                self.leave(source, owners.get(number, "no row of the tables has this field"))

    def foreign(
        self, name: str, usable: list[Message], ours: set[int], issues: list[Issue]
    ) -> None:
        """Note the segments of our name that are not ours, or whose identity cannot be read."""
        for item in usable:
            for index, span in er7.numbered(item, name):
                if span.start in ours:
                    continue
                path = f"{item.prefix}{name}[{index}]"
                own = [i.code for i in issues if i.location.startswith(path)]
                why = "its identity cannot be read"
                if "hl7/foreign-zds" in own:
                    why = f"{name}-1 is no DICOM study pointer: another product's {name}"
                source = self.source(path, span.start, span.end)
                self.leave(source, why, own[0] if own else "")

    def other_segments(self, usable: list[Message]) -> None:
        """Note segments that belong to groups that are switched off."""
        groups = {g.segment: g for g in switched_off(self.tables)}
        for name in groups.keys() - self.tables.segments.keys():
            for item in usable:
                for index, span in er7.numbered(item, name):
                    source = self.source(f"{item.prefix}{name}[{index}]", span.start, span.end)
                    self.leave(source, off(groups[name]))


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
    if row.vr not in ("CS", "DT"):
        return
    first = raw.split(delimiters.repetition, 1)[0] if delimiters.repetition else raw
    parts = er7.components(first, delimiters, segment.charset)
    if row.vr == "CS":
        slot.note_code(parts[0], row.from_hl7)
    if first != raw:
        slot.note("several repetitions are several values")
    if len(parts) > 1 and row.datatype not in CODED:
        slot.note("first component only")
