"""DICOM Part 10: what a walk looks for, prepared once, and what it may pass at one glance.

In little endian one regular expression passes over a run of elements that nobody asks for. It steps
from element to element by VR and length, as the walker's loop does, and into sequences of undefined
length; it stops before whatever the loop has to look at, and never matches half an element.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Literal, NamedTuple, cast

LONG = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
SHORT = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
     b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
DEPTH = 3
"""How deep runs go into sequences."""
_TOGETHER = 4  # marks that a run passes where they follow each other, as those of a statement do
_LONGEST = 64  # bytes of a value in a run
_SHORT = rb"(?:S[HLST]|D[AST]|L[OT]|CS|U[ILS]|F[DL]|IS|TM|PN|A[EST])"
_UNDEFINED = rb"\xff\xff\xff\xff"
# a possessive repeat keeps nothing of what it passed, but before Python 3.11.5 it may end inside an element
_REPEATED = b"(?:%s)*+" if sys.version_info >= (3, 11, 5) else b"(?>(?:%s)*)"
_ITEM = rb"\xfe\xff\x00\xe0" + _UNDEFINED
_ITEM_END, _SEQUENCE_END = rb"\xfe\xff\x0d\xe0\0\0\0\0", rb"\xfe\xff\xdd\xe0\0\0\0\0"

Run = Callable[..., re.Match[bytes]]

Search = Callable[[bytes, int, int], re.Match[bytes] | None]


class Runs(NamedTuple):
    """Matches of nothing or more: elements of the data set, elements of an item, items.

    ``top`` ends behind the first marks of its plan, with a group for each, or where it has to be looked
    at: behind the first mark, behind some that follow it at once, or before one.
    """

    top: Run
    item: Run
    sequence: Run


class Plan:
    """What to look for, prepared once for many data sets.

    ``tags`` are wanted at the top level. ``nested`` are tags to be told of where they stand inside
    sequences, ``creator`` a private creator (group, how it begins) to be told of.
    """

    def __init__(
        self,
        tags: Iterable[int],
        nested: Iterable[int] = (),
        creator: tuple[int, bytes] | None = None,
    ) -> None:
        self.tags = tuple(sorted(set(tags)))
        self.last, self.wanted = self.tags[-1], frozenset(self.tags)
        self.turn = self.last & 0xFFFF0000  # from here on order counts
        self.groups = self.wanted | {tag & 0xFFFF0000 for tag in self.tags}
        self.nested, self.creator = frozenset(nested), creator
        group, self.name = (creator[0] << 16, creator[1]) if creator else (0, b"")
        self.creators = range(group | 0x10, group | 0x100) if creator else range(0)  # PS3.5 7.8.1
        self.looked = self.wanted | frozenset(self.creators)
        self.stops = self.looked | self.groups
        # how its tags begin an element: in implicit VR, and in explicit VR a short one
        self.marks = {_tag(tag): (tag, "") for tag in self.tags}
        self.marks |= {_tag(tag) + vr: (tag, vr.decode()) for tag in self.tags for vr in SHORT}
        self.occurs = _search(self.nested, big=False), _search(self.nested, big=True)

    @cached_property
    def explicit(self) -> Runs:
        """The runs in explicit VR."""
        return self._runs(implicit=False)

    @cached_property
    def implicit(self) -> Runs:
        """The runs in implicit VR."""
        return self._runs(implicit=True)

    def _runs(self, *, implicit: bool) -> Runs:
        short = _short(implicit=implicit)
        marks = self._marks()
        other = b"(?!%s)%s..%s" % (marks, _below(self.last >> 16), short)
        top = _any(other) + b"((?:%s)%s)?" % (marks, short) * _TOGETHER
        stops = b"|".join([rb"\xfe\xff", *(re.escape(_tag(tag)) for tag in self.nested)])
        inside = b"(?!%s)...." % stops
        item = inside + short
        opened = (b"" if implicit else rb"SQ\0\0") + _UNDEFINED
        for _ in range(DEPTH - 1):
            sequence = opened + _items(item) + _SEQUENCE_END
            item = b"%s(?:%s|%s)" % (inside, short, sequence)
        return Runs(*map(_matcher, (top, _any(item), _items(item))))

    def _marks(self) -> bytes:
        """Match one of the tags, or that of the creator; what groups share is compared once."""
        by_group: dict[int, list[bytes]] = {}
        for tag in self.tags:
            by_group.setdefault(tag >> 16, []).append(re.escape(_tag(tag)[2:]))
        if self.creator:
            group, name = self.creator
            number = rb"[\x10-\xff]\0(?=....%s)" % re.escape(name)
            by_group.setdefault(group, []).append(number)
        return b"|".join(
            b"%s(?:%s)" % (re.escape(_tag(group << 16)[:2]), b"|".join(numbers))
            for group, numbers in by_group.items()
        )


def _search(tags: Iterable[int], *, big: bool) -> Search:
    """Return what tells whether bytes hold what looks like one of these tags."""
    # one expression: a fifth of what a find for each tag takes
    found = b"|".join(re.escape(_tag(tag, big=big)) for tag in sorted(tags))
    return cast(Search, re.compile(found or b"(?!)").search)


def _tag(tag: int, *, big: bool = False) -> bytes:
    order: Literal["big", "little"] = "big" if big else "little"
    return (tag >> 16).to_bytes(2, order) + (tag & 0xFFFF).to_bytes(2, order)


def _below(group: int) -> bytes:
    """Match a group before this one, the last of a run, if a data set may have it (not 0000, 0002)."""
    high, low = divmod(group, 256)
    most = 0xFF if high else low - 1
    lower = [rb"[\1\3-%s]\0" % re.escape(bytes([most]))] if most > 2 else [rb"\1\0"] * (most > 0)
    if high > 1:
        lower.append(rb".[\1-%s]" % re.escape(bytes([high - 1])))
    if high and low:
        lower.append(_up_to(low - 1) + re.escape(bytes([high])))
    return b"(?:%s)" % b"|".join(lower) if lower else b"(?!)"


def _up_to(byte: int) -> bytes:
    return rb"[\0-%s]" % re.escape(bytes([byte])) if byte else rb"\0"


def _short(*, implicit: bool) -> bytes:
    """Match the VR, length and value of an element of no more than 64 bytes."""
    lengths = (
        re.escape(length.to_bytes(4 if implicit else 2, "little")) + _bytes(length)
        for length in range(0, _LONGEST + 1, 2)
    )
    # in implicit VR what begins with an item may be a sequence
    head = rb"(?!....\xfe\xff\x00\xe0)" if implicit else _SHORT
    return b"%s(?:%s)" % (head, b"|".join(lengths))


def _bytes(count: int) -> bytes:
    return b"." * count if count <= 8 else b".{%d}" % count  # the quicker of the two


def _items(element: bytes) -> bytes:
    return _any(_ITEM + _any(element) + _ITEM_END)


def _any(element: bytes) -> bytes:
    # no two elements begin alike, so going back is of no use
    return _REPEATED % element


def _matcher(pattern: bytes) -> Run:
    # it matches nothing at least, so there is always a match
    return cast(Run, re.compile(b"(?s)" + pattern).match)


META = _matcher(_any(rb"\x02\0(?:\x10\0()|..)(?:%s|OB\0\0\x02\0\0\0..)" % _short(implicit=False)))
"""Match file meta information, with a group behind the tag of the transfer syntax."""
