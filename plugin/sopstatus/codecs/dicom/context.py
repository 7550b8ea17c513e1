"""What a DICOM data set says beside its statement, for a new document."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs.dicom import character_set
from sopstatus.codecs.dicom.elements import Elements, read
from sopstatus.codecs.dicom.fast import plan
from sopstatus.codecs.shared.context import IMPERSONAL, PERSONAL, SEQUENCES, Source
from sopstatus.limits import Limits
from sopstatus.model import DocumentError

_PLAN = plan((), (*IMPERSONAL, *PERSONAL, *SEQUENCES))


class DataSet:
    """A data set, or an item of a sequence in one; ``outer`` is the character set around an item."""

    def __init__(self, elements: Elements, outer: tuple[str, ...] = ()) -> None:
        self.elements, self.outer, self.whole = elements, outer, elements.dataset

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an element, ``None`` where it is absent, twice there, or not decoded."""
        walked = self.elements.walked
        if walked and walked.findings.counts.get(tag, 0) > 1:
            return None
        try:
            found = self.elements.get(tag)
        except DocumentError:
            return None
        if not isinstance(found, bytes):
            return found
        return character_set.decode(found, self.elements.terms(vr) or self.outer)

    def item(self, tag: int, keyword: str) -> Source | None:
        """Return the first item of a sequence, which pydicom reads."""
        if not self.elements.has(tag):
            return None
        try:
            if self.whole is None:
                self.whole = self.elements.reread(max(SEQUENCES))
            first: Any = self.whole[tag].value[0]
        except Exception:  # what pydicom raises on a broken element is not one family
            return None
        terms = self.elements.character_set()
        return DataSet(Elements(_PLAN, dataset=first), terms) if hasattr(first, "keys") else None


def opened(document: Any, limits: Limits) -> DataSet:
    """Open a data set in any of its forms."""
    return DataSet(read(document, _PLAN, limits))
