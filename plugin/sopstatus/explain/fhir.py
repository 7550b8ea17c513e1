"""What `explain` finds in FHIR: slices of our extensions, each with its span in the JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sopstatus import values
from sopstatus.codecs.fhir import extension as ext
from sopstatus.codecs.fhir.elements import Element, elements
from sopstatus.codecs.fhir.value import VALUE, text_of
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.documents.opened import Opened
from sopstatus.explain.document import Place, Reading, Slot, counter, off, switched_off
from sopstatus.explain.json_spans import Path, Span, spans
from sopstatus.explain.model import Source, Untouched
from sopstatus.holder import NOBODY
from sopstatus.model import SOPInstance, Value
from sopstatus.table import Attribute, Group, MappingTable, older_keywords
from sopstatus.table.language import RESERVED_SLICES, VERBATIM_SLICE, VERBATIM_VALUE

_Kept = dict[str, tuple[Path, str, Value]]


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find every statement in the extensions, and what is left alone beside them."""
    document = opened.document
    if not isinstance(document, dict):
        from sopstatus.codecs.fhir import models as fhir_models

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
        self.elements, self.kind = elements(document, Issues()), str(document["resourceType"])
        self.escaped = escaped

    def read(self) -> Reading:
        """Go over all elements, group by group as the codec does."""
        said: set[tuple[str, str, str]] = set()
        for row in self.tables.simple:
            said |= {element.key() for element in self.elements if self._simple(row, element)}
        for group in self.tables.complex:
            for element in self.elements:
                for index, extension in enumerate(element.extensions()):
                    if isinstance(extension, dict) and extension.get("url") == group.extension:
                        path = (*element.path, "extension", index)
                        if back := element.withdrawal:
                            self.leave(path, f"is taken back: {back.reason}", "fhir/withdrawn")
                            continue
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
        issues = Issues()
        said = ext.read(extension, group, issues.at(self._text(path)))
        stated = dict(said.attributes)
        inner = extension.get("extension")
        slices = [
            ((*path, "extension", index), item)
            for index, item in enumerate(inner if isinstance(inner, list) else ())
        ]
        kept = self._verbatim(slices)
        made = []
        for row in group.slices:
            own = [(p, i) for p, i in slices if isinstance(i, dict) and i.get("url") == row.slice]
            if row.keyword in stated:
                made.append(self._slot(row, stated[row.keyword], group, path, own, kept))
            elif row.keyword in said.unread:
                code = next((i.code for i in issues if i.location == self._text(own[0][0])), "")
                self.leave(own[0][0], f"{row.keyword} cannot be read", code)
        known = {row.slice for row in group.slices} | {*RESERVED_SLICES}
        for where, item in slices:
            url = item.get("url") if isinstance(item, dict) else None
            if not isinstance(url, str):
                self.leave(where, "is not a slice", "fhir/malformed")
            elif url not in known:
                self.leave(where, "the tables have no such slice", "fhir/unknown-slice", url)
        instance = SOPInstance(*element.identity().uids, said.holder, said.attributes)
        if not instance.attributes and not said.unread:
            self.leave(path, "is ours and states nothing")
        self.reading.places.append(Place(group.name, element.location, instance, made))
        return instance

    def _simple(self, row: Attribute, element: Element) -> bool:
        """Note the value of simple extensions on an element, and tell whether there is one."""
        at = (*element.path, "extension")
        own = [
            ((*at, index), one)
            for index, one in enumerate(element.extensions())
            if isinstance(one, dict) and one.get("url") == row.extension
        ]
        if not own or element.context not in row.contexts:
            return False
        if back := element.withdrawal:
            self.leave(own[0][0], f"is taken back: {back.reason}", "fhir/withdrawn")
            return False
        issues, group = Issues(), self.tables.extensions[row.extension]
        found = [(issues.at(self._text(path)), one) for path, one in own]
        value = ext.read_row(row, found, {}, issues, group)
        if value is ext.UNREAD or not value:
            code = next((one.code for one in issues), "")
            self.leave(own[0][0], f"{row.keyword} cannot be read", code)
            return False
        instance = element.stated(NOBODY, ((row.keyword, value),))
        slot = self._slot(row, value, group, own[0][0], own, {})
        self.reading.places.append(Place(row.extension, element.location, instance, [slot]))
        return True

    def _verbatim(self, slices: list[tuple[Path, Any]]) -> _Kept:
        """Return place, text and value of every readable verbatim slice, by keyword."""
        kept: _Kept = {}
        older = older_keywords(self.tables.attributes.values())
        for path, item in slices:
            if not isinstance(item, dict) or item.get("url") != VERBATIM_SLICE:
                continue
            entry = ext.verbatim_entry(item)
            if entry is None:
                self.leave(path, "is not Keyword=<JSON string>", "fhir/verbatim-malformed")
                continue
            keyword = older.get(entry[0], entry[0])
            if keyword not in self.tables.attributes:
                self.leave(path, "is about no attribute that is switched on", detail=keyword)
            parts = [part.get("url") for part in item["extension"]]
            where = (*path, "extension", parts.index(VERBATIM_VALUE), "valueString")
            text = values.verbatim(*entry)
            kept.setdefault(keyword, (where, text, entry[1]))
        return kept

    def _slot(
        self,
        row: Attribute,
        value: Value,
        group: Group,
        path: Path,
        own: list[tuple[Path, Any]],
        kept: _Kept,
    ) -> Slot:
        slot = Slot(row, value, self._text(path))
        if own:
            at, item = own[0]
            key = VALUE[row.fhir_type]
            where, slot.text = (*at, key), text_of(row, item.get(key))
            if slot.text is None and (other := ext.coded(item, group)):
                where, slot.text = (*at, *other[0]), other[1]
            slot.source = self.source(where)
            slot.path = self._text(own[0][0])
            if len(own) > 1:
                slot.note("several slices are several values")
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
        groups = {group.extension: group for group in switched_off(self.tables) if group.slices}
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
