"""One event of the profile's table, and one row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a copy, and the conditions that its outcome depends on."""

    name: str
    title: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, as `profile.language.ROW` explains its keys."""

    name: str
    event: str
    states: tuple[str, ...]  # "any" is written out
    when: tuple[tuple[str, tuple[str, ...]], ...]
    to: str
    wire: str
    set: tuple[str, ...]
    may_set: tuple[str, ...]
    clear: tuple[str, ...]
    rule: str
    outcome: str
    code: str

    @property
    def done(self) -> bool:
        """Tell whether the event is allowed."""
        return self.outcome == "done"

    def result(self, state: str) -> str:
        """Return the state afterwards of a copy in this state."""
        return state if self.to == "same" else self.to
