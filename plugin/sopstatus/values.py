"""The lexical rules: DICOM DT, HL7 DTM, FHIR dateTime, text, UIDs and JSON verbatim values.

Pure functions on text. Each writes the nearest legal form of the other format, *never more precise
than the source*, or returns ``None`` where there is none; the caller then carries the source's own
text beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from sopstatus._lazily import pattern

OFFSET_KEYWORD = "TimezoneOffsetFromUTC"
"""(0008,0201): the offset of every DT of a data set that has none of its own (PS3.3 C.12.1)."""

_UID = pattern(r"(?:0|[1-9][0-9]*+)(?:\.(?:0|[1-9][0-9]*+))++")
_DT = pattern(r"([0-9]{4}(?:[0-9]{2}){0,5})(?:\.([0-9]+))?([+-][0-9]{4})?")
_DATE_TIME = pattern(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)
_CS = pattern(r"[A-Z0-9 _]{1,16}")
_RANGE = pattern(r"[0-9.+]*+-[0-9]{4,}+[0-9.+-]*+|[0-9.+]{4,}+-")
_FHIR_CODE = pattern(r"[^\s]+(?:\s[^\s]+)*")
_CONTROL = pattern(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

MAX_CHARACTERS = {
    **{"AE": 16, "CS": 16, "DS": 16, "IS": 12, "SH": 16, "DT": 26, "LO": 64, "UI": 64},
    **{"ST": 1024, "LT": 10240},
}
"""Longest value of a VR, in characters (PS3.5 table 6.2-1)."""

SINGLE_VALUED = ("ST", "LT", "UT")
"""VRs in which a backslash is text and not the delimiter of values (PS3.5 6.4)."""


class LocalDT(str):
    """A DT without an offset of its own, whose offset is known from its surroundings.

    It is the attribute's own text and compares as such; ``offset`` is what (0008,0201) of its data
    set says, and travels beside the text so that FHIR, which wants an offset, can be given one.
    """

    __slots__ = ("offset",)
    offset: str


def with_offset(text: str, offset: str) -> str:
    """Attach an offset to a DT that has a time and no offset; any other text stays as it is."""
    if len(text) < 14 or not is_offset(offset) or not any(map(lacks_offset, text.split("\\"))):
        return text
    local = LocalDT(text)
    local.offset = offset
    return local


def lacks_offset(text: str) -> bool:
    """Tell whether the text is a DT with a time and no offset."""
    value = parse_dt(text)
    return value is not None and not value.offset and len(value.digits) >= 14


def spelt_out(text: str, offset: str) -> str:
    """Write an offset behind every DT that is local to it."""
    parts = text.split("\\")
    return "\\".join(part + offset if lacks_offset(part) else part for part in parts)


def context_offset(value: str | None) -> str:
    """Return the offset that is attached to a value, or nothing."""
    return value.offset if isinstance(value, LocalDT) else ""


def is_uid(text: str) -> bool:
    """Tell whether the text is a legal UID of at most 64 characters (PS3.5 9.1)."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def is_code_string(text: str) -> bool:
    """Tell whether the text is one legal CS value (PS3.5 6.2)."""
    return _CS.fullmatch(text) is not None


def is_fhir_code(text: str) -> bool:
    """Tell whether the text can be a FHIR ``code``."""
    return _FHIR_CODE.fullmatch(text) is not None


def trim(vr: str, text: str) -> str:
    """Drop what is padding in a value of this VR (PS3.5 table 6.2-1); NUL is old practice."""
    text = text.rstrip(" \0")
    return text.lstrip(" ") if vr in ("AE", "CS", "DS", "IS", "LO", "SH") else text


class DateTime(NamedTuple):
    """A DT in its parts: ``YYYY[MM[DD[HH[MM[SS]]]]]``, fraction digits, ``+ZZXX`` or nothing."""

    digits: str
    fraction: str
    offset: str

    def __str__(self) -> str:
        return self.digits + ("." + self.fraction if self.fraction else "") + self.offset


def parse_dt(text: str) -> DateTime | None:
    """Parse a DICOM DT (PS3.5 6.2) or HL7 DTM; ``None`` where it is neither or not a real date.

    -0000 is let through, for DTM tolerates it; `is_negative_zero` tells.
    """
    match = _DT.fullmatch(text)
    if not match:
        return None
    digits, fraction, offset = match.group(1), match.group(2) or "", match.group(3) or ""
    if fraction and (len(digits) != 14 or len(fraction) > 6):
        return None
    return DateTime(digits, fraction, offset) if _is_real(digits, offset) else None


@lru_cache(maxsize=1024)
def _is_day(digits: str) -> bool:
    from datetime import date

    try:
        date(int(digits[:4]), int(digits[4:6] or 1), int(digits[6:] or 1))
    except ValueError:
        return False
    return True


