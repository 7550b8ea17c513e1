"""DICOM data sets and Part 10 files: the four attributes as elements of the held copy itself.

A data set *is* the copy, so it names no holder: the caller does, and writing drops it. Writing
into Part 10 bytes changes the elements of the tables and nothing else; writing into a pydicom
``Dataset`` (or a path, or a file object) returns a ``Dataset`` that owns its elements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sopstatus.codecs.dicom import by_pydicom
from sopstatus.codecs.dicom import elements as dicom_elements
from sopstatus.codecs.dicom.elements import FULLY, QUICKLY, STRICTLY, Elements
from sopstatus.codecs.dicom.fast import Plan, plan
from sopstatus.codecs.part10 import rewrite as part10_write
from sopstatus.codecs.part10.file import Part10File, Rewriting, State, unreadable
from sopstatus.codecs.part10.walk import DataSet
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.context import Context, collect
from sopstatus.codecs.shared.data_set import Changes
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Reading, identities, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Result, SOPInstance, Value
from sopstatus.table import Attribute, MappingTable
from sopstatus.table.conversions import PACKED, is_legal, packed_values
from sopstatus.values import tag_text

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True, slots=True)
class DICOMCodec:
    """The statement that a data set makes about itself.

    ``beside`` are the tags of other elements that `copy` is to find on its way.
    """

    tables: MappingTable
    limits: Limits = DEFAULT
    beside: tuple[int, ...] = ()
    plan: Plan = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = plan(tuple(self.tables.attributes.values()), self.beside)
        object.__setattr__(self, "plan", made)

    def decode(self, document: Any, *, holder: str = "") -> Result[tuple[SOPInstance, ...]]:
        """Read the data set's own statement; ``holder`` is the AE Title of who holds it.

        ``document`` is a pydicom ``Dataset``, a path, Part 10 bytes or a binary file object.
        """
        statement, issues = self._open(document).said(self.tables.whose(holder), self.limits)
        return Result((statement,) if statement.attributes else (), issues)

    def copy(self, document: Any, *, holder: str = "") -> tuple[Result[SOPInstance], Elements]:
        """Read what `decode` and `copies` do, and the elements ``beside`` it, in one walk."""
        elements = self._open(document)
        return Result(*elements.said(self.tables.whose(holder), self.limits)), elements

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return the data set's own statement, also where it states nothing."""
        return (self._open(document, STRICTLY).statement(Issues(self.limits)),)

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return the identity of the data set, said about or not."""
        return identities(one for one in self.copies(document) if one.sop_instance_uid)

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        statement, issues = self._open(document, FULLY).said(self.tables.whose(holder), self.limits)
        known = identities((statement,) if statement.sop_instance_uid else ())
        return Result((statement,) if statement.attributes else (), issues), known

    def contexts(self, document: Any, issues: Issues) -> list[Context]:
        """Return what the data set says beside its statement: see `sopstatus.codecs.shared.context`."""
        from sopstatus.codecs.dicom import context as dicom_context

        return [
            collect(dicom_context.opened(document, self.limits), self.tables.site.context, issues)
        ]

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
        exactly: Collection[str] = (),
    ) -> Result[Any]:
        """Write the statement about this data set's instance, and return the new data set.

        Part 10 bytes become bytes; a `Part10File` becomes a `Rewriting`, to be saved; anything else
        becomes a pydicom ``Dataset``. Where several holders are spoken of, ``holder`` says which
        one's copy this is. If its SOP Instance UID is in ``exactly``, what cannot be read and is
        not stated goes, also where nothing else changes.
        """
        given, holder = self.tables.settled(instances), self.tables.whose(holder)
        if into is None:
            into = self.blank((*known, *given))
        if isinstance(into, bytearray | memoryview):
            into = bytes(into)
        before = into.state() if isinstance(into, Part10File) else ()
        elements = self._open(into, STRICTLY)
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        old = elements.held(self.limits)
        new = data_set.chosen(given, old, holder, issues.at(tag_text(data_set.SOP_INSTANCE)))
        changes = elements.changes(old, new, issues, exactly) if new else {}
        if not isinstance(into, bytes | Part10File):
            dataset = _changed(into, elements, changes, self.limits)
            issues += elements.signed(changes, dataset) if changes else ()
            return Result(dataset, issues.told())
        issues += elements.signed(changes) if changes else ()
        made = elements.encoded(changes)
        walked = elements.walked if made else None
        if walked and (at := walked.findings.faults.get("dicom/order")):
            issues.at(tag_text(at)).add("dicom/reordered")
        if isinstance(into, bytes):
            new_bytes = part10_write.rewrite(into, walked, made) if walked else into
            return Result(new_bytes, issues.told())
        if walked and "dicom/order" in walked.findings.faults:
            return Result(self._in_order(into, before, walked, made), issues.told())
        edits = tuple(part10_write.edits(walked, made)) if walked else ()
        begin = walked.begin if walked and walked.deflated else -1
        return Result(Rewriting(into.path, before, edits, begin, self.limits), issues.told())

    def rewrite(
        self,
        instances: Iterable[SOPInstance],
        path: str | PathLike[str],
        out: str | PathLike[str],
        *,
        holder: str = "",
    ) -> Result[None]:
        """Write the statement into a copy of a Part 10 file; ``out`` may be ``path`` itself.

        The copy holds what `encode` makes of the file's bytes, in memory that does not grow with
        the file (unless its elements have to be sorted). Raise `DocumentError` where the files cannot be read or written.
        """
        written = self.encode(instances, Part10File(path), holder=holder)
        written.value.save(out)
        return Result(None, written.issues)

    def blank(self, known: Iterable[SOPInstance]) -> Dataset:
        """Return a data set with the UIDs of the one instance that is known, and nothing else."""
        from pydicom import Dataset, config
        from pydicom.dataelem import DataElement

        instance = data_set.only(known)
        dataset = Dataset()
        for tag, uid in zip(data_set.IDENTITY, instance.uids, strict=True):
            # an issue tells of a UID that is none; pydicom's warning would print it
            dataset[tag] = DataElement(tag, "UI", uid, validation_mode=config.IGNORE)
        return dataset

    def _open(self, document: Any, how: str = QUICKLY) -> Elements:
        return dicom_elements.read(document, self.plan, self.limits, how=how)

    def _in_order(
        self, into: Part10File, before: State, walked: DataSet, made: part10_write.Changes
    ) -> Rewriting:
        """Sort a file's elements, in memory: of such files there are few."""
        try:
            data = Path(into.path).read_bytes()
        except OSError as error:
            raise unreadable(error) from None
        edit = 0, before[0], part10_write.rewrite(data, walked, made)
        return Rewriting(into.path, before, (edit,), -1, self.limits)


