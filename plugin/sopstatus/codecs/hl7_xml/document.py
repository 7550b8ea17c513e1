"""Mirth's XML of an HL7 v2 message, seen as the ER7 that the engine makes of it.

The engine's own (non-strict) parser names every element by its place: ``<ZDS>`` holds ``<ZDS.5>``,
a repetition is the same element again, ``<ZDS.5.1>`` is a component and ``<ZDS.5.1.2>`` a
subcomponent; MSH.1 and MSH.2 hold text and no components. Text is ER7, escape sequences and all.
So the ER7 codec can read it: each line of `View.data` is one element, and what it changes in a line
goes back into that element.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import outline
from sopstatus.codecs.shared import xml_text
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.xml_text import Node

ROOT = "HL7Message"
MOST_PLACES = 256  # fields of a segment, components of a field: beyond it, a name is a mistake
_STRICT = re.compile(r"(?:.*[}:])?(?:[A-Z]{3}_[A-Z0-9]{3}|ACK)")  # HAPI: the message structure
_STRICT_NAMESPACE = "urn:hl7-org:v2xml"
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # of an element, in ASCII
_UNNAMED = b"?"  # a line that no reader takes for a segment
_USUAL = "|^~\\&"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(slots=True)
class Line:
    """A segment's element, its fields by number (each a list of repetitions), and its line."""

    node: Node
    start: int  # of the line, in the view
    after: int = 0
    fields: dict[int, list[Node]] = field(default_factory=dict)


@dataclass(slots=True)
class View:
    """The document as ER7 (UTF-8, CR behind each line), and which element each line is."""

    document: bytes
    data: bytes
    lines: list[Line]


def view(document: bytes, names: frozenset[str], issues: Issues) -> View:
    """See a document as ER7; ``names`` are the segments whose oddities are reported as issues.

    Raise `DocumentError` for another XML than that of Mirth's own parser.
    """
    root = xml_text.parse(document, issues.limits)
    if root.name != ROOT:
        strict = _STRICT.fullmatch(root.name) or root.attributes.get("xmlns") == _STRICT_NAMESPACE
        raise document_error("hl7-xml/strict" if strict else "hl7-xml/not-mirth", "")
    writer = _Writer(names, issues)
    lines: list[Line] = []
    out: list[bytes] = []
    place = 0
    for node in root.children:
        line = Line(node, place)
        text = writer.line(line) + b"\r"
        place = line.after = place + len(text)
        out.append(text)
        lines.append(line)
    return View(document, b"".join(out), lines)


class _Writer:
    """Writes elements as lines, in the delimiters of the last MSH."""

    def __init__(self, names: frozenset[str], issues: Issues) -> None:
        self.names, self.issues = names, issues
        self.counts: dict[str, int] = {}
        self.separator, self.encoding = _USUAL[0], _USUAL[1:]
        self.marks = _marks(self.separator, self.encoding)

    def line(self, line: Line) -> bytes:
        """Write one segment; fill in its fields."""
        name = line.node.name
        if not _SEGMENT.fullmatch(name):
            return self._near(line.node)
        self.counts[name] = self.counts.get(name, 0) + 1
        line.fields, in_order, alien = _by_number(line.node, name)
        if name == "MSH":
            return self._header(line.fields)
        where = f"{name}[{self.counts[name]}]"
        if name in self.names and not in_order:
            self.issues.at(where).add("hl7-xml/out-of-order")
        if name in self.names and (alien or line.node.text.strip()):
            self.issues.at(where).add("hl7-xml/malformed")
        texts = [name]
        for number in range(1, max(line.fields, default=0) + 1):
            where_now = f"{where}-{number}" if name in self.names else ""
            texts.append(self._field(line.fields.get(number, []), where_now))
        return self.separator.join(texts).encode("utf-8")

    def _near(self, node: Node) -> bytes:
        """Write an element that is ours but for the case of its name, which the ER7 reader tells."""
        fields = (
            _by_number(node, node.name, str.upper)[0] if node.name.upper() in self.names else {}
        )
        if not fields:
            return _UNNAMED
        texts = [self._field(fields.get(n, []), "") for n in range(1, max(fields) + 1)]
        return self.separator.join([node.name, *texts]).encode("utf-8")

    def _header(self, fields: dict[int, list[Node]]) -> bytes:
        given = [fields[n][0].text.strip() if n in fields else "" for n in (1, 2)]
        separator, encoding = given[0] or _USUAL[0], given[1] or _USUAL[1:]
        if len(separator) != 1 or not (separator + encoding).isascii() or separator in encoding:
            separator, encoding = "M", ""  # nothing that the ER7 reader takes for delimiters
        self.separator, self.encoding = separator, encoding
        self.marks = _marks(separator, encoding)
        texts = [self._field(fields.get(n, []), "") for n in range(3, max(fields, default=0) + 1)]
        return self.separator.join(["MSH", encoding, *texts]).encode("utf-8")

    def _field(self, nodes: list[Node], where: str) -> str:
        repetition = self.encoding[1:2] or "~"
        return repetition.join(self._parts(node, self.encoding[:1] or "^", where) for node in nodes)

    def _parts(self, node: Node, mark: str, where: str) -> str:
        """Write a field's components, or a component's subcomponents."""
        if not node.children:
            return self._text(node.text, where)
        named, in_order, alien = _by_number(node, node.name)
        if where and not in_order:
            self.issues.at(where).add("hl7-xml/out-of-order")
        if where and (alien or node.text.strip() or any(len(same) > 1 for same in named.values())):
            self.issues.at(where).add("hl7-xml/malformed")
        below = self.encoding[3:4] or "&"
        return mark.join(
            self._parts(named[number][0], below, where) if number in named else ""
            for number in range(1, max(named, default=0) + 1)
        )

    def _text(self, text: str, where: str) -> str:
        """Escape what would cut the line; the engine writes it as it is."""
        if "\n" in text and not text.strip():
            return ""  # indentation
        if not any(mark in text for mark in self.marks):
            return text
        if where:
            self.issues.at(where).add("hl7-xml/unescaped-delimiter")
        return "".join(self.marks.get(c, c) for c in text)


