"""What the codec of each other format writes for a value: its own `encode` onto a blank, read again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sopstatus import values
from sopstatus.codecs import Format, codec
from sopstatus.codecs.shared import row_values as forms
from sopstatus.documents.opened import opened
from sopstatus.explain.document import Reading, Slot
from sopstatus.explain.model import Target
from sopstatus.explain.read import read
from sopstatus.model import DocumentError, Issue, SOPInstance, Value
from sopstatus.profile.crossing import admit
from sopstatus.table import Attribute, Group, MappingTable
from sopstatus.table.conversions import TEXT_VRS
from sopstatus.table.language import VERBATIM_FIELD, VERBATIM_SLICE
from sopstatus.values import context_offset, parse_dt, tag_text

_SHOWN: tuple[Format, ...] = (
    "dicom",
    "fhir",
    "hl7",
)  # the other formats of data sets write what dicom does
_UTF_8 = "ISO_IR 192"


class Targets:
    """Writes values one by one, and remembers: 800 instances mostly say the same."""

    def __init__(self, tables: MappingTable, source: str) -> None:
        self.tables = tables
        self.formats = [name for name in _SHOWN if name != source]
        self.written: dict[tuple[object, ...], tuple[Target, ...]] = {}

    def of(self, statement: SOPInstance, row: Attribute, value: Value) -> tuple[Target, ...]:
        """Return what each other format gets for one value of a statement."""
        level = tuple(map(bool, statement.identity[:3]))
        legal = values.is_uid(statement.study_instance_uid)
        about = (level, statement.holder) if legal else (statement,)
        key = (row.keyword, value, context_offset(value), *about)
        if key not in self.written:
            alone = replace(statement, attributes=((row.keyword, value),))
            self.written[key] = tuple(self._target(name, alone, row) for name in self.formats)
        return self.written[key]

    def _target(self, name: Format, alone: SOPInstance, row: Attribute) -> Target:
        ((_, value),) = alone.attributes
        group = next(g for g in self.tables.groups if row in g.attributes)
        path, verbatim_path = _paths(name, row, group, alone)
        try:
            slot, issues = self._written(name, alone)
        except DocumentError as error:  # there is no blank for a statement about a whole study
            slot, issues = None, error.issues
        untrusted = _untrusted(alone) if name == "dicom" else ""
        if slot is None:
            return Target(name, path, None, untrusted=untrusted, issues=issues)
        kept = slot.verbatim
        lost = lost_in(name, row, value, self.tables) if kept and value is not None else ()
        text = slot.text
        return Target(
            name, path, text, verbatim_path if kept else "", kept, lost, untrusted, issues
        )

    def _written(self, name: Format, alone: SOPInstance) -> tuple[Slot | None, tuple[Issue, ...]]:
        under = codec(name, tables=self.tables)
        one = alone
        if name == "dicom" and not alone.sop_instance_uid:  # into every data set that it is about
            one = replace(alone, sop_instance_uid="2.25.1")
        into: Any = under.blank([one])
        if name == "dicom":
            into.SpecificCharacterSet = _UTF_8
        done = under.encode([one], into)
        reading: Reading = read(opened(done.value), self.tables)
        slots = [slot for place in reading.places for slot in place.slots]
        return (slots[0] if slots else None), done.issues


def _paths(name: str, row: Attribute, group: Group, about: SOPInstance) -> tuple[str, str]:
    if name == "dicom":
        return tag_text(row.tag), ""
    if name == "hl7":
        return f"{group.segment}-{row.field}", f"{group.segment}-{VERBATIM_FIELD}"
    level = "ImagingStudy.series.instance"
    if not about.sop_instance_uid:
        level = "ImagingStudy.series" if about.series_instance_uid else "ImagingStudy"
    if row.extension:
        return f"{level}.extension[{row.extension.rpartition('/')[2]}]", ""
    extension = f"{level}.extension[{group.extension.rpartition('/')[2]}]"
    return f"{extension}.{row.slice}", f"{extension}.{VERBATIM_SLICE}"


def _untrusted(alone: SOPInstance) -> str:
    """Return what an untrusted link makes of a value on its way into a data set."""
    ((keyword, value),) = alone.attributes
    (received,) = admit([alone], None).value
    said = dict(received.attributes)
    if keyword not in said:
        return "not written"
    return "" if said[keyword] == value else said[keyword] or ""


def lost_in(name: str, row: Attribute, value: str, tables: MappingTable) -> tuple[str, ...]:
    """Tell what of a value the place itself cannot say in this format."""
    if name == "dicom":
        return ()
    if name == "hl7":
        near = forms.to_hl7(row, value)
        back = forms.from_hl7(row, [text or "" for text in near]) if any(near) else None
    else:
        at = context_offset(value) or tables.site.offset
        back = forms.from_fhir(row, forms.to_fhir(row, value, at))
    if back is None:
        return ("the value: it has no legal form there",)
    if row.vm != "1":
        return () if back == value else ("the spelling, or that a value is empty",)
    if row.vr == "DT":
        lost = tuple(_lost_of_date_time(value, back))
        local = "that it has no offset of its own, where MSH-7 has one"
        return lost or ((local,) if name == "hl7" else ())
    if row.vr not in TEXT_VRS:
        return () if back == value else ("the spelling",)
    missing = len(value) - len(back)
    return (f"{missing} control character{'s' * (missing > 1)}",) if missing else ()


def _lost_of_date_time(value: str, back: str) -> list[str]:
    exact, near = parse_dt(value), parse_dt(back)
    if exact is None or near is None:
        return []
    lost = []
    if len(near.digits) < len(exact.digits):
        lost.append("the time of day" if len(near.digits) <= 8 else "the second")
    if len(near.fraction) < len(exact.fraction):
        first, last = len(near.fraction) + 1, len(exact.fraction)
        digits = f"digit {first}" if first == last else f"digits {first} to {last}"
        lost.append(f"fraction {digits}")
    if exact.offset and not near.offset:
        lost.append("the offset")
    if near.offset and not exact.offset:
        lost.append("that it had no offset of its own")
    elif near.offset and near.offset != exact.offset:
        lost.append(f"the spelling of its offset ({exact.offset})")
    return lost
