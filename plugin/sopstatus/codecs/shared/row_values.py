"""How a row of the tables reads and writes a value in HL7 and FHIR, and what may be wrong with it.

``to_*`` returns the nearest legal form or ``None``; `carried_exactly` tells whether the verbatim
text has to stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sopstatus import values
from sopstatus.model import Value
from sopstatus.table import Attribute, conversions

_BOOLEANS = ("true", "false")


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
    items = [text]
    if ("\\" in text or row.vm != "1") and row.vr not in values.SINGLE_VALUED:
        items = text.split("\\")
        if not row.allows(len(items)):
            facts = {"keyword": row.keyword, "value": shown(row, text)}
            yield "value/multiplicity", {**facts, "count": len(items), "vm": row.vm}
            return
    for item in items:
        if item or row.vm == "1":
            yield from _problems(row, item)


def _problems(row: Attribute, text: str) -> Iterable[tuple[str, dict[str, object]]]:
    vr, longest = row.vr, values.MAX_CHARACTERS.get(row.vr)
    if vr == "CS" and text in row.displays:
        return ()
    facts: dict[str, object] = {"keyword": row.keyword, "value": shown(row, text)}
    found: list[tuple[str, dict[str, object]]] = []
    if longest and len(text) > longest:
        found.append(
            ("value/too-long", {**facts, "length": len(text), "longest": longest, "vr": vr})
        )
    if vr == "CS":
        found += _term_problems(row, values.trim("CS", text), facts)
    elif vr != "DT":
        if values.has_illegal_control(vr, text):
            found.append(("value/control-character", {**facts, "vr": vr}))
        elif not conversions.is_legal(vr, text):
            found.append(("value/not-legal", {**facts, "vr": vr}))
    elif values.is_range(text):
        found.append(("value/date-time-range", facts))
    elif values.parse_dt(text) is None:
        found.append(("value/not-date-time", facts))
    elif values.is_negative_zero(text):
        found.append(("value/negative-zero-offset", facts))
    return found


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


def to_hl7(row: Attribute, text: str) -> list[str | None]:
    """Write each value as the text of an HL7 field (for a CWE: its code), not yet escaped."""
    if row.vr == "CS":
        return [_to_code(row, item, row.to_hl7, row.from_hl7) for item in row.items(text)]
    write = conversions.HL7[row.datatype][row.vr].write
    return [write(item) if item else "" for item in row.items(text)]


def from_hl7(row: Attribute, texts: Iterable[str | None]) -> str | None:
    """Read the unescaped texts of a field's repetitions (for a CWE: its code)."""
    if row.vr == "CS":
        return _joined(None if text is None else _from_code(text, row.from_hl7) for text in texts)
    read = conversions.HL7[row.datatype][row.vr].read
    return _joined(read(text) if text else text for text in texts)


def to_fhir(row: Attribute, text: str, offset: str = "") -> list[str]:
    """Write those values that FHIR has a form for; ``offset`` is for a DT that has none.

    The texts are of codes, numbers and so on; `sopstatus.codecs.fhir.value` makes the elements.
    """
    items = row.items(text)
    if row.vr == "CS":
        codes = (_to_code(row, item, row.to_fhir, row.from_fhir) for item in items)
        legal = _BOOLEANS.__contains__ if row.fhir_type == "boolean" else values.is_fhir_code
        return [code for code in codes if code and legal(code)]
    if row.vr == "DT":
        made = [values.dt_to_date_time(item, offset) for item in items]
    else:
        write = conversions.FHIR[row.fhir_type][row.vr].write
        made = [write(item) if item else None for item in items]
    return [one for one in made if one is not None]


def from_fhir(row: Attribute, texts: Iterable[str]) -> str | None:
    """Read the values of a FHIR slice; ``None`` where one is not what its type or VR can say."""
    if row.vr == "CS":
        return _joined(_from_code(text, row.from_fhir) for text in texts)
    read = conversions.FHIR[row.fhir_type][row.vr].read
    return _joined(read(text) for text in texts)


def _joined(items: Iterable[str | None]) -> str | None:
    found = []
    for item in items:
        if item is None:
            return None
        found.append(item)
    return "\\".join(found) if found else None


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
        agree = written_again == read or _missing(row, read, written_again or "")
        return (verbatim, False) if agree else (read, True)
    if written_again is None or row.vr in conversions.TEXT_VRS:
        return verbatim, False  # text may be missing because the character set could not hold it
    return None, True


def _missing(row: Attribute, read: str, whole: str) -> bool:
    """Tell whether several texts are those of the whole, but for some that are missing."""
    pairs = list(zip(row.items(read), row.items(whole), strict=False))
    return (
        row.vr in conversions.TEXT_VRS
        and len(pairs) == len(row.items(read)) == len(row.items(whole)) > 1
        and all(one in ("", other) for one, other in pairs)
    )
