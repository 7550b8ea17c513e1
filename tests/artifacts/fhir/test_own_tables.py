"""The FHIR packages of tables of a site's own: validators take them, and SUSHI makes the same of the shorthand."""

import contextlib
import io
import json
import re
import warnings

import fhirkit
import pytest
from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig
from samples_of import ROOT
from sopstatus import codec, load_tables
from sopstatus.artifacts.fhir.files import fhir_files
from sopstatus.artifacts.fhir.releases import RELEASES
from sopstatus.documents import content
from sopstatus.testkit import law_checks
from testkit.test_forty import FOLDER

from artifacts.fhir.sushi import compiled
from artifacts.mirth.test_scripts import drawn

R4 = RELEASES[0]
ODD = r"""
name = "odd"
title = 'A "b" <script> | `x` & é'
version = "1.0.0"
source = 'DICOM "PS3.3" | <b>'
definition = "First \"line\" \\ with | pipe\nsecond line ``` # head <!--"
[fhir]
extension = "StructureDefinition/my_ext_é"
contexts = ["ImagingStudy.series.instance"]
[[attribute]]
keyword = "QualityControlImage"
tag = "0028,0300"
vr = "CS"
terms = "defined"
definition = 'Says "x" \ <b> {{y}} ]]>'
fhir = { slice = "qc", type = "code" }
[attribute.codes]
YES = { display = 'Ye"s | <i> \ é', fhir = 'y"es' , definition = "two\nlines"}
"N O" = { display = "No", fhir-aliases = ["#n", "n o p"] }
[[attribute]] # the longest keywords of PS3.6
keyword = "CorrectedLocalizedDeviationFromNormalProbabilityCalculated"
tag = "0024,0080"
vr = "CS"
terms = "enumerated"
fhir = { slice = "corrected", type = "CodeableConcept" }
[attribute.codes]
YES = { display = "Yes" }
[[attribute]]
keyword = "FrameOfReferenceToDisplayedCoordinateSystemTransformationMatrix"
tag = "0070,030B"
vr = "FD"
vm = "16"
fhir = { slice = "matrix", type = "decimal" }
"""
SHARED = """
name = "number-of-frames"
title = "Two of one name"
version = "1.0.0"
source = "DICOM PS3.3"
[fhir]
extension = "StructureDefinition/number-of-frames"
contexts = ["ImagingStudy.series.instance"]
[[attribute]]
keyword = "NumberOfFrames"
tag = "0028,0008"
vr = "IS"
fhir = { extension = "https://other.test/frames", type = "integer" }
[[attribute]]
keyword = "SliceThickness"
tag = "0018,0050"
vr = "DS"
fhir = { slice = "thickness", type = "decimal" }
"""
PUBLISHED = ["ihe-mado", "hl7-europe-imaging", "mii-bildgebung"]
TABLES = {"forty": FOLDER, **{name: ROOT / "samples" / "tables" / name for name in PUBLISHED}}
each = pytest.mark.parametrize("name", [*TABLES, "odd", "shared"], scope="module")


@pytest.fixture(scope="module")
def made(name, tmp_path_factory):
    """The tables, and the files that are made of them."""
    folder = TABLES.get(name) or tmp_path_factory.mktemp("tables")
    if name not in TABLES:
        (folder / "table.toml").write_text({"odd": ODD, "shared": SHARED}[name])
    tables = load_tables(folder)
    return tables, fhir_files(tables)


def package(files, release):
    start = f"{release.name.lower()}/package/"
    parsed = [json.loads(text) for path, text in files.items() if path.startswith(start)]
    return [one for one in parsed if "resourceType" in one]


@each
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_ids_and_names(made, release):
    found = package(made[1], release)
    keys = [(one["resourceType"], one["id"]) for one in found]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", identifier) for _, identifier in keys)
    for one in found:
        assert "url" not in one or re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", one["name"])
        elements = one.get("snapshot", {}).get("element", ())
        assert len({e["id"] for e in elements}) == len(elements)
        keys = {rule["key"] for e in elements for rule in e.get("constraint", ())}
        assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", key) for key in keys)


@each
def test_validators_take_the_package_and_what_the_codec_writes(made, tmp_path):
    tables, files = made
    for resource in package(files, R4):
        assert fhirkit.validate(json.dumps(resource)) == []
    path = tmp_path / "r4.tgz"
    path.write_bytes(next(data for name, data in files.items() if ".r4-" in name))
    settings = {"fhirVersion": "4.0.1", "localPackagePaths": [str(path)]}
    validator = Validator(ValidatorConfig.load_dict(settings))
    profile = f"{tables.site.canonical}/StructureDefinition/sop-status-imaging-study"
    under = codec("fhir", tables=tables)
    for x in drawn(law_checks._statements(tables, "fhir"), 25):
        study = json.loads(content.dump_json(under.encode([x], under.blank([x])).value))
        assert fhirkit.validate(json.dumps(study)) == []
        study["meta"]["profile"] = [profile]
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert [str(one) for one in validator.validate_resource(study).errors] == []


@each
def test_sushi_makes_of_the_shorthand_what_the_package_holds(made, tmp_path):
    """With the definitions of others at hand, as a dependency would bring them."""
    tables, files = made
    for path, text in files.items():
        if path.startswith("r4/fsh/"):
            place = tmp_path / "project" / path.removeprefix("r4/fsh/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text)
    told = (tmp_path / "project" / "sushi-config.yaml").read_text()
    for row in tables.simple:
        assert f"# {row.extension}\n" in told
        place = tmp_path / "project/input/extensions" / f"{row.keyword}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(theirs(row)))
    resources, said, _ = compiled(tmp_path / "project", tmp_path / "home")
    assert [one for one in said if one[2].endswith(".fsh")] == []
    for one in package(files, R4):
        if one["resourceType"] in ("CodeSystem", "ValueSet", "SearchParameter", "ConceptMap"):
            assert resources[one["resourceType"], one["id"]] == one


def theirs(row):
    """The definition of a simple extension, as its publisher would have it."""
    base = "http://hl7.org/fhir/StructureDefinition/Extension"
    value = {"min": 1, "max": "1", "type": [{"code": row.fhir_type}]}
    elements = [
        {"id": "Extension", "path": "Extension", "min": 0, "max": "*"},
        {"id": "Extension.extension", "path": "Extension.extension", "min": 0, "max": "0"},
        {"id": "Extension.url", "path": "Extension.url", "min": 1, "max": "1"}
        | {"type": [{"code": "uri"}], "fixedUri": row.extension},
        {"id": "Extension.value[x]", "path": "Extension.value[x]"} | value,
    ]
    return {
        **{"resourceType": "StructureDefinition", "id": row.keyword, "url": row.extension},
        **{"name": row.keyword, "status": "active", "fhirVersion": "4.0.1", "abstract": False},
        **{"kind": "complex-type", "type": "Extension", "baseDefinition": base},
        "context": [{"type": "element", "expression": "Element"}],
        "derivation": "constraint",
        "snapshot": {"element": elements},
        "differential": {"element": elements[2:]},
    }
