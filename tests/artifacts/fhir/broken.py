"""An ImagingStudy with a statement, and what can be wrong with it."""

import copy
import json

from samples_of import FOLDER

GOOD = json.loads((FOLDER / "authorized-original" / "imaging-study.json").read_text())
GOOD["series"][0]["instance"] = GOOD["series"][0]["instance"][:1]
_URL = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"


def _instance(study):
    return study["series"][0]["instance"][0]


def _slices(study):
    (statement,) = _instance(study)["extension"]
    assert statement["url"] == _URL
    return {item["url"]: item for item in statement["extension"]}


def _two(study):
    inner = _instance(study)["extension"][0]["extension"]
    inner.append(copy.deepcopy(inner[0]))


def _said_twice(study):
    _instance(study)["extension"] *= 2


def _two_holders(study):
    for name, statement in zip(("ONE", "TWO"), _again(study), strict=True):
        statement["extension"].append({"url": "holder", "valueString": name})


def _one_holder_twice(study):
    for statement in _again(study):
        statement["extension"].append({"url": "holder", "valueString": "ONE"})


def _again(study):
    found = _instance(study)["extension"]
    found.append(copy.deepcopy(found[0]))
    return found


def _only_holder(study):
    _instance(study)["extension"][0]["extension"] = [{"url": "holder", "valueString": "ONE"}]


def _holder(name):
    return lambda study: _instance(study)["extension"][0]["extension"].append(
        {"url": "holder", "valueString": name}
    )


def _empty(study):
    _instance(study)["extension"][0]["extension"] = []


def _no_url(study):
    del _instance(study)["extension"][0]["url"]


def _date(text):
    return lambda study: _slices(study)["authorizationDateTime"].update(valueDateTime=text)


def _slice(name, **said):
    return lambda study: _slices(study)[name].update(said)


def _no_value(study):
    del _slices(study)["status"]["valueCode"]


def _wrong_place(study):
    study["subject"]["extension"] = _instance(study)["extension"]


BROKEN = {
    "said-twice": _said_twice,
    "one-holder-twice": _one_holder_twice,
    "only-holder": _only_holder,
    "two-status": _two,
    "empty": _empty,
    "no-url": _no_url,
    "no-zone": _date("2024-01-15T10:30:15"),
    "no-date": _date("2024-13-45"),
    "date-of-hl7": _date("20240115103015"),
    "number-as-code": _slice("status", valueCode=1),
    "spaces-in-code": _slice("status", valueCode=" AO "),
    "empty-comment": _slice("authorizationComment", valueString=""),
    "no-value": _no_value,
}
STILL_GOOD = {
    "as-it-is": lambda study: None,
    "two-holders": _two_holders,
    "ae-title": _holder("A" * 16),
}
LONG_HOLDER = _holder("A" * 20)  # what HD.1 of HL7 2.3.1 may hold


def made(change):
    """Return the study with a change."""
    study = copy.deepcopy(GOOD)
    change(study)
    return study
