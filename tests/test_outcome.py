"""OperationOutcome, read back by fhir.resources in R4B (which is R4's) and R5."""

from pathlib import Path

import pytest
from fhir.resources import operationoutcome as r5
from fhir.resources.R4B import operationoutcome as r4b
from sopstatus import codec
from sopstatus.catalogue import catalogue
from sopstatus.model import SEVERITIES, Issue
from sopstatus.outcome import issue_type, operation_outcome

FOLDER = Path(__file__).resolve().parent / "issue_samples"
MODELS = {
    "R4": r4b.OperationOutcome,
    "R4B": r4b.OperationOutcome,
    "R5": r5.OperationOutcome,
}
# http://hl7.org/fhir/R4/valueset-issue-type.html: the codes of R4 that R4B and R5 have too
ISSUE_TYPES = """
invalid structure required value invariant
security login unknown expired forbidden suppressed
processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid
extension too-costly business-rule conflict transient lock-error no-store exception timeout
incomplete throttled informational
"""
SYSTEM = "https://w3id.org/sopstatus/fhir/CodeSystem/sopstatus-issue"


@pytest.mark.parametrize("release", MODELS)
def test_every_code_makes_a_valid_issue(release):
    issues = [
        Issue(entry.severity, code, "ImagingStudy.series[0]", "what; remedy")
        for code, entry in catalogue().items()
    ]
    made = operation_outcome(issues, release=release)
    read = MODELS[release].model_validate(made)
    for issue, told in zip(issues, read.issue, strict=True):
        assert told.severity == issue.severity in SEVERITIES
        assert told.code in ISSUE_TYPES.split()
        (coding,) = told.details.coding
        assert (coding.system, coding.code) == (SYSTEM, issue.code)
        assert coding.display
        assert told.details.text == issue.diagnostics
        assert told.diagnostics == str(issue)
        assert told.expression == ["ImagingStudy.series[0]"]
        assert told.location is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("value/unknown-term", "code-invalid"),
        ("value/not-date-time", "value"),
        ("value/too-long", "too-long"),
        ("value/padded", "informational"),
        ("link/untrusted", "security"),
        ("table/unmapped", "not-supported"),
        ("dicom/no-counterpart", "not-found"),
        ("hl7/one-per-order", "business-rule"),
        ("profile/conflict", "business-rule"),
        ("audit/changed", "invariant"),
        ("fhir/no-uid", "required"),
        ("document/not-json", "structure"),
        ("fhir/context", "extension"),
    ],
)
def test_issue_type(code, kind):
    assert issue_type(Issue(catalogue()[code].severity, code, "", "")) == kind


@pytest.mark.parametrize("release", MODELS)
def test_no_issue_says_that_all_is_well(release):
    made = operation_outcome([], release=release)
    (told,) = MODELS[release].model_validate(made).issue
    assert (told.severity, told.code) == ("information", "informational")
    made["issue"].clear()
    assert operation_outcome([])["issue"], "each outcome owns what it holds"


@pytest.mark.parametrize(
    ("name", "file", "expression"),
    [
        ("fhir", "fhir/no-uid.json", "ImagingStudy.series[0].instance[1]"),
        ("hl7", "value/unknown-term.hl7", None),
        ("dicom", "dicom/nested.dcm", None),
    ],
)
def test_only_a_place_in_a_resource_is_an_expression(name, file, expression):
    from sopstatus.documents import content

    _, document = content.load((FOLDER / file).read_bytes())
    issues = codec(name).decode(document).issues
    (told,) = operation_outcome(issues)["issue"]
    assert told.get("expression") == ([expression] if expression else None)
    assert issues[0].location in told["diagnostics"]


def test_canonical_and_release_are_the_caller_s():
    issue = Issue("error", "value/unknown-term", "", "x")
    made = operation_outcome([issue], canonical="https://fhir.hospital.test")
    (coding,) = made["issue"][0]["details"]["coding"]
    assert coding["system"] == "https://fhir.hospital.test/CodeSystem/sopstatus-issue"
    with pytest.raises(ValueError, match="R3"):
        operation_outcome([], release="R3")
