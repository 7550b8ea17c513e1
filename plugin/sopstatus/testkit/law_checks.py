"""The laws of every codec, over whatever tables: with hypothesis, values as the rows allow them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sopstatus.model import DocumentError, SOPInstance, Value
from sopstatus.table import Attribute, MappingTable
from sopstatus.testkit.run import SAID
from sopstatus.transform import Codec, codec

EXAMPLES = 40
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
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "DT": _DATE_TIME,
    "DA": _DATE,
    "TM": _TIME,
    "AS": st.integers(0, 999).map("{:03}Y".format),
    "IS": st.integers(-(2**31), 2**31 - 1).map(str),
    "DS": st.integers(-9999, 9999).map(lambda n: f"{n / 100:.2f}"),
    "UI": st.integers(1, 10**9).map("1.2.826.{}".format),
    **dict.fromkeys(("LT", "ST", "UT"), _TEXT.map(lambda text: text.rstrip(" "))),
    "UC": _LINE.map(lambda text: text.rstrip(" ")),
    **dict.fromkeys(("LO", "SH"), _LINE.map(str.strip)),
}


def _values(row: Attribute) -> st.SearchStrategy[Value]:
    if row.vr == "CS":
        terms = sorted(row.displays)
        return st.sampled_from([*terms, *terms, "XX", "lower", None])
    return st.one_of(_VALUES[row.vr].map(lambda text: text or None), st.none())


def _statements(tables: MappingTable) -> st.SearchStrategy[SOPInstance]:
    said = st.fixed_dictionaries(
        {}, optional={keyword: _values(row) for keyword, row in tables.attributes.items()}
    ).filter(bool)
    return said.map(lambda values: _about(tuple(sorted(values.items()))))


def _about(attributes: tuple[tuple[str, Value], ...]) -> SOPInstance:
    return SOPInstance(
        SAID.study_instance_uid,
        SAID.series_instance_uid,
        SAID.sop_class_uid,
        SAID.sop_instance_uid,
        "",
        attributes,
    )


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


def check(law: str, name: str, tables: MappingTable) -> None:
    """Hold a format to a law; a failure shows the smallest statement that breaks it."""
    under = codec(name, tables=tables)
    document = under.blank([SAID])
    if name == "dicom":
        document.SpecificCharacterSet = "ISO_IR 192"  # which holds every text
    stated = _statements(tables)

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
