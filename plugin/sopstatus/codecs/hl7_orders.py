"""Where a statement belongs in a message: its orders, the studies they name, and the position.

A new segment goes after the last segment of the group it qualifies: the OBX and NTE of an
ORDER_OBSERVATION in ORU, the last OBR and NTE of an order in ORM and OMG (IHE RAD-4 has ZDS there,
and its readers take every ZDS for a study, hence at most one an order), IPC in OMI, TXA and OBX in
MDM. In any other message it goes to the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sopstatus.codecs import er7
from sopstatus.codecs.er7_message import Message, Segment, segment_at, segments

ORDER_MESSAGES = ("ORM", "OMG")
ANCHORS = {
    "ORM": ("ORC", "OBR", "NTE"),
    "OMG": ("ORC", "TQ1", "TQ2", "OBR", "NTE"),
    "OMI": ("ORC", "TQ1", "TQ2", "OBR", "NTE", "CTD", "OBX", "IPC"),
    "MDM": ("TXA", "CON", "OBX", "NTE"),
}
TRAILERS = ("DSC", "BTS", "FTS", "BHS", "FHS")
_STUDY_CODES = ("113014", "110180")  # DCM: DICOM Study; Study Instance UID
_STUDY_CODE = re.compile(b"11(?:3014|0180)")
_ENDS = b"\r\n\x0b\x1c"


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


def studies(document: bytes, charset: str = "") -> list[str]:
    """Return the Study Instance UIDs that the messages of a document name, in their order.

    ``charset`` overrules MSH-18.
    """
    found: dict[str, None] = {}
    for message in er7.messages(document, charset, ("IPC", "ZDS")):
        if message.delimiters and message.charset:
            for order in orders(message):
                found.update(dict.fromkeys(sorted(order.studies)))
    return list(found)


def last_segment(message: Message, start: int, end: int) -> Segment:
    """Return the last segment of a part of a message that closes no batch."""
    document = message.document
    stop = end
    while document[stop - 1] in _ENDS:
        stop -= 1
    begin = document.rfind(b"\r", start, stop) + 1
    begin = document.rfind(b"\n", begin or start, stop) + 1 or begin or start
    while document[begin] in _ENDS:
        begin += 1
    last = segment_at(document, begin, end)
    return _body(message, start, end)[-1] if last.name in TRAILERS else last


def _body(message: Message, start: int, end: int) -> list[Segment]:
    return [s for s in segments(message.document, start, end) if s.name not in TRAILERS]


def _studies(message: Message, start: int, end: int) -> set[str]:
    document, found = message.document, set()
    for place, name in message.marked(start, end):
        if name in ("IPC", "ZDS"):
            fields = _first_components(message, place)
            found.add(fields[3 if name == "IPC" else 1])
    line = start
    for match in _STUDY_CODE.finditer(document, start, end):
        if match.start() < line:
            continue  # in a segment that was looked at
        begin = max(document.rfind(b"\r", line, match.start()) + 1, line)
        begin = max(document.rfind(b"\n", begin, match.start()) + 1, begin)
        while document[begin] in _ENDS:
            begin += 1
        line = segment_at(document, begin, end).after
        if document.startswith(b"OBX", begin):
            fields = _first_components(message, begin)
            if fields[3] in _STUDY_CODES:
                found.add(fields[5])
    return found - {""}


def _first_components(message: Message, place: int) -> list[str]:
    """Return the first component of each of the first fields of a segment, first repetition."""
    delimiters, charset = message.delimiters, message.charset
    assert delimiters and charset
    span = segment_at(message.document, place, message.end)
    fields = er7.split(message.document[span.start : span.end], delimiters.field, charset)
    texts = [er7.decode(f, charset) or "" for f in fields[:6]] + [""] * 6
    repetition = delimiters.repetition or "\0"
    firsts = [text.split(repetition, 1)[0] for text in texts]
    return [er7.components(text, delimiters, charset)[0] for text in firsts]
