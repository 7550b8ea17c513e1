"""Replay stored documents with changed tables: which outputs change, how, and how many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sopstatus.codecs import DATA_SETS, Codec, Format, codec
from sopstatus.documents import content
from sopstatus.documents.containers import Stored
from sopstatus.documents.differences import Difference, differences
from sopstatus.documents.flatten import places
from sopstatus.model import DocumentError, Result, SOPInstance
from sopstatus.table import MappingTable

READ = "read"
TARGETS: tuple[Format, ...] = ("hl7", "fhir", "dicom-json")
"""The outputs that are compared; `READ` is what the document is understood to say."""
_MOST, _EXAMPLES, _NAMED = 1000, 3, 20
_TEXT = "(text)"
_NUMBER = re.compile(r"\[[0-9]+\]")


class Change(NamedTuple):
    """One kind of change; ``before`` and ``after`` are terms and codes, never a document's text."""

    output: str
    place: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Replay:
    """Counts while documents go through two sets of tables; its memory does not grow with them."""

    old: MappingTable
    new: MappingTable
    targets: tuple[Format, ...] = TARGETS
    documents: int = 0
    unreadable: int = 0
    unread: list[str] = field(default_factory=list)
    changed: int = 0
    outputs: Counter[str] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[str]] = field(default_factory=dict)
    issues: tuple[Counter[str], Counter[str]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    _codecs: dict[tuple[Format, bool], Codec] = field(default_factory=dict)
    _words: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._words = frozenset((*_words(self.old), *_words(self.new)))

    def __call__(self, one: Stored) -> None:
        """Carry a document over both, and count what differs."""
        self.documents += 1
        try:
            if one.error:
                raise one.error
            loaded: tuple[Format, Any] = (
                ("dicom", one.part10) if one.part10 else content.load(one.data)
            )
            name, document = loaded
            before, after = (self._outputs(name, document, new=new) for new in (False, True))
        except DocumentError as error:
            self.unreadable += 1
            if len(self.unread) < _NAMED:
                self.unread.append(one.source)
            for told in self.issues:
                told.update({issue.code for issue in error.issues})
            return
        differ = False
        for output in before:
            left, right = before[output], after[output]
            if left == right:
                continue
            differ = True
            self.outputs[output] += 1
            rows = differences(_pairs(output, left), _pairs(output, right))
            for change in {self._change(output, row) for row in rows} or {
                Change(output, "(order or spelling)", None, None)
            }:
                self._count(change, one.source)
        self.changed += differ

    def _outputs(self, name: Format, document: Any, *, new: bool) -> dict[str, Any]:
        under = self._codec(name, new=new)
        read, known = under.read(document)
        told = set(read.issues)
        made: dict[str, Any] = {READ: read.value}
        if read.value:
            for target in self.targets:
                if target != name:
                    written = self._written(target, read.value, known or read.value, new=new)
                    made[target] = written.value
                    told |= set(written.issues)
        else:
            made |= {target: None for target in self.targets if target != name}
        self.issues[new].update({issue.code for issue in told})
        return made

    def _written(
        self,
        target: Format,
        stated: tuple[SOPInstance, ...],
        known: tuple[SOPInstance, ...],
        *,
        new: bool,
    ) -> Result[Any]:
        under = self._codec(target, new=new)
        if target in DATA_SETS and not any(x.sop_instance_uid for x in known):
            return Result(None)  # a data set is about one instance, and none is named
        try:
            if target == "hl7":
                from sopstatus.codecs.hl7 import message

                return under.encode(stated, message(known, time="20000101"), known=known)
            return under.encode(stated, under.blank(known), known=known)
        except DocumentError as error:
            return Result(None, error.issues)

    def _codec(self, name: Format, *, new: bool) -> Codec:
        if (name, new) not in self._codecs:
            self._codecs[name, new] = codec(name, tables=self.new if new else self.old)
        return self._codecs[name, new]

    def _change(self, output: str, row: Difference) -> Change:
        place = _NUMBER.sub("[]", row.place)
        return Change(output, place, self._shown(row.expected), self._shown(row.found))

    def _shown(self, text: str | None) -> str | None:
        return text if text is None or text in self._words else _TEXT

    def _count(self, change: Change, source: str) -> None:
        if change not in self.changes and len(self.changes) >= _MOST:
            change = Change(change.output, "(many other places)", None, None)
        self.changes[change] += 1
        examples = self.examples.setdefault(change, [])
        if len(examples) < _EXAMPLES:
            examples.append(source)


def _pairs(output: str, value: Any) -> Iterable[tuple[str, str]]:
    if value is None:
        return ()
    if output == READ:
        return _said(value)
    return places(output, value)


def _said(stated: tuple[SOPInstance, ...]) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(stated):
        for keyword, value in one.attributes:
            yield f"{keyword}[{number}]", value or ""


def _words(tables: MappingTable) -> Iterator[str]:
    """Yield what the tables themselves can put into a document: nothing of a patient's."""
    yield ""
    for group in tables.groups:
        yield group.extension
        for row in group.attributes:
            yield row.extension
            yield from (row.coding_system, row.vr, *row.displays, *row.displays.values())
            yield from (*row.from_hl7, *row.from_fhir)


def table_changes(old: MappingTable, new: MappingTable) -> Iterator[str]:
    """Yield what differs between two sets of tables themselves, one thing a line."""
    left, right = ({group.name: group for group in t.groups} for t in (old, new))
    for name in dict.fromkeys([*left, *right]):
        if name not in right:
            yield f"{name}: switched off or removed"
            continue
        if name not in left:
            yield f"{name} {right[name].version}: new"
            continue
        a, b = left[name], right[name]
        heads = ("title", "extension", "contexts", "segment")
        found = [
            f"{name}: {head}: {getattr(a, head)} -> {getattr(b, head)}"
            for head in heads
            if getattr(a, head) != getattr(b, head)
        ]
        rows = ({row.keyword: row for row in group.attributes} for group in (a, b))
        found += _row_changes(name, *rows)
        if a.version != b.version:
            yield f"{name}: version {a.version} -> {b.version}"
        elif found:
            yield f"{name}: changed, but still version {a.version}; raise it"
        yield from found
    for setting in old.site.__slots__:
        before, after = getattr(old.site, setting), getattr(new.site, setting)
        if before != after:
            yield f"site.toml: {setting.replace('_', '-')}: {before or '-'} -> {after or '-'}"


def _row_changes(name: str, left: dict[str, Any], right: dict[str, Any]) -> Iterator[str]:
    for keyword in dict.fromkeys([*left, *right]):
        if keyword not in right:
            yield f"{name}: {keyword}: removed"
        elif keyword not in left:
            yield f"{name}: {keyword}: new"
        else:
            a, b = left[keyword], right[keyword]
            for key in a.__slots__:
                if key not in ("file", "line") and getattr(a, key) != getattr(b, key):
                    yield f"{name}: {keyword}: {key}: {getattr(a, key)} -> {getattr(b, key)}"
