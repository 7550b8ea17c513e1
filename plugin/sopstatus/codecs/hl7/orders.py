"""Where a statement belongs in a message: its orders, the studies they name, and the position.

A new segment goes after the last segment of the group it qualifies: the OBX and NTE of an
ORDER_OBSERVATION in ORU, the last OBR and NTE of an order in ORM and OMG (IHE RAD-4 has ZDS there,
and its readers take every ZDS for a study, hence at most one an order), IPC in OMI (a segment of
another name: no new ZDS goes beside an IPC, which names the study itself), TXA and OBX in MDM. In any other message it goes to the end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from sopstatus._lazily import pattern
from sopstatus.codecs.hl7 import er7
from sopstatus.codecs.hl7.outline import Message, Segment, segments
from sopstatus.values import trim

IHE_SEGMENT = "ZDS"  # readers of orders take it for IHE's, whatever else it says
ORDER_MESSAGES = ("ORM", "OMG")
ANCHORS = {
    "ORM": ("ORC", "OBR", "NTE"),
    "OMG": ("ORC", "TQ1", "TQ2", "OBR", "NTE"),
    "OMI": ("ORC", "TQ1", "TQ2", "OBR", "NTE", "CTD", "OBX", "IPC"),
    "MDM": ("TXA", "CON", "OBX", "NTE"),
}
TRAILERS = ("DSC", "BTS", "FTS", "BHS", "FHS")
NAMING = ("IPC", "ZDS")
"""Segments that name a study, whether or not they are ours."""
_STUDY_CODES = ("113014", "110180")  # DCM: DICOM Study; Study Instance UID
_POINTED = pattern(b"11(?:3014|0180)")  # what they have in common is looked for first
_CANCELLED: tuple[str, ...] = ("CA", "OC")  # ORC-1 (table 0119): by the placer, by the filler
_REPLACED: tuple[str, ...] = ("X",)  # OBR-25 (table 0123)
_MAY_BE_CANCELLED = pattern(rb".[ \t]*(?:[CO]|\W)", re.IGNORECASE)  # behind ORC; quick to ask
_DELETED = ("W", "D", "X")  # OBX-11 (table 0085): wrong patient, deleted, cannot be obtained


@dataclass(slots=True)
class Order:
    """A part of a message that may hold one statement about one study, or many."""

    message: Message
    start: int
    end: int
    kind: str  # MSH-9.1
    _studies: set[str] | None = None
    _places: dict[str, Segment] = field(default_factory=dict)

    @property
    def is_order_message(self) -> bool:
        """Tell whether at most one ZDS may stand here (IHE RAD-4, RAD-13)."""
        return self.kind in ORDER_MESSAGES

    @property
    def studies(self) -> set[str]:
        """The Study Instance UIDs that the order's segments name."""
        if self._studies is None:
            self._studies = _studies(self.message, self.start, self.end)
        return self._studies

    def anchor(self, segment: str) -> Segment:
        """Return the segment behind which a new one of this name goes."""
        if segment not in self._places:
            self._places[segment] = self._anchor(segment)
        return self._places[segment]

    def _anchor(self, segment: str) -> Segment:
        names = ANCHORS.get(self.kind)
        if names is None:
            return last_segment(self.message, self.start, self.end)
        inside = _body(self.message, self.start, self.end)
        best = inside[-1] if self.kind == "MDM" else inside[0]
        after_observation = False
        for candidate in inside:
            after_observation |= candidate.name in ("OBX", "DG1")
            if candidate.name == segment or (
                candidate.name in names and not (self.is_order_message and after_observation)
            ):
                best = candidate
        return best


def orders(message: Message) -> list[Order]:
    """Cut a message into its orders; one without ORC and OBR is one order as a whole."""
    runs: list[tuple[int, str]] = []
    if message.kind != "MDM":
        open_orc = False
        for start, name in message.marked():
            if name == "ORC" or (name == "OBR" and not open_orc) or (name == "PID" and runs):
                runs.append((start, name))  # a PID: the next PATIENT_RESULT
            open_orc = name == "ORC" or (open_orc and name != "OBR")
    ends = [*(start for start, _ in runs[1:]), message.end]
    found = [
        Order(message, start, end, message.kind)
        for (start, name), end in zip(runs, ends, strict=False)
        if name != "PID"
    ]
    return found or [Order(message, message.start, message.end, message.kind)]


def studies(messages: Iterable[Message]) -> list[str]:
    """Return the Study Instance UIDs that these messages name, in their order."""
    found: dict[str, None] = {}
    for message in messages:
        if message.delimiters and message.charset:
            for order in orders(message):
                found.update(dict.fromkeys(sorted(order.studies)))
    return list(found)


