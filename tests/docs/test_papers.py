"""The papers for operators and auditors: what they cite is there, and what they say of a server is marked."""

import ast
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from licences import installed, sbom

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["SECURITY.md", *(f"docs/{name}.md" for name in (
    "threat-model", "hardening", "conformance-statement", "fhir-servers", "support", "operations"))]  # fmt: skip


def text(page):
    return (ROOT / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_cited_is_there(page):
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text(page)):
        tree = ast.parse((ROOT / file).read_text())
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in names, f"{file}::{name}"


def test_each_threat_has_a_test():
    rows = text("docs/threat-model.md").partition("| held by |")[2].partition("\n## ")[0]
    threats = [row for row in rows.splitlines() if row.startswith("| ") and "---" not in row]
    assert len(threats) >= 15
    assert all("`tests/" in row.split(" | ")[-1] for row in threats)


def test_each_step_at_a_server_is_marked_run_or_read():
    page = text("docs/fhir-servers.md")
    for table in page.split("| step | run or read |\n")[1:]:
        rows = [row for row in table.split("\n\n")[0].splitlines() if "---" not in row]
        for row in rows:
            assert re.search(r"\| (read|run: `tests/[\w/.]+`) \|$", row), row
    (parameter,) = re.findall(r"\?([\w-]+)=AO", page)
    made = (ROOT / "docs" / "fhir" / f"SearchParameter-{parameter}.json").read_text()
    assert f'"code": "{parameter}"' in made


def test_the_versions_are_those_of_the_project():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    short = project["version"].rpartition(".")[0]
    assert f"| {short} " in text("SECURITY.md")
    named = re.findall(r"Python :: (3\.\d+)", str(project["classifiers"]))
    assert re.findall(r"^\| CPython (3\.\d+)", text("docs/support.md"), re.MULTILINE) == named
    assert project["requires-python"] == f">={named[0]}"


def test_every_package_of_all_is_on_the_page_of_licences():
    page = text("docs/licences.md")
    listed = set(re.findall(r"^\| ([\w.-]+) \| [^|]+ \|$", page, re.MULTILINE)) - {"package"}
    assert set(installed()) <= listed
    head, _, table = page.partition("| package |")
    copyleft = re.findall(r"^\| ([\w.-]+) \| .*(?:GPL|MPL|Mozilla)", table, re.MULTILINE)
    assert {"psycopg", "pygal"} <= set(copyleft)
    assert all(f"`{name.removesuffix('-binary')}`" in head for name in copyleft)


def test_the_sbom_names_every_package_with_its_version():
    made = sbom(installed())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    found = {one["name"]: one["version"] for one in made["components"]}
    assert found["pydicom"] == version("pydicom") and len(found) > 30


def test_the_constraints_are_of_the_development_group_alone():
    group = tomllib.loads(text("pyproject.toml"))["dependency-groups"]["dev"]
    names = {re.match(r"[\w.-]+", one)[0] for one in group} - {"sopstatus"}
    lines = [line for line in text("constraints.txt").splitlines() if line[0] != "#"]
    assert {line.partition("==")[0] for line in lines} == names
