"""Reading the Z segments of one name in a document: the quick road first, then field by field."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.hl7.fast import plan
from sopstatus.codecs.hl7.orders import withdrawals
from sopstatus.codecs.hl7.outline import Message, Segment
from sopstatus.codecs.hl7.segment import ZSegment
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Found, are_distinct, contradicting
from sopstatus.holder import NONE_GIVEN, resolve
from sopstatus.limits import Limits
from sopstatus.model import SOPInstance
from sopstatus.table import Attribute, MappingTable

_NOTHING_UNREAD: frozenset[str] = frozenset()


@dataclass(slots=True)
class Place:
    """Where a statement stands; its fields are cut when somebody asks for them."""

    message: Message
    start: int
    name: str
    number: int
    _segment: ZSegment | None = None

    @property
    def location(self) -> str:
        """The segment as an issue names it."""
        return f"{self.message.prefix}{self.name}[{self.number}]"

    @property
    def span(self) -> Segment:
        """The line."""
        return self.message.segment_at(self.start)

    @property
    def segment(self) -> ZSegment:
        """The segment, field by field."""
        if self._segment is None:
            item, span = self.message, self.span
            assert item.delimiters and item.charset
            raw = item.document[span.start : span.end]
            fields = er7.split(raw, item.delimiters.field, item.charset)
            self._segment = ZSegment(fields, item, item.delimiters, item.charset, self.location)
        return self._segment


_Read = tuple[SOPInstance, frozenset[str], Message, int, int]
"""A statement, what could not be read of it, its message, the place in it, its number among those."""


def read(
    found: list[Message],
    name: str,
    rows: tuple[Attribute, ...],
    issues: Issues,
    holders: Mapping[str, str] = NONE_GIVEN,
) -> list[Found[Place]]:
    """Read every segment of this name that is ours; a foreign one is an issue and stays.

    ``holders`` is what the site says of bare AE Titles. Raise `DocumentError` where there are more
    of ours than the limit.
    """
    return _placed(list(_every(found, name, rows, issues, holders)), name, issues)


def _placed(every: list[_Read], name: str, issues: Issues) -> list[Found[Place]]:
    statements = [
        Found(instance, Place(item, start, name, number), unread)
        for instance, unread, item, start, number in every
    ]
    for found_twice in contradicting(statements):
        issues.at(found_twice.place.location).add("document/contradiction")
    return statements


def _every(
    found: list[Message],
    name: str,
    rows: tuple[Attribute, ...],
    issues: Issues,
    holders: Mapping[str, str],
) -> Iterator[_Read]:
    limits, count = issues.limits, 0
    for item in found:
        assert item.delimiters and item.charset
        is_plain = er7.is_byte_safe(item.charset)
        quick = plan(name, rows, item.delimiters).reader(item) if is_plain else None
        taken_back: Callable[[int, str], bool] | None = None
        is_known = False
        for number, start in enumerate(outline.starts(item, name), 1):
            instance, unread = quick(start) if quick else None, _NOTHING_UNREAD
            if instance is None:
                place = Place(item, start, name, number)
                taken = _read_with_care(place, rows, limits)
                issues += place.segment.issues
                if taken is None:
                    continue
                instance, unread = taken
            if holders:
                instance = replace(instance, holder=resolve(instance.holder, holders))
            if instance.attributes or unread:
                if not is_known:
                    taken_back, is_known = withdrawals(item), True
                if taken_back is not None and taken_back(start, instance.study_instance_uid):
                    where = Place(item, start, name, number).location
                    issues.at(where).add("hl7/withdrawn", segment=name)
                    continue
            yield instance, unread, item, start, number
            count += 1
            if count > limits.statements:
                where = Place(item, start, name, number).location
                raise document_error("document/too-many-statements", where, limit=limits.statements)


def pieces(found: list[Message], tables: MappingTable, issues: Issues) -> list[list[SOPInstance]]:
    """Return what the segments of each name say, in their order."""
    said = []
    for name, rows in tables.segments.items():
        every = list(_every(found, name, rows, issues, tables.holders))
        said.append([one[0] for one in every])
        if not are_distinct(said[-1]):
            _placed(every, name, issues)  # tells where they contradict each other
        for item in found:
            near_misses(item, name, issues)
    return said


def near_misses(item: Message, name: str, issues: Issues) -> None:
    """Report each segment that would be ours except for the spelling of its name."""
    assert item.delimiters and item.charset
    mark, document = item.delimiters.field, item.document
    quick, careful = _near(name, mark)
    if not any(document.find(text, item.start, item.end) >= 0 for text in quick):
        return
    starts: list[int] = []
    for match in careful.finditer(document, item.start, item.end):
        start, written = match.start(1), match[1].decode()
        if written == name or (item.only_cr and match[0][:1] == b"\n"):  # there, LF is text
            continue
        fields = er7.split(document[start : item.segment_at(start).end], mark, item.charset)
        segment = ZSegment(fields, item, item.delimiters, item.charset, "")
        if not segment.undecodable() and segment.is_ours():
            starts = starts or [one.start for one in item.segments]
            where = f"{item.prefix}segment[{bisect_right(starts, start)}]"
            issues.at(where).add("hl7/looks-like", segment=name)


@lru_cache(maxsize=64)
def _near(name: str, mark: str) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """Return what is quick to look for, and what a name that is misspelt looks like."""
    texts = (f" {name}{mark}", f"\t{name}{mark}", f"{name} {mark}", name.lower(), name.title())
    careful = rf"(?:\r\n|\r|\n)([ \t]*(?i:{name})[ \t]*)(?={re.escape(mark)})"
    return tuple(text.encode() for text in texts), re.compile(careful.encode())


def _read_with_care(
    place: Place, rows: tuple[Attribute, ...], limits: Limits
) -> tuple[SOPInstance, frozenset[str]] | None:
    """Read a segment field by field; ``None``, and an issue, where it is not ours to read."""
    segment, name, span = place.segment, place.name, place.span
    if place.message.hidden(span.start, span.end) >= 0:
        return None  # an issue of the message: its fields may be those of two segments
    if bad := segment.undecodable():
        segment.note("hl7/undecodable", bad, charset=segment.message.charset_term or "none")
        return None
    if len(segment.fields) < 2 or not segment.is_ours():
        segment.issues.append(issue("hl7/foreign-zds", segment.location, segment=name))
        return None
    if crowded := segment.crowded(rows, limits.repetitions):
        segment.note("hl7/too-many-repetitions", crowded, limit=limits.repetitions)
        return None
    return segment.decode(rows)
