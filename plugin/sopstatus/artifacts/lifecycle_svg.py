"""The states of the profile's table as an SVG: arrows carry events and rule letters, all are links.

It stands inline in a page, which may style its classes; without a style sheet it takes the page's
text colour. ``href`` of a state is ``#state-OR-arrived``, of an arrow ``#step-OR-to-AO``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from math import hypot

from sopstatus.profile.table import Profile, load_profile
from sopstatus.table import load_tables

_TITLES = {
    "-": "not held",
    "ABS": "held, no status",
    "OR?": "original, arrived",
    "AO?": "original, arrived",
    "OR>": "original, sent on",
    "AO>": "original, sent on",
}
SILENT = "interpretation"
"""The rule of a row where the standard says nothing; the drawing shows `SILENT_SIGN`."""
SILENT_SIGN = "*"

WIDTH, HEIGHT = 1304, 672
_HALF_WIDTH, _HALF_HEIGHT = 66, 26
_LINE, _LETTER = 14, 6.3  # of a label
Point = tuple[float, float]
_PLACES: dict[str, tuple[Point, ...]] = {
    "-": ((76, 270), (1228, 270)),  # before and after: an arrow takes the nearer one
    "OR?": ((354, 80),),
    "OR": ((652, 80),),
    "OR>": ((950, 80),),
    "AO?": ((354, 270),),
    "AO": ((652, 270),),
    "AO>": ((950, 270),),
    "ABS": ((354, 480),),
    "NS": ((652, 480),),
    "AC": ((950, 480),),
}
_BENDS = {("-", "AC"): -500.0, ("ABS", "AC"): -130.0, ("AC", "ABS"): 215.0}
"""How far from the straight line an arrow is drawn, so that it goes round the states between."""
_ALONG = {
    ("-", "OR"): 0.7,
    ("-", "NS"): 0.33,
    ("NS", "-"): 0.68,
    ("OR?", "NS"): 0.26,
    ("OR>", "NS"): 0.26,
    ("AO?", "NS"): 0.4,
    ("AO>", "NS"): 0.4,
    ("-", "AC"): 0.4,
}
"""Where on its arrow a label stands, from 0 to 1, so that it covers no other."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state that the table allows, with each event and rule that makes it."""

    old: str
    new: str
    reasons: tuple[tuple[str, str], ...]  # event, rule

    @property
    def anchor(self) -> str:
        """Return the name that a page gives to what it says of this step."""
        return f"step-{word(self.old)}-to-{word(self.new)}"


def word(state: str) -> str:
    """Return a state without signs, for an anchor."""
    if state == "-":
        return "none"
    return state.replace("?", "-arrived").replace(">", "-sent")


def steps(profile: Profile | None = None) -> tuple[Step, ...]:
    """Return every change of state that the table allows, in its order."""
    profile = profile or load_profile()
    found: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    for row in profile.rows:
        for state in row.states:
            if row.done and row.result(state) != state:
                reasons = found.setdefault((state, row.result(state)), {})
                reasons[row.event, row.rule] = None
    return tuple(Step(old, new, tuple(reasons)) for (old, new), reasons in found.items())


def lifecycle_svg(profile: Profile | None = None) -> str:
    """Return the drawing, one ``<svg>`` element in ASCII without style, script or outside link."""
    profile = profile or load_profile()
    drawn = steps(profile)
    pairs = {(step.old, step.new) for step in drawn}
    arrows, labels = [], []
    for step in drawn:
        arrow, label = _arrow(step, twin=(step.new, step.old) in pairs)
        arrows.append(arrow)
        labels.append(label)
    states = [box for state in profile.states for box in _states(state)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="lifecycle" role="group"'
            f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
            f' aria-label="{escape(profile.title)}: states of one copy">',
            "<defs>"
            '<marker id="lifecycle-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10"'
            ' markerHeight="10" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker>'
            "</defs>",
            *arrows,
            *labels,
            *states,
            f'<text x="10" y="{HEIGHT - 10}" fill="currentColor">'
            f"{SILENT_SIGN} the standard is silent: our reading</text>",
            "</svg>\n",
        ]
    )


@cache
def titles() -> dict[str, str]:
    """Return what each state is called: a term as the table displays it."""
    return {**_TITLES, **load_tables().attributes["SOPInstanceStatus"].displays}


