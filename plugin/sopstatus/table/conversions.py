"""Which HL7 data types and FHIR types can carry a VR, and how one value becomes another and back.

One table each for HL7 and FHIR: by type and VR, what writes a value's DICOM text and what reads it
again. ``write`` returns the nearest legal form, *never more precise than the source*, or ``None``;
``read`` its inverse, or ``None`` for what the VR cannot say. CS goes by the codes of its row.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from struct import Struct
from typing import NamedTuple

from sopstatus import values
from sopstatus._lazily import pattern

Change = Callable[[str], str | None]

TEXT_VRS = ("LT", "LO", "SH", "ST", "UT", "UC")
"""VRs whose text may have characters beyond ASCII (PS3.5 6.1.2.3)."""
PACKED = {"FL": "f", "FD": "d", "SL": "i", "SS": "h", "UL": "I", "US": "H"}
"""Numbers that stand as bytes in a data set, with the letter that `struct` has for each."""
NUMBERS = ("DS", "IS", *PACKED)
_INTEGERS = ("IS", "SL", "SS", "UL", "US")
_SPELT = (*TEXT_VRS, "AE", "AS", "DA", "DS", "IS", "TM", "UI", "UR", *PACKED)
_DATE = pattern(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TM = pattern(
    r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"  # PS3.5 6.2
)
_FHIR_TIME = pattern(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?")
_NUMBER = pattern(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eE][+-]?[0-9]+)?")
_OID = pattern(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_IS = pattern(r"[+-]?[0-9]{1,12}")
_AGE = pattern(r"[0-9]{3}[DWMY]")
_LONGEST_NM = 16  # HL7 2.5.1 2.A.47
_DIGITS = 10  # of the greatest UL
_MOST = 2**31  # FHIR R4 2.24.0.1: an integer has 32 bits


class Conversion(NamedTuple):
    """How a type carries one value of a VR."""

    write: Change
    read: Change


def _same(text: str) -> str:
    return text


def is_date(text: str) -> bool:
    """Tell whether the text is a DA (PS3.5 6.2)."""
    return len(text) == 8 and text.isdigit() and values.parse_dt(text) is not None


def _write_date(text: str) -> str | None:
    return values.dt_to_date_time(text) if is_date(text) else None


def _read_date(text: str) -> str | None:
    found = _DATE.fullmatch(text)
    made = "".join(found.groups()) if found else ""
    return made if is_date(made) else None


def _write_da(text: str) -> str | None:
    return text if is_date(text) else None


def _write_time(text: str) -> str | None:
    """Write a TM as FHIR time, which wants seconds."""
    if not _TM.fullmatch(text) or len(text) < 6:
        return None
    return f"{text[:2]}:{text[2:4]}:{text[4:]}"


def _read_time(text: str) -> str | None:
    found = _FHIR_TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, second, fraction = found.groups("")
    made = f"{hour}{minute}{second}" + (f".{fraction[:6]}" if fraction else "")
    return made if _TM.fullmatch(made) else None


def _write_tm(text: str) -> str | None:
    """Write a TM as HL7's: at most four fraction digits, truncated, and no leap second."""
    if not _TM.fullmatch(text):
        return None
    return text[:4] if text[4:6] == "60" else text[:11]


def _read_tm(text: str) -> str | None:
    return text if _TM.fullmatch(text) else None  # one with an offset is none


def plain_number(text: str) -> str | None:
    """Write a number as JSON has it, digit for digit; ``None`` for what is none."""
    found = _NUMBER.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return None
    whole = found[2].lstrip("0") or "0"
    fraction = f".{found[3]}" if found[3] else ""
    return f"{'-' if found[1] == '-' else ''}{whole}{fraction}{found[4] or ''}"


def _write_integer(text: str) -> str | None:
    made = plain_number(text)
    if made is None or not made.lstrip("-").isdigit() or len(made) > 11 or made == "-0":
        return None
    return made if -_MOST <= int(made) < _MOST else None


def _write_nm(text: str) -> str | None:
    """Write a number as HL7's NM: as it stands, or without its exponent."""
    if plain_number(text) is None:
        return None
    if not {"e", "E"} & set(text):
        return text
    from decimal import Decimal, InvalidOperation

    with suppress(InvalidOperation):
        number = Decimal(text)
        if abs(number.adjusted()) <= _LONGEST_NM and len(made := f"{number:f}") <= _LONGEST_NM:
            return made
    return None


def _read_nm(text: str) -> str | None:
    return text if plain_number(text) is not None else None


def _write_oid(text: str) -> str | None:
    return f"urn:oid:{text}" if values.is_uid(text) and _OID.fullmatch(text) else None


def _read_oid(text: str) -> str | None:
    return text.removeprefix("urn:oid:") if text.startswith("urn:oid:") else None


def _write_uri(text: str) -> str | None:
    return text if text and not re.search(r"\s", text) else None


