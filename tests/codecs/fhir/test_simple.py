"""Simple extensions that others have published: read, written, and what is not carried."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
from sopstatus import SOPInstance, TableError, codec, load_tables
from sopstatus.codecs import FORMATS
from sopstatus.table import lint
from sopstatus.testkit import run
from sopstatus.testkit.case import read

TABLES = Path(__file__).resolve().parents[3] / "samples" / "tables"
SETS = sorted(path.parent.name for path in TABLES.glob("*/*.toml"))
CASES = sorted(str(path.relative_to(TABLES)) for path in TABLES.glob("*/cases/*/case.toml"))
MADO = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/MadoNumberOfFrames"
SPACING = "https://example.org/StructureDefinition/spacing"
ONE = SOPInstance("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
TABLE = """
name = "extra"
title = "Extra"
version = "0.1.0"
source = "PS3.3"

[[attribute]]
keyword = "PixelSpacing"
tag = "0028,0030"
vr = "DS"
vm = "2"
fhir = { extension = "https://example.org/StructureDefinition/spacing", type = "decimal" }

[[attribute]]
keyword = "SeriesNumber"
tag = "0020,0011"
vr = "IS"
[attribute.fhir]
extension = "https://example.org/StructureDefinition/number"
type = "integer"
contexts = ["ImagingStudy.series"]

[[attribute]]
keyword = "InstanceNumber"
tag = "0020,0013"
vr = "IS"
fhir = { extension = "https://example.org/StructureDefinition/number", type = "integer" }
"""


@pytest.fixture
def fhir(tmp_path):
    (tmp_path / "extra.toml").write_text(TABLE)
    return codec("fhir", tables=load_tables(tmp_path))


def said(**attributes):
    return replace(ONE, attributes=tuple(sorted(attributes.items())))


def extensions(document):
    return document["series"][0]["instance"][0].get("extension", [])


@pytest.mark.parametrize("name", SETS)
def test_a_published_set_is_sound(name):
    assert not lint(TABLES / name)
    assert f"`{name}`" in (TABLES / "README.md").read_text()


@pytest.mark.parametrize("name", CASES)
def test_the_cases_of_published_sets(name):
    case = read(TABLES / name)
    tables = load_tables(TABLES / name.partition("/")[0])
    for each in FORMATS:
        run.expectation(case, each, tables)


def test_a_manifest_in_the_shape_of_mado():
    """As the guide has it, with an extension of the study that is nobody's here."""
    fhir = codec("fhir", tables=load_tables(TABLES / "ihe-mado"))
    document = fhir.blank([ONE])
    region = MADO.replace("MadoNumberOfFrames", "MadoAnatomicalRegionExtension")
    document["extension"] = [{"url": region, "valueCodeableConcept": {"text": "Chest"}}]
    frames = {"url": MADO, "valueInteger": 49}
    document["series"][0]["instance"][0]["extension"] = [frames]
    before = copy.deepcopy(document)
    found = fhir.decode(document)
    assert (found.value, found.issues) == ((said(NumberOfFrames="49"),), ())
    assert fhir.encode(found.value, document).value == document == before
    new = fhir.encode([said(NumberOfFrames="50")], document).value
    assert extensions(new) == [{"url": MADO, "valueInteger": 50}]
    assert new["extension"] == document["extension"]


def test_the_study_of_mii():
    folder = TABLES / "mii-bildgebung"
    document = (folder / "cases/bildgebungsgrund/imaging-study.json").read_bytes()
    fhir = codec("fhir", tables=load_tables(folder))
    (one,) = fhir.decode(document).value
    assert dict(one.attributes) == {"ReasonForTheRequestedProcedure": "Staging"}
    assert one.identity[:3] == ("1.2.826.0.1", "", "")
    assert fhir.encode([one], document).value == document
    refused = fhir.encode([said(ReasonForTheRequestedProcedure="x")], fhir.blank([ONE]))
    assert [issue.code for issue in refused.issues] == ["fhir/context"]


