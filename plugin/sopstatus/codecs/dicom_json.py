"""The DICOM JSON Model (PS3.18 annex F), as DICOMweb sends it: the four attributes of held copies.

A document is a data set or a list of them (the answer of ``/metadata``), as bytes, text or parsed
JSON; what comes out is of the same kind. Each data set is a copy of its own, so it names no holder:
the caller does, and writing drops it. In a text nothing is printed again but the attributes that
change; parsed JSON shares every untouched part with the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import data_set, dicom_json_document, dicom_json_write, json_text
from sopstatus.codecs.data_set import Changes
from sopstatus.codecs.dicom_json_element import Fetch, attribute, spellings
from sopstatus.codecs.dicom_json_read import DataSet, Reader
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.statement import Reading, by_uid, identities, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import MappingTable

__all__ = ["DICOMJSONCodec", "Fetch"]

_SOP_INSTANCE = f"{data_set.SOP_INSTANCE:08X}"


@dataclass(frozen=True, slots=True)
class DICOMJSONCodec:
    """The statements that data sets in DICOM JSON make about themselves.

    ``fetch`` is asked for the bytes behind a ``BulkDataURI`` of an attribute of ours (PS3.18 F.2.2
    lets the comment be one); without it nothing is ever fetched, and an issue says so.
    """

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(
        self, document: Any, *, holder: str = "", fetch: Fetch | None = None
    ) -> Result[tuple[SOPInstance, ...]]:
        """Read one statement for each data set that makes one; ``holder`` is who holds them all."""
        return self._said(document, holder, fetch)[0]

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return what each data set states, also where that is nothing."""
        return tuple(one.instance for one in self.data_sets(document))

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List the identities of the data sets, said about or not."""
        return identities(self.copies(document))

    def read(self, document: Any, *, holder: str = "", fetch: Fetch | None = None) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        said, found = self._said(document, holder, fetch)
        return said, identities(one for one in found if one.sop_instance_uid)

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
        fetch: Fetch | None = None,
    ) -> Result[Any]:
        """Write each statement into the data set that it is about and return the new document.

        Where several holders are spoken of, ``holder`` says whose copies these are.
        """
        given = tuple(instances)
        if into is None:
            into = self.blank((*known, *given))
        document, found = self._read(into, fetch, Issues(self.limits))
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        changes = self._changes(given, found, holder, document.many, issues)
        edits = {index: _edits(change) for index, change in changes.items() if change}
        if not edits:
            return Result(into, issues.told())
        return Result(dicom_json_write.edited(document, edits), issues.told())

    def blank(self, known: Iterable[SOPInstance]) -> list[dict[str, Any]]:
        """Return a list of data sets with the UIDs of the instances that are known."""
        about = by_uid(known)
        if not about:
            raise document_error("dicom/not-one-instance", "", count=0)
        return [
            {
                f"{tag:08X}": attribute("UI", uid or None)
                for tag, uid in sorted(zip(data_set.IDENTITY, _uids(one), strict=True))
            }
            for one in about.values()
        ]

    def data_sets(self, document: Any) -> list[DataSet]:
        """Return every data set that has a SOP Instance UID, with the places of its attributes."""
        found = self._read(document, None, Issues(self.limits))[1]
        return [one for one in found if one and one.instance.sop_instance_uid]

    def _said(
        self, document: Any, holder: str, fetch: Fetch | None
    ) -> tuple[Result[tuple[SOPInstance, ...]], list[SOPInstance]]:
        issues = Issues(self.limits)
        found = [one.instance for one in self._read(document, fetch, issues)[1] if one]
        stated = (one for one in found if one.attributes)
        if holder:
            stated = (replace(instance, holder=holder) for instance in stated)
        return Result(tuple(stated), issues.told()), found

    def _read(
        self, document: Any, fetch: Fetch | None, issues: Issues
    ) -> tuple[dicom_json_document.Document, list[DataSet | None]]:
        opened = dicom_json_document.opened(document, self.limits)
        rows = self.tables.attributes.values()
        return opened, Reader(rows, self.limits, fetch, issues).read(opened)

    def _changes(
        self,
        given: tuple[SOPInstance, ...],
        found: list[DataSet | None],
        holder: str,
        many: bool,
        issues: list[Issue],
    ) -> dict[int, Changes]:
        named = [
            (number, one)
            for number, one in enumerate(found)
            if one and one.instance.sop_instance_uid
        ]
        owns = [(one.instance, one.where) for _, one in named]
        news, left = data_set.shared_out(given, owns, holder, issues)
        changes: dict[int, Changes] = {}
        rows = self.tables.attributes.values()
        for (number, one), new in zip(named, news, strict=True):
            if new:
                changes[number] = data_set.changes(
                    rows, one.instance, new, one.offset, one.place_of, issues
                )
        if left and many:
            issues.append(issue("dicom-json/no-counterpart", _SOP_INSTANCE, count=left))
        elif left and not any(news):
            issues.append(issue("dicom/no-counterpart", _SOP_INSTANCE, count=left))
        return changes


def _uids(instance: SOPInstance) -> tuple[str, str, str, str]:
    study, series, sop, _ = instance.identity
    return study, series, instance.sop_class_uid, sop


def _edits(changes: Changes) -> json_text.Edits:
    """Return the members to set and (``...``) to remove, in whatever spelling they stand."""
    edits: json_text.Edits = {}
    for row, value in changes.items():
        plain, *odd = spellings(row.tag, row.keyword)
        edits |= dict.fromkeys(odd, ...)
        edits[plain] = ... if isinstance(value, bool) else attribute(row.vr, value)
    return edits
