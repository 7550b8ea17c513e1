"""The generated pages are what `make docs` makes of this code."""

from pathlib import Path

import pytest
from sopstatus.cli import COMMANDS, parser

from docs import api_page, command_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(("name", "made"), [("commands", command_page), ("api", api_page)])
def test_a_page_is_up_to_date(name, made):
    assert (DOCS / f"{name}.md").read_text() == made.page(), "run make docs"


def test_every_option_is_on_the_page():
    text = (DOCS / "commands.md").read_text()
    for name in COMMANDS:
        section = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
        for action in parser(name).everything():
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}" in section, (name, option)
