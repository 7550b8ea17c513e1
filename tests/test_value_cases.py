"""Every hard value, row by row: what is read, what is written, what is told, and that it returns."""

import re
from pathlib import Path

import pytest
from docs.value_cases import outcome, sections
from docs.value_page import page
from sopstatus import codec
from sopstatus.catalogue import catalogue

CASES = Path(__file__).with_name("value_cases.toml")
PAGE = CASES.parents[1] / "docs" / "values.md"
SECTIONS = sections(CASES)
ROWS = [
    pytest.param(part, case, id=f"{part.name}: {case.source}: {case.name}")
    for part in SECTIONS
    for case in part.cases
]


@pytest.mark.parametrize(("part", "case"), ROWS)
def test_case(part, case):
    found = outcome(case)
    mine = found.explained
    targets = {target.format: target for target in mine.targets} if mine else {}
    told = {issue.code for issue in found.issues}
    if part.carried:
        assert mine.value == case.text.rstrip(" ")
        assert targets["hl7"].text == case.hl7
        assert targets["fhir"].text == case.fhir
        told |= {i.code for name in ("hl7", "fhir") for i in targets[name].issues}
    else:
        read = None if mine is None else mine.value or ""
        assert read == case.value
        if case.fhir:
            assert targets["fhir"].text == case.fhir
    assert told == set(case.codes)


@pytest.mark.parametrize(("part", "case"), ROWS)
@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_it_comes_back_exactly(part, case, name):
    statements = outcome(case).statements
    other = codec(name)
    again = other.decode(other.encode(statements, other.blank(statements)).value).value
    assert [x.attributes for x in again] == [x.attributes for x in statements]


def test_every_row_has_a_name_of_its_own():
    names = [(part.name, case.source, case.name) for part in SECTIONS for case in part.cases]
    assert len(set(names)) == len(names)


def test_the_page_is_up_to_date():
    text = PAGE.read_text("utf-8")
    assert page(CASES) == text, "run: make docs"
    linked = set(re.findall(r"issues\.md#([a-z0-9-]+)", text))
    assert linked <= {code.replace("/", "-") for code in catalogue()}
    headings = {
        h.lower().replace(" ", "-").replace(",", "") for h in re.findall("^## (.+)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", text)) == headings
