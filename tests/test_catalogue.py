"""The catalogue of issues: complete, used, and fed with the facts that its texts name."""

import ast
import re
import string
from http import HTTPStatus
from pathlib import Path

import pytest
from sopstatus.catalogue import catalogue, issue
from sopstatus.model import SEVERITIES
from sopstatus.profile.table import load_profile

PACKAGE = Path(__file__).resolve().parents[1] / "plugin" / "sopstatus"
FAMILIES = sorted({code.partition("/")[0] for code in catalogue()})
# FHIR R4, value set issue-type
ISSUE_TYPES = {
    *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown"),
    *("expired", "forbidden", "suppressed", "processing", "not-supported", "duplicate"),
    *("multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension"),
    *("too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store"),
    *("exception", "timeout", "incomplete", "throttled", "informational"),
}
# what these add themselves: the element that is read, and what the operating system says
GIVEN = {"tell": "keyword", "refusals": "reason"}
CODE = re.compile(rf"({'|'.join(FAMILIES)})/[a-z0-9-]+")


def fields(code):
    entry = catalogue()[code]
    return {
        name
        for text in (entry.text, entry.remedy)
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }


def used():
    """Yield every code in the source with the call's facts; ``None`` where they are not literal."""
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        inside = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                code = node.args[0].value
                if isinstance(code, str) and CODE.fullmatch(code):
                    inside.add(id(node.args[0]))
                    facts = {k.arg for k in node.keywords}
                    if isinstance(node.func, ast.Name) and node.func.id in GIVEN:
                        facts.add(GIVEN[node.func.id])
                    yield code, None if None in facts else facts
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in inside
            ):
                if CODE.fullmatch(node.value) and node.value in catalogue():
                    yield node.value, None


def test_every_code_is_used_and_known():
    refused = {row.code for row in load_profile().rows if row.code}
    assert {code for code, _ in used()} | refused == set(catalogue())


@pytest.mark.parametrize(("code", "facts"), [u for u in used() if u[1] is not None])
def test_facts_fit_the_text(code, facts):
    assert fields(code) <= facts


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_entry(code):
    entry = catalogue()[code]
    assert entry.severity in SEVERITIES
    assert entry.type in ISSUE_TYPES
    assert entry.status == 0 or HTTPStatus(entry.status) >= 400
    assert entry.text and entry.cause and entry.remedy
    assert not entry.text.endswith(".")
    assert entry.cause.endswith(".")
    made = issue(code, "here", **dict.fromkeys(fields(code), "x"))
    assert str(made).startswith(f"{entry.severity} {code} here: ")
    assert "{" not in made.diagnostics
    assert "\n" not in str(made)
