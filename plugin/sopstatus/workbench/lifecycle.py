"""The lifecycle section of the page: the drawing, and below it what each of its links leads to."""

from __future__ import annotations

from html import escape

from sopstatus.artifacts.lifecycle_svg import SILENT, lifecycle_svg, steps, titles, word
from sopstatus.profile.row import Row
from sopstatus.profile.table import Profile, load_profile


def lifecycle(profile: Profile | None = None) -> str:
    """Return the section's HTML: every state with every event that may happen to a copy in it."""
    profile = profile or load_profile()
    changes = {(step.old, step.new): step.anchor for step in steps(profile)}
    parts = [
        '<div class="drawing" tabindex="0" role="region" aria-label="Diagram, scrolls sideways">',
        lifecycle_svg(profile),
        '</div><div class="states">',
        *(_state(profile, state, changes) for state in profile.states),
        "</div>",
    ]
    return "\n".join(parts)


def _state(profile: Profile, state: str, changes: dict[tuple[str, str], str]) -> str:
    changing: list[str] = []
    staying: list[str] = []
    refused: list[str] = []
    told: set[str] = set()
    for row in profile.rows:
        if state not in row.states:
            continue
        anchor = changes.get((state, row.result(state)), "") if row.done else ""
        own = f' id="{anchor}" tabindex="-1"' if anchor and anchor not in told else ""
        told.add(anchor)
        kind = refused if not row.done else changing if anchor else staying
        kind.append(f"<li{own}>{_row(profile, row, state)}</li>")
    return (
        f'<section class="state-rules" id="state-{word(state)}" tabindex="-1">'
        f"<h3><code>{escape(state)}</code> {escape(titles().get(state, ''))}</h3>"
        f"<ul>{''.join(changing)}</ul>"
        f"{_folded(staying, 'that leave it as it is')}{_folded(refused, 'that are refused')}"
        "</section>"
    )


def _folded(rows: list[str], words: str) -> str:
    if not rows:
        return ""
    return f"<details><summary>{len(rows)} {words}</summary><ul>{''.join(rows)}</ul></details>"


def _row(profile: Profile, row: Row, state: str) -> str:
    rule = "our reading" if row.rule == SILENT else f"rule {row.rule}"
    when = ", ".join(f"{name} = {' or '.join(values)}" for name, values in row.when)
    result = row.result(state)
    named = titles()["-"] if result == "-" else result
    became = "refused" if not row.done else "stays" if result == state else f"becomes {named}"
    out = f", gives {row.wire}" if row.done and row.wire != "none" else ""
    code = f" <code>{escape(row.code)}</code>" if row.code else ""
    return (
        f'<span class="rule">{escape(rule)}</span> <b>{escape(row.event)}</b>'
        f" ({escape(profile.events[row.event].title)})"
        f"{f' where {escape(when)}' if when else ''}:"
        f" <strong>{escape(became)}</strong>{escape(out)}{code}"
    )
