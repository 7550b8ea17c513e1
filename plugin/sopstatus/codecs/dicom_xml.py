"""A DICOM data set as Mirth Connect's XML: what ``msg`` is in a channel with the data type DICOM.

``<dicom>`` holds one element an attribute, ``<tag01000410 len="2" tag="01000410" vr="CS">AO``, in
the order of the tags; a sequence holds ``<item>``. The data set is the held copy, so it names no
holder: the caller does, and writing drops it. In the XML nothing is printed again but the
attributes that change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import character_set, data_set, xml_text
from sopstatus.codecs.data_set import Changes
from sopstatus.codecs.er7 import splice
from sopstatus.codecs.statement import Reading, by_uid, expand, identities, unmapped
from sopstatus.codecs.xml_text import Node
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance, Value
from sopstatus.table import Attribute, MappingTable
from sopstatus.values import trim

ROOT = "dicom"
_CHARACTER_SET = 0x00080005
_UTF_8 = "ISO_IR 192"
_NOT_TEXT = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN")


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data set of a document: what it says, and its own (0008,0201)."""

    instance: SOPInstance
    offset: str
    where: str

    def place_of(self, row: Attribute) -> str:
        """Write the place of an attribute, as ``(0100,0410)``."""
        return _location(row.tag)


class _Elements:
    """The elements of a document by their tags."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.root = data, xml_text.parse(data, limits)
        if self.root.name != ROOT:
            raise document_error("dicom-xml/not-dicom-xml", "")
        self.nodes: dict[int, Node] = {}
        for node in self.root.children:
            if (tag := _tag(node.name)) is not None:
                self.nodes.setdefault(tag, node)

    def text(self, tag: int) -> str:
        """Return the text of an element, without padding; nothing where there is none."""
        return trim("LO", self.nodes[tag].text) if tag in self.nodes else ""

    @property
    def terms(self) -> tuple[str, ...]:
        """Specific Character Set (0008,0005)."""
        text = self.text(_CHARACTER_SET)
        return tuple(text.split("\\")) if text else ()


@dataclass(frozen=True, slots=True)
class DICOMXMLCodec:
    """The statement that a data set makes about itself: ``bytes`` or ``str``, and the same comes out."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any, *, holder: str = "") -> Result[tuple[SOPInstance, ...]]:
        """Read the statement; ``holder`` is who holds the data set."""
        return self.read(document, holder=holder)[0]

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return what the data set states, also where that is nothing."""
        return tuple(one.instance for one in self.data_sets(document))

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return the identity of the data set, said about or not."""
        return identities(self.copies(document))

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        issues: list[Issue] = []
        instance = self._read(self._open(document)[0], issues).instance
        stated = (replace(instance, holder=holder),) if instance.attributes else ()
        known = identities((instance,) if instance.sop_instance_uid else ())
        return Result(stated, tuple(issues)), known

    def data_sets(self, document: Any) -> list[DataSet]:
        """Return the data set, in a list as other formats have it, if it names its instance."""
        one = self._read(self._open(document)[0], [])
        return [one] if one.instance.sop_instance_uid else []

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
    ) -> Result[Any]:
        """Write the statement about this data set's instance and return the new document.

        Where several holders are spoken of, ``holder`` says whose copy this is.
        """
        given = tuple(instances)
        if into is None:
            into = self.blank((*known, *given))
        elements, back = self._open(into)
        issues = unmapped(given, self.tables)
        old = self._read(elements, [])
        about: list[SOPInstance] = []
        if old.instance.sop_instance_uid:
            about = data_set.about(expand(given, [old.instance]), old.instance, holder)
        if given and not about:
            issues.append(issue("dicom/no-counterpart", old.where, count=len(given)))
        new = data_set.agreed(about, old.where, issues)
        if new is None:
            return Result(into, tuple(issues))
        rows = self.tables.attributes.values()
        unfit = partial(_unfit, elements.terms)
        changes = data_set.changes(rows, old.instance, new, old.offset, old.place_of, issues, unfit)
        if not changes:
            return Result(into, tuple(issues))
        return Result(back(_spliced(elements, changes)), tuple(issues))

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> bytes:
        """Return a data set with the UIDs of the one instance that is known, and nothing else."""
        about = by_uid(known)
        if len(about) != 1:
            raise document_error("dicom/not-one-instance", "", count=len(about))
        (one,) = about.values()
        uids = (*one.identity[:2], one.sop_class_uid, one.sop_instance_uid)
        pairs = sorted(zip(data_set.IDENTITY, uids, strict=True))
        inner = _element(_CHARACTER_SET, "CS", _UTF_8, ())
        inner += b"".join(_element(tag, "UI", uid, ()) for tag, uid in pairs)
        return b"<dicom>" + inner + b"</dicom>"

    def _open(self, document: Any) -> tuple[_Elements, Any]:
        data, back = xml_text.as_bytes(document)
        return _Elements(data, self.limits), back

    def _read(self, elements: _Elements, issues: list[Issue]) -> DataSet:
        rows = self.tables.attributes.values()
        said: dict[str, Value] = {}
        for row in rows:
            node, where = elements.nodes.get(row.tag), _location(row.tag)
            if node is None:
                continue
            if node.children or node.attributes.get("vr") in _NOT_TEXT:
                issues.append(issue("dicom-xml/not-text", where, keyword=row.keyword))
            else:
                said[row.keyword] = data_set.value(row, node.text, where, issues)
        offset = elements.text(data_set.TIMEZONE_OFFSET)
        at = _location(data_set.TIMEZONE_OFFSET)
        said = data_set.localised(said, rows, offset, at, issues)
        uids = [(elements.text(tag), _location(tag)) for tag in data_set.IDENTITY]
        instance = replace(data_set.identity(uids, issues), attributes=tuple(said.items()))
        return DataSet(instance, offset, _location(data_set.SOP_INSTANCE))


def _tag(name: str) -> int | None:
    try:
        return int(name[3:], 16) if name.startswith("tag") and len(name) == 11 else None
    except ValueError:
        return None


def _location(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _unfit(terms: tuple[str, ...], row: Attribute, text: str) -> str | None:
    """Return the code of what keeps a value out of the document."""
    if not xml_text.holds(text):
        return "dicom-xml/control-character"
    return "dicom/charset" if character_set.encode(text, terms) is None else None


def _element(tag: int, vr: str, text: str, terms: tuple[str, ...]) -> bytes:
    size = len(character_set.encode(text, terms) or b"")
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
