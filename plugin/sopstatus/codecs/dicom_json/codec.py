"""The DICOM JSON Model (PS3.18 annex F), as DICOMweb sends it: the four attributes of held copies.

A document is a data set or a list of them (the answer of ``/metadata``), as bytes, text or parsed
JSON; what comes out is of the same kind. Each data set is a copy of its own, so it names no holder:
the caller does, and writing drops it. In a text nothing is printed again but the attributes that
change; parsed JSON shares every untouched part with the old one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.dicom_json import document as dicom_json_document
from sopstatus.codecs.dicom_json import writer as dicom_json_write
from sopstatus.codecs.dicom_json.document import DataSet
from sopstatus.codecs.dicom_json.element import Fetch, attribute, spellings
from sopstatus.codecs.dicom_json.reader import Reader
from sopstatus.codecs.shared import data_set, json_text
from sopstatus.codecs.shared.context import Context, collect
from sopstatus.codecs.shared.data_set import Changes, DataSets
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Reading, by_uid, identities
from sopstatus.model import DocumentError, Result, SOPInstance

Names = dict[str, dict[int, tuple[str, ...]]]
"""Of attributes, by tag, in a data set by its place."""
_SOP_INSTANCE = f"{data_set.SOP_INSTANCE:08X}"


class DICOMJSONCodec(DataSets[DataSet]):
    """The statements that data sets in DICOM JSON make about themselves.

    ``fetch`` is asked for the bytes behind a ``BulkDataURI`` of an attribute of ours (PS3.18 F.2.2
    lets the comment be one); without it nothing is ever fetched, and an issue says so.
    """

    __slots__ = ()

    def decode(
        self, document: Any, *, holder: str = "", fetch: Fetch | None = None
    ) -> Result[tuple[SOPInstance, ...]]:
        """Read one statement for each data set that makes one; ``holder`` is who holds them all."""
        issues = Issues(self.limits)
        return self._said(self._found(document, issues, fetch), holder, issues)[0]

    def read(self, document: Any, *, holder: str = "", fetch: Fetch | None = None) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        issues = Issues(self.limits)
        said, known = self._said(self._found(document, issues, fetch), holder, issues)
        return said, identities(one for one in known if one.sop_instance_uid)

    def contexts(self, document: Any, issues: Issues) -> list[Context]:
        """Return what each data set says beside its statement: see `sopstatus.codecs.shared.context`."""
        from sopstatus.codecs.dicom_json.context import nodes

        wanted = self.tables.site.context
        return [collect(node, wanted, issues) for node in nodes(document, self.limits)]

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
        exactly: Collection[str] = (),
        fetch: Fetch | None = None,
    ) -> Result[Any]:
        """Do what every codec of data sets does; ``fetch`` as for `decode`."""
        given, into, holder, issues = self._begun(instances, into, known, holder)
        document, found, odd = self._read(into, fetch, Issues(self.limits))
        if faults := [fault for one in found if one for fault in one.faults]:
            raise DocumentError(*faults[: self.limits.issues])
        rows, here = self.tables.attributes.values(), issues.at(_SOP_INSTANCE)
        numbers = {id(one): number for number, one in enumerate(found)}
        owns = [one for one in found if one and one.instance.sop_instance_uid]
        changes, left = data_set.changed(rows, given, owns, holder, issues, exactly)
        if left and document.many:
            here.add("dicom-json/no-counterpart", count=left)
        elif left and not changes:
            here.add("dicom/no-counterpart", count=left)
        edits = {
            numbers[id(one)]: _edits(change, odd.get(one.at, {}))
            for one, change in changes
            if change
        }
        new = dicom_json_write.edited(document, edits) if edits else into
        return Result(new, issues.told())

    def blank(self, known: Iterable[SOPInstance]) -> list[dict[str, Any]]:
        """Return a list of data sets with the UIDs of the instances that are known."""
        about = by_uid(known)
        if not about:
            raise document_error("dicom/not-one-instance", "", count=0)
        return [
            {
                f"{tag:08X}": attribute("UI", uid or None)
                for tag, uid in sorted(zip(data_set.IDENTITY, one.uids, strict=True))
            }
            for one in about.values()
        ]

    def _found(
        self, document: Any, issues: Issues, fetch: Fetch | None = None
    ) -> Iterable[DataSet]:
        return filter(None, self._read(document, fetch, issues)[1])

    def _read(
        self, document: Any, fetch: Fetch | None, issues: Issues
    ) -> tuple[dicom_json_document.Document, list[DataSet | None], Names]:
        opened = dicom_json_document.opened(document, self.limits)
        rows = self.tables.attributes.values()
        reader = Reader(rows, fetch, issues)
        return opened, reader.read(opened), reader.odd


def _edits(changes: Changes, names: Mapping[int, tuple[str, ...]]) -> json_text.Edits:
    """Return the members to set and (``...``) to remove, in whatever spelling they stand."""
    edits: json_text.Edits = {}
    for row, value in changes.items():
        plain, *odd = names.get(row.tag) or spellings(row.tag, row.keyword)
        edits |= dict.fromkeys(odd, ...)
        edits[plain] = ... if isinstance(value, bool) else attribute(row.vr, value)
    return edits
