"""DICOM data sets and Part 10 files: the four attributes as elements of the held copy itself.

A data set *is* the copy, so it names no holder: the caller does, and writing drops it. Writing
into Part 10 bytes changes the elements of the tables and nothing else; writing into a pydicom
``Dataset`` (or a path, or a file object) returns a ``Dataset`` that owns its elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import data_set, dicom_nooks, dicom_read, part10_write
from sopstatus.codecs.data_set import Changes
from sopstatus.codecs.dicom_plan import Plan, plan
from sopstatus.codecs.dicom_read import Elements, location, read
from sopstatus.codecs.part10_file import Part10File, Rewriting
from sopstatus.codecs.statement import Reading, by_uid, expand, identities, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance, Value
from sopstatus.table import MappingTable

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
        statement, issues = self._said(self._open(document), holder)
        return Result((statement,) if statement.attributes else (), issues)

    def copy(self, document: Any, *, holder: str = "") -> tuple[Result[SOPInstance], Elements]:
        """Read what `decode` and `copies` do, and the elements ``beside`` it, in one walk."""
        elements = self._open(document)
        return Result(*self._said(elements, holder)), elements

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return the data set's own statement, also where it states nothing."""
        return (self._statement(self._open(document), []),)

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return the identity of the data set, said about or not."""
        return identities(one for one in self.copies(document) if one.sop_instance_uid)

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        statement, issues = self._said(self._open(document), holder)
        known = identities((statement,) if statement.sop_instance_uid else ())
        return Result((statement,) if statement.attributes else (), issues), known

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
    ) -> Result[Any]:
        """Write the statement about this data set's instance, and return the new data set.

        Part 10 bytes become bytes; a `Part10File` becomes a `Rewriting`, to be saved; anything else
        becomes a pydicom ``Dataset``. Where several holders are spoken of, ``holder`` says which
        one's copy this is.
        """
        given = tuple(instances)
        if into is None:
            into = self.blank((*known, *given))
        if isinstance(into, bytearray | memoryview):
            into = bytes(into)
        before = into.state() if isinstance(into, Part10File) else ()
        elements = self._open(into, strictly=isinstance(into, bytes | Part10File))
        issues = unmapped(given, self.tables)
        old = self._statement(elements, [])
        new = self._chosen(given, old, holder, issues)
        changes = self._changes(elements, old, new, issues) if new else {}
        if not isinstance(into, bytes | Part10File):
            dataset = _changed(into, changes)
            issues += dicom_nooks.signed(dataset, changes) if changes else ()
            return Result(dataset, tuple(issues))
        if changes:
            issues += dicom_nooks.signed(into, changes, self.limits)
        made = dicom_read.encoded(elements, changes, issues)
        walked = elements.walked if made else None
        if isinstance(into, bytes):
            new_bytes = part10_write.rewrite(into, walked, made) if walked else into
            return Result(new_bytes, tuple(issues))
        edits = tuple(part10_write.edits(walked, made)) if walked else ()
        begin = walked.begin if walked and walked.deflated else -1
        return Result(Rewriting(into.path, before, edits, begin, self.limits), tuple(issues))

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
        the file. Raise `DocumentError` where the files cannot be read or written.
        """
        written = self.encode(instances, Part10File(path), holder=holder)
        written.value.save(out)
        return Result(None, written.issues)

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> Dataset:
        """Return a data set with the UIDs of the one instance that is known, and nothing else."""
        from pydicom import Dataset, config
        from pydicom.dataelem import DataElement

        about = by_uid(known)
        if len(about) != 1:
            raise document_error("dicom/not-one-instance", "", count=len(about))
        (instance,) = about.values()
        dataset = Dataset()
        uids = (*instance.identity[:2], instance.sop_class_uid, instance.sop_instance_uid)
        for tag, uid in zip(dicom_read.IDENTITY, uids, strict=True):
            # an issue tells of a UID that is none; pydicom's warning would print it
            dataset[tag] = DataElement(tag, "UI", uid, validation_mode=config.IGNORE)
        return dataset

    def _open(self, document: Any, *, strictly: bool = False) -> Elements:
        return read(document, self.plan.walk, self.limits, strictly=strictly)

    def _said(self, elements: Elements, holder: str) -> tuple[SOPInstance, tuple[Issue, ...]]:
        walked = elements.walked
        if walked and not walked.doubtful and (plain := self.plan.read(walked, holder)):
            return plain, ()
        issues: list[Issue] = []
        statement = self._statement(elements, issues)
        issues += dicom_read.nooks(elements, self.tables.attributes.values())
        return replace(statement, holder=holder), tuple(issues)

    def _statement(self, elements: Elements, issues: list[Issue]) -> SOPInstance:
        said: dict[str, Value] = {}
        for row in self.tables.attributes.values():
            said |= dicom_read.value(elements, row, issues)
        where = location(dicom_read.TIMEZONE_OFFSET)
        rows = self.tables.attributes.values()
        said = data_set.localised(said, rows, elements.offset(), where, issues)
        return replace(dicom_read.identity(elements, issues), attributes=tuple(said.items()))

    def _chosen(
        self,
        given: tuple[SOPInstance, ...],
        old: SOPInstance,
        holder: str,
        issues: list[Issue],
    ) -> SOPInstance | None:
        """Choose the statement about this instance: its own, else its series', else its study's."""
        about = data_set.about(expand(given, [old]), old, holder)
        if given and not about:
            issues.append(issue("dicom/no-counterpart", "(0008,0018)", count=len(given)))
        return data_set.agreed(about, "(0008,0018)", issues)

    def _changes(
        self, elements: Elements, old: SOPInstance, new: SOPInstance, issues: list[Issue]
    ) -> Changes:
        """Return what changes, by row: a value, ``None`` for zero length, ``False`` to remove."""
        rows, here = self.tables.attributes.values(), elements.offset()
        unfit = partial(dicom_read.unfit, elements)
        return data_set.changes(rows, old, new, here, lambda r: location(r.tag), issues, unfit)


def _changed(into: Any, changes: Changes) -> Dataset:
    """Return a copy of the data set, with elements of its own, and the changes made in it."""
    import copy

    from pydicom import Dataset, config, dcmread
    from pydicom.dataelem import DataElement

    if isinstance(into, Dataset):
        dataset = copy.deepcopy(into, {id(uid): uid for uid in dicom_read.uids(into)})
    else:
        dataset = dcmread(into)  # a file object stands at its beginning again
    for row, value in changes.items():
        if value is False:
            dataset.pop(row.tag, None)
        else:
            element = DataElement(row.tag, row.vr, value, validation_mode=config.IGNORE)
            dataset[row.tag] = element
    return dataset
