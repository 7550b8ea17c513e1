"""A DICOM data set as Mirth Connect's XML: what ``msg`` is in a channel with the data type DICOM.

``<dicom>`` holds one element an attribute, ``<tag01000410 len="2" tag="01000410" vr="CS">AO``, in
the order of the tags; a sequence holds ``<item>``. The data set is the held copy, so it names no
holder: the caller does, and writing drops it. In the XML nothing is printed again but the
attributes that change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.dicom import character_set
from sopstatus.codecs.shared import data_set, xml_text
from sopstatus.codecs.shared.context import Context, collect
from sopstatus.codecs.shared.data_set import Changes, DataSet, DataSets
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.splice import splice
from sopstatus.codecs.shared.xml_text import Node
from sopstatus.limits import Limits
from sopstatus.model import DocumentError, Issue, SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.table.conversions import PACKED, pack
from sopstatus.values import OFFSET_KEYWORD, tag_text, trim

ROOT = "dicom"
OTHER_ROOTS = {
    "NativeDicomModel": "DICOM's Native Model (PS3.19)",
    "file-format": "dcm2xml's of a DICOM file",
    "data-set": "dcm2xml's of a data set",
}
"""What other XML of data sets begins with, and how it is called."""
_TAG = "tag"
_NAME = re.compile(_TAG + "([0-9A-Fa-f]{8})")
_UTF_8 = "ISO_IR 192"
_NOT_TEXT = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN")


class _Elements:
    """The elements of a document by their tags."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.root = data, xml_text.parse(data, limits)
        if found := OTHER_ROOTS.get(self.root.name.rpartition(":")[2]):
            raise document_error("dicom-xml/other-format", "", found=found)
        if self.root.name != ROOT:
            raise document_error("dicom-xml/not-dicom-xml", "")
        self.nodes: dict[int, Node] = {}
        self.faults: dict[int, str] = {}  # the code of an issue, by the tag that it is about
        for node in self.root.children:
            tag, name = _tag(node.name), node.name.rpartition(":")[2]
            read = _number(name[3:]) if name[:3].lower() == _TAG else None
            said = _number(node.attributes["tag"]) if "tag" in node.attributes else read
            for one in (read, said) if not tag == read == said else ():
                if one is not None:
                    self.faults.setdefault(one, "dicom-xml/other-tag")
            if tag is not None and self.nodes.setdefault(tag, node) is not node:
                self.faults.setdefault(tag, "dicom-xml/repeated")

    def text(self, tag: int) -> str:
        """Return the text of an element, without padding; nothing where there is none."""
        return trim("LO", self.nodes[tag].text) if tag in self.nodes else ""

    @property
    def terms(self) -> tuple[str, ...]:
        """Specific Character Set (0008,0005)."""
        text = self.text(data_set.CHARACTER_SET)
        return tuple(text.split("\\")) if text else ()


