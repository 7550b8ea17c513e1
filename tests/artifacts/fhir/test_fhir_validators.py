"""Validators that others wrote, with our definitions: they take every example and no broken study.

Which of them sees what: `SEEN`. A code outside the value set, a slice that is misspelt or has
another type, a wrong place below the resource and use as a modifier are seen by none of these.
"""

import contextlib
import importlib
import io
import json
import subprocess
import warnings

import fhirkit
import pytest
from fhirpathpy import evaluate
from fhirpathpy.models import models
from oracles.test_new_documents import DATA_SETS
from pydantic import ValidationError
from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig
from samples_of import ROOT
from sopstatus import codec, transformer
from sopstatus.artifacts.fhir.releases import RELEASES, base_elements

from artifacts.fhir.base_elements import TYPES, medplum, reduced
from artifacts.fhir.broken import BROKEN, LONG_HOLDER, STILL_GOOD, made
from artifacts.fhir.test_fhir_packages import FILES, package
from tools import need, need_file

R4, R4B, R5 = RELEASES
RESOURCES = [
    (release, name, resource)
    for release in RELEASES
    for name, resource in package(release).items()
    if "resourceType" in resource
]
SEEN = {  # by whom, and the words that show that it is for the right reason
    "said-twice": {"pyrofile": "sop-instance-status-holder"},
    "one-holder-twice": {"pyrofile": "sop-instance-status-holder"},
    "only-holder": {"fhirpath": "sop-1", "medplum": "sop-1"},
    "two-status": {"medplum": "slice 'status': expected 0..1"},
    "empty": {"medplum": "ext-1", "fhirkit": "an empty array"},
    "no-url": {"medplum": "property", "fhirkit": "url: required"},
    "no-zone": {"fhirkit": "dateTime"},
    "no-date": {"fhirkit": "dateTime", "medplum": "dateTime"},
    "date-of-hl7": {"fhirkit": "dateTime", "medplum": "dateTime"},
    "number-as-code": {"fhirkit": "valueCode", "medplum": "expected string"},
    "spaces-in-code": {"fhirkit": "valueCode", "medplum": "code"},
    "empty-comment": {"fhirkit": "an empty string", "medplum": "valueString"},
    "no-value": {"medplum": "ext-1"},
}


def test_every_broken_study_is_seen_by_somebody():
    assert set(SEEN) == set(BROKEN)
    assert all(SEEN.values())


@pytest.mark.parametrize(
    ("release", "name", "resource"), RESOURCES, ids=[f"{r.name}-{n}" for r, n, _ in RESOURCES]
)
def test_the_base_of_every_resource(release, name, resource):
    if release is R4:
        assert fhirkit.validate(json.dumps(resource)) == []
        return
    folder = "fhir.resources.R4B" if release is R4B else "fhir.resources"
    kind = resource["resourceType"]
    model = getattr(importlib.import_module(f"{folder}.{kind.lower()}"), kind)
    try:
        model.model_validate(resource)
    except ValidationError as error:
        pytest.fail(f"{name}: {error}")


def fhirkit_says(study):
    return [str(found) for found in fhirkit.validate(json.dumps(study))]


@pytest.fixture(scope="module")
def pyrofile(tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "r4.tgz"
    path.write_bytes(next(c for p, c in FILES.items() if ".r4-" in p))
    settings = {"fhirVersion": "4.0.1", "localPackagePaths": [str(path)]}
    validator = Validator(ValidatorConfig.load_dict(settings))

    def says(resource):
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(found) for found in validator.validate_resource(resource).errors]

    return says


def profiled(study):
    return study | {"meta": {"profile": [PROFILE["url"]]}}


PROFILE = package(R4)["StructureDefinition-sop-status-imaging-study.json"]
EXTENSION = package(R4)["StructureDefinition-sop-instance-status.json"]
EXAMPLES = {n: r for n, r in package(R4).items() if n.startswith("example/") and "id" in r}


@pytest.mark.parametrize("name", EXAMPLES)
def test_pyrofile_takes_the_examples(pyrofile, name):
    assert pyrofile(EXAMPLES[name]) == []


def test_pyrofile_sees_another_resource(pyrofile):
    (statement,) = made(STILL_GOOD["as-it-is"])["series"][0]["instance"][0]["extension"]
    patient = package(R4)["example/Patient-synthetic.json"] | {"extension": [statement]}
    assert any("extension.context" in found for found in pyrofile(patient))


