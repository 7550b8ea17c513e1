"""The rules of PS3.15 A.1.1 as loaded from ``mappings/online-electronic-storage.toml``.

Loading proves that every state, event and combination of conditions has exactly one outcome, and
that no row breaks the profile; else it raises `TableError` with file, line, key and remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from sopstatus._lazily import shipped
from sopstatus.profile import language
from sopstatus.profile.check import row_rules
from sopstatus.profile.row import Event, Row
from sopstatus.table.check import Source, parse
from sopstatus.table.language import PROFILE_FILE

Point = tuple[str, str, tuple[str, ...]]
"""A state, an event, and a value for each of the event's conditions, in their order."""


@dataclass(frozen=True)
class Profile:
    """The table: every point of it has exactly one row."""

    name: str
    title: str
    version: str
    source: str
    sha256: str  # of the file's text
    states: tuple[str, ...]
    conditions: Mapping[str, tuple[str, ...]]
    events: Mapping[str, Event]
    rows: tuple[Row, ...]
    outcomes: Mapping[Point, Row]

    def row(self, state: str, event: str, **conditions: str) -> Row:
        """Return the one row for a state, an event and its conditions.

        Raise `ValueError` if a name or a value is not in the table, or a condition is missing.
        """
        if event not in self.events:
            raise ValueError(f"{event!r} is not one of {', '.join(self.events)}")
        names = self.events[event].conditions
        if set(names) != set(conditions):
            raise ValueError(f"the conditions of {event} are {', '.join(names) or 'none'}")
        point = (state, event, tuple(conditions[name] for name in names))
        if point not in self.outcomes:
            raise ValueError(f"{state!r} with {conditions} is not a point of the table")
        return self.outcomes[point]

    def points(self) -> Iterator[Point]:
        """Yield every state with every event and every combination of its conditions."""
        return _points(self.states, self.events, self.conditions)


def load_profile(text: str | None = None, file: str = PROFILE_FILE) -> Profile:
    """Load the shipped rules, or those of a text; ``file`` is its name in errors.

    Raise `TableError` for the first fault.
    """
    return _shipped() if text is None else _load(text, file)


@cache
def _shipped() -> Profile:
    return _load(
        shipped("sopstatus.mappings").joinpath(PROFILE_FILE).read_text("utf-8"), PROFILE_FILE
    )


def _load(text: str, file: str) -> Profile:
    import hashlib

    source = parse(file, text)
    for error in language.shape(source):
        raise error
    data = source.data
    events = {
        e["name"]: Event(e["name"], e["title"], tuple(e["conditions"])) for e in data["event"]
    }
    conditions = {name: tuple(c["values"]) for name, c in data["conditions"].items()}
    states = tuple(data["states"])
    rows = tuple(_row(row, states) for row in data["row"])
    for error in language.names(source, states, events, conditions):
        raise error
    for index, row in enumerate(rows):
        for key, message in row_rules(row):
            raise source.error(("row", index, key), message)
    return Profile(
        data["name"],
        data["title"],
        data["version"],
        data["source"],
        hashlib.sha256(text.encode()).hexdigest(),
        states,
        conditions,
        events,
        rows,
        _outcomes(source, states, events, conditions, rows),
    )


def _row(data: dict[str, Any], states: tuple[str, ...]) -> Row:
    when = data.get("when", {})
    return Row(
        data["name"],
        data["event"],
        states if data["from"] == ["any"] else tuple(data["from"]),
        tuple((name, tuple(values)) for name, values in when.items()),
        data["to"],
        data["wire"],
        tuple(data.get("set", ())),
        tuple(data.get("may-set", ())),
        tuple(data.get("clear", ())),
        data["rule"],
        data["outcome"],
        data.get("code", ""),
    )


def _points(
    states: tuple[str, ...], events: Mapping[str, Event], conditions: Mapping[str, tuple[str, ...]]
) -> Iterator[Point]:
    for event in events.values():
        for values in product(*(conditions[name] for name in event.conditions)):
            for state in states:
                yield state, event.name, values


def _outcomes(
    source: Source,
    states: tuple[str, ...],
    events: Mapping[str, Event],
    conditions: Mapping[str, tuple[str, ...]],
    rows: tuple[Row, ...],
) -> dict[Point, Row]:
    """Find the row of every point; none, or two, is an error that names the point."""
    owner: dict[Point, int] = {}
    for index, row in enumerate(rows):
        event, when = events[row.event], dict(row.when)
        axes = (when.get(name, conditions[name]) for name in event.conditions)
        for values in product(*axes):
            for state in row.states:
                first = owner.setdefault((state, row.event, values), index)
                if first != index:
                    where = _words(event, state, values)
                    raise source.error(
                        ("row", index, "from"),
                        f"{where} already has the row {rows[first].name}; correct one of the two",
                    )
    for point in _points(states, events, conditions):
        if point not in owner:
            state, name, values = point
            index = list(events).index(name)
            raise source.error(
                ("event", index, "name"),
                f"no row has {_words(events[name], state, values)}; add one",
            )
    return {point: rows[index] for point, index in owner.items()}


def _words(event: Event, state: str, values: tuple[str, ...]) -> str:
    pairs = zip(event.conditions, values, strict=True)
    return " ".join([event.name, "of", state, *(f"{name}={value}" for name, value in pairs)])
