"""What `explain` finds in a data set: elements, each with the span of its value."""

from __future__ import annotations

from sopstatus import values
from sopstatus.codecs import character_set, dicom_read
from sopstatus.codecs.dicom import DICOMCodec
from sopstatus.codecs.dicom_plan import plan
from sopstatus.codecs.dicom_read import Elements
from sopstatus.codecs.part10_plan import Plan
from sopstatus.explain.document import Opened, Place, Reading, Slot, off, switched_off, tag_text
from sopstatus.explain.model import DOCUMENT, INFLATED, Source, Untouched
from sopstatus.model import DocumentError, Issue, Value
from sopstatus.table import Attribute, MappingTable


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find the statement of a data set, and what is left alone beside it."""
    reading = Reading()
    rows = list(tables.attributes.values())
    elements = dicom_read.read(opened.document, plan(tuple(rows)).walk)
    stated = DICOMCodec(tables).decode(opened.document).value
    instance = stated[0] if stated else dicom_read.identity(elements, [])
    slots = []
    for row in rows:
        issues: list[Issue] = []
        own = dicom_read.value(elements, row, issues)
        if own:
            slots.append(_slot(elements, row, dict(instance.attributes)[row.keyword]))
        elif elements.get(row.tag) is not None:
            codes = [i.code for i in issues]
            source = _source(elements, row.tag)
            why = f"{row.keyword} cannot be read"
            code = "dicom/undecodable" if "dicom/undecodable" in codes else ""
            reading.untouched.append(Untouched(source, why, code))
    if not slots:
        source = _source(elements, dicom_read.SOP_INSTANCE)
        reading.untouched.append(Untouched(source, "an instance of which nothing is said"))
    for found in dicom_read.nooks(elements, rows):
        why = "states nothing where it stands"
        reading.untouched.append(Untouched(Source(found.location), why, found.code))
    reading.places.append(Place("dicom", "(0008,0018)", instance, slots))
    reading.untouched += _switched_off(opened, tables)
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
    terms = elements.terms(row.vr)
    text = found
    if isinstance(found, bytes):
        text = character_set.decode(found, terms)
    slot = Slot(row, value, tag_text(row.tag), _source(elements, row.tag), str(text or ""))
    if isinstance(found, bytes) and (not found.isascii() or b"\x1b" in found):
        named = " and ".join(term or "ISO_IR 6" for term in terms)
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


def _switched_off(opened: Opened, tables: MappingTable) -> list[Untouched]:
    groups = switched_off(tables)
    tags = [row.tag for group in groups for row in group.attributes]
    if not tags:
        return []
    known = {row.tag for row in tables.attributes.values()}
    try:  # these may lie behind what decoding has to read, and there the file may be broken
        elements = dicom_read.read(opened.document, Plan(tags))
        return [
            Untouched(_source(elements, row.tag), off(group))
            for group in groups
            for row in group.attributes
            if row.tag not in known and elements.get(row.tag) is not None
        ]
    except DocumentError:
        return []
