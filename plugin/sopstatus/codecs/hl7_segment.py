"""Our Z segment, field by field: what one ZDS says, and the same segment saying something else.

ZDS-1 to ZDS-4 are the identity, ZDS-9 the verbatim values, ZDS-10 the holder; the fields between
and after belong to the rows of the tables. Nothing but fields whose value differs is rewritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sopstatus import values
from sopstatus.catalogue import issue
from sopstatus.codecs import er7, forms
from sopstatus.codecs.er7 import Delimiters, Message
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute, older_keywords
from sopstatus.table_language import CODED, FIRST_FIELD, HOLDER_FIELD, VERBATIM_FIELD

NULL = '""'  # HL7: delete the stored value


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
        """Return the first component of a field, unescaped."""
        raw = (self.raw(number) or "").split(self.delimiters.repetition or "\0")[0]
        return er7.components(raw, self.delimiters, self.charset)[0]

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
        return values.is_uid(parts[0]) and parts[3].upper() in ("", "DICOM")

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
        for number, uid in enumerate(uids, 1):
            if uid and not values.is_uid(uid):
                self.note("value/not-uid", number, length=len(uid))
        study, series, sop_class, sop = uids
        holder = self.first(HOLDER_FIELD)
        return SOPInstance(study, series, sop_class, sop, holder, tuple(said.items())), frozenset(
            unread
        )

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
        if len(self.fields) > row.field and values.is_doubtful(
            self.fields[row.field], self.charset
        ):
            self.note("hl7/charset-doubtful", row.field, charset=self.message.charset_term)
        read = self._text(row, raw) if raw else None
        if raw and read is None:
            return _UNREADABLE
        read = forms.from_hl7(row, read) if read is not None else None
        verbatim = kept.get(row.keyword)
        if verbatim is None:
            return _NOTHING if read is None else _Outcome(read)
        again = forms.to_hl7(row, verbatim)
        value, stale = forms.resolve(row, read, again and forms.from_hl7(row, again), verbatim)
        if stale:
            self.note("hl7/verbatim-stale", VERBATIM_FIELD, keyword=row.keyword, field=row.field)
        return _NOTHING if value is None else _Outcome(value)

    def _text(self, row: Attribute, raw: str) -> str | None:
        repetition, component = self.delimiters.repetition, self.delimiters.component
        if row.vr not in ("CS", "DT"):
            if any(c and c in raw for c in (repetition, component, self.delimiters.subcomponent)):
                self.note("hl7/unescaped-delimiter", row.field, keyword=row.keyword)
            return er7.unescape(raw, self.delimiters, self.charset)
        texts = []
        for part in raw.split(repetition) if repetition else [raw]:
            parts = [*er7.components(part, self.delimiters, self.charset), "", ""]
            texts.append(parts[0])
            if row.datatype not in CODED:
                continue
            if not parts[0]:
                self.note("hl7/text-without-code", row.field, keyword=row.keyword)
                return None
            if parts[2] not in ("", row.coding_system):
                found = "DCM" if parts[2] == "DCM" else "another"
                self.note("hl7/coding-system", row.field, system=row.coding_system, found=found)
        return "\\".join(texts)  # several values, as DICOM writes them

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
        if new.holder and self.first(HOLDER_FIELD) != new.holder:
            self.put(HOLDER_FIELD, self._escaped(new.holder))

    def fits(self, new: SOPInstance) -> bool:
        """Tell whether the message can hold the statement's identity; an issue says if it cannot."""
        texts = {3: new.sop_class_uid, HOLDER_FIELD: new.holder}
        texts |= dict(enumerate((new.study_instance_uid, new.series_instance_uid), 1))
        for number, text in {**texts, 4: new.sop_instance_uid}.items():
            escaped = er7.escape(text, self.delimiters)
            if escaped is None or not _encodable(escaped, self.charset):
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
        text = forms.to_hl7(row, value)
        exact = text is not None and forms.from_hl7(row, text) == value
        if row.vr == "DT" and self.message.offset and not values.context_offset(value):
            # read again, it would be local to MSH-7; the exact text says that it is not
            exact = exact and not values.context_offset(values.with_offset(value, "+0000"))
        escaped = er7.escape(text, self.delimiters) if text is not None else None
        if escaped is None and text is not None:
            self.note("hl7/no-escape-character", row.field, keyword=row.keyword)
        elif escaped is not None and not _encodable(escaped, self.charset):
            charset = self.message.charset_term or "ASCII (MSH-18 is empty)"
            self.note("hl7/charset", row.field, keyword=row.keyword, charset=charset)
            escaped = None
        elif row.vr == "DT" and text is not None and text != value:
            self.note("hl7/date-time-shortened", row.field, keyword=row.keyword)
        if escaped is None:
            self.put(row.field, "")
        elif row.datatype in CODED:
            display = row.displays.get(values.trim("CS", value), "")
            if not _encodable(display, self.charset):
                display = ""
            parts = (escaped, er7.escape(display, self.delimiters) or "", row.coding_system)
            self.put(
                row.field, self.delimiters.component.join(parts).rstrip(self.delimiters.component)
            )
        else:
            self.put(row.field, escaped)
        self.keep(row.keyword, None if exact and escaped is not None else value, row.aliases)

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


_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # Unicode's noncharacters that XML cannot hold


def _encodable(text: str, charset: str) -> bool:
    if _NO_CHARACTERS.search(text):
        return False
    try:
        return text.encode(charset).decode(charset) == text  # Shift-JIS writes a yen sign as 5C
    except UnicodeError:
        return False


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Value


_NOTHING, _UNREADABLE = _Outcome("nothing"), _Outcome("unreadable")
