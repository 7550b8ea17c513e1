"""The page of issues is what the generator makes, and everything on it leads somewhere."""

import contextlib
import re
from pathlib import Path

import pytest
from docs.issue_field import FAULTS
from docs.issue_page import page, printed, shipped
from sopstatus.artifacts.issue_symptoms import SYMPTOMS
from sopstatus.catalogue import catalogue
from sopstatus.model import ERROR, FATAL

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "issues.md"
SHIPPED = ROOT / "plugin" / "sopstatus" / "issue_lines.json"
TEXT = PAGE.read_text("utf-8")


def test_the_page_is_up_to_date():
    with contextlib.chdir(ROOT):
        lines = printed()
        made = page(lines), shipped(lines)
    assert made == (TEXT, SHIPPED.read_text("utf-8")), "run: make docs"


def test_every_link_leads_somewhere():
    anchors = set(re.findall(r'<a id="([^"]+)">', TEXT))
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.+)$", TEXT, re.M)}
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > len(catalogue())
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors | headings
        else:
            assert (PAGE.parent / link).exists(), link


@pytest.mark.parametrize("row", [*SYMPTOMS, *FAULTS])
def test_symptoms_name_codes_that_exist(row):
    assert set(row.codes.split()) <= set(catalogue())


def test_every_fault_that_stops_something_has_a_symptom():
    stopping = {c for c, entry in catalogue().items() if entry.severity in (FATAL, ERROR)}
    named = {code for symptom in SYMPTOMS for code in symptom.codes.split()}
    missing = stopping - named
    assert not missing, "add them to sopstatus/artifacts/issue_symptoms.py"


def test_every_code_has_its_entry_with_its_line():
    for code, entry in catalogue().items():
        start = TEXT.index(f"\n### {code}\n")
        text = TEXT[start : start + 2000]
        assert f"\n```text\n{entry.severity} {code} " in text
        assert f"* **Cause:** {entry.cause}\n" in text
