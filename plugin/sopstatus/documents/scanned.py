"""One file read: what it says, every instance that it knows, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sopstatus import codecs
from sopstatus.catalogue import issue, reason_of
from sopstatus.codecs import DATA_SETS, Codec, DataSetCodec, Format, codec, of_data_sets
from sopstatus.codecs.part10.window import FIRST_READ, Begun
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Reading
from sopstatus.documents import content
from sopstatus.documents.files import opened_regular
from sopstatus.holder import Holder
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable, load_tables

if TYPE_CHECKING:
    from sopstatus.codecs.dicom import DICOMCodec
    from sopstatus.documents.description import Described


_READ = 1 << 24  # bytes that a file is asked for at once


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one file says: every statement, and every SOP Instance about which it says nothing.

    ``source`` is the path as found. ``format`` is ``""`` and ``instances`` empty where the file
    could not be read; ``issues`` tell why. ``described`` has one entry an instance. It pickles.
    """

    source: str
    format: str
    instances: tuple[SOPInstance, ...]
    issues: tuple[Issue, ...]
    described: tuple[Described, ...] = ()


def scanned(
    source: str, name: Format, document: Any, reading: Reading, holder: str = ""
) -> Scanned:
    """Return the record of a document of which its codec has made this ``reading``."""
    from sopstatus.documents import description as described

    said, known = reading
    whose = Holder.of(holder if name in DATA_SETS else "")
    about = {one.sop_instance_uid for one in said.value}
    silent = (replace(i, holder=whose) for i in known if i.sop_instance_uid not in about)
    found = (*said.value, *silent)
    return Scanned(source, name, found, said.issues, described.of_document(name, document, found))


def unreadable(source: str, error: OSError) -> Scanned:
    """Return the record of what the operating system does not give."""
    reason = reason_of(error)
    return Scanned(source, "", (), (issue("document/unreadable", "", reason=reason),))


class Reader:
    """Reads one file after the other; what is wrong with a file stands in its record.

    ``holder`` is who holds the data sets, which do not say it themselves. ``from_data_set``: where a
    file, or a data set of DICOM JSON, has Retrieve AE Title (0008,0054) or Retrieve Location UID
    (0040,E011), these name its holder. ``with_context``: what data sets say of patient, order and
    study is kept too, as much as the site wants.
    """

    def __init__(
        self,
        tables: MappingTable | None = None,
        limits: Limits = DEFAULT,
        holder: str = "",
        *,
        from_data_set: bool = False,
        with_context: bool = False,
    ) -> None:
        self.tables = tables or load_tables()
        self.limits = limits
        self.holder = self.tables.whose(holder)
        self.from_data_set, self.with_context = from_data_set, with_context
        self._codecs: dict[Format, Codec] = {}
        self._of_copies: DICOMCodec | None = None

    def __call__(self, path: str) -> Scanned:
        """Read a file of any format."""
        return self.opened(path, lambda: opened_regular(path))

    def opened(self, source: str, opening: Callable[[], Any]) -> Scanned:
        """Read what ``opening`` opens, a binary file that can ``read`` and ``seek``."""
        try:
            with opening() as file:
                return self.begun(source, file.read(FIRST_READ), file)
        except OSError as error:
            return unreadable(source, error)

    def begun(self, source: str, start: bytes, file: Any) -> Scanned:
        """Read an open file of which ``start`` has been read already."""
        name = ""
        try:
            name, document = self._load(start, file)
            found = self._read(source, name, document)
            under = self._codec(name)
            if self.with_context and found.instances and of_data_sets(under):
                return self._beside(found, under, file if name == "dicom" else document)
            return found
        except DocumentError as error:
            return Scanned(source, name, (), error.issues)

    def _read(self, path: str, name: Format, document: Any) -> Scanned:
        from sopstatus.documents import description as described

        if name == "dicom":
            copy, elements = self._dicom().copy(document, holder=self.holder)
            if not copy.value.attributes and not copy.value.sop_instance_uid:
                return Scanned(path, name, (), copy.issues)
            told, value = described.of_elements(elements), copy.value
            if self.from_data_set and (named := described.holder_in(elements)):
                value = replace(value, holder=self.tables.whose(named))
            return Scanned(path, name, (value,), copy.issues, (told,))
        reading = codecs.reading(self._codec(name), document, self.holder)
        found = scanned(path, name, document, reading, self.holder)
        if not self.from_data_set or name != "dicom-json":
            return found
        named_in = described.holders_in(document)
        instances = tuple(
            replace(one, holder=self.tables.whose(named_in.get(one.sop_instance_uid) or one.holder))
            for one in found.instances
        )
        return replace(found, instances=instances)

    def _beside(self, found: Scanned, under: DataSetCodec, document: Any) -> Scanned:
        """Add what the data sets say beside their statements."""
        from sopstatus.documents.description import NOTHING

        issues = Issues(self.limits)
        contexts = under.contexts(document, issues)
        texts = {c["SOPInstanceUID"]: json.dumps(c) for c in contexts if "SOPInstanceUID" in c}
        described = tuple(
            told._replace(context=texts.get(one.sop_instance_uid, ""))
            for one, told in zip(
                found.instances, found.described or (NOTHING,) * len(found.instances), strict=True
            )
        )
        return replace(found, described=described, issues=found.issues + issues.told())

    def _load(self, start: bytes, file: Any) -> tuple[Format, Any]:
        if start[128:132] == b"DICM":  # the codec reads as much as it needs
            return "dicom", Begun(start, file)
        parts, left = [start], self.limits.document + 1 - len(start)
        while left > 0 and (part := file.read(min(left, _READ))):
            parts.append(part)
            left -= len(part)
        return content.load(b"".join(parts), limits=self.limits)

    def _codec(self, name: Format) -> Codec:
        if name not in self._codecs:
            self._codecs[name] = codec(name, tables=self.tables, limits=self.limits)
        return self._codecs[name]

    def _dicom(self) -> DICOMCodec:
        if self._of_copies is None:
            from sopstatus.documents.description import RETRIEVE, TAGS

            made = codec("dicom", tables=self.tables, limits=self.limits)
            beside = (*TAGS, *RETRIEVE) if self.from_data_set else TAGS
            self._of_copies = replace(made, beside=beside)
        return self._of_copies
