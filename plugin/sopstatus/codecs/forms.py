"""How a row of the tables reads and writes a value in HL7 and FHIR, and what may be wrong with it.

``to_*`` returns the nearest legal form or ``None``; `carried_exactly` tells whether the verbatim
text has to stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sopstatus import values
from sopstatus.model import Value
from sopstatus.table import Attribute


def shown(row: Attribute, text: str) -> str:
    """Quote what is near a term of the row; of anything else, tell only its length.

    A field that was filled by mistake may hold a patient's name, and issues are logged.
    """
    words = {*row.displays, *row.from_hl7, *row.from_fhir, *map(str.upper, row.displays.values())}
    words |= {word for phrase in row.displays.values() for word in phrase.upper().split()}
    near = len(text) <= 2 or text.strip(" ").upper() in words
    return f'"{text}"' if near and text.isprintable() else f"a value of {len(text)} characters"


def problems(row: Attribute, text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the codes and facts of everything that is wrong with a value, by its VR and terms."""
    facts: dict[str, object] = {"keyword": row.keyword, "value": shown(row, text)}
    if "\\" in text and row.vr not in values.SINGLE_VALUED:
        yield "value/multiplicity", {**facts, "count": text.count("\\") + 1}
        return
    longest = values.MAX_CHARACTERS.get(row.vr)
    if longest and len(text) > longest:
        yield "value/too-long", {**facts, "length": len(text), "longest": longest, "vr": row.vr}
    if row.vr == "CS":
        yield from _term_problems(row, values.trim("CS", text), facts)
    elif row.vr != "DT":
        if values.has_illegal_control(row.vr, text):
            yield "value/control-character", {**facts, "vr": row.vr}
    elif values.is_range(text):
        yield "value/date-time-range", facts
    elif values.parse_dt(text) is None:
        yield "value/not-date-time", facts
    elif values.is_negative_zero(text):
        yield "value/negative-zero-offset", facts


def _term_problems(
    row: Attribute, text: str, facts: dict[str, object]
) -> Iterator[tuple[str, dict[str, object]]]:
    if text in row.displays:
        return
    facts = {**facts, "terms": ", ".join(row.displays)}
    if text.upper() in row.displays:
        yield "value/lower-case", {**facts, "term": text.upper()}
    elif row.closed:
        yield "value/unknown-term", facts
    elif not values.is_code_string(text):
        yield "value/not-code-string", facts
    else:
        yield "value/unlisted-term", facts


def to_hl7(row: Attribute, text: str) -> str | None:
    """Write a value as the text of an HL7 field (for a CWE: its code), not yet escaped."""
    if row.vr == "CS":
        return _to_code(row, text, row.to_hl7, row.from_hl7)
    if row.vr == "DT":
        return values.dt_to_dtm(text)
    return text


def from_hl7(row: Attribute, text: str) -> str | None:
    """Read the unescaped text of an HL7 field (for a CWE: its code)."""
    return _from_code(text, row.from_hl7) if row.vr == "CS" else text


def to_fhir(row: Attribute, text: str, offset: str = "") -> str | None:
    """Write a value as that of a FHIR slice; ``offset`` is for a DT that has none."""
    if row.vr == "CS":
        code = _to_code(row, text, row.to_fhir, row.from_fhir)
        return code if code and values.is_fhir_code(code) else None
    if row.vr == "DT":
        return values.dt_to_date_time(text, offset)
    return values.text_to_fhir(text)


def from_fhir(row: Attribute, text: str) -> str | None:
    """Read the value of a FHIR slice; ``None`` where a dateTime is none."""
    if row.vr == "CS":
        return _from_code(text, row.from_fhir)
    return values.date_time_to_dt(text) if row.vr == "DT" else text


def _to_code(row: Attribute, text: str, to: dict[str, str], back: dict[str, str]) -> str | None:
    term = values.trim("CS", text)
    if term in to:
        return to[term]
    # an open set takes what it does not list, unless that spelling means another term
    return term if not row.closed and values.is_code_string(term) and term not in back else None


def _from_code(text: str, back: dict[str, str]) -> str:
    text = values.trim("CS", text)
    return back.get(text, text)


def resolve(row: Attribute, read: Value, written_again: Value, verbatim: str) -> tuple[Value, bool]:
    """Choose between what a field says and the verbatim text that stands beside it.

    ``read`` is the field's value (``None``: the field is empty), ``written_again`` the value of
    the field that we would write for ``verbatim``. Return the value (``None``: nothing is said)
    and whether the two contradict each other: then the field wins, for somebody changed it, and a
    verbatim text alone never states what the field could have said.
    """
    if read is not None:
        return (verbatim, False) if written_again == read else (read, True)
    if written_again is None or row.vr not in ("CS", "DT"):
        return verbatim, False  # text may be missing because the character set could not hold it
    return None, True
