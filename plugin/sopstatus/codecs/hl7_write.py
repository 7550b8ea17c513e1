"""Reading and writing the Z segments of one name in a document: the edits that say something new."""

from __future__ import annotations

from typing import NamedTuple

from sopstatus.catalogue import issue
from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Message, Segment
from sopstatus.codecs.hl7_orders import TRAILERS, Order, orders
from sopstatus.codecs.hl7_segment import ZSegment
from sopstatus.codecs.statement import Found, pair, restrict, rollup
from sopstatus.model import Issue, SOPInstance
from sopstatus.table import Attribute
from sopstatus.table_language import HOLDER_FIELD
from sopstatus.values import OFFSET_KEYWORD, context_offset, is_uid


class Place(NamedTuple):
    """Where a statement stands."""

    message: Message
    span: Segment
    segment: ZSegment


def read(
    data: bytes,
    found: list[Message],
    name: str,
    rows: tuple[Attribute, ...],
    issues: list[Issue],
) -> list[Found[Place]]:
    """Read every segment of this name that is ours; a foreign one is an issue and stays."""
    statements: list[Found[Place]] = []
    for number, item in enumerate(found, 1):
        assert item.delimiters and item.charset
        prefix = f"message[{number}] " if len(found) > 1 else ""
        for index, span in er7.numbered(item, name):
            fields = er7.split(data[span.start : span.end], item.delimiters.field, item.charset)
            where = f"{prefix}{name}[{index}]"
            segment = ZSegment(fields, item, item.delimiters, item.charset, where)
            if bad := segment.undecodable():
                segment.note("hl7/undecodable", bad, charset=item.charset_term or "none")
                issues += segment.issues
                continue
            if len(fields) < 2 or not segment.is_ours():
                issues.append(issue("hl7/foreign-zds", where, segment=name))
                continue
            instance, unread = segment.decode(rows)
            issues += segment.issues
            segment.issues.clear()
            statements.append(Found(instance, Place(item, span, segment), unread))
    return statements