class _Source:
    """A data set or an item, for what it says beside the statement."""

    def __init__(self, parent: Node) -> None:
        tags = [(_tag(node.name), node) for node in parent.children]
        counts = Counter(tag for tag, _ in tags)
        self.nodes = {tag: node for tag, node in tags if counts[tag] == 1}

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an element."""
        node = self.nodes.get(tag)
        return node.text if node and not node.children else None

    def item(self, tag: int, keyword: str) -> _Source | None:
        """Return the first item of a sequence."""
        node = self.nodes.get(tag)
        first = next((n for n in node.children if n.name == "item"), None) if node else None
        return _Source(first) if first else None


class DICOMXMLCodec(DataSets[DataSet]):
    """The statement that a data set makes about itself: ``bytes`` or ``str``, and the same comes out."""

    __slots__ = ()

    def contexts(self, document: Any, issues: Issues) -> list[Context]:
        """Return what each data set says beside its statement: see `sopstatus.codecs.shared.context`."""
        source = _Source(self._open(document)[0].root)
        return [collect(source, self.tables.site.context, issues)]

    def _written(
        self,
        given: tuple[SOPInstance, ...],
        into: Any,
        holder: str,
        issues: Issues,
        exactly: Collection[str],
    ) -> Any:
        elements, back = self._open(into)
        old = self._read(elements, Issues(self.limits))
        if old.faults:
            raise DocumentError(*old.faults)
        here, changes, new = issues.at(old.where), Changes(), None
        if old.instance.sop_instance_uid:
            new = data_set.chosen(given, old.instance, holder, here)
        elif given:
            here.add("dicom/no-counterpart", count=len(given))
        if new:
            rows, unfit = self.tables.attributes.values(), partial(_unfit, elements.terms)
            whole = old.instance.sop_instance_uid in exactly
            changes = old.replaced(old.changes(rows, new, issues, unfit, exactly=whole), issues)
        return back(_spliced(elements, changes)) if changes else into

    def blank(self, known: Iterable[SOPInstance]) -> bytes:
        """Return a data set with the UIDs of the one instance that is known, and nothing else."""
        one = data_set.only(known)
        pairs = sorted(zip(data_set.IDENTITY, one.uids, strict=True))
        inner = _element(data_set.CHARACTER_SET, "CS", _UTF_8, ())
        inner += b"".join(_element(tag, "UI", uid, ()) for tag, uid in pairs)
        return b"<dicom>" + inner + b"</dicom>"

    def _found(self, document: Any, issues: Issues) -> list[DataSet]:
        return [self._read(self._open(document)[0], issues)]

    def _open(self, document: Any) -> tuple[_Elements, Any]:
        data, back = xml_text.as_bytes(document)
        return _Elements(data, self.limits), back

    def _read(self, elements: _Elements, issues: Issues) -> DataSet:
        rows = self.tables.attributes.values()
        if faults := _faults(elements, rows):
            issues += faults  # a copy that says nothing is left, for the record of a refusal
            clear = [tag not in elements.faults and elements.text(tag) for tag in data_set.IDENTITY]
            instance = data_set.identity([(uid or "", "") for uid in clear], Issues())
            return DataSet("", instance, faults=faults)
        said: dict[str, Value] = {}
        odd_vrs: list[tuple[str, str]] = []
        present = [row for row in rows if row.tag in elements.nodes]
        for row in present:
            node, here = elements.nodes[row.tag], issues.at(tag_text(row.tag))
            if (vr := _vr(node) or row.vr) != row.vr:
                odd_vrs.append((row.keyword, vr))
            if vr in _NOT_TEXT:
                here.add("dicom-xml/not-text", keyword=row.keyword)
                continue
            if vr != row.vr:
                here.add("dicom-xml/wrong-vr", keyword=row.keyword, found=vr, vr=row.vr)
            if not node.text.isascii() and character_set.is_misspelt(elements.terms):
                issues.at(tag_text(data_set.CHARACTER_SET)).add("dicom/charset-misspelt")
            said[row.keyword] = data_set.value(row, node.text, here)
        offset = elements.text(data_set.TIMEZONE_OFFSET)
        at_offset = issues.at(tag_text(data_set.TIMEZONE_OFFSET))
        said = data_set.localised(said, rows, offset, at_offset)
        inner = _nested(elements.root)
        for row in rows:
            if row.tag in inner:
                issues.at(tag_text(row.tag)).add("dicom/nested", keyword=row.keyword)
        uids = [(elements.text(tag), tag_text(tag)) for tag in data_set.IDENTITY]
        if not any(uid for uid, _ in uids):
            issues.add("dicom/no-identity")
        instance = replace(data_set.identity(uids, issues), attributes=tuple(said.items()))
        unread = frozenset(row.keyword for row in present).difference(said)
        return DataSet("", instance, offset, unread, tuple(odd_vrs))


def _tag(name: str) -> int | None:
    found = _NAME.fullmatch(name)
    return int(found[1], 16) if found else None


def _nested(root: Node) -> set[int | None]:
    """Return the tags of all elements inside others."""
    found, work = set(), [inner for node in root.children for inner in node.children]
    while work:
        node = work.pop()
        found.add(_tag(node.name))
        work += node.children
    return found


def _number(text: str) -> int | None:
    """Return the tag that other readers may take a text for, a number as Python reads it."""
    try:
        return int(text, 16)
    except ValueError:
        return None


def _vr(node: Node) -> str:
    """Return the VR that an element has, as `data_set.vr_named`; nothing where it says none."""
    if node.children:
        return "SQ"
    return data_set.vr_named(node.attributes["vr"]) if "vr" in node.attributes else ""


def _faults(elements: _Elements, rows: Iterable[Attribute]) -> tuple[Issue, ...]:
    """Return an issue for each element that is read and of which it is not clear which one it is."""
    keywords = {**data_set.IDENTITY, data_set.CHARACTER_SET: "SpecificCharacterSet"}
    keywords |= {data_set.TIMEZONE_OFFSET: OFFSET_KEYWORD}
    keywords |= {row.tag: row.keyword for row in rows}
    found = sorted(tag for tag in elements.faults if tag in keywords)
    return tuple(issue(elements.faults[tag], tag_text(tag), keyword=keywords[tag]) for tag in found)


def _unfit(terms: tuple[str, ...], row: Attribute, text: str) -> str | None:
    """Return the code of what keeps a value out of the document."""
    if not xml_text.holds(text):
        return "dicom-xml/control-character"
    return "dicom/charset" if character_set.encode(text, terms) is None else None


def _element(tag: int, vr: str, text: str, terms: tuple[str, ...]) -> bytes:
    raw = pack(vr, text) if vr in PACKED else character_set.encode(text, terms)
    size = len(raw or b"")
    name = f"{tag:08X}"
    head = f'<tag{name} len="{size + size % 2}" tag="{name}" vr="{vr}">'
    return f"{head}{xml_text.escape(text)}</tag{name}>".encode()


def _spliced(elements: _Elements, changes: Changes) -> bytes:
    """Set and remove elements; a new one stands behind the last of a lower tag."""
    data, root = elements.data, elements.root
    edits: list[tuple[int, int, bytes]] = []
    for row, value in sorted(changes.items(), key=lambda change: change[0].tag):
        node = elements.nodes.get(row.tag)
        if value is False:
            assert node
            edits.append((node.start - len(xml_text.lead(data, node.start)), node.end, b""))
            continue
        text = value if isinstance(value, str) else ""
        element = _element(row.tag, row.vr, text, elements.terms)
        if node:
            edits.append((node.start, node.end, element))
            continue
        lower = [child for tag, child in elements.nodes.items() if tag < row.tag]
        if lower:
            last = max(lower, key=lambda child: child.end)
            edits.append((last.end, last.end, xml_text.lead(data, last.start) + element))
        else:
            at = xml_text.tag_end(data, root.start)
            edits.append((at, at, element))
    return splice(data, edits)
