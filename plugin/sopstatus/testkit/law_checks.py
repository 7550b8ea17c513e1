"""The laws of every codec, over whatever tables: with hypothesis, values as the rows allow them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sopstatus.codecs import Codec, Format, codec
from sopstatus.codecs.shared.row_values import from_fhir, to_fhir
from sopstatus.model import DocumentError, SOPInstance, Value
from sopstatus.table import Attribute, MappingTable, conversions
from sopstatus.testkit.run import SAID

EXAMPLES = int(os.environ.get("LAW_EXAMPLES") or 50)
_TEXT = st.text(st.sampled_from("aZ09 |^~\\&#\"'éß患\r\n\t"), max_size=12)
_LINE = st.text(st.sampled_from("aZ09 |^~&#\"'éß患"), max_size=12)
_DATE = (
    st.dates()
    .map(lambda day: f"{day:%m%d}")
    .flatmap(lambda rest: st.integers(1000, 2999).map(lambda year: f"{year}{rest}"))
    .filter(lambda text: text[4:] != "0229")
)
_TIME = st.times().map(lambda at: at.strftime("%H%M%S.%f"))
_DATE_TIME = st.builds(
    lambda day, time, size, offset: (day + time)[:size] + offset,
    _DATE,
    _TIME,
    st.sampled_from([4, 6, 8, 10, 12, 14, 18, 21]),
    st.sampled_from(["", "", "+0100", "-0500"]),
)


def _numbers(vr: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return numbers.map(lambda value: conversions.number(vr, repr(value)))


def _floats(width: Any) -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False, allow_infinity=False, width=width)


_INTEGER = st.integers(-(2**31), 2**31 - 1)
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "DT": _DATE_TIME,
    "DA": _DATE,
    "TM": st.builds(lambda time, size: time[:size], _TIME, st.sampled_from([2, 4, 6, 8, 10, 13])),
    "AS": st.integers(0, 999).map("{:03}Y".format),
    "IS": _INTEGER.map(str) | _INTEGER.map("{:+012}".format),
    "DS": st.integers(-9999, 9999).map(lambda n: f"{n / 100:.2f}")
    | st.sampled_from(["+1.5", ".5", "5.", "1.50E-03", "-0", "007"]),
    "UI": st.integers(1, 10**9).map("1.2.826.{}".format) | st.just("9.1"),
    "UR": st.integers(1, 10**9).map("https://example.org/a?b={}&c#d".format),
    "FD": _numbers("FD", _floats(64)),
    "FL": _numbers("FL", _floats(32)),
    "SL": _numbers("SL", _INTEGER),
    "SS": _numbers("SS", st.integers(-(2**15), 2**15 - 1)),
    "UL": _numbers("UL", st.integers(0, 2**32 - 1)),
    "US": _numbers("US", st.integers(0, 2**16 - 1)),
    "AE": st.sampled_from(["PACS", "A B", "X|^~&"]),
    **dict.fromkeys(("LT", "ST", "UT"), _TEXT.map(lambda text: text.rstrip(" "))),
    "UC": _LINE.map(lambda text: text.rstrip(" ")),
    **dict.fromkeys(("LO", "SH"), _LINE.map(str.strip)),
}


def _texts(row: Attribute) -> st.SearchStrategy[str]:
    one: st.SearchStrategy[Any] = _VALUES.get(row.vr, st.nothing())
    if row.vr == "CS":
        terms = sorted(row.displays)
        one = st.sampled_from([*terms, *terms, "XX", "lower"])
    if row.vm == "1":
        return one
    # no empty ones among numbers that stand as bytes
    item = one.filter(bool) if row.vr in conversions.PACKED else one | st.just("")
    counts = [n for n in range(1, 9) if row.allows(n)] or [int(row.vm.partition("-")[0])]
    numbers = st.sampled_from(counts)
    return numbers.flatmap(lambda n: st.lists(item, min_size=n, max_size=n)).map("\\".join)


def _statements(tables: MappingTable, name: Format) -> st.SearchStrategy[SOPInstance]:
    rows = [row for row in tables.attributes.values() if _carries(name, row)]
    said = st.fixed_dictionaries(
        {}, optional={row.keyword: _sayable(name, row) for row in rows}
    ).filter(bool)
    return said.map(lambda values: _about(tuple(sorted(values.items()))))


def _carries(name: Format, row: Attribute) -> bool:
    """Tell whether a format carries a row on an instance."""
    if name in ("hl7", "hl7-xml"):
        return bool(row.field)
    on_instance = not row.extension or "ImagingStudy.series.instance" in row.contexts
    return name != "fhir" or (bool(row.slice) and on_instance)


def _sayable(name: Format, row: Attribute) -> st.SearchStrategy[Value]:
    """Return the values of a row that a format has a place for: a simple extension, for exact ones."""
    texts = _texts(row)
    if name != "fhir" or not row.extension:
        return texts.map(lambda text: text or None) | st.none()
    return texts.filter(lambda text: bool(text) and from_fhir(row, to_fhir(row, text)) == text)


def _about(attributes: tuple[tuple[str, Value], ...]) -> SOPInstance:
    return SOPInstance(*SAID.uids, "", attributes)


def put_get(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Read what was written."""
    assert under.decode(under.encode([x], document).value).value == (x,)


def get_put(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Change nothing by writing what a document says."""
    written = under.encode([x], document).value
    assert under.encode(under.decode(written).value, written).value == written


def frame(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Leave the document as it was, by writing and removing."""
    written = under.encode([x], document).value
    assert under.encode([_about(())], written).value == document


def idempotent(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Write twice as once, let the last word hold, and change nothing that was given."""
    kept = copy.deepcopy(document)
    once = under.encode([x], document).value
    assert under.encode([x], once).value == once
    assert under.decode(under.encode([y], once).value).value == (y,)
    assert document == kept


def absent(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Add nothing that nobody said."""
    assert not under.decode(document).value
    assert under.encode((), document).value == document
    (back,) = under.decode(under.encode([x], document).value).value
    assert {keyword for keyword, _ in back.attributes} == {keyword for keyword, _ in x.attributes}


def total(under: Codec, document: Any, x: SOPInstance, y: SOPInstance) -> None:
    """Read or refuse a damaged document, and nothing else."""
    written = under.encode([x], document).value
    if not isinstance(written, bytes):
        return
    for cut in range(0, len(written), max(1, len(written) // 25)):
        with suppress(DocumentError):
            under.decode(written[:cut] + written[cut + 3 :])


LAWS: dict[str, Callable[[Codec, Any, SOPInstance, SOPInstance], None]] = {
    law.__name__: law for law in (put_get, get_put, frame, idempotent, absent, total)
}


def check(law: str, name: Format, tables: MappingTable) -> None:
    """Hold a format to a law; a failure shows the smallest statement that breaks it."""
    under = codec(name, tables=tables)
    document = under.blank([SAID])
    if name == "dicom":
        document.SpecificCharacterSet = "ISO_IR 192"  # which holds every text
    stated = _statements(tables, name)

    def holds(x: SOPInstance, y: SOPInstance) -> None:
        LAWS[law](under, document, x, y)

    bounded = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,  # what passes here passes there
        database=None,
    )
    bounded(given(x=stated, y=stated)(holds))()
