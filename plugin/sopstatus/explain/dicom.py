"""What `explain` finds in a data set: elements, each with the span of its value."""

from __future__ import annotations

from sopstatus import values
from sopstatus.codecs.dicom import DICOMCodec
from sopstatus.codecs.dicom import elements as dicom_elements
from sopstatus.codecs.dicom.elements import Elements
from sopstatus.codecs.dicom.fast import plan
from sopstatus.codecs.shared.data_set import SOP_INSTANCE
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.documents.description import RETRIEVE
from sopstatus.documents.opened import Opened
from sopstatus.explain.document import Place, Reading, Slot, held_by, off, switched_off
from sopstatus.explain.model import DOCUMENT, INFLATED, Source, Untouched
from sopstatus.model import DocumentError, Value
from sopstatus.table import Attribute, MappingTable
from sopstatus.values import tag_text


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find the statement of a data set, and what is left alone beside it."""
    reading = Reading()
    rows = tuple(tables.attributes.values())
    elements = dicom_elements.read(opened.document, plan(rows))
    stated = DICOMCodec(tables).decode(opened.document).value
    instance = stated[0] if stated else elements.identity(Issues())
    slots, said = [], dict(instance.attributes)
    for row in rows:
        issues = Issues()
        own = elements.value(row, issues)
        if own and row.keyword in said:
            slots.append(_slot(elements, row, said[row.keyword]))
        elif elements.get(row.tag) is not None:
            codes = [i.code for i in (*issues, *elements.repeated())]
            source = _source(elements, row.tag)
            why = f"{row.keyword} cannot be read"
            code = next((c for c in ("dicom/undecodable", "dicom/repeated") if c in codes), "")
            reading.untouched.append(Untouched(source, why, code))
    if not slots:
        source = _source(elements, SOP_INSTANCE)
        reading.untouched.append(Untouched(source, "an instance of which nothing is said"))
    for found in elements.hidden():
        why = "states nothing where it stands"
        reading.untouched.append(Untouched(Source(found.location), why, found.code))
    reading.places.append(Place("dicom", "(0008,0018)", instance, slots))
    reading.untouched += [*_held_by(opened), *_switched_off(opened, tables)]
    return reading


def _source(elements: Elements, tag: int) -> Source:
    walked = elements.walked
    found = walked.elements.get(tag) if walked else None
    if walked is None or found is None:
        return Source(tag_text(tag))
    of = INFLATED if walked.deflated else DOCUMENT
    return Source(tag_text(tag), found.value, found.end, of)


def _slot(elements: Elements, row: Attribute, value: Value) -> Slot:
    found = elements.get(row.tag)
    text = elements.text(row.tag, row.vr) or ""
    slot = Slot(row, value, tag_text(row.tag), _source(elements, row.tag), text)
    if isinstance(found, bytes) and (not found.isascii() or b"\x1b" in found):
        named = " and ".join(term or "ISO_IR 6" for term in elements.terms(row.vr))
        slot.note(f"read as {named or 'ISO 8859-1, for (0008,0005) says nothing'}")
    walked = elements.walked
    element = walked.elements.get(row.tag) if walked else None
    if element and element.vr not in ("", row.vr):
        slot.note(f"written as {element.vr}, read as {row.vr}")
    if value is None:
        slot.note("emptied: zero length" if not text else "emptied: nothing but padding")
    elif slot.text != value:
        slot.note("padding dropped")
    if offset := values.context_offset(value):
        slot.note("has no offset; (0008,0201) tells it", offset)
    return slot


def _held_by(opened: Opened) -> list[Untouched]:
    """Return where the data set says that its copy can be had: not read unless a scan is told to."""
    try:
        elements = dicom_elements.read(opened.document, plan((), tuple(RETRIEVE)))
    except DocumentError:
        return []
    return [
        Untouched(_source(elements, tag), held_by(name), detail=elements.plain(tag))
        for tag, name in RETRIEVE.items()
        if elements.get(tag) is not None
    ]


def _switched_off(opened: Opened, tables: MappingTable) -> list[Untouched]:
    groups = switched_off(tables)
    rows = tuple(row for group in groups for row in group.attributes)
    if not rows:
        return []
    known = {row.tag for row in tables.attributes.values()}
    try:  # these may lie behind what decoding has to read, and there the file may be broken
        elements = dicom_elements.read(opened.document, plan(rows))
        return [
            Untouched(_source(elements, row.tag), off(group))
            for group in groups
            for row in group.attributes
            if row.tag not in known and elements.get(row.tag) is not None
        ]
    except DocumentError:
        return []