def _marks(separator: str, encoding: str) -> dict[str, str]:
    """Return what stands for each character that would cut a line."""
    sign = encoding[2:3]
    names = {separator: "F", encoding[:1] or "^": "S", "\r": "X0D", "\n": "X0A"}
    # without an escape character the text cannot be told exactly; the issue says so
    return {c: f"{sign}{name}{sign}" if sign else "\ufffd" for c, name in names.items()}


def _by_number(
    node: Node, name: str, spelt: Callable[[str], str] = str
) -> tuple[dict[int, list[Node]], bool, bool]:
    """Return the children by the number behind the name, whether they rise, and if one is alien."""
    found: dict[int, list[Node]] = {}
    last, in_order, alien = 0, True, False
    for child in node.children:
        head, _, tail = child.name.rpartition(".")
        number = int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 5 else 0
        if spelt(head) != spelt(name) or not 0 < number <= MOST_PLACES:
            alien = True
            continue
        in_order &= number >= last
        last = number
        found.setdefault(number, []).append(child)
    return found, in_order, alien


def field_text(text: str, name: str, delimiters: outline.Delimiters) -> str:
    """Write the ER7 text of a field as the elements of this name, as the engine does."""
    repetition = delimiters.repetition
    return "".join(
        _element(name, part, (delimiters.component, delimiters.subcomponent), delimiters.escape)
        for part in (text.split(repetition) if repetition else [text])
    )


def _element(name: str, text: str, marks: tuple[str, ...], sign: str) -> str:
    if not text:
        return f"<{name}/>"
    if not marks:
        return f"<{name}>{_leaf(text, sign)}</{name}>"
    mark, *below = marks
    parts = text.split(mark) if mark else [text]
    if len(parts) == 1 and not below:  # a component without subcomponents
        return f"<{name}>{_leaf(text, sign)}</{name}>"
    inner = "".join(_element(f"{name}.{n}", p, tuple(below), sign) for n, p in enumerate(parts, 1))
    return f"<{name}>{inner}</{name}>"


def _leaf(text: str, sign: str) -> str:
    r"""Write text; blanks at its ends as ``\X20\``, for the engine's scripts would drop them."""
    bare = text.strip(" \t")
    if sign and bare != text:
        lead = len(text) - len(text.lstrip(" \t"))
        head, tail = text[:lead], text[lead + len(bare) :]
        text = "".join((_hexadecimal(head, sign), bare, _hexadecimal(tail, sign)))
    # without an escape character there is no way to tell what XML cannot hold
    text = _NOT_XML.sub(lambda match: _hexadecimal(match[0], sign) if sign else "", text)
    return xml_text.escape(text)


def _hexadecimal(text: str, sign: str) -> str:
    return "".join(f"{sign}X{c.encode('utf-8').hex().upper()}{sign}" for c in text)


def segment_text(line: bytes, delimiters: outline.Delimiters) -> str:
    """Write an ER7 segment (UTF-8) as its element, as the engine does."""
    name, *fields = line.decode("utf-8").split(delimiters.field)
    inner = "".join(
        field_text(text, f"{name}.{number}", delimiters) for number, text in enumerate(fields, 1)
    )
    if name == "MSH":
        head = f"<MSH.1>{xml_text.escape(delimiters.field)}</MSH.1>"
        head += f"<MSH.2>{xml_text.escape(fields[0])}</MSH.2>"
        inner = head + "".join(
            field_text(text, f"MSH.{number}", delimiters)
            for number, text in enumerate(fields[1:], 3)
        )
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"