def last_segment(message: Message, start: int, end: int) -> Segment:
    """Return the last segment of a part of a message that closes no batch."""
    last = message.last_line(start, end)
    return _body(message, start, end)[-1] if last.name in TRAILERS else last


def _body(message: Message, start: int, end: int) -> list[Segment]:
    cut = segments(message.document, start, end, message.only_cr)
    return [s for s in cut if s.name not in TRAILERS]


def _studies(message: Message, start: int, end: int) -> set[str]:
    found = set()
    for place, name in message.marked(start, end):
        if name in ("IPC", "ZDS"):
            ((study, *_),) = _components(message, place, 3 if name == "IPC" else 1)
            found.add(study)
    found |= {study for study, _ in _pointers(message, start, end)}
    return {trim("UI", uid) for uid in found} - {""}


def _pointers(message: Message, start: int, end: int) -> Iterator[tuple[str, str]]:
    """Yield OBX-5 and OBX-11 of each OBX that names a study, by its code or the alternate one."""
    document, delimiters = message.document, message.delimiters
    assert delimiters
    marks, line = (delimiters.field + delimiters.component).encode("ascii"), start
    for match in _POINTED.finditer(document, start + 1, end):
        place = match.start()
        if place < line or document[place - 1] not in marks:
            continue
        begin = message.line_at(place, line)
        line = message.segment_at(begin).after
        if document.startswith(b"OBX", begin):
            code, study, result = _components(message, begin, 3, 5, 11)
            if not {*code[:4:3]}.isdisjoint(_STUDY_CODES):
                yield study[0], result[0]


@lru_cache(maxsize=64)
def _deleted(mark: bytes, escape: str, only_cr: bool) -> re.Pattern[bytes]:
    """Return what finds, quickly, each pointer that may be deleted: one that is long may be, too."""
    inside = b"[^\r]" if only_cr else b"[^\r\n]"
    mark = re.escape(mark)
    state = b"[WDXwdx \t" + re.escape(escape.encode("ascii")) + b"]"
    rest = inside + b"{0,256}?" + mark + state + b"|" + inside + b"{256}"
    return re.compile(_POINTED.pattern + b"(?:" + rest + b")")


def withdrawals(message: Message) -> Callable[[int, str], bool] | None:
    """Return what tells if a message takes back what it states at a place about a study; ``None``: nothing.

    It does with ORC-1 CA or OC or OBR-25 X of the group in which the statement stands, and with
    OBX-11 W, D or X of the OBX that points to the study (HL7 v2 tables 0119, 0123, 0085).
    """
    document, start, end = message.document, message.start, message.end
    taken: list[int] = []
    studies: set[str] = set()
    if message.delimiters and message.charset:
        mark = document[start + 3 : start + 4]
        for place, name in message.marked(start, end, ("ORC", "OBR")):
            if name == "OBR":
                number, told, might = 25, _REPLACED, _has(document, mark, 25, place, end)
            else:
                number, told = 1, _CANCELLED
                might = _MAY_BE_CANCELLED.match(document, place + 3) is not None
            if might and _components(message, place, number)[0][0].strip().upper() in told:
                taken.append(place)
        states = _deleted(mark, message.delimiters.escape, message.only_cr)
        if states.search(document, start, end):
            found = _pointers(message, start, end)
            studies = {trim("UI", uid) for uid, state in found if state.strip().upper() in _DELETED}
    if not taken and not studies:
        return None
    groups = orders(message)
    starts = [order.start for order in groups]

    def group_of(place: int) -> int:
        number = bisect_right(starts, place) - 1
        return number if number >= 0 and place < groups[number].end else -1

    gone = {group_of(place) for place in taken} - {-1}
    if len(gone) == len(groups):
        gone.add(-1)  # and what stands before or between them

    def is_taken_back(place: int, study: str) -> bool:
        return study in studies or group_of(place) in gone

    return is_taken_back


def _has(document: bytes, mark: bytes, number: int, place: int, end: int) -> bool:
    """Tell whether a segment may have so many fields; quick to ask."""
    after = document.find(b"\r", place, end)
    return after < 0 or document.count(mark, place, after) >= number


def _components(message: Message, place: int, *numbers: int) -> list[list[str]]:
    """Return the components of each of these fields of a segment, first repetition."""
    delimiters, charset = message.delimiters, message.charset
    assert delimiters and charset
    span = message.segment_at(place)
    fields = er7.split(message.document[span.start : span.end], delimiters.field, charset)
    texts = [er7.decode(fields[n], charset) or "" if n < len(fields) else "" for n in numbers]
    repetition = delimiters.repetition or "\0"
    firsts = [text.split(repetition, 1)[0] for text in texts]
    return [er7.components(text, delimiters, charset) for text in firsts]
