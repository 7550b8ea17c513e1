"""docs/security-profile.md shows the table as it is."""

import inspect
import re
from pathlib import Path

from docs.profile_diagram import diagram
from sopstatus.profile import events

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security-profile.md"


def test_the_diagram_is_current():
    assert f"```mermaid\n{diagram()}```" in PAGE.read_text("utf-8")


def test_the_example_prints_what_it_says(capsys):
    code = PAGE.read_text().partition("```python\n")[2].partition("```")[0]
    exec(code)
    assert capsys.readouterr().out.strip() == code.rpartition("# ")[2].strip()


def test_every_event_on_the_page_is_one():
    rows = PAGE.read_text().partition("| event | when |\n|---|---|\n")[2].partition("\n\n")[0]
    named = [
        name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    ours = {"receive", "overwrite", "send", "respell"}
    assert len(named) == len(set(named))
    assert {*named} | ours == {
        name
        for name, one in vars(events).items()
        if inspect.isfunction(one) and one.__module__ == events.__name__ and name[0] != "_"
    }