class Writer:
    """Collects the edits that make the segments of one name say the new statements."""

    def __init__(
        self,
        data: bytes,
        found: list[Message],
        name: str,
        rows: tuple[Attribute, ...],
        position: str,
        issues: list[Issue],
    ) -> None:
        self.data, self.messages, self.name, self.rows = data, found, name, rows
        self.position, self.issues = position, issues
        self.old = read(data, found, name, rows, [])
        self.classes = {(f.instance.identity, f.instance.sop_class_uid) for f in self.old}
        self.edits: list[tuple[int, int, bytes]] = []
        self.new_segments: dict[int, list[bytes]] = {}  # by the place of insertion

    def write(self, given: tuple[SOPInstance, ...], known: tuple[SOPInstance, ...]) -> None:
        """Replace, add and remove statements."""
        mine = [restrict(instance, self.rows) for instance in given]
        pairs, added = pair(self.old, mine)
        for found, new in pairs:
            self._replace(found, new)
        if not added:
            return
        choices = [(item, order) for item in self.messages for order in orders(self.data, item)]
        plan: dict[int, tuple[Message, Order, list[SOPInstance]]] = {}
        for instance in added:
            if not is_uid(instance.study_instance_uid):
                self.issues.append(issue("hl7/no-study-uid", self.name))
            elif (choice := self._choose(choices, instance)) is None:
                self.issues.append(issue("hl7/no-counterpart", self.name))
            else:
                plan.setdefault(id(choice[1]), (*choice, []))[2].append(instance)
        for item, order, statements in plan.values():
            self._add(item, order, statements, known)
        for place, texts in self.new_segments.items():
            self.edits.append((place, place, b"".join(texts)))

    def _choose(
        self, choices: list[tuple[Message, Order]], instance: SOPInstance
    ) -> tuple[Message, Order] | None:
        """Return the order that names the study; else the last one of the only message."""
        naming = [c for c in choices if instance.study_instance_uid in c[1].studies]
        if naming:
            return naming[-1]
        if len(self.messages) != 1:
            return None
        item, order = choices[-1]
        if len(choices) > 1 and not order.is_order_message:  # which order is not known
            return item, Order(order.segments, "", set())
        return item, order

    def _add(
        self,
        item: Message,
        order: Order,
        statements: list[SOPInstance],
        known: tuple[SOPInstance, ...],
    ) -> None:
        if order.is_order_message:
            inside = [f for f in self.old if f.place.span in order.segments]
            anchors = [f for f in inside if _is_anchor(f)]
            statements = self._one_for_the_study(statements, known)
            for statement in statements:
                mine = [f for f in anchors if _same_study(f.instance, statement)]
                if mine:
                    self._replace(mine[0], statement)
                elif inside or order.studies - {statement.study_instance_uid}:
                    self.issues.append(issue("hl7/one-per-order", self.name, kind=order.kind))
                else:
                    self._insert(item, order, statement)
            return
        for statement in statements:
            anchor = next(
                (f for f in self.old if _is_anchor(f) and _same_study(f.instance, statement)), None
            )
            if anchor and not statement.series_instance_uid and not statement.sop_instance_uid:
                self._replace(anchor, statement)
                anchor.instance = statement  # no longer bare
            else:
                self._insert(item, order, statement)

    def _one_for_the_study(
        self, statements: list[SOPInstance], known: tuple[SOPInstance, ...]
    ) -> list[SOPInstance]:
        rolled = rollup(statements, known)
        whole = [s for s in rolled if not s.sop_instance_uid and not s.series_instance_uid]
        if len(rolled) != 1 or len(whole) != 1:
            self.issues.append(issue("hl7/not-for-the-study", self.name, count=len(statements)))
            return []
        if whole != statements:
            self.issues.append(issue("hl7/rolled-up", self.name, count=len(statements)))
        return whole

    def _insert(self, item: Message, order: Order, statement: SOPInstance) -> None:
        assert item.delimiters and item.charset
        if self.position == "message" and not order.is_order_message:
            last = [s for s in item.segments if s.name not in TRAILERS]
            anchor = last[-1]
        else:
            anchor = order.anchor(self.name)
        number = sum(s.name == self.name for s in item.segments) + 1
        number += sum(len(texts) for texts in self.new_segments.values())
        segment = ZSegment(
            [self.name.encode()], item, item.delimiters, item.charset, f"{self.name}[{number}]"
        )
        self._fill(segment, statement, {})
        if not segment.fields[1:]:  # refused
            return
        text = segment.content()
        place = self._end(anchor)
        ended = place > anchor.end
        text = text + item.terminator if ended else item.terminator + text
        self.new_segments.setdefault(place, []).append(text)

    def _end(self, span: Segment) -> int:
        """Return the end of a segment with its terminator; an MLLP end of block is none."""
        return span.after if self.data[span.end : span.end + 1] in (b"\r", b"\n") else span.end

    def _replace(self, found: Found[Place], new: SOPInstance) -> None:
        # where a segment repeats another, one of them may leave the SOP Class UID to the other
        class_is_said = (
            not new.sop_class_uid
            or new.sop_class_uid == found.instance.sop_class_uid
            or (new.identity, new.sop_class_uid) in self.classes
        )
        if found.says(new) and class_is_said:
            return
        span, segment = found.place.span, found.place.segment
        before = segment.content()
        self._fill(segment, new, dict(found.instance.attributes), found.unread)
        text = segment.content()
        if not new.attributes:
            segment.put(HOLDER_FIELD, "")
            if new.series_instance_uid + new.sop_instance_uid and not segment.said_elsewhere():
                self.edits.append((span.start, self._end(span), b""))
                return
            text = segment.content().rstrip(segment.delimiters.field.encode())
        if text != before:
            self.edits.append((span.start, span.end, text))

    def _fill(
        self,
        segment: ZSegment,
        new: SOPInstance,
        said: dict[str, str | None],
        unread: frozenset[str] = frozenset(),
    ) -> None:
        wanted = dict(new.attributes)
        if wanted and not segment.fits(new):
            wanted = said = {}
        elif wanted:
            segment.put_identity(new)
        for row in self.rows:
            if row.keyword in wanted:
                if row.keyword not in said or said[row.keyword] != wanted[row.keyword]:
                    segment.put_value(row, wanted[row.keyword])
            elif row.keyword in said:
                segment.clear(row)
        offset = next(filter(None, map(context_offset, wanted.values())), None)
        segment.keep(OFFSET_KEYWORD, offset)
        self.issues += segment.issues
        segment.issues.clear()


def _is_anchor(found: Found[Place]) -> bool:
    """Tell an IHE ZDS that names its study and says no more."""
    instance = found.instance
    return not (
        instance.attributes
        or instance.series_instance_uid
        or instance.sop_instance_uid
        or instance.holder
        or found.unread
    )


def _same_study(a: SOPInstance, b: SOPInstance) -> bool:
    return a.study_instance_uid == b.study_instance_uid
