"""What `explain` finds in FHIR: slices of our extensions, each with its span in the JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sopstatus import values
from sopstatus.codecs import fhir_extension as ext
from sopstatus.codecs.fhir_elements import Element, elements
from sopstatus.explain.document import Opened, Place, Reading, Slot, counter, off, switched_off
from sopstatus.explain.json_spans import Path, Span, spans
from sopstatus.explain.model import Source, Untouched
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute, Group, MappingTable, older_keywords
from sopstatus.table_language import HOLDER_SLICE, VERBATIM_SLICE

_VALUE = {"code": "valueCode", "dateTime": "valueDateTime", "string": "valueString"}
_Kept = dict[str, tuple[Path, str, Value]]


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find every statement in the extensions, and what is left alone beside them."""
    document = opened.document
    if not isinstance(document, dict):
        from sopstatus.codecs import fhir_models

        document = fhir_models.as_dict(document)[0]
    if opened.data is None:
        return _Reader(document, tables, lambda path: None).read()
    wanted: list[Path] = []
    _Reader(document, tables, wanted.append).read()  # first what to look for, then where it is
    found, unit = spans(opened.data, wanted), counter(opened)
    places = {path: (unit(start), unit(end)) for path, (start, end) in found.items()}
    escaped = {path for path, (start, end) in found.items() if b"\\" in opened.data[start:end]}
    return _Reader(document, tables, places.get, escaped).read()


class _Reader:
    """Collects what is found in one document."""

    def __init__(
        self,
        document: dict[str, Any],
        tables: MappingTable,
        where: Callable[[Path], Span | None],
        escaped: Collection[Path] = (),
    ) -> None:
        self.tables, self.where, self.reading = tables, where, Reading()
        self.elements, self.kind = elements(document, []), str(document["resourceType"])
        self.escaped = escaped

    def read(self) -> Reading:
        """Go over all elements, group by group as the codec does."""
        said: set[tuple[str, str, str]] = set()
        for group in self.tables.groups:
            for element in self.elements:
                for index, extension in enumerate(element.extensions()):
                    if isinstance(extension, dict) and extension.get("url") == group.extension:
                        path = (*element.path, "extension", index)
                        instance = self._statement(group, element, path, extension)
                        if instance.attributes:
                            said.add(element.key())
        self._silent(said)
        self._foreign()
        return self.reading

    def source(self, path: Path) -> Source:
        """Make the place of a JSON value, written as FHIR writes it."""
        return Source(self._text(path), *(self.where(path) or ()))

    def _text(self, path: Path) -> str:
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        return self.kind + "".join(steps)

    def leave(self, path: Path, why: str, code: str = "", detail: str = "") -> None:
        """Note what is not touched."""
        self.reading.untouched.append(Untouched(self.source(path), why, code, detail))

    def _statement(
        self, group: Group, element: Element, path: Path, extension: dict[str, Any]
    ) -> SOPInstance:
        issues: list[Issue] = []
        said = ext.read(extension, group, self._text(path), issues)
        stated = dict(said.attributes)
        inner = extension.get("extension")
        slices = [
            ((*path, "extension", index), item)
            for index, item in enumerate(inner if isinstance(inner, list) else ())
        ]
        kept = self._verbatim(slices)
        made = []
        for row in group.attributes:
            own = [(p, i) for p, i in slices if isinstance(i, dict) and i.get("url") == row.slice]
            if row.keyword in stated:
                made.append(self._slot(row, stated[row.keyword], path, own, kept))
            elif row.keyword in said.unread:
                code = next((i.code for i in issues if i.location == self._text(own[0][0])), "")
                self.leave(own[0][0], f"{row.keyword} cannot be read", code)
        known = {row.slice for row in group.attributes} | {HOLDER_SLICE, VERBATIM_SLICE}
        for where, item in slices:
            url = item.get("url") if isinstance(item, dict) else None
            if not isinstance(url, str):
                self.leave(where, "is no slice", "fhir/malformed")
            elif url not in known:
                self.leave(where, "the tables have no such slice", "fhir/unknown-slice", url)
        base = element.identity()
        uids = (base.study_instance_uid, base.series_instance_uid, base.sop_class_uid)
        instance = SOPInstance(*uids, base.sop_instance_uid, said.holder, said.attributes)
        if not instance.attributes and not said.unread:
            self.leave(path, "is ours and states nothing")
        self.reading.places.append(Place(group.name, element.location, instance, made))
        return instance

    def _verbatim(self, slices: list[tuple[Path, Any]]) -> _Kept:
        """Return place, text and value of every readable verbatim slice, by keyword."""
        kept: _Kept = {}
        older = older_keywords(self.tables.attributes.values())
        for path, item in slices:
            if not isinstance(item, dict) or item.get("url") != VERBATIM_SLICE:
                continue
            text = item.get("valueString")
            entry = values.parse_verbatim(text, older) if isinstance(text, str) else None
            if entry is None:
                self.leave(path, "is no Keyword=<JSON string>", "fhir/verbatim-malformed")
                continue
            if entry[0] not in self.tables.attributes:
                self.leave(path, "is about no attribute that is switched on", detail=entry[0])
            kept.setdefault(entry[0], ((*path, "valueString"), str(text), entry[1]))
        return kept

    def _slot(
        self,
        row: Attribute,
        value: Value,
        path: Path,
        own: list[tuple[Path, Any]],
        kept: _Kept,
    ) -> Slot:
        slot = Slot(row, value, self._text(path))
        if own:
            where = (*own[0][0], _VALUE[row.fhir_type])
            slot.source = self.source(where)
            slot.text = own[0][1][where[-1]]
            slot.path = self._text(own[0][0])
            if where in self.escaped:
                slot.note("JSON escapes undone")
            _notes(slot)
        if row.keyword in kept:
            where, slot.verbatim, exact = kept[row.keyword]
            slot.verbatim_source = self.source(where)
            slot.note(
                f'emptied by {row.keyword}=""'
                if value is None
                else f"exact text of {slot.verbatim_source.path.partition('.')[2]} preferred"
                if exact == value
                else "the verbatim slice contradicts this one, which wins"
            )
        if offset := values.context_offset(value):
            slot.note("DICOM has it without an offset; the dateTime tells it", offset)
        return slot

    def _silent(self, said: set[tuple[str, str, str]]) -> None:
        for element in self.elements:
            if element.sop_instance_uid and element.key() not in said:
                study, series = element.study_instance_uid, element.series_instance_uid
                wide = (study, "", "") in said or (study, series, "") in said
                more = "; what is said of its series or study holds" if wide else ""
                self.leave(element.path, f"an instance of which nothing is said{more}")

    def _foreign(self) -> None:
        groups = {group.extension: group for group in switched_off(self.tables)}
        for element in self.elements:
            for index, extension in enumerate(element.extensions()):
                path = (*element.path, "extension", index)
                url = extension.get("url") if isinstance(extension, dict) else None
                if url in self.tables.extensions:
                    continue
                if isinstance(url, str) and url in groups:
                    self.leave(path, off(groups[url]))
                elif isinstance(url, str):
                    self.leave(path, "an extension of another canonical URL", detail=url)
                else:
                    self.leave(path, "an extension without a URL")


def _notes(slot: Slot) -> None:
    """Tell what was done to the value of a slice."""
    row, text = slot.row, slot.text or ""
    if row.vr == "CS":
        slot.note_code(text, row.from_fhir)
    elif row.vr == "DT":
        fraction = text.partition(".")[2].rstrip("Z").partition("+")[0].partition("-")[0]
        if len(fraction) > 6:
            slot.note("fraction cut to the 6 digits of a DT")
