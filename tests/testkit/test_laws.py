"""The laws of the test kit over many tables at once: every shipped group, and every VR, VM and type."""

import sys
from pathlib import Path

import pytest
from sopstatus import load_tables
from sopstatus.codecs import FORMATS
from sopstatus.table.scaffold import scaffold
from sopstatus.testkit import collect, law_checks
from sopstatus.testkit.law_checks import LAWS, check

from testkit.test_forty import FOLDER

PUBLISHED = Path(__file__).resolve().parents[2] / "samples" / "tables" / "ihe-mado"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Many groups: what one does must not disturb what another has found."""
    folder = tmp_path_factory.mktemp("site")
    for name in (group.name for group in load_tables().available if not group.enabled):
        (folder / f"{name}.toml").write_text(f'name = "{name}"\nenabled = true\n')
    for keyword in ("QualityControlImage", "BurnedInAnnotation", "ContentQualification"):
        made = scaffold(keyword, load_tables(folder, PUBLISHED))
        (folder / f"{made.name}.toml").write_text(made.table)
    return load_tables(folder, FOLDER, PUBLISHED)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("law", LAWS)
def test_law(law, name, tables):
    check(law, name, tables)


@pytest.mark.parametrize("name", ["dicom", "fhir"])
def test_every_row_is_stated_and_those_of_several_values_with_several(name, tables, monkeypatch):
    said = {}

    def collect(under, document, x, y):
        for keyword, value in x.attributes:
            said.setdefault(keyword, set()).add(value)

    monkeypatch.setitem(LAWS, "collect", collect)
    monkeypatch.setattr(law_checks, "EXAMPLES", 300)
    check("collect", name, tables)
    for keyword, row in tables.attributes.items():
        if law_checks._carries(name, row):
            assert any(said[keyword]), keyword
            assert row.vm == "1" or any("\\" in (text or "") for text in said[keyword]), keyword


def test_there_are_many(tables):
    assert len(tables.groups) > 7
    assert len(tables.attributes) > 50


def test_laws_without_hypothesis_and_with_a_broken_module(monkeypatch):
    monkeypatch.delitem(sys.modules, "sopstatus.testkit.law_checks")
    with monkeypatch.context() as within:
        within.setitem(sys.modules, "hypothesis", None)
        with pytest.raises(pytest.UsageError, match="needs the extra"):
            collect.laws(None)
    monkeypatch.setitem(sys.modules, "sopstatus.codecs.shared.row_values", None)
    with pytest.raises(ModuleNotFoundError, match="row_values"):
        collect.laws(None)
