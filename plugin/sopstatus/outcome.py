"""Issues as a FHIR OperationOutcome (R4, R4B, R5), and what kind of fault FHIR calls each of them.

The resource is the same in the three releases: ``expression`` only, for ``location`` is deprecated
in all of them (FHIR R4 2.29) and means XPath.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sopstatus.model import INFORMATION, Issue
from sopstatus.table import load_tables

RELEASES = ("R4", "R4B", "R5")

_KINDS = {
    "code-invalid": "value/unknown-term value/lower-case value/not-code-string hl7/coding-system",
    "too-long": "value/too-long dicom/too-long",
    "too-costly": "dicom/too-large dicom/too-deep fhir/too-deep document/too-large "
    "document/too-deep document/too-many-statements document/more-issues http/too-large "
    "gateway/upstream-too-large",
    "required": "http/no-into dicom/no-uid hl7/text-without-code hl7/no-study-uid fhir/no-study-uid fhir/no-uid",
    "value": "dicom/offset dicom/undecodable dicom/charset-missing dicom/charset-doubtful "
    "hl7/encoding-characters hl7/undecodable hl7/charset-missing hl7/charset-doubtful "
    "hl7/unescaped-delimiter hl7/verbatim-malformed fhir/not-date-time fhir/offset-missing "
    "fhir/verbatim-malformed",
    "invariant": "hl7/verbatim-stale fhir/verbatim-stale",
    "extension": "fhir/unknown-slice fhir/context",
    "not-found": "document/unreadable dicom/no-counterpart hl7/no-counterpart fhir/no-counterpart "
    "http/no-route http/unknown-name",
    "multiple-matches": "dicom/holder-ambiguous dicom/not-one-instance",
    "business-rule": "hl7/one-per-order hl7/not-for-the-study dicom/signature",
    "not-supported": "document/unknown-type document/unknown-format dicom/charset "
    "dicom/private-twin dicom/not-rewritable hl7/charset-unsupported hl7/charset "
    "hl7/identity-lost hl7/no-escape-character hl7/no-repetition fhir/other-resource "
    "fhir/release-unknown gateway/patch gateway/search http/media-type http/coding http/not-acceptable http/method",
    "processing": "document/unwritable mllp/failed mllp/not-stored source/refused "
    "healthimaging/update-failed",
    "transient": "source/unavailable gateway/upstream",
    "incomplete": "azure/dropped google/timestamp",
    "duplicate": "azure/already-stored",
    "login": "http/unauthorized",
    "forbidden": "gateway/no-scope",
    "throttled": "http/busy",
    "timeout": "http/too-slow http/took-too-long",
    "exception": "http/failed",
    "invalid": "fhir/invalid http/parameter",
}
_KIND = {code: kind for kind, codes in _KINDS.items() for code in codes.split()}
_OF_PREFIX = {
    "value": "value",
    "table": "not-supported",
    "link": "security",
    "profile": "business-rule",
    "audit": "invariant",
}
_RESOURCES = ("ImagingStudy", "ImagingSelection", "Bundle")


def issue_type(issue: Issue) -> str:
    """Return the code of FHIR's value set IssueType: what kind of fault this is."""
    if issue.severity == INFORMATION:
        return "informational"
    prefix = issue.code.partition("/")[0]
    return _KIND.get(issue.code) or _OF_PREFIX.get(prefix, "structure")


def operation_outcome(
    issues: Iterable[Issue], *, release: str = "R4", canonical: str = ""
) -> dict[str, Any]:
    """Return the issues as an OperationOutcome; none of them makes the one that says all is well.

    ``diagnostics`` is the line as it is printed and logged, ``expression`` the place in a FHIR
    document. ``canonical`` is the base of our canonical URLs (default: the shipped tables' site).
    """
    if release not in RELEASES:
        raise ValueError(f"{release!r} is not one of {', '.join(RELEASES)}")
    system = f"{canonical or load_tables().site.canonical}/CodeSystem/sopstatus-issue"
    told = [_issue(issue, system) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": told or [_all_ok()]}


def _all_ok() -> dict[str, Any]:
    return {"severity": "information", "code": "informational", "details": {"text": "All OK"}}


def _issue(issue: Issue, system: str) -> dict[str, Any]:
    coding = {"system": system, "code": issue.code, "display": display(issue.code)}
    told = {
        "severity": issue.severity,
        "code": issue_type(issue),
        "details": {"coding": [coding], "text": issue.diagnostics},
        "diagnostics": str(issue),
    }
    if issue.location.startswith(_RESOURCES):
        told["expression"] = [issue.location]
    return told


def display(code: str) -> str:
    """Return the words of a code: "value: unknown term"."""
    return code.replace("/", ": ").replace("-", " ")
