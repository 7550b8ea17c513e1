"""The generated pages are what `make docs` makes of this code."""

import inspect
import re
from pathlib import Path

import pytest
from sopstatus.cli import COMMANDS, parser
from sopstatus.profile import events

from docs import api_page, command_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


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


def test_the_python_page_has_what_one_calls():
    text = (DOCS / "api.md").read_text()
    for name in ("Transformer", "__call__", "Result", "SOPInstance", "Link", "read", "transformer"):
        assert re.search(rf"^#+ .*\b{name}\b", text, re.M), name


def test_the_site_is_in_four_kinds():
    text = (DOCS.parent / "website" / "mkdocs.yml").read_text().partition("nav:\n")[2]
    kinds = re.findall(r"^  - ([^:]+):", text, re.M)
    assert kinds == ["Start", "Tutorial", "Try it", "How to", "Reference", "Explanation", "Develop"]
    listed = set(re.findall(r": (\S+)\.(?:md|html)$", text, re.M))
    pages = {path.stem for path in (*DOCS.glob("*.md"), *DOCS.glob("*.html"))}
    assert pages <= listed, pages - listed


def test_every_event_of_the_profile_has_its_place():
    page = (DOCS / "security-profile.md").read_text()
    for name, event in vars(events).items():
        if inspect.isfunction(event) and event.__module__ == events.__name__ and name[0] != "_":
            assert f"`{name}`" in page, name
    assert "Rejection notes (IHE Imaging Object Change Management) are out of scope" in page


def test_what_the_pages_say_of_the_house_is_there():
    tests = {path.name for path in (ROOT / "tests").rglob("*.py")}
    codecs = ROOT / "plugin" / "sopstatus" / "codecs"
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        text = page.read_text("utf-8")
        for name in re.findall(r"\btest_\w+\.py\b", text):
            assert name in tests, f"{page.name}: {name}"
        for path in re.findall(r"`(tests/[\w/.-]+)`", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
    for row in re.findall(r"^\| `(\w+/\w+)`", (ROOT / "docs/testing.md").read_text("utf-8"), re.M):
        assert (codecs / f"{row}.py").exists(), row
