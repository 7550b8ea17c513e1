"""Issues as a FHIR OperationOutcome (R4, R4B, R5).

The resource is the same in the three releases: ``expression`` only, for ``location`` is deprecated
in all of them (FHIR R4 2.29) and means XPath.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.model import INFORMATION, Issue
from sopstatus.table import load_tables

RELEASES = ("R4", "R4B", "R5")

_RESOURCES = ("ImagingStudy", "ImagingSelection", "Bundle")


def issue_type(issue: Issue) -> str:
    """Return the code of FHIR's value set IssueType: what kind of fault this is."""
    if issue.severity == INFORMATION:
        return "informational"
    entry = catalogue().get(issue.code)
    return entry.type if entry else "structure"


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


def plain(issues: Sequence[Issue]) -> list[dict[str, str]]:
    """Return the issues as JSON has them."""
    return [{name: getattr(issue, name) for name in Issue.__slots__} for issue in issues]
