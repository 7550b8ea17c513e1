"""HL7 v2 ER7: statements in the Z segments of any message, as bytes in and bytes out.

``decode`` reads every Z segment of ours, ``encode`` splices what differs into the bytes as they
came; everything else, foreign Z segments included, stays byte for byte. Text (``str``), hl7apy and
python-hl7 messages go in too and come out as what they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Message, Segment
from sopstatus.codecs.hl7_orders import Order, orders
from sopstatus.codecs.hl7_segment import ZSegment
from sopstatus.codecs.statement import Found, merge, pair, restrict, rollup, unmapped
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import Attribute, MappingTable
from sopstatus.table_language import HOLDER_FIELD
from sopstatus.values import OFFSET_KEYWORD, context_offset, is_uid


class _Place(NamedTuple):
    message: Message
    span: Segment
    segment: ZSegment


@dataclass(frozen=True, slots=True)
class HL7Codec:
    """Statements in HL7 v2 messages."""

    tables: MappingTable

    def decode(self, document: Any) -> Result[tuple[SOPInstance, ...]]:
        """Read what the document's Z segments say; raise `DocumentError` where it has no MSH."""
        data, charset, _ = _as_bytes(document)
        issues: list[Issue] = []
        found = _messages(data, charset, issues)
        pieces = []
        for name, rows in self.tables.segments.items():
            places = _read(data, found, name, rows, issues)
            pieces.append([place.instance for place in places])
        return Result(merge(pieces), tuple(issues))

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List what the document's Z segments are about, said about or not."""
        data, charset, _ = _as_bytes(document)
        found = _messages(data, charset, [])
        known = [
            replace(place.instance, holder="", attributes=())
            for name, rows in self.tables.segments.items()
            for place in _read(data, found, name, rows, [])
        ]
        return tuple(dict.fromkeys(known))

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
    ) -> Result[Any]:
        """Write statements into a message and return the new one.

        ``known`` lists the instances that the source knows, so that an order message, which takes
        one ZDS an order, gets a statement about the study only where it is true of all of them.
        """
        given = tuple(instances)
        if into is None:
            into = message(given)
        data, charset, back = _as_bytes(into)
        issues = unmapped(given, self.tables)
        found = _messages(data, charset, issues)
        for name, rows in self.tables.segments.items():
            writer = _Writer(data, found, name, rows, self.tables.site.hl7_position, issues)
            writer.write(given, tuple(known) or given)
            data = er7.splice(data, writer.edits)
            found = _messages(data, charset, []) if writer.edits else found
        return Result(back(data), tuple(issues))

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> bytes:
        """Return the smallest message that can hold statements about these instances."""
        return message(tuple(known))


def message(
    instances: Iterable[SOPInstance] = (), *, time: str = "", control_id: str = ""
) -> bytes:
    """Make the smallest ORU^R01 (2.5.1, UTF-8) about the study of these instances.

    It holds no patient: put statements into a message of your own where there is one. ``time`` is
    MSH-7 (default: now), ``control_id`` MSH-10 (default: made from the UIDs).
    """
    given = tuple(instances)
    study = next((i.study_instance_uid for i in given if i.study_instance_uid), "")
    time = time or datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    names = "\n".join(uid for i in given for uid in i.identity)
    control_id = control_id or hashlib.sha256(names.encode()).hexdigest()[:20].upper()
    lines = [
        f"MSH|^~\\&|SOPSTATUS||||{time}||ORU^R01^ORU_R01|{control_id}|P|2.5.1||||||UNICODE UTF-8",
        "PID|||",
        "OBR|1|||18748-4^Diagnostic imaging study^LN|||||||||||||||||||||F",
    ]
    if is_uid(study):
        lines.append(f"OBX|1|ST|113014^DICOM Study^DCM||{study}||||||F")
    return "".join(line + "\r" for line in lines).encode()


