"""The issues of one reading: told up to a limit, and the rest counted."""

from __future__ import annotations

from collections.abc import Iterable

from sopstatus.catalogue import issue
from sopstatus.limits import Limits
from sopstatus.model import ERROR, FATAL, Issue

_ERRORS = (FATAL, ERROR)


class Issues(list[Issue]):
    """Keeps the first issues, up to ``limits.issues``; of the rest, the number and one error."""

    __slots__ = ("has_error", "limit", "more")

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limit, self.more, self.has_error = limits.issues, 0, False

    def append(self, item: Issue) -> None:
        """Keep an issue or count it; whoever asks for errors shall find one where there is any."""
        is_first_error = item.severity in _ERRORS and not self.has_error
        if len(self) < self.limit or is_first_error:
            super().append(item)
        else:
            self.more += 1
        self.has_error |= is_first_error

    def extend(self, items: Iterable[Issue]) -> None:
        """Keep or count each."""
        for item in items:
            self.append(item)

    def __iadd__(self, items: Iterable[Issue]) -> Issues:  # type: ignore[override, misc]
        self.extend(items)
        return self

    def clear(self) -> None:
        """Begin again, as if nothing had been told."""
        super().clear()
        self.more, self.has_error = 0, False

    @property
    def total(self) -> int:
        """The number of issues, kept or not."""
        return len(self) + self.more

    def told(self) -> tuple[Issue, ...]:
        """Return what was kept, and one issue that counts the rest."""
        if self.more:
            return (*self, issue("document/more-issues", "", count=self.more, limit=self.limit))
        return tuple(self)
