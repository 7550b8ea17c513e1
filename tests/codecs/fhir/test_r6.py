"""FHIR R6 as a preview: new documents, and the laws on them."""

import json
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from sopstatus import SOPInstance, codec, load_tables, transformer
from sopstatus.cli import main
from sopstatus.codecs.fhir import release_of
from sopstatus.testkit.law_checks import LAWS
from sopstatus.testkit.run import SAID

CT = "1.2.840.10008.5.1.4.1.1.2"
X = SOPInstance("1.2.3", "1.2.3.1", CT, "1.2.3.1.1", "PACS", (("SOPInstanceStatus", "AO"),))
Y = replace(X, attributes=(("SOPInstanceStatus", "AC"), ("SOPAuthorizationComment", None)))
FHIR = codec("fhir")
ROOT = Path(__file__).resolve().parents[3]


def instances(document):
    return [one for series in document["series"] for one in series["instance"]]


def test_a_sop_class_is_an_oid():
    document = FHIR.blank([X], "R6")
    assert instances(document) == [{"uid": "1.2.3.1.1", "sopClass": f"urn:oid:{CT}"}]
    assert FHIR.instances(document) == (replace(X, holder="", attributes=()),)
    assert release_of(document) == "R6"
    (one,) = instances(FHIR.blank([replace(X, sop_class_uid="")], "R6"))
    assert one.keys() == {"uid", "_sopClass"}


@pytest.mark.parametrize("law", LAWS)
def test_a_law(law):
    x, y = (replace(SAID, attributes=one.attributes) for one in (X, Y))
    LAWS[law](FHIR, FHIR.blank([SAID], "R6"), x, y)


def test_what_is_added_is_of_its_release():
    document = FHIR.encode([X], FHIR.blank([X], "R6")).value
    more = replace(X, sop_instance_uid="1.2.3.1.2")
    both = FHIR.encode([X, more], document, add_missing=True).value
    assert [one["sopClass"] for one in instances(both)] == [f"urn:oid:{CT}"] * 2
    assert FHIR.decode(both).value == (X, more)


def test_elements_that_r6_has_in_another_form(tmp_path):
    """A body site is one, and a procedure a reference without a code (6.0.0-ballot4)."""
    (tmp_path / "site.toml").write_text('fhir-release = "R6"\n')
    dataset = pydicom.dcmread(ROOT / "samples" / "authorized-original" / "image.dcm")
    dataset.BodyPartExamined = "CHEST"
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "24627-2", "LN", "Chest CT"
    dataset.RequestedProcedureCodeSequence = [code]
    made = transformer("dicom", "fhir", tables=load_tables(tmp_path))(dataset).value
    assert made["series"][0]["bodySite"] == {"concept": {"text": "CHEST"}}
    assert made["procedure"] == [{"type": "Procedure", "display": "Chest CT"}]


def test_it_is_not_validated():
    """There are no models of it yet, and R5's would find faults that are none."""
    document = FHIR.blank([X], "R6")
    assert [i.code for i in FHIR.decode(document, validate=True).issues] == ["fhir/release-unknown"]


def test_a_site_and_the_command_line_ask_for_it(tmp_path, capsys):
    (tmp_path / "site.toml").write_text('fhir-release = "R6"\n')
    made = codec("fhir", tables=load_tables(tmp_path)).blank([X])
    assert isinstance(instances(made)[0]["sopClass"], str)
    image = str(ROOT / "samples" / "authorized-original" / "image.dcm")
    assert main(["convert", image, "--to", "fhir", "--release", "R6"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert isinstance(instances(printed)[0]["sopClass"], str)
    assert "coding" in printed["series"][0]["modality"]
