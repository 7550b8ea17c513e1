"""Reading the Z segments of one name in a document: the quick road first, then field by field."""

from __future__ import annotations

from dataclasses import dataclass

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Message, Segment
from sopstatus.codecs.hl7_plan import plan
from sopstatus.codecs.hl7_segment import ZSegment
from sopstatus.codecs.statement import Found
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, SOPInstance
from sopstatus.table import Attribute

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
        return er7.segment_at(self.message.document, self.start, self.message.end)

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


def read(
    found: list[Message],
    name: str,
    rows: tuple[Attribute, ...],
    issues: list[Issue],
    limits: Limits = DEFAULT,
) -> list[Found[Place]]:
    """Read every segment of this name that is ours; a foreign one is an issue and stays.

    Raise `DocumentError` where there are more of ours than the limit.
    """
    statements: list[Found[Place]] = []
    for item in found:
        assert item.delimiters and item.charset
        quick, is_plain = plan(name, rows, item.delimiters), er7.is_byte_safe(item.charset)
        for index, start in enumerate(er7.starts(item, name), 1):
            place = Place(item, start, name, index)
            instance, unread = quick.read(start, item) if is_plain else None, _NOTHING_UNREAD
            if instance is None:
                segment = place.segment
                taken = _read_with_care(segment, name, rows, limits)
                issues += segment.issues
                segment.issues.clear()
                if taken is None:
                    continue
                instance, unread = taken
            statements.append(Found(instance, place, unread))
            if len(statements) > limits.statements:
                raise document_error(
                    "document/too-many-statements", place.location, limit=limits.statements
                )
    return statements


def pieces(
    found: list[Message],
    segments: dict[str, tuple[Attribute, ...]],
    issues: list[Issue],
    limits: Limits = DEFAULT,
) -> list[list[SOPInstance]]:
    """Return what the segments of each name say, in their order."""
    return [
        [place.instance for place in read(found, name, rows, issues, limits)]
        for name, rows in segments.items()
    ]


def _read_with_care(
    segment: ZSegment, name: str, rows: tuple[Attribute, ...], limits: Limits
) -> tuple[SOPInstance, frozenset[str]] | None:
    """Read a segment field by field; ``None``, and an issue, where it is not ours to read."""
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
