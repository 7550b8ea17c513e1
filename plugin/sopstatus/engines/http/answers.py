"""Answers: a document, or why there is none, in a form that the caller accepts."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from sopstatus.catalogue import catalogue
from sopstatus.documents import content
from sopstatus.engines.http.media import FHIR_JSON, PROBLEM
from sopstatus.model import FATAL, SEVERITIES, Issue
from sopstatus.outcome import issue_type, operation_outcome, plain
from sopstatus.table import MappingTable

ISSUES = "sopstatus-issues"
"""The header that counts issues by severity: ``error=1, warning=2`` (a dictionary of RFC 8941)."""

JSON_FORMATS = ("dicom-json", "fhir", "healthimaging")
_GZIP, _MARK = b"\x1f\x8b", b"\xef\xbb\xbf"
_MORE = {
    401: {"www-authenticate": "Bearer"},
    503: {"retry-after": "1"},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller, and what is counted and logged of it."""

    status: int
    media: str
    body: bytes
    issues: tuple[Issue, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    transform: str = ""
    stream: AsyncIterator[bytes] | None = None  # instead of the body
    changed: bool = False  # the document, or the one that it was written onto


def status_of(issues: Iterable[Issue]) -> int:
    """Return the status of a request that failed: the worst issue decides, of several the first.

    400: not what it claims to be; 413: too large; 422: understood, and not to be done.
    """
    first = _worst(issues)
    entry = catalogue().get(first.code)
    if entry and entry.status:
        return entry.status
    if issue_type(first) == "too-costly":
        return 413
    return 400 if first.severity == FATAL else 422


def _worst(issues: Iterable[Issue]) -> Issue:
    return min(issues, key=lambda found: SEVERITIES.index(found.severity))


def counted(issues: Sequence[Issue]) -> dict[str, str]:
    """Return the header that counts issues, or nothing where there is none."""
    if not issues:
        return {}
    counts = Counter(found.severity for found in issues)
    told = ", ".join(f"{severity}={count}" for severity, count in sorted(counts.items()))
    return {ISSUES: told}


def refusal(issues: tuple[Issue, ...], *, fhir: bool, tables: MappingTable) -> Answer:
    """Return why nothing was done: an OperationOutcome for a FHIR client, else RFC 9457."""
    status = status_of(issues)
    told, media = problem(status, issues, tables.site.canonical), PROBLEM
    if fhir:
        told, media = operation_outcome(issues, canonical=tables.site.canonical), FHIR_JSON
    headers = counted(issues) | _MORE.get(status, {})
    return Answer(status, media, f"{json.dumps(told, indent=2)}\n".encode(), issues, headers)


def problem(status: int, issues: tuple[Issue, ...], canonical: str) -> dict[str, Any]:
    """Return problem details (RFC 9457): the type is the code of the issue that decides."""
    first = _worst(issues)
    return {
        "type": f"{canonical}/CodeSystem/sopstatus-issue#{first.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": first.diagnostics,
        "issues": plain(issues),
    }


def wrapped(document: bytes, name: str, issues: tuple[Issue, ...], **more: Any) -> bytes:
    """Return ``{"document": ..., "issues": [...]}`` in one line; ``more`` goes before them.

    Of JSON formats the document is a JSON value, in the caller's own spelling; ER7 is text, or
    ``{"base64": "..."}`` if it is not UTF-8, and always for Part 10.
    """
    head = json.dumps(more)[:-1].encode() + (b", " if more else b"")
    body = (
        b'"document": '
        + _value(document, name)
        + b', "issues": '
        + json.dumps(plain(issues)).encode()
    )
    return head + body + b"}\n"


def _value(document: bytes, name: str) -> bytes:
    if name in JSON_FORMATS and not document.startswith(_GZIP):
        return b"".join(line.lstrip() for line in document.removeprefix(_MARK).splitlines())
    if name != "dicom":
        try:
            return content.dump_json(document.decode("utf-8")).strip()
        except UnicodeDecodeError:
            pass
    return json.dumps({"base64": base64.b64encode(document).decode()}).encode()
