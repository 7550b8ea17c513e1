"""Codes against the value sets that they are bound to, by Outburn's terminology runtime."""

import json
import subprocess

import pytest
from samples_of import ROOT
from sopstatus import load_tables

from artifacts.fhir.test_fhir_packages import FILES, package
from artifacts.fhir.test_fhir_validators import R4
from tools import need, need_file

MODULES = ROOT / "build/npm/node_modules"
SITE = load_tables().site
NAME = f"{SITE.package}.r4"
STUBS = {  # what our package depends on, or is always added; none of them is needed for our codes
    "hl7.fhir.r4.core": "4.0.1",
    "hl7.terminology.r4": "7.0.0",
    "hl7.fhir.uv.extensions.r4": "5.2.0",
}
WRONG = ("XX", "ao", " AO ", "", "AUTHORIZED")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    for name, version in STUBS.items():
        place = cache / f"{name}#{version}" / "package"
        place.mkdir(parents=True)
        manifest = {"name": name, "version": version, "dependencies": {}}
        (place / "package.json").write_text(json.dumps(manifest))
        (place / ".index.json").write_text('{"index-version": 2, "files": []}')
    for path, content in FILES.items():
        if path.startswith("r4/package/"):
            place = cache / f"{NAME}#{SITE.package_version}" / path.removeprefix("r4/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def ask(value_set, codes):
        need_file(MODULES / "fhir-terminology-runtime", "nodejs npm; make build/npm/.ready")
        given = {
            "package": f"{NAME}@{SITE.package_version}",
            "codes": codes,
            "valueSet": f"{SITE.canonical}/ValueSet/{value_set}",
        }
        done = subprocess.run(
            [need("node", "nodejs"), ROOT / "tests/artifacts/fhir/terminology.mjs", MODULES, cache],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
        )
        return [one["status"] for one in json.loads(done.stdout)]

    return ask


def codes_of(node):
    """Return the codes of our status slices, wherever in a resource."""
    if isinstance(node, list):
        return [code for item in node for code in codes_of(item)]
    if not isinstance(node, dict):
        return []
    own = [node["valueCode"]] if node.get("url") == "status" and "valueCode" in node else []
    return own + [code for item in node.values() for code in codes_of(item)]


def test_codes_of_the_examples_are_in_the_bound_value_set(asked):
    examples = [one for name, one in package(R4).items() if name.startswith("example/")]
    codes = sorted(set(codes_of(examples)))
    assert codes == ["AC", "AO", "NS", "OR"]
    assert asked("sop-instance-status", codes) == ["member"] * 4


def test_other_codes_are_not(asked):
    said = asked("sop-instance-status", WRONG)
    assert said == ["not-member"] * len(WRONG)


@pytest.mark.parametrize("side", ["hl7", "dicom"])
def test_the_value_sets_of_the_other_formats(asked, side):
    (row,) = [row for row in load_tables().attributes.values() if row.displays]
    there = list(row.from_hl7 if side == "hl7" else row.displays)
    assert asked(f"sop-instance-status-{side}", [*there, "XX"]) == ["member"] * len(there) + [
        "not-member"
    ]
