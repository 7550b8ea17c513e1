"""What the data sets of a DICOM JSON document say.

Of a text, msgspec (extra ``fast``) builds nothing but what the tables name; without it the
standard library parses one data set after the other. Both give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs.dicom_json import hidden
from sopstatus.codecs.dicom_json.document import DataSet, Document, place, values
from sopstatus.codecs.dicom_json.element import (
    BETWEEN,
    FILE_META,
    Fetch,
    Tell,
    are_usual,
    is_ambiguous,
    spellings,
    tag_named,
    text_of,
    vr_of,
)
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.json_text import MARK, repeated, text_of_bytes
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.values import OFFSET_KEYWORD


def _has_uid(instance: SOPInstance) -> bool:
    return any(instance.identity) or bool(instance.sop_class_uid)


class Reader:
    """Reads the data sets of a document; ``issues`` gathers what is wrong with them."""

    def __init__(self, rows: Iterable[Attribute], fetch: Fetch | None, issues: Issues) -> None:
        self.rows, self.fetch, self.issues = tuple(rows), fetch, issues
        self.keywords = {**data_set.IDENTITY, data_set.TIMEZONE_OFFSET: OFFSET_KEYWORD}
        self.keywords |= {row.tag: row.keyword for row in self.rows}
        self.names = {tag: spellings(tag, keyword) for tag, keyword in self.keywords.items()}
        self.here = self.names  # those that the present data set has too
        self.odd: dict[str, dict[int, tuple[str, ...]]] = {}

    def read(self, document: Document) -> list[DataSet | None]:
        """Read every data set in its place; ``None`` stands for what is none."""
        found = self._read(document)
        if found and not any(one and (one.faults or _has_uid(one.instance)) for one in found):
            self.issues.add("dicom/no-identity")
        return found

    def _read(self, document: Document) -> list[DataSet | None]:
        if document.data is None:
            return self._all(document.parsed if document.many else [document.parsed], document.many)
        from sopstatus.codecs.dicom_json import fast as dicom_json_fast

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
            found.append(self.careful(node, f"[{index}]" if many else ""))
        return found

    def allow(self, count: int) -> None:
        """Raise `DocumentError` where there are more data sets than the limit."""
        if count > (limit := self.issues.limits.statements):
            raise document_error("document/too-many-statements", "", limit=limit)

    def careful(self, node: Any, at: str) -> DataSet | None:
        """Read one data set of which the names have not been looked at yet."""
        if isinstance(node, dict):
            self.here = self._names_in(node, at)
        found = self.data_set(node, at)
        self.here = self.names
        return found

    def data_set(self, node: Any, at: str) -> DataSet | None:
        """Read one data set; ``at`` is its place in the list."""
        if not isinstance(node, dict):
            self.issues.at(at).add("dicom-json/not-a-data-set")
            return None
        if doubtful := self._repeated(node, at):
            self.issues += doubtful.values()  # a copy that says nothing is left, for the record
            clear = [
                "" if tag in doubtful else self._plain(node, tag, at) for tag in data_set.IDENTITY
            ]
            instance = data_set.identity([(uid, "") for uid in clear], Issues())
            return DataSet(at, instance, faults=tuple(doubtful.values()))
        said: dict[str, Value] = {}
        spoken: list[str] = []
        odd_vrs: list[tuple[str, str]] = []
        for row in self.rows:
            if (found := self._find(node, row.tag, at)) is None:
                continue
            spoken.append(row.keyword)
            where, value = found
            if (vr := vr_of(value)) and vr != row.vr:
                odd_vrs.append((row.keyword, vr))
            text = text_of(value, row.vr, self._tell(where, row.keyword), self.fetch)
            if text is not None:
                said[row.keyword] = data_set.value(row, text, self.issues.at(where))
        offset = self._plain(node, data_set.TIMEZONE_OFFSET, at)
        uids = [(self._plain(node, tag, at), self._place(tag, at)) for tag in data_set.IDENTITY]
        if not spoken:
            self.issues += hidden.of_node(node, at, self.rows, self.issues.limits.depth)
        if FILE_META in node:
            self.issues.at(place(at, FILE_META)).add("dicom-json/file-meta")
        if not uids[3][0]:  # a result about a study or series, or one that lost its identity
            nameless = issue("dicom-json/no-instance", uids[3][1])
            self.issues += [nameless] if spoken else []
            faults = (nameless,) if data_set.is_governed(spoken) else ()
            return DataSet(at, data_set.identity(uids, Issues()), offset, faults=faults)
        at_offset = self.issues.at(self._place(data_set.TIMEZONE_OFFSET, at))
        said = data_set.localised(said, self.rows, offset, at_offset)
        instance = replace(data_set.identity(uids, self.issues), attributes=tuple(said.items()))
        unread = frozenset(spoken).difference(said)
        return DataSet(at, instance, offset, unread, tuple(odd_vrs))

    def _names_in(self, node: dict[str, Any], at: str) -> dict[int, tuple[str, ...]]:
        """Return the names of attributes, with those here that others take for them too."""
        names = [name for name in node if isinstance(name, str)]
        if are_usual(BETWEEN.join(names), len(names)):
            return self.names
        odd: dict[int, dict[str, None]] = {}
        for name in names:
            tag = tag_named(name)
            if tag in self.names and name not in self.names[tag]:
                odd.setdefault(tag, {})[name] = None
        if not odd:
            return self.names
        here = self.odd[at] = self.names | {t: (*self.names[t], *more) for t, more in odd.items()}
        return here

    def _repeated(self, node: dict[str, Any], at: str) -> dict[int, Issue]:
        """Return an issue for each attribute that stands more than once, or a part of which does."""
        found = {}
        for tag, names in self.here.items():
            present = [name for name in names if name in node]
            twice = len(present) > 1 or not repeated(node).isdisjoint(present)
            if present and (twice or is_ambiguous(node[present[0]])):
                facts = {"keyword": self.keywords[tag]}
                found[tag] = issue("dicom-json/repeated", self._where(present[0], tag, at), **facts)
        return found

    def _find(self, node: dict[str, Any], tag: int, at: str) -> tuple[str, Any] | None:
        names = self.here[tag]
        present = [name for name in names if name in node]
        if not present:
            return None
        where = self._where(present[0], tag, at)
        if present != [names[0]]:
            facts = {"keyword": self.keywords[tag], "name": names[0]}
            self.issues.at(where).add("dicom-json/tag-spelling", **facts)
        return where, node[present[0]]

    def _plain(self, node: dict[str, Any], tag: int, at: str) -> str:
        if (found := self._find(node, tag, at)) is None:
            return ""
        where, value = found
        vr = "SH" if tag == data_set.TIMEZONE_OFFSET else "UI"
        text = text_of(value, vr, self._tell(where, self.keywords[tag]))
        return (text or "").strip(" \0")

    def _where(self, name: str, tag: int, at: str) -> str:
        """Return the place of a name; one that may hold anything is not repeated."""
        return place(at, name) if name in self.names[tag] else self._place(tag, at)

    def _place(self, tag: int, at: str) -> str:
        return place(at, self.names[tag][0])

    def _tell(self, where: str, keyword: str) -> Tell:
        def tell(code: str, **facts: object) -> None:
            self.issues.at(where).add(code, keyword=keyword, **facts)

        return tell  # most have nothing to tell
