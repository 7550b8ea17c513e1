"""Writing the Z segments of one name in a document: the edits that say something new."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from sopstatus.codecs.hl7 import outline
from sopstatus.codecs.hl7.fast import plan
from sopstatus.codecs.hl7.orders import IHE_SEGMENT, Order, last_segment, orders, withdrawals
from sopstatus.codecs.hl7.outline import Message, Segment
from sopstatus.codecs.hl7.reader import Place, read
from sopstatus.codecs.hl7.segment import ZSegment
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import (
    Found,
    Members,
    members,
    pair,
    restrict,
    rolled_up,
    unsettled,
)
from sopstatus.holder import NONE_GIVEN, Company
from sopstatus.model import SOPInstance
from sopstatus.table import Attribute
from sopstatus.table.language import HOLDER_FIELD
from sopstatus.values import OFFSET_KEYWORD, context_offset, is_uid


class Writer:
    """Collects the edits that make the segments of one name say the new statements."""

    def __init__(
        self,
        data: bytes,
        found: list[Message],
        name: str,
        rows: tuple[Attribute, ...],
        position: str,
        issues: Issues,
        holders: Mapping[str, str] = NONE_GIVEN,
    ) -> None:
        self.data, self.messages, self.name, self.rows = data, found, name, rows
        self.position, self.issues = position, issues
        self.old = read(found, name, rows, Issues(issues.limits), holders)
        self.classes = {(f.instance.identity, f.instance.sop_class_uid) for f in self.old}
        self.edits: list[tuple[int, int, bytes]] = []
        self.new_segments: dict[int, list[bytes]] = {}  # by the place of insertion
        self.inserted: Counter[int] = Counter()  # by the start of the message
        self.bare = _Bare([], set())
        self.counts: dict[int, int] = {}  # of segments of this name, by the start of the message
        self.members: Members | None = None
        self.has_ipc: dict[int, bool] = {}  # by start of the message
        self.withdrawn: dict[int, Callable[[int, str], bool] | None] = {}  # by start of the message
        self.last: dict[int, Segment] = {}  # segment of a message, by its start

    def write(self, given: tuple[SOPInstance, ...], known: tuple[SOPInstance, ...]) -> None:
        """Replace, add and remove statements."""
        wanted = restrict(given, self.rows)
        pairs, added = pair(self.old, wanted, self.issues.limits)
        for found in unsettled(self.old, wanted):
            self.issues.at(f"{found.place.location}-{HOLDER_FIELD}").add("holder/compatible")
        for found, new in pairs:
            old = found.place
            if new.attributes and self._is_withdrawn(old.message, old.start, new):
                continue
            self._replace(found, new)
        if not added:
            return
        choose = _chooser(self.messages)
        plans: dict[int, tuple[Order, list[SOPInstance]]] = {}
        for instance in added:
            if not is_uid(instance.study_instance_uid):
                self.issues.at(self.name).add("hl7/no-study-uid")
            elif (order := choose(instance.study_instance_uid)) is None:
                self.issues.at(self.name).add("hl7/no-counterpart")
            elif not self._is_withdrawn(order.message, order.end - 1, instance):
                plans.setdefault(id(order), (order, []))[1].append(instance)
        if plans:
            rewritten = {id(found) for found, _ in pairs}
            self.bare = _Bare(self.old, rewritten)
        for order, statements in plans.values():
            self._add(order, statements, known)
        for place, texts in self.new_segments.items():
            self.edits.append((place, place, b"".join(texts)))

    def _is_withdrawn(self, item: Message, place: int, new: SOPInstance) -> bool:
        """Tell, with an issue, whether the message takes back what would be written here."""
        if item.start not in self.withdrawn:
            self.withdrawn[item.start] = withdrawals(item)
        taken_back = self.withdrawn[item.start]
        if taken_back is None or not taken_back(place, new.study_instance_uid):
            return False
        where = f"{item.prefix}{self.name}"
        self.issues.at(where).add("hl7/withdrawn", segment=self.name)
        return True

    def _add(
        self, order: Order, statements: list[SOPInstance], known: tuple[SOPInstance, ...]
    ) -> None:
        if not order.is_order_message:
            for statement in statements:
                wide = not statement.series_instance_uid and not statement.sop_instance_uid
                anchor = self.bare.take(statement.study_instance_uid) if wide else None
                if anchor:
                    self._replace(anchor, statement)
                else:
                    self._insert(order, statement)
            return
        inside = self.bare.between(order.start, order.end)
        where = f"{order.message.prefix}{self.name}"
        for statement in self._one_for_the_study(statements, known, where):
            study = statement.study_instance_uid
            own = [f for f in inside if f.instance.identity == statement.identity]
            mine = [f for f in own if f.instance.attributes] or [
                f for f in inside if self.bare.is_free(f) and f.instance.study_instance_uid == study
            ]
            if mine:
                self._replace(mine[0], statement)
            elif inside or order.studies - {study}:
                self.issues.at(where).add("hl7/one-per-order", kind=order.kind)
            else:
                self._insert(order, statement)

    def _one_for_the_study(
        self, statements: list[SOPInstance], known: tuple[SOPInstance, ...], where: str
    ) -> list[SOPInstance]:
        if self.members is None:
            self.members = members(known)
        rolled = rolled_up(statements, self.members)
        whole = [s for s in rolled if not s.sop_instance_uid and not s.series_instance_uid]
        if len(rolled) != 1 or len(whole) != 1:
            self.issues.at(where).add("hl7/not-for-the-study", count=len(statements))
            named = Company(one.holder for one in statements)
            if any(named.unsettles(one.holder) for one in statements):
                self.issues.at(f"{where}-{HOLDER_FIELD}").add("holder/compatible")
            return []
        if whole != statements:
            self.issues.at(where).add("hl7/rolled-up", count=len(statements))
        return whole

    def _insert(self, order: Order, statement: SOPInstance) -> None:
        item = order.message
        assert item.delimiters and item.charset
        if item.start not in self.has_ipc:
            named = item.named("IPC", item.start, item.end)
            self.has_ipc[item.start] = self.name == IHE_SEGMENT and any(named)
        if self.has_ipc[item.start]:
            # dcm4chee's stylesheet of orders takes modality and station from the later of the two
            self.issues.at(f"{item.prefix}{self.name}").add("hl7/ipc", segment=self.name)
            return
        text = plan(self.name, self.rows, item.delimiters).write(statement, item)
        if text is None:
            number = self._count(item) + self.inserted[item.start] + 1
            where = f"{item.prefix}{self.name}[{number}]"
            segment = ZSegment([self.name.encode()], item, item.delimiters, item.charset, where)
            self._fill(segment, statement, {})
            if not segment.fields[1:]:  # refused
                return
            text = segment.content()
        self.inserted[item.start] += 1
        if self.position == "message" and not order.is_order_message:
            if item.start not in self.last:
                self.last[item.start] = last_segment(item, item.start, item.end)
            anchor = self.last[item.start]
        else:
            anchor = order.anchor(self.name)
        place = self._end(anchor)
        ended = place > anchor.end
        text = text + item.terminator if ended else item.terminator + text
        self.new_segments.setdefault(place, []).append(text)

    def _count(self, item: Message) -> int:
        if item.start not in self.counts:
            self.counts[item.start] = sum(1 for _ in outline.numbered(item, self.name))
        return self.counts[item.start]

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
        self._fill(segment, new, dict(found.instance.attributes))
        text = segment.content()
        if not new.attributes:
            segment.put(HOLDER_FIELD, "")
            if new.series_instance_uid + new.sop_instance_uid and not segment.said_elsewhere():
                self.edits.append((span.start, self._end(span), b""))
                return
            text = segment.content().rstrip(segment.delimiters.field.encode())
        if text != before:
            self.edits.append((span.start, span.end, text))

    def _fill(self, segment: ZSegment, new: SOPInstance, said: dict[str, str | None]) -> None:
        wanted = dict(new.attributes)
        if wanted and not segment.fits(new):
            wanted = said = {}
        elif wanted:
            segment.put_identity(new)
        changed = [
            row
            for row in self.rows
            if (row.keyword in said) != (row.keyword in wanted)
            or said.get(row.keyword) != wanted.get(row.keyword)
        ]
        offset = next(filter(None, map(context_offset, wanted.values())), None)
        # first what goes: without a repetition character ZDS-9 has room for one text
        for row in changed:
            if row.keyword in said:
                segment.clear(row)
        if offset is None:
            segment.keep(OFFSET_KEYWORD, None)
        for row in changed:
            if row.keyword in wanted:
                segment.put_value(row, wanted[row.keyword])
        if offset is not None:
            segment.keep(OFFSET_KEYWORD, offset)
        self.issues += segment.issues
        segment.issues.clear()


class _Bare:
    """The old segments by place, and by study those that name it and say no more.

    ``rewritten`` are those, by `id`, that say something by now: they are taken.
    """

    def __init__(self, old: list[Found[Place]], rewritten: set[int]) -> None:
        self.old, self.rewritten = old, rewritten
        self.starts = [found.place.start for found in old]
        self.by_study: dict[str, deque[Found[Place]]] = {}
        for found in old:
            if self.is_free(found):
                self.by_study.setdefault(found.instance.study_instance_uid, deque()).append(found)

    def is_free(self, found: Found[Place]) -> bool:
        """Tell whether a segment names its study, said no more, and says no more now."""
        return _is_anchor(found) and id(found) not in self.rewritten

    def take(self, study: str) -> Found[Place] | None:
        """Return the next bare segment of a study, once."""
        found = self.by_study.get(study)
        return found.popleft() if found else None

    def between(self, start: int, end: int) -> list[Found[Place]]:
        """Return the old segments in a part of the document."""
        return self.old[bisect_left(self.starts, start) : bisect_left(self.starts, end)]


def _chooser(messages: list[Message]) -> Callable[[str], Order | None]:
    """Return what finds the order of a study: the last that names it, else that of the only message."""
    choices = [order for item in messages for order in orders(item)]
    if len(choices) == 1:
        return lambda study: choices[0]
    naming = {study: order for order in choices for study in order.studies}
    default: Order | None = None
    if len(messages) == 1:
        default = choices[-1]
        if not default.is_order_message:  # which order is not known
            default = replace(default, kind="")
    return lambda study: naming.get(study, default)


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