def number(vr: str, text: str) -> str:
    """Return the one spelling of a number of a VR that stands as bytes; any other text as it is."""
    if vr not in PACKED or plain_number(text) is None:
        return text
    from decimal import Decimal, InvalidOperation

    try:
        exact = Decimal(text)
        if vr not in ("FD", "FL"):
            # asked first: as an integer, 1e99999999 takes minutes
            is_short = exact.adjusted() < _DIGITS
            return str(int(exact)) if is_short and exact == int(exact) else text
        kept = float(text) if vr == "FD" else _single(float(text))
        made, full = (repr(kept), 17) if vr == "FD" else (_shortest(kept), 9)
        # so others print it: with as many digits as tell it from its neighbours
        spelt = (made, kept, repr(kept), f"{kept:.{full}g}")
        return made if exact in [Decimal(one) for one in spelt] else text
    except (InvalidOperation, OverflowError, ValueError, struct.error):
        return text


def _single(near: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", near))[0])


def _shortest(kept: float) -> str:
    for digits in range(6, 10):
        if _single(float(text := f"{kept:.{digits}g}")) == kept:
            return repr(float(text))
    return repr(kept)


def pack(vr: str, text: str, *, big: bool = False) -> bytes | None:
    """Return the bytes of numbers, parted by backslashes; ``None`` where they would read otherwise."""
    form = Struct((">" if big else "<") + PACKED[vr])
    try:
        raw = b"".join(form.pack(value) for value in packed_values(vr, text))
    except (struct.error, OverflowError, ValueError):
        return None
    exact = unpack(vr, raw, big=big) == text and all(map(plain_number, text.split("\\")))
    return raw if exact or not text else None


def unpack(vr: str, raw: bytes, *, big: bool = False) -> str | None:
    """Return the text of numbers that stand as bytes; ``None`` where the length does not fit."""
    one = Struct((">" if big else "<") + PACKED[vr])
    if len(raw) % one.size:
        return None
    found = (value for (value,) in one.iter_unpack(raw))
    return "\\".join(number(vr, repr(value)) for value in found)


def packed_values(vr: str, value: str | None) -> list[float | int]:
    """Return numbers that stand as bytes as Python has them; whether they fit, `pack` tells."""
    return [
        float(one) if vr in ("FD", "FL") else int(one) for one in (value or "").split("\\") if one
    ]


def _matches(form: re.Pattern[str], text: str) -> bool:
    return form.fullmatch(text) is not None


_LEGAL: dict[str, Callable[[str], object]] = {
    "DA": is_date,
    "TM": partial(_matches, _TM),
    "AS": partial(_matches, _AGE),
    "UI": values.is_uid,
    "UR": lambda text: _write_uri(text.rstrip(" ")),
    "IS": partial(_matches, _IS),
    "DS": plain_number,
    **{vr: partial(pack, vr) for vr in PACKED},
}


def is_legal(vr: str, text: str) -> bool:
    """Tell whether one value is of its VR, where that is a matter of form (PS3.5 6.2)."""
    check = _LEGAL.get(vr)
    return check is None or check(text) not in (None, False)


def _of(vrs: tuple[str, ...], write: Change, read: Change = _same) -> dict[str, Conversion]:
    packed = {vr: Conversion(write, partial(_one_spelling, vr, read)) for vr in vrs if vr in PACKED}
    return dict.fromkeys(vrs, Conversion(write, read)) | packed


def _one_spelling(vr: str, read: Change, text: str) -> str | None:
    found = read(text)
    return None if found is None else number(vr, found)


_CODES = _of(("CS",), _same)
FHIR: dict[str, dict[str, Conversion]] = {
    "code": _CODES,
    "boolean": _CODES,
    "date": _of(("DA",), _write_date, _read_date),
    "dateTime": _of(("DT",), values.dt_to_date_time, values.date_time_to_dt)
    | _of(("DA",), _write_date, _read_date),
    "time": _of(("TM",), _write_time, _read_time),
    "integer": _of(_INTEGERS, _write_integer, _read_nm),
    "decimal": _of(NUMBERS, plain_number, _read_nm),
    "oid": _of(("UI",), _write_oid, _read_oid),
    "uri": _of(("UI",), _write_oid, _read_oid) | _of(("UR",), _write_uri),
    "string": _of(_SPELT, values.text_to_fhir),
    "Coding": _CODES,
    "CodeableConcept": _CODES | _of(TEXT_VRS, values.text_to_fhir),
}
"""By FHIR type and VR; of a VR's types the first is the one that `sopstatus new` takes."""
HL7: dict[str, dict[str, Conversion]] = {
    **dict.fromkeys(("CWE", "CNE", "CE", "ID", "IS"), _CODES),
    **dict.fromkeys(("DTM", "TS"), _of(("DT",), values.dt_to_dtm)),
    "DT": _of(("DA",), _write_da, _write_da),
    "TM": _of(("TM",), _write_tm, _read_tm),
    "NM": _of(NUMBERS, _write_nm, _read_nm),
    **dict.fromkeys(("ST", "TX", "FT"), _of(_SPELT, _same)),
}
"""By HL7 data type and VR."""


def types_of(forms: dict[str, dict[str, Conversion]]) -> dict[str, tuple[str, ...]]:
    """Return the types that can carry each VR, the preferred one first."""
    vrs = dict.fromkeys(vr for form in forms.values() for vr in form)
    return {vr: tuple(name for name, form in forms.items() if vr in form) for vr in vrs}
