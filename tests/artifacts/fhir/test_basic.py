"""An ImagingSelection as a Basic of R4: nothing is lost, and validators take it."""

import json

import fhirkit
import pytest
from fhir.resources.R4B.basic import Basic
from sopstatus import codec, load_tables
from sopstatus.artifacts.fhir import basic as basic_of
from sopstatus.artifacts.fhir.basic import INSTANCE, as_basic
from sopstatus.artifacts.fhir.files import fhir_files
from sopstatus.artifacts.fhir.releases import RELEASES

from artifacts.fhir.test_fhir_packages import FILES, package

SELECTIONS = {
    name: one
    for name, one in package(RELEASES[-1]).items()
    if name.startswith("example/ImagingSelection-")
}
FULL = {
    "resourceType": "ImagingSelection",
    "id": "full",
    "extension": [{"url": "https://other.test/one", "valueString": "kept"}],
    "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
    "status": "available",
    "subject": {"reference": "Patient/synthetic"},
    "performer": [{"actor": {"reference": "Device/one"}}, {"actor": {"reference": "Device/two"}}],
    "code": {"text": "of interest"},
    "studyUid": "1.2.3",
    "seriesUid": "1.2.3.4",
    "seriesNumber": 0,
    "instance": [
        {"uid": "1.2.3.4.5", "number": 0, "subset": ["1", "2"]},
        {
            "extension": [{"url": "https://other.test/two", "valueBoolean": False}],
            "uid": "1.2.3.4.6",
            "imageRegion2D": [{"regionType": "point", "coordinate": [1, 2.5]}],
        },
    ],
}


@pytest.mark.parametrize("selection", [FULL, *SELECTIONS.values()], ids=["full", *SELECTIONS])
def test_it_holds_the_same(selection):
    basic = as_basic(selection)
    assert as_selection(basic) == selection
    assert as_basic(as_selection(basic)) == basic
    assert fhirkit.validate(json.dumps(basic)) == []
    Basic.model_validate(basic)


def test_another_basic_is_no_selection():
    with pytest.raises(ValueError, match="stands for no ImagingSelection"):
        as_selection({"resourceType": "Basic", "code": {"coding": [{"code": "adverse-event"}]}})


def test_a_site_asks_for_it(tmp_path):
    assert not any("Basic-" in path for path in FILES)
    (tmp_path / "site.toml").write_text('selection-before-r5 = "basic"\n')
    files = fhir_files(load_tables(tmp_path))
    for release in ("r4", "r4b"):
        defined = json.loads(
            files[f"{release}/package/StructureDefinition-sop-instance-status.json"]
        )
        assert {"type": "extension", "expression": INSTANCE} in defined["context"]
        basic = json.loads(files[f"{release}/package/example/Basic-authorized-original.json"])
        (said,) = codec("fhir").decode(as_selection(basic)).value
        assert said["SOPInstanceStatus"] == "AO"
        assert (
            b"Instance: Basic-authorized-original" in files[f"{release}/fsh/input/fsh/examples.fsh"]
        )
    assert not any(path.startswith("r5/") and "Basic-" in path for path in files)


# the way back


def as_selection(basic):
    """Return what such a Basic holds; raise `ValueError` for another one."""
    if basic_of.CODE not in basic.get("code", {}).get("coding", ()):
        raise ValueError("this Basic stands for no ImagingSelection")
    made = {"resourceType": basic_of.SELECTION}
    made |= {
        key: value for key, value in basic.items() if key in basic_of._SHARED and key != "extension"
    }
    ours = [one for one in basic.get("extension", ()) if one["url"].startswith(basic_of._BASE)]
    others = [one for one in basic.get("extension", ()) if one not in ours]
    if others:
        made["extension"] = others
    return made | _read(
        basic_of.SELECTION, [(one["url"].removeprefix(basic_of._BASE), one) for one in ours]
    )


def _read(above, named):
    made = {}
    for key, extension in named:
        kind, repeats = basic_of._elements()[f"{above}.{key}"]
        if kind == "BackboneElement":
            path = f"{above}.{key}"
            inner = [(one["url"], one) for one in extension["extension"]]
            value = _read(
                path,
                [(name, one) for name, one in inner if f"{path}.{name}" in basic_of._elements()],
            )
            if others := [
                one for name, one in inner if f"{path}.{name}" not in basic_of._elements()
            ]:
                value["extension"] = others
        else:
            value = extension[f"value{kind[0].upper()}{kind[1:]}"]
        if repeats:
            made.setdefault(key, []).append(value)
        else:
            made[key] = value
    return made
