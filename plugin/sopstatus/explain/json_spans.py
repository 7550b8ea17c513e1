"""Where values stand in JSON bytes: `json` tells no positions, and an engineer needs them.

One pass over the tokens, without recursion, of a text that ``json.loads`` has accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

Path = tuple[str | int, ...]
Span = tuple[int, int]

_TOKEN = re.compile(rb'([{}\[\],:])|("[^"\\]*(?:\\.[^"\\]*)*")|([^\s,:{}\[\]"]+)', re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def spans(data: bytes, wanted: Iterable[Path]) -> dict[Path, Span]:
    """Return ``[start, end)`` of the wanted values that UTF-8 JSON bytes hold.

    A path names members and counts elements from 0. Where a name stands twice in an object the
    last one counts, as ``json.loads`` has it.
    """
    paths = set(wanted)
    ways = {path[:depth] for path in paths for depth in range(len(path) + 1)}
    found: dict[Path, Span] = {}
    last: dict[Path, int] = {}  # where the last of each name stands
    around: list[tuple[int, Path | None, int]] = []  # start, path, index (-1: an object)
    path: Path | None = ()  # of the value to come; None: on no way to a wanted one
    at_name = False

    def inside(step: str | int) -> Path | None:
        whole = around[-1][1]
        inner = None if whole is None else (*whole, step)
        return inner if inner in ways else None

    def ends(start: int, end: int) -> None:
        if path in paths and path is not None:
            found[path] = (start, end)

    start = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    for token in _TOKEN.finditer(data, start):
        mark, text, _ = token.groups()
        if text and at_name:
            at_name = False
            path = inside(_name(text)) if around[-1][1] is not None else None
            if path is not None:
                last[path] = token.start()
        elif mark in (b"{", b"["):
            around.append((token.start(), path, -1 if mark == b"{" else 0))
            at_name = mark == b"{"
            path = None if at_name else inside(0)
        elif mark in (b"}", b"]"):
            begin, path, _ = around.pop()
            at_name = False
            ends(begin, token.end())
        elif mark == b",":
            begin, whole, index = around[-1]
            at_name = index < 0
            if not at_name:
                around[-1] = (begin, whole, index + 1)
                path = inside(index + 1)
        elif mark != b":":
            ends(token.start(), token.end())
    return {
        path: span
        for path, span in found.items()
        if all(span[0] > last.get(path[:depth], -1) for depth in range(1, len(path) + 1))
    }


def _name(text: bytes) -> str:
    name: str = json.loads(text.decode("utf-8")) if b"\\" in text else text[1:-1].decode("utf-8")
    return name
