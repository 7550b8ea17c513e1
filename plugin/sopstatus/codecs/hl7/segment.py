"""Our Z segment, field by field: what one ZDS says, and the same segment saying something else.

ZDS-1 to ZDS-4 are the identity, ZDS-9 the verbatim values, ZDS-10 the holder; the fields between
and after belong to the rows of the tables. Nothing but fields whose value differs is rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sopstatus import values
from sopstatus._lazily import pattern
from sopstatus.catalogue import issue
from sopstatus.codecs.hl7 import er7
from sopstatus.codecs.hl7.outline import Delimiters, Message
from sopstatus.codecs.shared import row_values as forms
from sopstatus.holder import Holder
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute, older_keywords
from sopstatus.table.language import CODED, FIRST_FIELD, HOLDER_FIELD, VERBATIM_FIELD

NULL = '""'  # HL7: delete the stored value
_IDENTITY = {
    **{1: "StudyInstanceUID", 2: "SeriesInstanceUID", 3: "SOPClassUID", 4: "SOPInstanceUID"},
    HOLDER_FIELD: "RetrieveAETitle",
}


@dataclass(slots=True)
class ZSegment:
    """One Z segment of ours: its fields as bytes (0 is the name) and how to read them."""

    fields: list[bytes]
    message: Message
    delimiters: Delimiters
    charset: str
    location: str  # "ZDS[2]"
    issues: list[Issue] = field(default_factory=list)

    def note(self, code: str, number: int, **facts: object) -> None:
        """Add an issue at a field."""
        self.issues.append(issue(code, f"{self.location}-{number}", **facts))

    def raw(self, number: int) -> str | None:
        """Return the text of a field, still escaped; ``None`` where it cannot be decoded."""
        if number >= len(self.fields):
            return ""
        return er7.decode(self.fields[number], self.charset, self.message.charset_term)

    def first(self, number: int) -> str:
        """Return the first component of a field, unescaped and without the padding behind a UID."""
        return values.trim("UI", self._components(number)[0])

    def holder(self) -> Holder:
        """Return the holder that the segment names, as it stands there."""
        return Holder(*_hd(self._components(HOLDER_FIELD)))

    def is_padded(self, number: int) -> bool:
        """Tell whether a UID, or a part of the holder, has blanks or NUL around it."""
        parts = self._components(number)
        if number != HOLDER_FIELD:
            return parts[0] != self.first(number)
        return tuple(parts[:3]) != _hd(parts)[: len(parts)]

    def _components(self, number: int) -> list[str]:
        raw = (self.raw(number) or "").split(self.delimiters.repetition or "\0")[0]
        return er7.components(raw, self.delimiters, self.charset)

    def undecodable(self) -> int:
        """Return the first identifying field that cannot be decoded; 0 where all can."""
        fields = (*range(1, FIRST_FIELD), HOLDER_FIELD)
        return next((number for number in fields if self.raw(number) is None), 0)

    def is_ours(self) -> bool:
        """Tell our (and IHE's) ZDS from a foreign one: ZDS-1 is one DICOM study pointer."""
        raw = self.raw(1) or ""
        if self.delimiters.repetition and self.delimiters.repetition in raw:
            return False
        parts = [*er7.components(raw, self.delimiters, self.charset), "", "", ""]
        uid, kind = values.trim("UI", parts[0]), values.trim("UI", parts[3]).upper()
        return values.is_uid(uid) and kind in ("", "DICOM")

    def crowded(self, rows: tuple[Attribute, ...], limit: int) -> int:
        """Return the first field with more repetitions than the limit; 0 where there is none."""
        mark = self.delimiters.repetition.encode("ascii")
        numbers = (VERBATIM_FIELD, *(row.field for row in rows)) if mark else ()
        return next(
            (n for n in numbers if n < len(self.fields) and self.fields[n].count(mark) >= limit), 0
        )

    def decode(self, rows: tuple[Attribute, ...]) -> tuple[SOPInstance, frozenset[str]]:
        """Read the statement, and the keywords whose field could not be read."""
        said: dict[str, Value] = {}
        unread: set[str] = set()
        kept = self._verbatim(rows)
        for row in rows:
            outcome = self._value(row, kept)
            if outcome is _UNREADABLE:
                unread.add(row.keyword)
            elif outcome is not _NOTHING:
                value = said[row.keyword] = outcome.value
                if value is None:
                    continue
                if row.vr == "DT":
                    near = "" if row.keyword in kept else self.message.offset
                    offset = kept.get(values.OFFSET_KEYWORD) or near
                    said[row.keyword] = values.with_offset(value, offset)
                for code, facts in forms.problems(row, value):
                    self.note(code, row.field, **facts)
        uids = [self.first(number) for number in range(1, FIRST_FIELD)]
        for number, keyword in _IDENTITY.items():
            if len(self.fields) > number and self.is_padded(number):
                self.note("value/padded", number, keyword=keyword)
        for number, uid in enumerate(uids, 1):
            if uid and not values.is_uid(uid):
                self.note("value/not-uid", number, length=len(uid))
        study, series, sop_class, sop = uids
        if len(self.fields) > HOLDER_FIELD:
            repetition, text = self.delimiters.repetition, self.raw(HOLDER_FIELD) or ""
            more = any(self._components(HOLDER_FIELD)[3:])
            if more or (repetition and any(text.split(repetition)[1:])):
                self.note("hl7/holder-more", HOLDER_FIELD)
        instance = SOPInstance(study, series, sop_class, sop, self.holder(), tuple(said.items()))
        return instance, frozenset(unread)

    def _value(self, row: Attribute, kept: dict[str, Value]) -> _Outcome:
        raw = self.raw(row.field)
        if raw is None:
            self.note("hl7/undecodable", row.field, charset=self.message.charset_term or "none")
            return _UNREADABLE
        if raw.split(self.delimiters.component)[0] == NULL:
            self.note("hl7/null", row.field, keyword=row.keyword)
            return _Outcome(None)
        if not raw.isascii() and not self.message.charset_term and self.charset == "ascii":
            self.note("hl7/charset-missing", row.field)
        stands = self.fields[row.field] if len(self.fields) > row.field else b""
        if values.is_doubtful(stands, self.charset):
            self.note("hl7/charset-doubtful", row.field, charset=self.message.charset_term)
        elif self.charset == "iso8859-1" and _C1.search(stands):
            self.note("hl7/charset-windows", row.field)
        texts = self._texts(row, raw) if raw else []
        if texts is None:
            return _UNREADABLE
        read = forms.from_hl7(row, texts)
        if texts and read is None:
            self.note("value/not-of-type", row.field, keyword=row.keyword, vr=row.vr)
            return _UNREADABLE
        verbatim = kept.get(row.keyword)
        if verbatim is None:
            return _NOTHING if read is None else _Outcome(read)
        made = forms.to_hl7(row, verbatim)
        again = forms.from_hl7(row, [text or "" for text in made]) if any(made) else None
        value, stale = forms.resolve(row, read, again, verbatim)
        if stale:
            self.note("hl7/verbatim-stale", VERBATIM_FIELD, keyword=row.keyword, field=row.field)
        return _NOTHING if value is None else _Outcome(value)

    def _texts(self, row: Attribute, raw: str) -> list[str] | None:
        """Return the text of each repetition, unescaped; ``None`` where one cannot be read."""
        dropped: list[str] = []
        texts = self._unescaped(row, raw, dropped)
        if dropped:
            self.note("hl7/layout", row.field, keyword=row.keyword)
        return texts

    def _unescaped(self, row: Attribute, raw: str, dropped: list[str]) -> list[str] | None:
        repetition, component = self.delimiters.repetition, self.delimiters.component
        repeats = bool(repetition) and (row.vm != "1" or row.vr in ("CS", "DT"))
        pieces = raw.split(repetition) if repeats else [raw]
        if row.vr not in ("CS", "DT"):
            delimiters = (component, self.delimiters.subcomponent)
            if any(c and c in raw for c in (*delimiters, "" if repeats else repetition)):
                self.note("hl7/unescaped-delimiter", row.field, keyword=row.keyword)
            return [er7.unescape(one, self.delimiters, self.charset, dropped) for one in pieces]
        texts = []
        for part in pieces:
            if not part and row.vm != "1":
                texts.append("")
                continue
            parts = [*er7.components(part, self.delimiters, self.charset, dropped), *_NO_PARTS]
            if row.vr == "DT" and (bare := values.trim("DT", parts[0])) != parts[0]:
                self.note("value/padded", row.field, keyword=row.keyword)
                parts[0] = bare
            if row.datatype not in CODED:
                texts.append(parts[0])
                continue
            parts, told = coding(row, parts)
            if told:
                self.note(told, row.field, keyword=row.keyword)
            if not parts:
                return None
            texts.append(parts[0])
            if not parts[0]:
                self.note("hl7/text-without-code", row.field, keyword=row.keyword)
                return None
            if parts[2] not in ("", row.coding_system):
                found = "DCM" if parts[2] == "DCM" else "another"
                self.note("hl7/coding-system", row.field, system=row.coding_system, found=found)
        return texts

    def _verbatim(self, rows: tuple[Attribute, ...]) -> dict[str, Value]:
        raw = self.raw(VERBATIM_FIELD)
        kept: dict[str, Value] = {}
        older = older_keywords(rows) if raw else {}
        for part in (raw or "").split(self.delimiters.repetition or "\0"):
            if not part:
                continue
            text = er7.unescape(part, self.delimiters, self.charset)
            entry = values.parse_verbatim(text, older)
            if entry is None:
                self.note("hl7/verbatim-malformed", VERBATIM_FIELD)
            else:
                kept.setdefault(*entry)
        return kept

    def put(self, number: int, text: str) -> None:
        """Set a field to text that is escaped already and in the message's character set."""
        self.fields += [b""] * (number + 1 - len(self.fields))
        self.fields[number] = text.encode(self.charset)

    def put_identity(self, new: SOPInstance) -> None:
        """Fill in what the statement knows of ZDS-1 to ZDS-4 and ZDS-10."""
        if not self.raw(1):
            pointer = (self._escaped(new.study_instance_uid), "", "Application", "DICOM")
            self.put(1, self.delimiters.component.join(pointer))
        uids = (new.series_instance_uid, new.sop_class_uid, new.sop_instance_uid)
        for number, uid in enumerate(uids, 2):
            if uid and self.first(number) != uid:
                self.put(number, self._escaped(uid))
        here = self.holder()
        if (whole := here.completed(new.holder)) != here:
            texts = map(self._escaped, whole.parts)
            component = self.delimiters.component
            self.put(HOLDER_FIELD, component.join(texts).rstrip(component))

    @property
    def _written_as(self) -> tuple[str, str]:
        """The character set that the message goes out in, and its term in MSH-18."""
        return self.message.written_as or (self.charset, self.message.charset_term)

    def fits(self, new: SOPInstance) -> bool:
        """Tell whether the message can hold the statement's identity; an issue says if it cannot."""
        texts = enumerate((*new.identity[:2], new.sop_class_uid, new.sop_instance_uid), 1)
        for number, text in (*texts, *((HOLDER_FIELD, part) for part in new.holder.parts)):
            escaped = er7.escape(text, self.delimiters)
            if escaped is None or not _encodable(escaped, self._written_as[0]):
                self.note("hl7/identity-lost", number)
                return False
        return True

    def _escaped(self, text: str) -> str:
        return er7.escape(text, self.delimiters) or ""

    def put_value(self, row: Attribute, value: Value) -> None:
        """State a value (``None``: emptied): its field, and its verbatim text where that is needed."""
        if value is None:
            self.put(row.field, NULL)
            self.keep(row.keyword, None, row.aliases)
            return
        texts = forms.to_hl7(row, value)
        exact = None not in texts and forms.from_hl7(row, texts) == value
        if row.vr == "DT" and self.message.offset and not values.context_offset(value):
            # read again, it would be local to MSH-7; the exact text says that it is not
            exact = exact and not values.context_offset(values.with_offset(value, "+0000"))
        escaped = [self._fitting(row, text) for text in texts]
        if row.vr == "DT" and escaped != [None] and texts != row.items(value):
            self.note("hl7/date-time-shortened", row.field, keyword=row.keyword)
        fields = [
            self._field(row, text, item) if text else ""
            for text, item in zip(escaped, row.items(value), strict=True)
        ]
        if len(fields) > 1 and not self.delimiters.repetition:
            self.note("hl7/no-repetition", row.field, keyword=row.keyword)
            fields, exact = [], False
        self.put(row.field, self.delimiters.repetition.join(fields) if any(escaped) else "")
        whole = exact and None not in escaped and any(fields)
        self.keep(row.keyword, None if whole else value, row.aliases)

    def _fitting(self, row: Attribute, text: str | None) -> str | None:
        """Return the escaped text of one value; ``None`` where the message cannot hold it."""
        if text is None:
            return None
        escaped = er7.escape(text, self.delimiters)
        if escaped is None:
            self.note("hl7/no-escape-character", row.field, keyword=row.keyword)
        elif not _encodable(escaped, self._written_as[0]):
            charset = self._written_as[1] or "ASCII (MSH-18 is empty)"
            self.note("hl7/charset", row.field, keyword=row.keyword, charset=charset)
            return None
        return escaped

    def _field(self, row: Attribute, escaped: str, item: str) -> str:
        if row.datatype not in CODED:
            return escaped
        display = row.displays.get(values.trim("CS", item), "")
        if not _encodable(display, self._written_as[0]):
            display = ""
        parts = (escaped, er7.escape(display, self.delimiters) or "", row.coding_system)
        return self.delimiters.component.join(parts).rstrip(self.delimiters.component)

    def clear(self, row: Attribute) -> None:
        """Say nothing of an attribute any more."""
        if row.field < len(self.fields):
            self.put(row.field, "")
        self.keep(row.keyword, None, row.aliases)

    def keep(self, keyword: str, value: Value, older: tuple[str, ...] = ()) -> None:
        """Set, or with ``None`` remove, the verbatim text of a keyword; other entries stay."""
        readable = len(self.fields) > VERBATIM_FIELD and self.raw(VERBATIM_FIELD) is not None
        raw = self.fields[VERBATIM_FIELD] if readable else b""
        repetition = self.delimiters.repetition
        # as bytes: without MSH-18 an entry may hold UTF-8, which we read and would not write
        parts = er7.split(raw, repetition, self.charset) if repetition else [raw]
        gone = (keyword, *older)
        kept = [part for part in parts if part and self._keyword(part) not in gone]
        if value is not None:
            if kept and not repetition:
                self.note("hl7/no-repetition", VERBATIM_FIELD, keyword=keyword)
            else:
                kept.append(self._entry(values.verbatim(keyword, value)).encode(self.charset))
        text = repetition.encode("ascii").join(kept)
        if text != raw:
            self.put(VERBATIM_FIELD, "")
            self.fields[VERBATIM_FIELD] = text

    def _keyword(self, part: bytes) -> str:
        text = er7.decode(part, self.charset, self.message.charset_term) or ""
        entry = values.parse_verbatim(er7.unescape(text, self.delimiters, self.charset))
        return entry[0] if entry else ""

    def _entry(self, text: str) -> str:
        escaped = er7.escape(text, self.delimiters)
        if escaped is not None:
            return escaped
        # no escape character: JSON can say every delimiter as \\u00XX
        marks = {c: f"\\u{ord(c):04x}" for c in self.delimiters if c}
        return "".join(marks.get(c, c) for c in text)

    def said_elsewhere(self) -> bool:
        """Tell whether anything but the identity is left."""
        return any(self.fields[FIRST_FIELD:])

    def content(self) -> bytes:
        """Return the segment, without its terminator."""
        return self.delimiters.field.encode("ascii").join(self.fields)


_C1 = pattern(b"[\x80-\x9f]")  # control characters of 8859/1; in windows-1252, most are text


def _hd(components: list[str]) -> tuple[str, ...]:
    """Return the three parts of an HD; blanks around each are padding (PS3.5 table 6.2-1)."""
    parts = (*components, "", "", "")[:3]
    return tuple(values.trim("SH", part) for part in parts)


_NO_CHARACTERS = pattern("[\ufffe\uffff]")  # Unicode's noncharacters that XML cannot hold


def _encodable(text: str, charset: str) -> bool:
    if _NO_CHARACTERS.search(text):
        return False
    try:
        return text.encode(charset).decode(charset) == text  # Shift-JIS writes a yen sign as 5C
    except UnicodeError:
        return False


class _Outcome(NamedTuple):
    value: Value


_NO_PARTS = ("",) * 12
_ALTERNATES = (3, 9)  # CWE.4 to CWE.6; from 2.7 on CWE.10 to CWE.12


def coding(row: Attribute, parts: list[str]) -> tuple[list[str], str]:
    """Return code, text and system of a CWE's components, of an alternate coding if only that is ours.

    And the code of an issue. Nothing is returned where two are ours, and differ.
    """
    system, main = row.coding_system, parts[:3]
    named = [parts[n : n + 3] for n in _ALTERNATES if parts[n]]
    ours = [found for found in named if system and found[2] == system]
    if not ours:
        return main, ""
    is_main = bool(main[0]) and main[2] in (system, "")
    is_main &= main[2] == system or values.trim("CS", main[0]) in row.from_hl7
    if len({forms.from_hl7(row, found[:1]) for found in ([main, *ours] if is_main else ours)}) > 1:
        return [], "hl7/codes-differ"
    return (main, "") if is_main else (ours[0], "hl7/alternate-code")


_NOTHING, _UNREADABLE = _Outcome("nothing"), _Outcome("unreadable")
