"""What a DICOM data set says beside its statement, for a new document."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs.dicom import character_set
from sopstatus.codecs.dicom.elements import Elements, read
from sopstatus.codecs.dicom.fast import plan
from sopstatus.codecs.shared.context import IMPERSONAL, PERSONAL, SEQUENCES, Source, Unreadable
from sopstatus.limits import Limits
from sopstatus.model import DocumentError

_PLAN = plan((), (*IMPERSONAL, *PERSONAL, *SEQUENCES))


class DataSet:
    """A data set, or an item of a sequence in one; ``outer`` is the character set around an item."""

    def __init__(self, elements: Elements, outer: tuple[str, ...] = ()) -> None:
        self.elements, self.outer, self.whole = elements, outer, elements.dataset

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an element, ``None`` where it is absent; raise `Unreadable`."""
        walked = self.elements.walked
        if walked and walked.findings.counts.get(tag, 0) > 1:
            raise Unreadable
        try:
            found = self.elements.get(tag)
        except DocumentError:
            raise Unreadable from None
        if not isinstance(found, bytes):
            return found
        text = character_set.decode(found, self.elements.terms(vr) or self.outer)
        if text is None:
            raise Unreadable
        return text

    def item(self, tag: int, keyword: str) -> Source | None:
        """Return the first item of a sequence, which pydicom reads."""
        if not self.elements.has(tag):
            return None
        try:
            if self.whole is None:
                self.whole = {}
                self.whole = self.elements.reread(max(SEQUENCES))
            first: Any = next(iter(self.whole[tag].value), None)
        except Exception:  # what pydicom raises on a broken element is not one family
            raise Unreadable from None
        if first is not None and not hasattr(first, "keys"):
            raise Unreadable
        terms = self.elements.character_set()
        return DataSet(Elements(_PLAN, dataset=first), terms) if first is not None else None


def opened(document: Any, limits: Limits) -> DataSet:
    """Open a data set in any of its forms."""
    return DataSet(read(document, _PLAN, limits))