def test_several_values_are_several_extensions(fhir):
    x = said(PixelSpacing="0.50\\0.75")
    document = fhir.encode([x], fhir.blank([ONE])).value
    texts = [one["valueDecimal"].text for one in extensions(document)]
    assert ([one["url"] for one in extensions(document)], texts) == (
        [SPACING] * 2,
        ["0.50", "0.75"],
    )
    assert fhir.decode(document).value == (x,)
    shorter = fhir.encode([said(InstanceNumber="7")], document).value
    assert [one["valueInteger"] for one in extensions(shorter)] == [7]


def test_one_url_on_two_elements_is_two_rows(fhir):
    x = said(InstanceNumber="7")
    series = SOPInstance("1.2.3", "1.2.3.1", "", "", "", (("SeriesNumber", "4"),))
    document = fhir.encode([x, series], fhir.blank([ONE])).value
    assert set(fhir.decode(document).value) == {x, series}


@pytest.mark.parametrize(
    ("attributes", "holder", "reason"),
    [
        ({"InstanceNumber": None}, "", "it was emptied"),
        ({"InstanceNumber": "+7"}, "", "the type cannot say the value exactly"),
        ({"PixelSpacing": "0.5\\"}, "", "the type cannot say the value exactly"),
        ({"InstanceNumber": "7"}, "PACS", "the statement is about a holder's copy"),
    ],
)
def test_what_is_not_carried(fhir, attributes, holder, reason):
    x = replace(said(**attributes), holder=holder)
    done = fhir.encode([x], fhir.blank([ONE]))
    (told,) = done.issues
    assert told.code == "fhir/not-carried"
    assert reason in str(told)
    assert extensions(done.value) == []


def test_what_is_not_carried_leaves_no_older_value(fhir):
    document = fhir.encode([said(InstanceNumber="6")], fhir.blank([ONE])).value
    assert extensions(fhir.encode([said(InstanceNumber="+7")], document).value) == []
    held = replace(said(InstanceNumber="7"), holder="PACS")
    assert extensions(fhir.encode([held], document).value) == extensions(document)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([{"valueString": "7"}], "fhir/wrong-type"),
        ([{"valueInteger": 7}, {"valueInteger": 8}], "fhir/repeated-slice"),
        ([{"valueInteger": 7, "valueString": "7"}], "fhir/malformed"),
    ],
)
def test_what_cannot_be_read_is_left_alone(fhir, found, code):
    url = "https://example.org/StructureDefinition/number"
    document = fhir.blank([ONE])
    document["series"][0]["instance"][0]["extension"] = [{"url": url, **one} for one in found]
    read = fhir.decode(document)
    assert (read.value, read.issues[0].code) == ((), code)
    assert fhir.encode([said(SOPInstanceStatus="AO")], document).value["series"][0]["instance"][0][
        "extension"
    ][: len(found)] == extensions(document)


@pytest.mark.parametrize("name", ["hl7", "hl7-xml"])
def test_a_row_without_hl7_is_reported_there(fhir, name):
    under = codec(name, tables=fhir.tables)
    done = under.encode([said(InstanceNumber="7")], under.blank([ONE]))
    assert {issue.code for issue in done.issues} == {"hl7/not-carried"}
    assert under.decode(done.value).value == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('contexts = ["ImagingStudy.series"]\n', "", "already belongs to extra.SeriesNumber"),
        ("https://example.org/StructureDefinition/spacing", "spacing", "a URL, without | or #"),
        ('{ extension = "https', '{ slice = "a", extension = "https', "a slice or an extension, and"),
        ('fhir = { extension = "https://example.org/StructureDefinition/spacing", type = "decimal" }', "", "no format carries it"),
        ('vm = "2"\nfhir = {', 'vm = "2"\nhl7 = { field = 11, datatype = "NM" }\nfhir = {', "hl7.segment"),
        ('{ extension = "https://example.org/StructureDefinition/spacing"', '{ slice = "a"', "fhir.extension"),
        ('type = "decimal"', 'type = "boolean"', "boolean cannot carry DS; use decimal or string"),
        (
            "https://example.org/StructureDefinition/spacing",
            "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status",
            "already belongs to sop-instance-status",
        ),
    ],
)  # fmt: skip
def test_what_does_not_load(tmp_path, old, new, words):
    assert old in TABLE
    (tmp_path / "extra.toml").write_text(TABLE.replace(old, new, 1))
    with pytest.raises(TableError) as raised:
        load_tables(tmp_path)
    assert words in str(raised.value)
