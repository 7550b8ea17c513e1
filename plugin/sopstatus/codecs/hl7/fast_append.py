"""The commonest work, done at once: one new statement, and one message with one order to append it to."""

from __future__ import annotations

from sopstatus.codecs.hl7.fast import plan
from sopstatus.codecs.hl7.orders import ANCHORS, IHE_SEGMENT, TRAILERS, withdrawals
from sopstatus.codecs.hl7.outline import plain_header
from sopstatus.model import SOPInstance
from sopstatus.table import Attribute
from sopstatus.values import is_uid

_TRAILERS = tuple(name.encode("ascii") for name in TRAILERS)


def appended(
    data: bytes, new: SOPInstance, segments: dict[str, tuple[Attribute, ...]]
) -> bytes | None:
    """Append the statement behind the last segment; ``None`` where `Writer` has to look closer.

    That is: another document than one message in CR with at most one order and none of our
    segments, another place than its end, or a value that needs care.
    """
    if len(segments) != 1 or not new.attributes or data[-1:] != b"\r":
        return None
    ((name, rows),) = segments.items()
    item = plain_header(data, (name, "IPC") if name == IHE_SEGMENT else (name,))
    if item is None or item.delimiters is None or item.charset is None or item.kind in ANCHORS:
        return None
    last = data.rfind(b"\r", 0, -1) + 1
    if item.charset_note or (not last and item.has_lost_line_ends):
        return None
    if data.startswith(_TRAILERS, last) or {data[last], data[-2]} & {0x09, 0x0B, 0x0D, 0x1C, 0x20}:
        return None
    if withdrawals(item) is not None:
        return None
    text = plan(name, rows, item.delimiters).write(new, item)
    if text is None or not is_uid(new.study_instance_uid):
        return None
    return b"".join((data, text, b"\r"))