def _changed(into: Any, elements: Elements, changes: Changes, limits: Limits) -> Dataset:
    """Return a copy of the data set, with elements of its own, and the changes made in it."""
    import copy

    from pydicom import Dataset

    if isinstance(into, Dataset):
        dataset = copy.deepcopy(into, {id(uid): uid for uid in dicom_elements.uids(into)})
    else:
        dataset = by_pydicom.whole(elements.source(), limits)
    for row, value in changes.items():
        if isinstance(value, bool):
            dataset.pop(row.tag, None)
        else:
            dataset[row.tag] = _element(row, value)
    return dataset


def _element(row: Attribute, value: Value) -> Any:
    """Return an element; as it is read from a file where pydicom's numbers cannot hold the text."""
    from pydicom import config
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.tag import BaseTag

    text = value or ""
    if row.vr in ("DS", "IS") and not all(is_legal(row.vr, one) for one in text.split("\\") if one):
        raw = text.encode("ascii") + b" " * (len(text) % 2)  # `unfit` has tried
        return RawDataElement(BaseTag(row.tag), row.vr, len(raw), raw, 0, False, True)
    stored = packed_values(row.vr, value) if row.vr in PACKED else value
    return DataElement(row.tag, row.vr, stored, validation_mode=config.IGNORE)
