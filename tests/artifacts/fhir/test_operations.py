"""The OperationDefinitions are what the gateway answers."""

import json

import pytest
from fhir.resources.R4B.parameters import Parameters
from samples_of import FOLDER
from sopstatus import codec
from sopstatus.artifacts.fhir import operations
from sopstatus.artifacts.fhir.releases import RELEASES
from sopstatus.engines.gateway.interaction import OPERATIONS
from sopstatus.engines.gateway.operations import parameters

from artifacts.fhir.test_fhir_packages import package

DEFINED = {
    name.removeprefix("OperationDefinition-").removesuffix(".json"): one
    for name, one in package(RELEASES[0]).items()
    if name.startswith("OperationDefinition-")
}


def test_the_gateway_serves_these():
    assert {f"${one['code']}" for one in DEFINED.values()} == set(OPERATIONS)
    assert set(DEFINED) == set(operations.OPERATIONS)
    for one in DEFINED.values():
        assert (one["type"], one["instance"], one["system"]) == (True, True, False)
        assert one["resource"] == ["ImagingStudy"]


def fits(told, defined, use="out"):
    """Hold parameters against their definitions: names, types, how many."""
    known = {one["name"]: one for one in defined if one["use"] == use}
    for name, one in known.items():
        count = sum(parameter["name"] == name for parameter in told)
        assert one["min"] <= count
        assert one["max"] == "*" or count <= int(one["max"])
    for parameter in told:
        one = known[parameter["name"]]
        if "part" in parameter:
            fits(parameter["part"], one["part"])
        else:
            value = [key.removeprefix("_") for key in parameter if key != "name"]
            kind = one["type"]
            assert value == [f"value{kind[0].upper()}{kind[1:]}"], "inv-1"


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*/imaging-study.json")), ids=lambda p: p.parent.name
)
def test_what_it_says_of_the_samples_fits_the_definition(path):
    said = codec("fhir").decode(json.loads(path.read_text("utf-8"))).value
    told = parameters(said, "mixed", None).get("parameter", [])
    assert len(told) == 1 + len(said)
    fits(told, DEFINED["sop-status"]["parameter"])
    Parameters.model_validate({"resourceType": "Parameters", "parameter": told})
