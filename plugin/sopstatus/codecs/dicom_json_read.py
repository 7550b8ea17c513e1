"""What the data sets of a DICOM JSON document say.

Of a text, msgspec (extra ``fast``) builds nothing but what the tables name; without it the
standard library parses one data set after the other. Both give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import data_set, dicom_json_nooks
from sopstatus.codecs.dicom_json_document import Document, values
from sopstatus.codecs.dicom_json_element import FILE_META, Fetch, Tell, spellings, text_of
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.json_text import MARK, text_of_bytes
from sopstatus.limits import Limits
from sopstatus.model import SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.values import OFFSET_KEYWORD


@dataclass(slots=True)
class DataSet:
    """One data set of a document: its place in the list, what it says, its own (0008,0201)."""

    at: str
    instance: SOPInstance
    offset: str = ""

    @property
    def where(self) -> str:
        """Return the place of its SOP Instance UID."""
        return place(self.at, f"{data_set.SOP_INSTANCE:08X}")

    def place_of(self, row: Attribute) -> str:
        """Write the place of an attribute, as ``[3].01000410``."""
        return place(self.at, f"{row.tag:08X}")


def place(at: str, name: str) -> str:
    """Write the place of a member of the data set at ``at``."""
    return f"{at}.{name}" if at else name


class Reader:
    """Reads the data sets of a document; ``issues`` grows with what is told of them."""

    def __init__(
        self, rows: Iterable[Attribute], limits: Limits, fetch: Fetch | None, issues: Issues
    ) -> None:
        self.rows, self.limits, self.fetch, self.issues = tuple(rows), limits, fetch, issues
        self.keywords = {**data_set.IDENTITY, data_set.TIMEZONE_OFFSET: OFFSET_KEYWORD}
        self.keywords |= {row.tag: row.keyword for row in self.rows}
        self.names = {tag: spellings(tag, keyword) for tag, keyword in self.keywords.items()}

    def read(self, document: Document) -> list[DataSet | None]:
        """Read every data set in its place; ``None`` stands for what is none."""
        if document.data is None:
            return self._all(document.parsed if document.many else [document.parsed], document.many)
        from sopstatus.codecs import dicom_json_fast

        data = document.data.removeprefix(MARK)
        found = dicom_json_fast.read(self, data, document.many)
        if found is None:
            nodes = (node for node, _, _ in values(text_of_bytes(data)))
            found = self._all(nodes, document.many)
        return found

    def _all(self, nodes: Iterable[Any], many: bool) -> list[DataSet | None]:
        found = []
        for index, node in enumerate(nodes):
            self.allow(index + 1)
            found.append(self.data_set(node, f"[{index}]" if many else ""))
        return found

    def allow(self, count: int) -> None:
        """Raise `DocumentError` where there are more data sets than the limit."""
        if count > self.limits.statements:
            raise document_error("document/too-many-statements", "", limit=self.limits.statements)

    def data_set(self, node: Any, at: str) -> DataSet | None:
        """Read one data set; ``at`` is its place in the list."""
        if not isinstance(node, dict):
            self.issues.append(issue("dicom-json/not-a-data-set", at))
            return None
        said: dict[str, Value] = {}
        spoken = False
        for row in self.rows:
            if (found := self._find(node, row.tag, at)) is None:
                continue
            spoken = True
            where, value = found
            text = text_of(value, row.vr, self._tell(where, row.keyword), self.fetch)
            if text is not None:
                said[row.keyword] = data_set.value(row, text, where, self.issues)
        offset = self._plain(node, data_set.TIMEZONE_OFFSET, at)
        uids = [(self._plain(node, tag, at), self._place(tag, at)) for tag in data_set.IDENTITY]
        if not spoken:
            self.issues += dicom_json_nooks.of_node(node, at, self.rows, self.limits.depth)
        if FILE_META in node:
            self.issues.append(issue("dicom-json/file-meta", place(at, FILE_META)))
        if not uids[3][0]:  # a result about a study or series, or one that lost its identity
            if spoken:
                self.issues.append(issue("dicom-json/no-instance", uids[3][1]))
            return DataSet(at, data_set.identity(uids, []), offset)
        where = self._place(data_set.TIMEZONE_OFFSET, at)
        said = data_set.localised(said, self.rows, offset, where, self.issues)
        instance = data_set.identity(uids, self.issues)
        return DataSet(at, replace(instance, attributes=tuple(said.items())), offset)

    def _find(self, node: dict[str, Any], tag: int, at: str) -> tuple[str, Any] | None:
        names = self.names[tag]
        present = [name for name in names if name in node]
        if not present:
            return None
        where = place(at, present[0])
        if present != [names[0]]:
            code = "dicom-json/repeated" if len(present) > 1 else "dicom-json/tag-spelling"
            facts = {"keyword": self.keywords[tag], "name": names[0]}
            self.issues.append(issue(code, where, **facts))
        return where, node[present[0]]

    def _plain(self, node: dict[str, Any], tag: int, at: str) -> str:
        if (found := self._find(node, tag, at)) is None:
            return ""
        where, value = found
        vr = "SH" if tag == data_set.TIMEZONE_OFFSET else "UI"
        text = text_of(value, vr, self._tell(where, self.keywords[tag]))
        return (text or "").strip(" \0")

    def _place(self, tag: int, at: str) -> str:
        return place(at, self.names[tag][0])

    def _tell(self, where: str, keyword: str) -> Tell:
        def tell(code: str, **facts: object) -> None:
            self.issues.append(issue(code, where, keyword=keyword, **facts))

        return tell
