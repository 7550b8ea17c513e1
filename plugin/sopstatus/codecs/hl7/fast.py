"""The rows of a segment, compiled for one set of delimiters: the road of what needs no care.

`Plan.reader` and `Plan.write` take a segment or a statement in which nothing is repeated, misspelt,
shortened or lost, and nothing escaped but a delimiter, and answer ``None`` for any other, which `ZSegment` then does field by
field. Both roads give the same; only `ZSegment` has anything to say about it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from sopstatus import plain, values
from sopstatus._lazily import pattern
from sopstatus.codecs.hl7.er7 import escape, is_byte_safe, unescape
from sopstatus.codecs.hl7.outline import Delimiters, Message
from sopstatus.holder import Holder
from sopstatus.model import SOPInstance, Value, stated
from sopstatus.table import Attribute, conversions
from sopstatus.table.language import CODED, FIRST_FIELD, HOLDER_FIELD, VERBATIM_FIELD

_UID = pattern(plain.UID.encode("ascii"))
T = TypeVar("T")
_REMEMBERED = 64  # of each kind, of the segments before
_LONGEST_UID = values.MAX_CHARACTERS["UI"]
_LONGEST = 1 << 15  # bytes of a segment that are looked at; a longer one needs care
# a DTM that is a DT as it stands: at most four fraction digits
_DTM = rf"{plain.DATE_AND_TIME}(?:\.[0-9]{{1,4}})?(?:{plain.OFFSET})?"


def _is_plain(row: Attribute) -> bool:
    """Tell whether a legal value of the row reads and writes as it stands, whatever it is."""
    return row.vm == "1" and row.vr in ("CS", "DT", *conversions.TEXT_VRS)


class Plan:
    """What one kind of segment looks like where nothing is out of the ordinary."""

    def __init__(self, name: str, rows: tuple[Attribute, ...], delimiters: Delimiters) -> None:
        self.name, self.separator, self.delimiters = name, delimiters.field, delimiters
        self.component, self.sign = (component := delimiters.component), delimiters.escape
        special = re.escape("".join(delimiters))
        every, rows = rows, tuple(row for row in rows if _is_plain(row))
        self.codes = {row.keyword: _codes(row, delimiters) for row in rows if row.vr == "CS"}
        self.owned = {
            row.keyword: (row.field, row.vr, self._written(row, component))
            for row in rows
            if row.vr == "CS" or row.datatype not in CODED
        }
        self.last = max([HOLDER_FIELD, *(row.field for row in every)])
        self.care_fields = {row.field for row in every} - {row.field for row in rows}
        self.pointer = f"{component}{component}Application{component}DICOM"
        self.special = re.compile(f"[{special}]")
        self.care = re.compile(f'[^ -~]|[{special}]|""')
        self.dtm = pattern(_DTM)
        by_field = {row.field: row for row in rows}
        captured = sorted({*by_field, HOLDER_FIELD})
        groups = {number: group for group, number in enumerate(captured)}
        self.readers = tuple(
            (groups[row.field], row.keyword, _longest(row), self._read_codes(row))
            for row in sorted(rows, key=lambda row: row.keyword)
        )
        self.holder = groups[HOLDER_FIELD]
        # a delimiter that a UID or a DT has inside: everything needs care
        self.is_usable = not set("".join(delimiters)) & set(".+-")
        about, rest = self._patterns(by_field, special) if self.is_usable else ("(?!)", "(?!)")
        self.about, self.rest = re.compile(about.encode("ascii")), re.compile(rest.encode("ascii"))

    def _patterns(self, by_field: dict[int, Attribute], special: str) -> tuple[str, str]:
        """Return what ZDS-1 to ZDS-3 look like, and what stands behind ZDS-4."""
        delimiters = self.delimiters
        separator, component, sign = map(re.escape, (delimiters.field, self.component, self.sign))
        one = rf"[^{special}\x00-\x1f\x7f]"
        any_other = rf"[^{separator}\x0a\x0b\x0d\x1b\x1c]*+"
        any_word = f"{one}*+"
        others = re.escape("".join(set(delimiters) - {delimiters.component}))
        parts = rf"[^{others}\x00-\x1f\x7f]*+"
        # an alternative to nothing costs less than a repetition
        pointer = f"(?:{component}{any_word}(?:{component}{any_word}(?:{component}(?:DICOM|)|)|)|)"
        made = rf"(?:{separator}[^\x0a\x0b\x0d\x1b\x1c]*+|)"
        for number in range(self.last, FIRST_FIELD - 1, -1):
            row = by_field.get(number)
            if number == VERBATIM_FIELD or number in self.care_fields:
                text = ""
            elif number == HOLDER_FIELD:
                text = f"({parts})"
            elif row is None:
                text = any_other
            elif row.vr == "CS":
                text = f"({parts})"
            elif row.vr == "DT":
                text = f"({_DTM}|)"
            else:
                most = values.MAX_CHARACTERS.get(row.vr, "")
                allowed = one if row.vr in values.SINGLE_VALUED else one[:-1] + r"\\]"
                word = f"{allowed}{{0,{most}}}+"
                letters = _letters(delimiters, row)
                escaped = rf"(?:{sign}[{letters}]{sign}{word})*+" if letters else ""
                text = rf'((?!""){word}{escaped})'
            made = f"(?:{separator}{text}{made}|)" if number > FIRST_FIELD else text + made
        uid = f"{separator}({plain.UID}|)"
        return f"({plain.UID}){pointer}{uid}{uid}", made

    def _read_codes(self, row: Attribute) -> dict[bytes, str] | None:
        if row.keyword not in self.codes:
            return None
        return {text.encode("utf-8"): term for text, term in self.codes[row.keyword].items()}

    def _written(self, row: Attribute, component: str) -> dict[str, str] | None:
        if row.vr != "CS":
            return None
        written = {}
        for term, code in row.to_hl7.items():
            parts = (code, row.displays[term], row.coding_system)
            text = component.join(parts).rstrip(component) if row.datatype in CODED else code
            if text.isascii() and self.codes[row.keyword].get(text) == term:
                written[term] = text
        return written

    def reader(self, message: Message) -> Callable[[int], SOPInstance | None]:
        """Return what reads a segment that begins here, of a message whose character set `is_byte_safe`.

        It gives ``None`` where there is more to it. What a segment is about, and what it says of it,
        is often as in others, and is read once.
        """
        document, name, mark = message.document, self.name.encode(), self.separator.encode()
        ends = b"\n\r" if message.terminator == b"\n" else b"\r\n"
        end, other = ends[:1], ends[1:]
        is_mixed = not message.only_cr and other in document
        abouts: dict[bytes, tuple[str, str, str]] = {}
        rests: dict[bytes, tuple[Holder, tuple[tuple[str, Value], ...]]] = {}

        def read(start: int) -> SOPInstance | None:
            most = start + _LONGEST
            stop = document.find(end, start, most)
            if is_mixed and (near := document.find(other, start, most if stop < 0 else stop)) >= 0:
                stop = near
            if stop < 0:
                stop = len(document)
            if stop > most:
                return None
            fields = document[start:stop].split(mark, 5)
            if len(fields) < 6:
                fields += [b""] * (6 - len(fields))
            about, sop, last = mark.join(fields[1:4]), fields[4], fields[5]
            uids = abouts.get(about) or _kept(abouts, about, self._about(about))
            said = rests.get(last) or _kept(rests, last, self._rest(message, last))
            if fields[0] != name or uids is None or said is None or (sop and not _is_uid(sop)):
                return None
            return stated(*uids, sop.decode("ascii"), *said)

        return read

    def _about(self, raw: bytes) -> tuple[str, str, str] | None:
        """Read ZDS-1 to ZDS-3: the UIDs of study, series and SOP Class."""
        match = self.about.fullmatch(raw)
        if match is None:
            return None
        study, series, sop_class = match.groups()
        if len(raw) > _LONGEST_UID and max(map(len, match.groups())) > _LONGEST_UID:
            return None
        return study.decode("ascii"), series.decode("ascii"), sop_class.decode("ascii")

    def _rest(
        self, message: Message, raw: bytes
    ) -> tuple[Holder, tuple[tuple[str, Value], ...]] | None:
        """Read what stands behind ZDS-4: the holder, and what is stated."""
        match = self.rest.fullmatch(raw)
        if match is None:
            return None
        fields = match.groups(b"")
        charset = "utf-8" if message.charset == "utf-8" else "ascii"
        said: list[tuple[str, Value]] = []
        try:
            for group, keyword, longest, codes in self.readers:
                if text := fields[group]:
                    if codes is not None:
                        value = codes[text]
                    else:
                        value = text.decode(charset)
                        if not longest:
                            if value[-5] not in "+-" and message.offset:
                                value = values.with_offset(value, message.offset)
                        elif self.sign and self.sign in value:
                            value = unescape(value, self.delimiters, charset)
                            if len(value) > longest:
                                return None
                    said.append((keyword, value))
            holder = _holder(fields[self.holder].decode(charset), self.component)
        except (KeyError, UnicodeDecodeError):
            return None
        return None if holder is None else (holder, tuple(said))

    def write(self, new: SOPInstance, message: Message) -> bytes | None:
        """Write a new segment; ``None`` where there is more to it."""
        study, series = new.study_instance_uid, new.series_instance_uid
        sop_class, sop, holder = new.sop_class_uid, new.sop_instance_uid, new.holder
        fields = [self.name, study + self.pointer, series, sop_class, sop, *[""] * self.last]
        written = "".join((study, series, sop_class, sop, *holder.parts))
        last = 4 if sop else 3 if sop_class else 2 if series else 1
        for keyword, value in new.attributes:
            if value is None or keyword not in self.owned:
                return None
            number, vr, codes = self.owned[keyword]
            if codes is not None:
                value = codes.get(value, "")
                if not value:
                    return None
            elif vr == "DT":
                if not self.dtm.fullmatch(value) or isinstance(value, values.LocalDT):
                    return None
                if value[-5] not in "+-" and message.offset:
                    return None
            elif self.sign and self.special.search(value) and "\\" not in value:
                written += self.special.sub("", value)
                value = escape(value, self.delimiters) or ""
            else:
                written += value
            fields[number] = value
            last = max(last, number)
        if not self.is_usable or not is_byte_safe(message.charset or ""):
            return None
        if self.care.search(written):
            return None
        if holder:
            fields[HOLDER_FIELD] = self.component.join(holder.parts).rstrip(self.component)
            last = max(last, HOLDER_FIELD)
        return self.separator.join(fields[: last + 1]).encode("ascii")


def _longest(row: Attribute) -> int:
    """Return how many characters the text of a row may have; 0 = it is a time."""
    return 0 if row.vr == "DT" else values.MAX_CHARACTERS.get(row.vr, sys.maxsize)


def _letters(delimiters: Delimiters, row: Attribute) -> str:
    """Return what a delimiter that the text of a row may hold is escaped as (2.7.1)."""
    named = zip(
        "FSRT",
        (delimiters.field, delimiters.component, delimiters.repetition, delimiters.subcomponent),
        strict=True,
    )
    letters = "".join(letter for letter, sign in named if sign and sign != "\\")
    if not delimiters.escape:
        return ""
    return letters + "E" * (row.vr in values.SINGLE_VALUED or delimiters.escape != "\\")


def _kept(known: dict[bytes, T], key: bytes, value: T | None) -> T | None:
    """Remember what was read, for the next segments."""
    if value is not None:
        if len(known) == _REMEMBERED:
            known.clear()
        known[key] = value
    return value


def _is_uid(raw: bytes) -> bool:
    return len(raw) <= _LONGEST_UID and _UID.fullmatch(raw) is not None


@lru_cache(maxsize=256)
def _holder(text: str, component: str) -> Holder | None:
    """Return the holder of an HD without escapes; ``None`` where it is padded, or there is more."""
    parts = text.split(component)
    if len(parts) > 3 or any(part != part.strip(" ") for part in parts):
        return None
    return Holder(*parts)


def _codes(row: Attribute, delimiters: Delimiters) -> dict[str, str]:
    """Return the term of every spelling of a field that says no more than a term."""
    found: dict[str, str] = {}
    for spelling, term in row.from_hl7.items():
        tails: list[tuple[str, ...]] = [()]
        if row.datatype in CODED:
            display, system = row.displays[term], row.coding_system
            tails = [(), (display,), (display, system), ("", system)]
        for tail in tails:
            parts = (spelling, *tail)
            if not any(c and c in part for c in delimiters for part in parts):
                found[delimiters.component.join(parts)] = term
    return found


@lru_cache(maxsize=64)
def plan(name: str, rows: tuple[Attribute, ...], delimiters: Delimiters) -> Plan:
    """Return the plan of the rows of a segment, compiled once for each set of delimiters."""
    return Plan(name, rows, delimiters)
