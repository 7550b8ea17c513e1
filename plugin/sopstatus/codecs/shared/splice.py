"""Splicing: what does not change in a document stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T", bytes, str)


def splice(document: T, edits: Iterable[tuple[int, int, T]]) -> T:
    """Replace spans of a document; insertions at one place keep their order."""
    out: list[T] = []
    start = 0
    for begin, end, text in sorted(edits, key=lambda edit: edit[:2]):
        out += document[start:begin], text
        start = end
    out.append(document[start:])
    return document[:0].join(out)
