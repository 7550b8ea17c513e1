"""The lexical rules' short cuts: texts that are legal at one glance, and what they become.

A text that is not plain is not wrong: `values` knows. Plain is a UID without a doubt, a whole date
and time (no leap second, no 29 February) with at most six fraction digits, text without control
characters.
"""

from __future__ import annotations

from sopstatus._lazily import pattern

UID = r"(?:0|[1-9][0-9]*+)(?:\.(?:0|[1-9][0-9]*+))++"
_YEAR = r"(?!0000)[0-9]{4}"
_HOUR, _SIXTY = r"(?:[01][0-9]|2[0-3])", r"[0-5][0-9]"
_OFFSET = r"(?:\+(?:0[0-9]|1[0-3])|-(?!00:?00)(?:0[0-9]|1[01]))"


def _days(dash: str) -> str:
    return (
        rf"(?:(?:0[1-9]|1[0-2]){dash}(?:0[1-9]|1[0-9]|2[0-8])"
        rf"|(?:0[13-9]|1[0-2]){dash}(?:29|30)|(?:0[13578]|1[02]){dash}31)"
    )


DATE_AND_TIME = rf"{_YEAR}{_days('')}{_HOUR}{_SIXTY}{_SIXTY}"
OFFSET = _OFFSET + _SIXTY
_TAIL = r"(?:0|[1-9][0-9]*+)(?:\.(?:0|[1-9][0-9]*+))*+"
_UIDS, _TAILS = pattern(rf"{UID}(?:\n{UID})*+"), pattern(rf"{_TAIL}(?:\n{_TAIL})*+")
_DT = pattern(rf"({DATE_AND_TIME})(\.[0-9]{{1,6}})?({OFFSET})")
_DATE_TIME = pattern(
    rf"({_YEAR})-({_days('-')})T({_HOUR}):({_SIXTY}):({_SIXTY})(\.[0-9]{{1,6}})?"
    rf"(?:(Z)|({_OFFSET}):({_SIXTY}))"
)


def are_uids(texts: list[str]) -> bool:
    """Tell whether all of these are legal UIDs (PS3.5 9.1); raise `TypeError` for one that is no text."""
    if not texts:
        return False
    joined, first = "\n".join(texts), texts[0]
    root = first[: first.rfind(".") + 1]
    rest = joined.replace(f"\n{root}", "\n") if root else joined
    # where all have the root of the first one, that is looked at once
    shared = root and len(joined) - len(rest) == len(root) * (len(texts) - 1)
    return (
        (_TAILS if shared else _UIDS).fullmatch(rest if shared else joined) is not None
        and joined.count("\n") == len(texts) - 1
        and len(max(texts, key=len)) <= 64
    )


def dt_to_date_time(text: str) -> str | None:
    """Write a plain DT as FHIR dateTime, which says exactly the same; ``None`` for any other."""
    match = _DT.fullmatch(text)
    if match is None:
        return None
    t, fraction, zone = match.groups("")
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:]}{fraction}{zone}"


def date_time_to_dt(text: str) -> str | None:
    """Read a plain FHIR dateTime; ``None`` for any other."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, days, hour, minute, second, fraction, utc, hours, minutes = match.groups("")
    zone = "+0000" if utc else hours + minutes
    return f"{year}{days[:2]}{days[3:]}{hour}{minute}{second}{fraction}{zone}"


def is_text(text: str, longest: int, *, single: bool) -> bool:
    """Tell whether text of a VR is without fault: no control character, not too long, one value."""
    return text.isprintable() and len(text) <= longest and (single or "\\" not in text)