def _states(state: str) -> Iterator[str]:
    title = titles().get(state, state)
    for x, y in _PLACES[state]:
        ends = ' stroke-dasharray="5 4"' if state == "-" else ""
        yield (
            f'<a class="state" href="#state-{word(state)}">'
            f'<rect x="{x - _HALF_WIDTH}" y="{y - _HALF_HEIGHT}" width="{2 * _HALF_WIDTH}"'
            f' height="{2 * _HALF_HEIGHT}" rx="9" fill="Canvas" stroke="currentColor"'
            f' stroke-width="1.5"{ends}/>'
            f'<text x="{x}" y="{y - 3}" text-anchor="middle" font-size="16" font-weight="bold"'
            f' fill="currentColor">{escape(state)}</text> '
            f'<text x="{x}" y="{y + 15}" text-anchor="middle" fill="currentColor">{title}</text></a>'
        )


def _spoken(state: str) -> str:
    return word(state).replace("-", " ")


def _arrow(step: Step, *, twin: bool) -> tuple[str, str]:
    """Return the line of a step and its label."""
    start, end = min(
        ((a, b) for a in _PLACES[step.old] for b in _PLACES[step.new]),
        key=lambda pair: (hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1]), -pair[1][0]),
    )
    if step.old == "-":  # what is not held yet comes from the left
        start = _PLACES["-"][0]
    bend = _BENDS.get((step.old, step.new), 44.0 if twin else 0.0)
    middle = _beside(start, end, bend)
    first, last = _border(start, middle), _border(end, middle)
    path = f"M{_xy(first)} Q{_xy(middle)} {_xy(last)}"
    line = (
        f'<path class="step" data-step="{step.anchor}" d="{path}" fill="none"'
        ' stroke="currentColor" stroke-width="1.2" marker-end="url(#lifecycle-tip)"/>'
    )
    at = _ALONG.get((step.old, step.new), 0.5)
    spot = tuple(
        (1 - at) ** 2 * a + 2 * at * (1 - at) * b + at**2 * c
        for a, b, c in zip(first, middle, last, strict=True)
    )
    return line, _label(step, spot[0], spot[1])


def _label(step: Step, x: float, y: float) -> str:
    rules: dict[str, list[str]] = {}
    for event, rule in step.reasons:
        rules.setdefault(event, []).append(SILENT_SIGN if rule == SILENT else rule)
    rows = [(event, ", ".join(rules[event])) for event in rules]
    width = max(len(f"{event} {letters}") for event, letters in rows) * _LETTER + 8
    top = y - len(rows) * _LINE / 2
    texts = " ".join(
        f'<text x="{x:.0f}" y="{top + _LINE * row + 11:.0f}" text-anchor="middle"'
        f' fill="currentColor">{event} <tspan font-weight="bold">{letters}</tspan></text>'
        for row, (event, letters) in enumerate(rows)
    )
    said = " ".join(f"{event} {letters}" for event, letters in rows)
    return (
        f'<a class="step" href="#{step.anchor}"'
        f' aria-label="{said}: from {_spoken(step.old)} to {_spoken(step.new)}">'
        f'<rect x="{x - width / 2:.0f}" y="{top - 1:.0f}" width="{width:.0f}"'
        f' height="{len(rows) * _LINE + 2}" rx="4" fill="Canvas"/>{texts}</a>'
    )


def _beside(start: Point, end: Point, bend: float) -> Point:
    """Return the point so far to the left of the middle of a line, seen along it."""
    (x1, y1), (x2, y2) = start, end
    length = hypot(x2 - x1, y2 - y1)
    return (
        (x1 + x2) / 2 + bend * (y2 - y1) / length,
        (y1 + y2) / 2 - bend * (x2 - x1) / length,
    )


def _border(centre: Point, towards: Point) -> Point:
    """Return where the line from a state's centre leaves its box."""
    across, down = towards[0] - centre[0], towards[1] - centre[1]
    share = min(
        _HALF_WIDTH / abs(across) if across else float("inf"),
        _HALF_HEIGHT / abs(down) if down else float("inf"),
    )
    return (centre[0] + across * share, centre[1] + down * share)


def _xy(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
