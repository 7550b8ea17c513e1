"""Where a statement belongs in a message: its orders, the studies they name, and the position.

A new segment goes after the last segment of the group it qualifies: the OBX and NTE of an
ORDER_OBSERVATION in ORU, the last OBR and NTE of an order in ORM and OMG (IHE RAD-4 has ZDS there,
and its readers take every ZDS for a study, hence at most one an order), IPC in OMI, TXA and OBX in
MDM. In any other message it goes to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Message, Segment

ORDER_MESSAGES = ("ORM", "OMG")
_ANCHORS = {
    "ORM": ("ORC", "OBR", "NTE"),
    "OMG": ("ORC", "TQ1", "TQ2", "OBR", "NTE"),
    "OMI": ("ORC", "TQ1", "TQ2", "OBR", "NTE", "CTD", "OBX", "IPC"),
    "MDM": ("TXA", "CON", "OBX", "NTE"),
}
TRAILERS = ("DSC", "BTS", "FTS", "BHS", "FHS")
_STUDY_CODES = ("113014", "110180")  # DCM: DICOM Study; Study Instance UID


@dataclass(slots=True)
class Order:
    """A run of segments of a message, and the Study Instance UIDs that they name."""

    segments: list[Segment]
    kind: str  # MSH-9.1
    studies: set[str]

    @property
    def is_order_message(self) -> bool:
        """Tell whether at most one ZDS may stand here (IHE RAD-4, RAD-13)."""
        return self.kind in ORDER_MESSAGES

    def anchor(self, segment: str) -> Segment:
        """Return the segment behind which a new one of this name goes."""
        names = _ANCHORS.get(self.kind)
        if names is None:
            return self.segments[-1]
        best = self.segments[-1] if self.kind == "MDM" else self.segments[0]
        after_observation = False
        for candidate in self.segments:
            after_observation |= candidate.name in ("OBX", "DG1")
            if candidate.name == segment or (
                candidate.name in names and not (self.is_order_message and after_observation)
            ):
                best = candidate
        return best


def orders(document: bytes, message: Message) -> list[Order]:
    """Cut a message into its orders; one without ORC and OBR is one order as a whole."""
    kind = _kind(document, message)
    body = [s for s in message.segments if s.name not in TRAILERS]
    runs: list[list[Segment]] = []
    if kind != "MDM":
        open_orc = False
        for segment in body:
            starts = segment.name == "ORC" or (segment.name == "OBR" and not open_orc)
            if starts:
                runs.append([])
            if segment.name == "PID" and runs:  # the next PATIENT_RESULT
                runs.append([])
            open_orc = segment.name == "ORC" or (open_orc and segment.name != "OBR")
            if runs:
                runs[-1].append(segment)
    runs = [run for run in runs if run[0].name in ("ORC", "OBR")]
    runs = runs or [body]
    return [Order(run, kind, _studies(document, message, run)) for run in runs]


def _kind(document: bytes, message: Message) -> str:
    header = message.segments[0]
    assert message.delimiters
    fields = document[header.start : header.end].split(message.delimiters.field.encode())
    text = fields[8].decode("latin-1") if len(fields) > 8 else ""
    return text.split(message.delimiters.component)[0].strip().upper()


def _studies(document: bytes, message: Message, run: list[Segment]) -> set[str]:
    found: set[str] = set()
    delimiters, charset = message.delimiters, message.charset
    assert delimiters and charset
    for segment in run:
        if segment.name not in ("IPC", "OBX", "ZDS"):
            continue
        raw = document[segment.start : segment.end]
        if segment.name == "OBX" and not any(code.encode() in raw for code in _STUDY_CODES):
            continue
        fields = er7.split(raw, delimiters.field, charset)
        texts = [er7.decode(f, charset) or "" for f in fields[:6]] + [""] * 6
        first = [er7.components(text, delimiters, charset)[0] for text in texts]
        if segment.name == "IPC":
            found.add(first[3])
        elif segment.name == "ZDS":
            found.add(first[1])
        elif first[3] in _STUDY_CODES:
            found.add(first[5])
    return found - {""}