def _is_real(digits: str, offset: str) -> bool:
    if not _is_day(digits[:8]):
        return False
    # 60 is a leap second; midnight is 0000, never 2400 (PS3.5 6.2)
    if int(digits[8:10] or 0) > 23 or int(digits[10:12] or 0) > 59 or int(digits[12:] or 0) > 60:
        return False
    if not offset:
        return True
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return int(offset[3:]) < 60 and minutes <= (14 * 60 if offset[0] == "+" else 12 * 60)


def is_range(text: str) -> bool:
    """Tell whether the text looks like a range of DT, which belongs into queries (PS3.4 C.2.2.2.5)."""
    return parse_dt(text) is None and _RANGE.fullmatch(text) is not None


def is_negative_zero(text: str) -> bool:
    """Tell whether a DT ends in -0000, which PS3.5 6.2 forbids."""
    return text.endswith("-0000") and len(text) > 5


def is_offset(text: str) -> bool:
    """Tell whether the text is a legal ``+ZZXX`` of (0008,0201)."""
    return text != "-0000" and _is_offset_shape(text) and _is_real("2000", text)


def _is_offset_shape(text: str) -> bool:
    return len(text) == 5 and text[0] in "+-" and text[1:].isascii() and text[1:].isdigit()


def dt_to_dtm(text: str) -> str | None:
    """Write a DT as HL7 DTM: at most four fraction digits, truncated; no leap second."""
    value = parse_dt(text)
    if value is None:
        return None
    if value.digits[12:] == "60":  # the DTM grammar ends at 59: to the minute, which is true
        return str(value._replace(digits=value.digits[:12], fraction=""))
    return str(value._replace(fraction=value.fraction[:4]))


def dt_to_date_time(text: str, offset: str = "") -> str | None:
    """Write a DT as FHIR dateTime; ``offset`` (``+ZZXX``) is for a DT that has none of its own.

    FHIR wants seconds and an offset with any time, so a time that lacks one of them becomes its
    date: zero-filled seconds would be more precise than the source.
    """
    value = parse_dt(text)
    if value is None:
        return None
    digits, zone = value.digits, value.offset or offset
    date = "-".join(part for part in (digits[:4], digits[4:6], digits[6:8]) if part)
    if len(digits) < 14 or not zone:
        return date
    fraction = "." + value.fraction if value.fraction else ""
    zone = "Z" if zone in ("+0000", "-0000") else f"{zone[:3]}:{zone[3:]}"
    return f"{date}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}{fraction}{zone}"


def date_time_to_dt(text: str) -> str | None:
    """Read a FHIR dateTime as DT, with at most six fraction digits; ``None`` if it is none."""
    match = _DATE_TIME.fullmatch(text)
    if not match:
        return None
    *parts, fraction, zone = match.groups(default="")
    zone = "+0000" if zone == "Z" else zone.replace(":", "")
    value = parse_dt(str(DateTime("".join(parts), fraction[:6], zone)))
    return str(value) if value else None


def offset_of(date_time: str) -> str:
    """Return the offset of a FHIR dateTime as ``+ZZXX``, or nothing."""
    dt = date_time_to_dt(date_time)
    value = parse_dt(dt) if dt else None
    return value.offset if value else ""


def has_illegal_control(vr: str, text: str) -> bool:
    """Tell whether text has control characters that its VR does not allow (PS3.5 6.1.3, 6.2)."""
    allowed = "\t\n\f\r\x1b" if vr in SINGLE_VALUED else "\x1b"
    return any((c < " " and c not in allowed) or c == "\x7f" for c in text)


def is_doubtful(raw: bytes, charset: str) -> bool:
    """Tell whether bytes that are declared as a single-byte character set read better as UTF-8."""
    if raw.isascii() or not charset.lower().replace("_", "").replace("-", "").startswith(
        ("iso8859", "latin", "isoir")
    ):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def text_to_fhir(text: str) -> str | None:
    """Write text as a FHIR string: no control character but TAB, LF and CR, and never blank."""
    text = _CONTROL.sub("", text)
    return text if text.strip() else None


def verbatim(keyword: str, value: str | None) -> str:
    """Write ``Keyword=<JSON string>``, in ASCII, so that any character set can carry it."""
    return f"{keyword}={json.dumps(value or '')}"


def parse_verbatim(
    entry: str, older: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, str | None] | None:
    """Read ``Keyword=<JSON string>``; ``None`` where it is malformed.

    ``older`` gives today's keyword for one that PS3.6 has renamed.
    """
    keyword, found, text = entry.partition("=")
    if not found or not keyword.isidentifier() or not text.startswith('"'):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return older.get(keyword, keyword), value or None


def tag_text(tag: int) -> str:
    """Write a tag as ``(0100,0410)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
