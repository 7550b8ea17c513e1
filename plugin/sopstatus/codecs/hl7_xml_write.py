"""What the ER7 codec changed in a `View`, spliced into the XML: fields of ours, and whole segments.

Everything else in the document stays byte for byte. What is added comes in the order of its number,
for the engine writes children in the order of the document.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from sopstatus.codecs import er7, xml_text
from sopstatus.codecs.er7 import Delimiters
from sopstatus.codecs.hl7_xml_document import Line, View, field_text, segment_text
from sopstatus.codecs.xml_text import Node

Edit = tuple[int, int, bytes]


def spliced(view: View, edits: list[Edit], delimiters: dict[int, Delimiters]) -> bytes:
    """Apply edits of the view's data, each about whole lines, to the document.

    ``delimiters`` are those of each message, by the start of its MSH in the view.
    """
    starts = [line.start for line in view.lines]
    headers = sorted(delimiters)
    made: list[Edit] = []

    def marks_of(line: Line) -> Delimiters:
        return delimiters[headers[bisect_right(headers, line.start) - 1]]

    for start, end, text in edits:
        if start == end:  # lines inserted behind another
            line = view.lines[bisect_left(starts, start) - 1]
            marks = marks_of(line)
            lead = xml_text.lead(view.document, line.node.start)
            new = [segment_text(one, marks).encode() for one in text.split(b"\r") if one]
            at = line.node.end
            made.append((at, at, b"".join(lead + element for element in new)))
            continue
        line = view.lines[bisect_left(starts, start)]
        node = line.node
        if text:
            old = view.data[line.start : line.after - 1]
            made += _fields(view.document, line, old, text, marks_of(line))
        else:
            begin = node.start - len(xml_text.lead(view.document, node.start))
            made.append((begin, node.end, b""))
    return er7.splice(view.document, made)


def _fields(
    document: bytes, line: Line, old: bytes, new: bytes, delimiters: Delimiters
) -> list[Edit]:
    """Return the edits that make one element say what its new line says."""
    node, name = line.node, line.node.name
    if node.is_empty_tag or not line.fields:
        return [(node.start, node.end, segment_text(new, delimiters).encode())]
    mark = delimiters.field.encode("ascii")
    before, after = old.split(mark), new.split(mark)
    count = max(len(before), len(after))
    before += [b""] * (count - len(before))
    after += [b""] * (count - len(after))
    edits: list[Edit] = []
    for number in range(1, count):
        if before[number] == after[number]:
            continue
        text = field_text(after[number].decode("utf-8"), f"{name}.{number}", delimiters).encode()
        nodes = line.fields.get(number, [])
        if nodes:
            edits.append((nodes[0].start, nodes[0].end, text))
            edits += [(more.start, more.end, b"") for more in nodes[1:]]
        else:
            at = _place(document, line, number)
            edits.append((at, at, text))
    return edits


def _place(document: bytes, line: Line, number: int) -> int:
    """Return where a field belongs that is not there yet: behind the last of a lower number."""
    lower: list[Node] = [nodes[-1] for n, nodes in line.fields.items() if n < number]
    if lower:
        return max(node.end for node in lower)
    return xml_text.tag_end(document, line.node.start)
