"""What `explain` finds in DICOM JSON, Mirth's XML and HealthImaging metadata: values and their places, no spans."""

from __future__ import annotations

from sopstatus.codecs import codec
from sopstatus.documents.description import RETRIEVE, holders_in
from sopstatus.documents.opened import Opened
from sopstatus.explain.document import Place, Reading, Slot, held_by
from sopstatus.explain.model import Source, Untouched
from sopstatus.table import MappingTable
from sopstatus.values import context_offset


def read(opened: Opened, tables: MappingTable) -> Reading:
    """Find the statement of every data set of the document."""
    reading = Reading()
    name = opened.format
    assert name in ("dicom-json", "dicom-xml", "healthimaging")
    for one in codec(name, tables=tables).data_sets(opened.document):
        slots = []
        for keyword, value in one.instance.attributes:
            row = tables.attributes[keyword]
            slot = Slot(row, value, one.place_of(row), Source(one.place_of(row)), value or "")
            if value is None:
                slot.note("emptied: zero length")
            if offset := context_offset(value):
                slot.note("has no offset; (0008,0201) tells it", offset)
            slots.append(slot)
        if not slots:
            where = Source(one.where)
            reading.untouched.append(Untouched(where, "an instance of which nothing is said"))
        reading.places.append(Place(opened.format, one.where, one.instance, slots))
    if name == "dicom-json":
        why, named = held_by(" and ".join(RETRIEVE.values())), holders_in(opened.document)
        reading.untouched += [
            Untouched(Source(place.path), why, detail=holder)
            for place in reading.places
            if (holder := named.get(place.instance.sop_instance_uid))
        ]
    return reading