def _as_bytes(document: Any) -> tuple[bytes, str, Any]:
    """Return the document's bytes, a character set that overrules MSH-18, and the way back."""
    if isinstance(document, bytes | bytearray | memoryview):
        return bytes(document), "", bytes
    if isinstance(document, str):
        text = document.encode("utf-8", "surrogatepass")
        return text, "utf-8", lambda data: data.decode("utf-8", "surrogatepass")
    if type(document).__module__.partition(".")[0] in ("hl7apy", "hl7"):
        from sopstatus.codecs import hl7_objects

        text, back = hl7_objects.text_of(document)
        return text.encode("utf-8"), "utf-8", lambda data: back(data.decode("utf-8"))
    raise document_error("document/unknown-type", "", type=type(document).__name__)


def _messages(data: bytes, charset: str, issues: list[Issue]) -> list[Message]:
    if not data.strip():
        raise document_error("document/empty", "")
    found = er7.messages(data, charset)
    if not found:
        raise document_error("hl7/no-msh", "")
    usable = []
    for number, item in enumerate(found, 1):
        where = f"message[{number}] MSH" if len(found) > 1 else "MSH"
        if item.delimiters is None:
            issues.append(issue("hl7/encoding-characters", f"{where}-2"))
        elif item.charset is None:
            issues.append(issue("hl7/charset-unsupported", f"{where}-18"))
        else:
            usable.append(item)
    return usable


def _read(
    data: bytes,
    found: list[Message],
    name: str,
    rows: tuple[Attribute, ...],
    issues: list[Issue],
) -> list[Found[_Place]]:
    statements: list[Found[_Place]] = []
    for number, item in enumerate(found, 1):
        assert item.delimiters and item.charset
        prefix = f"message[{number}] " if len(found) > 1 else ""
        for index, span in er7.numbered(item, name):
            fields = er7.split(data[span.start : span.end], item.delimiters.field, item.charset)
            where = f"{prefix}{name}[{index}]"
            segment = ZSegment(fields, item, item.delimiters, item.charset, where)
            if len(fields) < 2 or not segment.is_ours():
                issues.append(issue("hl7/foreign-zds", where, segment=name))
                continue
            instance, unread = segment.decode(rows)
            issues += segment.issues
            segment.issues.clear()
            statements.append(Found(instance, _Place(item, span, segment), unread))
    return statements


class _Writer:
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
        self.old = _read(data, found, name, rows, [])
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
            elif (place := self._choose(choices, instance)) is None:
                self.issues.append(issue("hl7/no-counterpart", self.name))
            else:
                plan.setdefault(id(place[1]), (*place, []))[2].append(instance)
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
            last = [s for s in item.segments if s.name not in ("DSC", "BTS", "FTS", "BHS", "FHS")]
            anchor = last[-1]
        else:
            anchor = order.anchor(self.name)
        number = sum(s.name == self.name for s in item.segments) + 1
        segment = ZSegment(
            [self.name.encode()], item, item.delimiters, item.charset, f"{self.name}[{number}]"
        )
        self._fill(segment, statement, {})
        text = segment.bytes()
        place = self._end(anchor)
        ended = place > anchor.end
        text = text + item.terminator if ended else item.terminator + text
        self.new_segments.setdefault(place, []).append(text)

    def _end(self, span: Segment) -> int:
        """Return the end of a segment with its terminator; an MLLP end of block is none."""
        return span.after if self.data[span.end : span.end + 1] in (b"\r", b"\n") else span.end

    def _replace(self, found: Found[_Place], new: SOPInstance) -> None:
        if found.says(new) and (
            not new.sop_class_uid or new.sop_class_uid == found.instance.sop_class_uid
        ):
            return
        message_, span, segment = found.place
        before = segment.bytes()
        self._fill(segment, new, dict(found.instance.attributes), found.unread)
        text = segment.bytes()
        if not new.attributes:
            segment.put(HOLDER_FIELD, "")
            if new.series_instance_uid + new.sop_instance_uid and not segment.said_elsewhere():
                self.edits.append((span.start, self._end(span), b""))
                return
            text = segment.bytes().rstrip(segment.delimiters.field.encode())
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
        if wanted:
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


def _is_anchor(found: Found[_Place]) -> bool:
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
