"""The language of ``online-electronic-storage.toml``: every key with its type and meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sopstatus.model import TableError
from sopstatus.table.check import Source, all_keys, nearest
from sopstatus.table.language import GOVERNED, Key

TERMS = NOT_SPECIFIED, ORIGINAL, AUTHORIZED_ORIGINAL, AUTHORIZED_COPY = ("NS", "OR", "AO", "AC")
NOT_HELD, ABSENT, INVALID = "-", "ABS", "invalid"
_ARRIVED, _GONE_OUT = ("OR?", "AO?"), ("OR>", "AO>")
STATES = (NOT_HELD, ABSENT, *TERMS, *_ARRIVED, *_GONE_OUT)
"""Not held; held without a status; the terms; an original that arrived, or went out, uncommitted."""
HOLDERS = (ORIGINAL, AUTHORIZED_ORIGINAL, *_GONE_OUT)
"""States of the one holder of an original (PS3.15 A.1.1 c)."""
ORIGINALS = (*HOLDERS, *_ARRIVED)
"""States of a copy that is, or may become, the one original."""
NO_DATA_SET, LEFT_OUT = "none", "left-out"
WIRES = (NO_DATA_SET, LEFT_OUT, *TERMS)


def shown(state: str) -> str:
    """Return the status that a data set shows in a state; no data set shows a bookkeeping state."""
    return state.rstrip("?>")


_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_FORM = "lower case words joined by hyphens"

HEAD = {
    "name": Key("string", "Name of the profile", True, pattern=_NAME, form=_FORM),
    "title": Key("string", "Title for people", True),
    "version": Key(
        "string",
        "Semantic version",
        True,
        pattern=r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?",
        form='like "1.0.0"',
    ),
    "source": Key("string", "Where the standard says so", True),
    "states": Key("strings", "Every state of one copy", True, STATES),
    "conditions": Key("table", "One table a condition", True),
    "event": Key("tables", "One table an event", True),
    "row": Key("tables", "One row an outcome", True),
}
CONDITION = {
    "meaning": Key("string", "What it asks", True),
    "values": Key("strings", "Every answer", True),
}
EVENT = {
    "name": Key("string", "Name of the event", True, pattern=_NAME, form=_FORM),
    "title": Key("string", "What happens", True),
    "conditions": Key("strings", "Conditions that its outcome depends on", True),
}
ROW = {
    "name": Key("string", "Name of the row", True, pattern=_NAME, form=_FORM),
    "event": Key("string", "The event", True),
    "from": Key("strings", 'States of the local copy; "any" = every state', True),
    "when": Key("table", "Conditions, each with the values for which the row holds"),
    "to": Key("string", 'State afterwards; "same" = as before', True, ("same", *STATES)),
    "wire": Key("string", "Status in the data set that goes out, or is made", True, WIRES),
    "set": Key("strings", "Attributes that must be written", False, GOVERNED),
    "may-set": Key("strings", "Attributes that may be written", False, GOVERNED),
    "clear": Key("strings", "Attributes that go", False, GOVERNED),
    "rule": Key(
        "string",
        'Rule of PS3.15 A.1.1, or "interpretation"',
        True,
        pattern=r"[a-h](\.[1-5](\.(i|ii|iii))?)?|interpretation",
        form='like "d.5.iii", or "interpretation"',
    ),
    "outcome": Key("string", "Whether the event is allowed", True, ("done", "refused")),
    "code": Key(
        "string",
        "Issue that explains a refusal",
        pattern=r"profile/[a-z-]+",
        form="a code of the catalogue",
    ),
}


def shape(source: Source) -> Iterator[TableError]:
    """Check keys, types and forms."""

    def table(data: Any, keys: dict[str, Key], path: tuple[str | int, ...]) -> Iterator[TableError]:
        if isinstance(data, dict):
            yield from all_keys(source, data, keys, path)
        else:
            yield source.error(path, "must be a table; correct it")

    yield from table(source.data, HEAD, ())
    for name, data in source.data["conditions"].items():
        yield from table(data, CONDITION, ("conditions", name))
    for place, keys in (("event", EVENT), ("row", ROW)):
        for index, data in enumerate(source.data[place]):
            yield from table(data, keys, (place, index))
    for index, row in enumerate(source.data["row"]):
        for name, values in row.get("when", {}).items():
            if not isinstance(values, list) or not values:
                yield source.error(
                    ("row", index, "when", name), "must be a list of texts in quotes; correct it"
                )


def names(
    source: Source,
    states: tuple[str, ...],
    events: Mapping[str, Any],
    conditions: Mapping[str, tuple[str, ...]],
) -> Iterator[TableError]:
    """Check that what a row names is there, and that nothing has one name twice."""
    if missing := [state for state in STATES if state not in states]:
        yield source.error(("states",), f"{', '.join(missing)} is missing; add it")
    for place in ("event", "row"):
        seen: set[str] = set()
        for index, data in enumerate(source.data[place]):
            if data["name"] in seen:
                yield source.error((place, index, "name"), "stands twice; rename one of the two")
            seen.add(data["name"])
    for index, event in enumerate(source.data["event"]):
        yield from _among(source, ("event", index, "conditions"), event["conditions"], conditions)
    for index, row in enumerate(source.data["row"]):
        yield from _among(source, ("row", index, "event"), [row["event"]], events)
        if row["from"] != ["any"]:
            yield from _among(source, ("row", index, "from"), row["from"], states)
        allowed = events[row["event"]].conditions if row["event"] in events else ()
        for name, values in row.get("when", {}).items():
            where: tuple[str | int, ...] = ("row", index, "when", name)
            faults = list(_among(source, where, [name], allowed))
            yield from faults
            if not faults:
                yield from _among(source, where, values, conditions[name])


def _among(
    source: Source, where: tuple[str | int, ...], said: list[str], known: Iterable[str]
) -> Iterator[TableError]:
    choices = list(known)
    for index, name in enumerate(said):
        if name not in choices:
            near = nearest(str(name), choices)
            hint = f'did you mean "{near}"?' if near else f"there are {', '.join(choices)}"
            yield source.error(where, f'"{name}" is unknown; {hint}')
        elif name in said[:index]:
            yield source.error(where, f'"{name}" stands twice; remove one')
