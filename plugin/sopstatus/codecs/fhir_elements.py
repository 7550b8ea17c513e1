"""Where FHIR resources name studies, series and instances: the elements that can carry statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.model import Issue, SOPInstance
from sopstatus.values import is_uid

STUDY_SYSTEM = "urn:dicom:uid"
_OID = "urn:oid:"
_MAX_DEPTH = 16  # of Bundles in Bundles

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Element:
    """An element that can carry our extension, and what it is about."""

    node: dict[str, Any]
    path: Path
    location: str
    context: str
    study_instance_uid: str
    series_instance_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""

    def identity(self) -> SOPInstance:
        """Return the identity alone, as a statement that says nothing."""
        return SOPInstance(
            self.study_instance_uid,
            self.series_instance_uid,
            self.sop_class_uid,
            self.sop_instance_uid,
        )

    def key(self) -> tuple[str, str, str]:
        """Return what finds the element: an instance by its UID alone, else study and series."""
        if self.sop_instance_uid:
            return ("", "", self.sop_instance_uid)
        return (self.study_instance_uid, self.series_instance_uid, "")

    def extensions(self) -> list[Any]:
        """Return the element's extensions; empty where there are none."""
        found = self.node.get("extension")
        return found if isinstance(found, list) else []


def elements(document: dict[str, Any], issues: list[Issue]) -> list[Element]:
    """List the elements of a resource, or of every resource in a Bundle, in document order.

    Raise `DocumentError` for what is no ImagingStudy, ImagingSelection or Bundle.
    """
    kind = document.get("resourceType")
    if not isinstance(kind, str):
        raise document_error("fhir/not-fhir", "")
    if kind not in ("ImagingStudy", "ImagingSelection", "Bundle"):
        raise document_error("fhir/other-resource", "resourceType")
    found: list[Element] = []
    _resource(document, (), kind, found, issues, 0)
    return found


def _resource(
    node: dict[str, Any],
    path: Path,
    location: str,
    found: list[Element],
    issues: list[Issue],
    depth: int,
) -> None:
    kind = node.get("resourceType")
    if kind == "Bundle":
        if depth >= _MAX_DEPTH:
            issues.append(issue("fhir/too-deep", location, depth=_MAX_DEPTH))
            return
        for step, where, entry in _children(node, "entry", path, location, issues):
            inner = entry.get("resource")
            if isinstance(inner, dict):
                here = f"{where}.resource"
                _resource(inner, (*step, "resource"), here, found, issues, depth + 1)
    elif kind == "ImagingStudy":
        _study(node, path, location, found, issues)
    elif kind == "ImagingSelection":
        study, series = _text(node, "studyUid"), _text(node, "seriesUid")
        study, series = study.removeprefix(_OID), series.removeprefix(_OID)
        for step, where, item in _children(node, "instance", path, location, issues):
            uid, sop_class = _text(item, "uid").removeprefix(_OID), _sop_class(item)
            if _has_uid(uid, where, issues):
                context = "ImagingSelection.instance"
                found.append(Element(item, step, where, context, study, series, sop_class, uid))


def _study(
    node: dict[str, Any], path: Path, location: str, found: list[Element], issues: list[Issue]
) -> None:
    study = ""
    identifiers = node.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else ():
        if isinstance(identifier, dict) and identifier.get("system") == STUDY_SYSTEM:
            study = study or _text(identifier, "value").removeprefix(_OID)
    if not study:
        issues.append(issue("fhir/no-study-uid", location))
    elif not is_uid(study):
        issues.append(issue("value/not-uid", f"{location}.identifier", length=len(study)))
    found.append(Element(node, path, location, "ImagingStudy", study))
    for step, where, series in _children(node, "series", path, location, issues):
        uid = _text(series, "uid").removeprefix(_OID)
        if not _has_uid(uid, where, issues):
            continue
        found.append(Element(series, step, where, "ImagingStudy.series", study, uid))
        for inner, here, item in _children(series, "instance", step, where, issues):
            sop, sop_class = _text(item, "uid").removeprefix(_OID), _sop_class(item)
            if _has_uid(sop, here, issues):
                context = "ImagingStudy.series.instance"
                found.append(Element(item, inner, here, context, study, uid, sop_class, sop))


def _children(
    node: dict[str, Any], name: str, path: Path, location: str, issues: list[Issue]
) -> list[tuple[Path, str, dict[str, Any]]]:
    items = node.get(name, [])
    if not isinstance(items, list):
        issues.append(issue("fhir/malformed", f"{location}.{name}"))
        return []
    children = []
    for index, item in enumerate(items):
        where = f"{location}.{name}[{index}]"
        if isinstance(item, dict):
            children.append(((*path, name, index), where, item))
        else:
            issues.append(issue("fhir/malformed", where))
    return children


def _text(node: dict[str, Any], name: str) -> str:
    value = node.get(name)
    return value if isinstance(value, str) else ""


def _sop_class(node: dict[str, Any]) -> str:
    coding = node.get("sopClass")
    if isinstance(coding, dict):
        return _text(coding, "code").removeprefix(_OID)
    return coding.removeprefix(_OID) if isinstance(coding, str) else ""  # R6: an oid


def _has_uid(uid: str, where: str, issues: list[Issue]) -> bool:
    if not uid:
        issues.append(issue("fhir/no-uid", where))
    elif not is_uid(uid):
        issues.append(issue("value/not-uid", f"{where}.uid", length=len(uid)))
    return bool(uid)
