"""What DICOM JSON says beside its statements, for a new document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sopstatus.codecs.dicom_json.document import opened, values
from sopstatus.codecs.dicom_json.element import is_ambiguous, spellings
from sopstatus.codecs.shared.context import Source, Unreadable
from sopstatus.codecs.shared.json_text import MARK, repeated, spelt, text_of_bytes
from sopstatus.limits import Limits

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


class Node:
    """A data set, or an item of a sequence in one (PS3.18 F.2)."""

    def __init__(self, node: dict[str, Any]) -> None:
        self.node = node

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an attribute, values joined by a backslash."""
        texts = [
            _name(v) if vr == "PN" and isinstance(v, dict) else spelt(v)
            for v in self._values(tag, keyword)
        ]
        if None in texts:
            raise Unreadable
        return "\\".join(t for t in texts if t) if texts else None

    def item(self, tag: int, keyword: str) -> Source | None:
        """Return the first item of a sequence."""
        first = next(iter(self._values(tag, keyword)), None)
        if not isinstance(first, dict | None):
            raise Unreadable
        return None if first is None else Node(first)

    def _values(self, tag: int, keyword: str) -> list[Any]:
        names = [name for name in spellings(tag, keyword) if name in self.node]
        if not names:
            return []
        found = self.node[names[0]]
        odd = len(names) > 1 or names[0] in repeated(self.node) or is_ambiguous(found)
        values = None if odd or not isinstance(found, dict) else found.get("Value", [])
        if not isinstance(values, list):
            raise Unreadable
        return values


def _name(value: dict[str, Any]) -> str | None:
    groups = [value.get(group, "") for group in _GROUPS]
    return "=".join(groups).rstrip("=") if all(isinstance(g, str) for g in groups) else None


def nodes(document: Any, limits: Limits) -> Iterator[Node]:
    """Yield the data sets of a document that has been read already."""
    whole = opened(document, limits)
    found: Iterable[Any]
    if whole.data is not None:
        found = (node for node, _, _ in values(text_of_bytes(whole.data.removeprefix(MARK))))
    else:
        found = whole.parsed if whole.many else [whole.parsed]
    yield from (Node(node) for node in found if isinstance(node, dict))
