"""What the ER7 codec changed in a `View`, spliced into the XML: fields of ours, and whole segments.

Everything else in the document stays byte for byte. What is added comes in the order of its number,
for the engine writes children in the order of the document.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import zip_longest

from sopstatus.codecs.hl7.outline import Delimiters
from sopstatus.codecs.hl7_xml.document import Line, View, field_text, segment_text
from sopstatus.codecs.shared import xml_text
from sopstatus.codecs.shared.splice import splice

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
            made += _fields(line, old, text, marks_of(line))
        else:
            begin = node.start - len(xml_text.lead(view.document, node.start))
            made.append((begin, node.end, b""))
    return splice(view.document, made)


def _fields(line: Line, old: bytes, new: bytes, delimiters: Delimiters) -> list[Edit]:
    """Return the edits that make one element say what its new line says.

    Its first field, the study's UID, stands there and stays: without it the line is none of ours.
    """
    mark = delimiters.field.encode("ascii")
    fields = zip_longest(old.split(mark), new.split(mark), fillvalue=b"")
    edits: list[Edit] = []
    for number, (before, after) in enumerate(fields):
        if before == after:
            continue
        name = f"{line.node.name}.{number}"
        text = field_text(after.decode("utf-8"), name, delimiters).encode()
        if nodes := line.fields.get(number):
            edits.append((nodes[0].start, nodes[0].end, text))
            edits += [(more.start, more.end, b"") for more in nodes[1:]]
        else:  # behind the last of a lower number
            at = max(same[-1].end for n, same in line.fields.items() if n < number)
            edits.append((at, at, text))
    return edits
