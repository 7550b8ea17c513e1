"""What is generated of tables with numbers, several values and extensions of others."""

import json
from pathlib import Path

import pytest
from extra_table import qualification, table
from sopstatus import SOPInstance, load_tables
from sopstatus.artifacts.docs.files import docs_files
from sopstatus.artifacts.fhir import fsh
from sopstatus.artifacts.fhir.definitions import definitions
from sopstatus.artifacts.fhir.releases import RELEASES
from sopstatus.artifacts.hl7.fields import fields
from sopstatus.artifacts.hl7.segment_table import markdown
from sopstatus.artifacts.hl7.v2_to_fhir import sheets
from sopstatus.artifacts.mirth.tables_script import tables_script
from sopstatus.codecs.fhir import FHIRCodec

TESTS = Path(__file__).resolve().parents[1]
SAMPLES = TESTS.parent / "samples" / "tables"
FORTY = load_tables(TESTS / "testkit" / "forty")
MADO = load_tables(SAMPLES / "ihe-mado")
URL = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/MadoNumberOfFrames"


def elements(tables, release, identifier):
    (found,) = (one for one in definitions(tables, release) if one["id"] == identifier)
    return {one["id"]: one for one in found["differential"]["element"]}


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_an_extension_has_the_types_and_cardinalities(release):
    found = elements(FORTY, release, "acquisition")
    for row in FORTY.attributes.values():
        if row.file.endswith("acquisition.toml"):
            within = f"Extension.extension:{row.slice}"
            assert found[within]["max"] == ("1" if row.vm == "1" else "*")
            assert found[f"{within}.value[x]"]["type"] == [{"code": row.fhir_type}]
            bound = "binding" in found[f"{within}.value[x]"]
            assert bound == bool(row.displays and row.fhir_type != "boolean")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_simple_extension_is_referred_to_and_not_defined(release):
    made = definitions(MADO, release)
    assert URL not in {one.get("url") for one in made}
    (profile,) = (
        one
        for one in made
        if one.get("type") == "ImagingStudy" and one["resourceType"] == "StructureDefinition"
    )
    found = {one["id"]: one for one in profile["differential"]["element"]}
    slice_ = found["ImagingStudy.series.instance.extension:numberOfFrames"]
    assert slice_["type"] == [{"code": "Extension", "profile": [URL]}]
    assert slice_["max"] == "1"


def test_an_example_with_a_simple_extension_is_shorthand_too():
    x = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", attributes={"NumberOfFrames": "15"})
    under = FHIRCodec(MADO)
    made = under.encode([x], under.blank([x], "R4")).value | {"id": "a"}
    text = fsh._example(made, MADO)
    assert f'extension[0].url = "{URL}"' in text
    assert "extension[0].valueInteger = 15" in text


def test_fields_that_hold_several_values_repeat():
    found = {field.number: field for field in fields(FORTY, "ZAQ")}
    for row in FORTY.segments["ZAQ"]:
        assert found[row.field].repeats == (row.vm != "1")
        assert found[row.field].datatype == row.datatype


def test_the_sheets_name_every_slice():
    text = next(s for n, s in sheets(FORTY).items() if "ZAQ" in n).decode()
    for row in FORTY.segments["ZAQ"]:
        assert f"{row.datatype}[{row.fhir_type}]" in text


def test_mirth_carries_every_row_that_has_a_field():
    said = tables_script(FORTY)
    held = json.loads(said[said.index("{\n", said.index("||")) : said.rindex(";\n    return")])
    found = {table["name"]: [row["keyword"] for row in table["rows"]] for table in held["segments"]}
    assert found == {name: [r.keyword for r in rows] for name, rows in FORTY.segments.items()}
    bare = {row.keyword for row in FORTY.attributes.values() if not row.field}
    assert {row["keyword"] for row in held["others"]} == bare


@pytest.mark.parametrize("name", ["ihe-mado", "hl7-europe-imaging", "mii-bildgebung"])
def test_a_published_set_has_its_page(name):
    page = docs_files(load_tables(SAMPLES / name))[f"{name}.html"].decode()
    assert "StructureDefinition/" in page


def test_a_page_of_segments_holds_whatever_marks_a_table_has(tmp_path):
    codes = """YES = { display = 'Y|es <i>', hl7 = "Y|^", definition = "two\\n| lines" }"""
    text = table(qualification(codes), segment="ZQX")
    (tmp_path / "odd.toml").write_text(text)
    page = markdown(load_tables(tmp_path))
    (line,) = (line for line in page.splitlines() if "es &lt;i&gt;" in line)
    assert line == r"| Y\|^ | Y\|es &lt;i&gt; | Y | two \| lines |"
