"""The issues of one reading or writing: told up to a limit, and the rest counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sopstatus.catalogue import issue
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue


class _Kept(list[Issue]):
    has_error = False
    more = 0


class Issues:
    """Gathers issues at a location: keeps the first ``limits.issues`` and one error, counts the rest.

    What is added by `at`, at another location, is among these. ``limits`` are those of the document.
    """

    __slots__ = ("_kept", "limits", "location")

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits, self.location, self._kept = limits, "", _Kept()

    def at(self, location: str) -> Issues:
        """Return what gathers the same issues at a location, which is in the document's notation."""
        other = object.__new__(Issues)
        other.limits, other.location, other._kept = self.limits, location, self._kept
        return other

    def add(self, code: str, **facts: object) -> None:
        """Add the issue of this code at this location."""
        self.append(issue(code, self.location, **facts))

    def append(self, item: Issue) -> None:
        """Keep an issue or count it; whoever asks for errors shall find one where there is any."""
        kept = self._kept
        is_first_error = item.is_error and not kept.has_error
        if len(kept) < self.limits.issues or is_first_error:
            kept.append(item)
        else:
            kept.more += 1
        kept.has_error |= is_first_error

    def __iadd__(self, items: Iterable[Issue]) -> Issues:
        for item in items:
            self.append(item)
        return self

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept) + self._kept.more

    def clear(self) -> None:
        """Begin again, as if nothing had been told."""
        self._kept.clear()
        self._kept.more, self._kept.has_error = 0, False

    def told(self) -> tuple[Issue, ...]:
        """Return what was kept, and one issue that counts the rest."""
        if more := self._kept.more:
            facts = {"count": more, "limit": self.limits.issues}
            return (*self._kept, issue("document/more-issues", "", **facts))
        return tuple(self._kept)
