"""The JSON Schemas that editors use: as generated, what they take, and what they refuse."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from samples_of import ROOT
from sopstatus import load_tables
from sopstatus.artifacts.schema import schema_files
from sopstatus.cli import main
from sopstatus.table import lint
from sopstatus.table.language import PROFILE_FILE, SITE_FILE
from sopstatus.table.scaffold import scaffold
from table.test_load import GOOD, REFUSALS

from tools import missing

DOCS = ROOT / "docs" / "schema"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in DOCS.glob("*.json")}
TABLE, SITE = (
    jsonschema.Draft202012Validator(SCHEMAS[f"{name}.schema.json"]) for name in ("table", "site")
)
TABLES = sorted(p for p in (ROOT / "mappings").glob("*.toml") if p.name != PROFILE_FILE)
SEEN = {"language"}  # the kinds of fault that stand in the text of one key
CONTEXT = ("is missing", "stands twice")  # what an overlay may leave out, what only a loader counts


def test_they_are_generated_alike(tmp_path, capsys):
    for name in ("one", "two"):
        assert main(["artifacts", str(tmp_path / name), "--only", "schema"]) == 0
    for name, content in schema_files(load_tables()).items():
        assert (DOCS / name).read_bytes() == content
        assert (tmp_path / "one" / "schema" / name).read_bytes() == content
        assert (tmp_path / "two" / "schema" / name).read_bytes() == content
    assert (ROOT / "mappings" / "table.schema.json").read_bytes() == (
        DOCS / "table.schema.json"
    ).read_bytes()
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.stem)
def test_the_shipped_files_are_valid(path):
    (SITE if path.name == SITE_FILE else TABLE).validate(tomllib.loads(path.read_text()))


def test_a_scaffold_is_valid():
    for keyword in ("QualityControlImage", "ContentDate", "Modality"):
        TABLE.validate(tomllib.loads(scaffold(keyword, load_tables()).table))


def test_it_refuses_what_the_loader_refuses_in_one_key(tmp_path):
    refused = 0
    for old, new, *_, words in REFUSALS:
        text = GOOD.replace(old, new, 1)
        (tmp_path / "qc.toml").write_text(text)
        faults = lint(tmp_path)
        assert faults
        if faults[0].rule not in SEEN or any(word in words for word in CONTEXT):
            continue
        assert not TABLE.is_valid(tomllib.loads(text)), (new, str(faults[0]))
        refused += 1
    assert refused > 15


@pytest.mark.parametrize(
    ("old", "new"),
    [("field = 11", "field = 9"), ('slice = "qc"', 'slice = "holder"'), ("YES = {", "yes = {")],
)
def test_it_knows_what_is_reserved(old, new):
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    assert TABLE.is_valid(tomllib.loads(GOOD))
    assert not TABLE.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("text", ['offset = "0100"', 'canonicl = "https://x"', "publisher = 1"])
def test_it_refuses_site_settings_that_the_loader_refuses(tmp_path, text):
    (tmp_path / "site.toml").write_text(text)
    assert lint(tmp_path)
    assert not SITE.is_valid(tomllib.loads(text))


def test_every_key_has_words_to_hover_over():
    def check(schema, path):
        for name, inner in schema.get("properties", {}).items():
            assert inner["title"] == name
            assert inner["description"], path
            for below in (inner, inner.get("items", {}), inner.get("additionalProperties")):
                if isinstance(below, dict):
                    check(below, f"{path}.{name}")

    for schema in SCHEMAS.values():
        check(schema, "")


def test_an_editor_s_language_server_takes_it(tmp_path):
    """Taplo is what editors run on TOML."""
    taplo = Path(sys.executable).with_name("taplo")
    if not taplo.exists():
        missing("taplo", "", "pip install taplo")
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(GOOD.replace("segment", "segmnt"))
    told = {}
    for name in ("good", "bad"):
        command = [str(taplo), "check", "--schema", (DOCS / "table.schema.json").as_uri()]
        done = subprocess.run(
            [*command, f"{name}.toml"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        told[name] = (done.returncode, done.stderr)
    assert told["good"][0] == 0, told["good"][1]
    assert told["bad"][0] != 0
    assert "segmnt" in told["bad"][1]
