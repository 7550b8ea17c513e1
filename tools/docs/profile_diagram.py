"""The states of the profile's table as a Mermaid diagram, for ``docs/security-profile.md``."""

from __future__ import annotations

from sopstatus.profile.table import Profile, load_profile

NAMES = {
    "-": "none",
    "OR?": "OR_arrived",
    "AO?": "AO_arrived",
    "OR>": "OR_sent",
    "AO>": "AO_sent",
}
"""Mermaid's identifiers take no signs."""


def diagram(profile: Profile | None = None) -> str:
    """Return every change of state that the table allows, one arrow for a pair of states."""
    profile = profile or load_profile()
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in profile.rows:
        for state in row.states:
            step = (state, row.result(state))
            if row.done and step[0] != step[1]:
                label = f"{row.event} ({row.rule})".replace("interpretation", "our reading")
                arrows.setdefault(step, []).append(label)
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state}" as {NAMES[state]}' for state in NAMES]
    for (old, new), labels in arrows.items():
        text = ", ".join(dict.fromkeys(labels))
        lines.append(f"    {NAMES.get(old, old)} --> {NAMES.get(new, new)}: {text}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(diagram(), end="")