def rules_say(study):
    """Evaluate the extension's own rules with fhirpathpy on every statement."""
    (root,) = [e for e in EXTENSION["differential"]["element"] if e["id"] == "Extension"]
    return [
        rule["key"]
        for rule in root["constraint"]
        for statement in study["series"][0]["instance"][0]["extension"]
        if evaluate(statement, rule["expression"], model=models["r4"]) != [True]
    ]


def told_by(study, pyrofile):
    return {
        "fhirkit": fhirkit_says(study),
        "pyrofile": pyrofile(profiled(study)),
        "fhirpath": rules_say(study),
    }


@pytest.mark.parametrize("name", STILL_GOOD)
def test_good_studies(pyrofile, name):
    assert told_by(made(STILL_GOOD[name]), pyrofile) == {
        "fhirkit": [],
        "pyrofile": [],
        "fhirpath": [],
    }


@pytest.mark.parametrize("name", BROKEN)
def test_broken_studies(pyrofile, name):
    told = told_by(made(BROKEN[name]), pyrofile)
    for who, words in SEEN[name].items():
        if who != "medplum":
            assert any(words in found for found in told[who]), told[who]


def test_a_holder_longer_than_an_ae_title_is_a_best_practice_and_no_error(pyrofile):
    study = made(LONG_HOLDER)
    assert told_by(study, pyrofile) == {"fhirkit": [], "pyrofile": [], "fhirpath": ["sop-2"]}
    assert [x.holder for x in codec("fhir").decode(study).value] == ["A" * 20]
    for release in RELEASES:
        extension = package(release)["StructureDefinition-sop-instance-status.json"]
        root = extension["snapshot"]["element"][0]
        (rule,) = [one for one in root["constraint"] if one["key"] == "sop-2"]
        (mark,) = rule["extension"]
        assert rule["severity"] == "warning"
        assert mark["url"].endswith("/elementdefinition-bestpractice")
        assert mark["valueBoolean"]
        assert not [e for e in extension["snapshot"]["element"] if "maxLength" in e]


def without_slices_of_slices(definition):
    """Return a definition for Medplum, which takes the slices of a slice for those of the whole."""
    if "snapshot" not in definition:
        return definition
    elements = definition["snapshot"]["element"]
    kept = [one for one in elements if ":verbatim.extension:" not in one["id"]]
    return definition | {"snapshot": {"element": kept}}


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_resource_made_of_a_file_fits_our_profile(pyrofile, name):
    study = transformer("dicom", "fhir")(DATA_SETS[name]).value
    assert pyrofile(profiled(study)) == []


def test_medplum():
    modules = need_file(ROOT / "build/npm/node_modules", "nodejs npm; make build/npm/.ready")
    given = {
        "definitions": [without_slices_of_slices(r) for r in package(R4).values() if "url" in r],
        "resources": [
            *EXAMPLES.values(),
            *(made(change) for change in STILL_GOOD.values()),
            *(made(change) for change in BROKEN.values()),
        ],
    }
    done = subprocess.run(
        [need("node", "nodejs"), ROOT / "tests/artifacts/fhir/medplum.mjs", modules],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    good = found[: -len(BROKEN)]
    assert good == [[]] * len(good)
    for name, said in zip(BROKEN, found[-len(BROKEN) :], strict=True):
        if words := SEEN[name].get("medplum"):
            assert any(words in text for text in said), f"{name}: {said}"


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
def test_search_parameters_find_what_the_codec_reads(release):
    files = package(release)
    searched = 0
    for name, example in files.items():
        kind = name.partition("/")[2].partition("-")[0]
        if kind not in release.resources:
            continue
        said = codec("fhir").decode(example).value
        parameter = files["SearchParameter-sop-instance-status.json"]
        terms = [x.get("SOPInstanceStatus") for x in said]
        model = models["r5" if release is R5 else "r4"]
        found = evaluate(example, parameter["expression"], model=model)
        assert sorted(found) == sorted(t for t in terms if t in ("NS", "OR", "AO", "AC"))
        when = files["SearchParameter-sop-authorization-datetime.json"]
        dates = [x.get("SOPAuthorizationDateTime") for x in said]
        assert len(evaluate(example, when["expression"], model=model)) == len(
            [d for d in dates if d]
        )
        searched += len(found)
    assert searched


def test_the_base_elements_are_those_of_the_specification():
    modules = need_file(ROOT / "build/npm/node_modules", "nodejs npm; make build/npm/.ready")
    for name in TYPES["R4"]:
        assert reduced(medplum(modules, name)) == base_elements(R4, name)
