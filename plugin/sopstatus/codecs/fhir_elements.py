"""Where FHIR resources name studies, series and instances: the elements that can carry statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sopstatus import plain
from sopstatus.catalogue import document_error, issue
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, SOPInstance, Value, stated
from sopstatus.values import is_uid

STUDY_SYSTEM = "urn:dicom:uid"
_OID = "urn:oid:"
_LEVELS_OF_A_BUNDLE = 4  # of JSON, with what an entry needs inside

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Element:
    """An element that can carry our extension, and what it is about."""

    node: dict[str, Any]
    base: Path  # of the resource, or of the element whose list this one is in
    where: str  # the same, as FHIR writes it
    name: str  # of that list; empty for a resource
    index: int
    context: str
    study_instance_uid: str
    series_instance_uid: str = ""
    sop_instance_uid: str = ""

    @property
    def path(self) -> Path:
        """The steps from the document to the element."""
        return (*self.base, self.name, self.index) if self.name else self.base

    @property
    def location(self) -> str:
        """The path as FHIR writes it: ``ImagingStudy.series[0]``."""
        return f"{self.where}.{self.name}[{self.index}]" if self.name else self.where

    @property
    def sop_class_uid(self) -> str:
        """The SOP Class of an instance."""
        return _sop_class(self.node) if self.sop_instance_uid else ""

    def identity(self) -> SOPInstance:
        """Return the identity alone, as a statement that says nothing."""
        return self.stated("", ())

    def stated(self, holder: str, attributes: tuple[tuple[str, Value], ...]) -> SOPInstance:
        """Return the statement of a holder about this element; the attributes are sorted."""
        study, series, sop = (
            self.study_instance_uid,
            self.series_instance_uid,
            self.sop_instance_uid,
        )
        return stated(study, series, self.sop_class_uid, sop, holder, attributes)

    def key(self) -> tuple[str, str, str]:
        """Return what finds the element: an instance by its UID alone, else study and series."""
        if self.sop_instance_uid:
            return ("", "", self.sop_instance_uid)
        return (self.study_instance_uid, self.series_instance_uid, "")

    def extensions(self) -> list[Any]:
        """Return the element's extensions; empty where there are none."""
        found = self.node.get("extension")
        return found if isinstance(found, list) else []


def elements(
    document: dict[str, Any],
    issues: list[Issue],
    wanted: Collection[str] | None = None,
    limits: Limits = DEFAULT,
) -> list[Element]:
    """List the elements of a resource, or of every resource in a Bundle, in document order.

    With ``wanted`` instances are left out that have no extension, unless their SOP Instance UID is
    among these. Raise `DocumentError` for what is no ImagingStudy, ImagingSelection or Bundle.
    """
    kind = document.get("resourceType")
    if not isinstance(kind, str):
        raise document_error("fhir/not-fhir", "")
    if kind not in ("ImagingStudy", "ImagingSelection", "Bundle"):
        raise document_error("fhir/other-resource", "resourceType")
    walk = _Walk(issues, wanted, limits.depth // _LEVELS_OF_A_BUNDLE)
    walk.resource(document, (), kind, 0)
    return walk.found


class _Walk:
    """Collects the elements of a document."""

    def __init__(self, issues: list[Issue], wanted: Collection[str] | None, deepest: int) -> None:
        self.issues, self.wanted, self.deepest = issues, wanted, deepest
        self.found: list[Element] = []

    def resource(self, node: dict[str, Any], path: Path, location: str, depth: int) -> None:
        """Add the elements of a resource that carries ours, or of those in a Bundle."""
        kind = node.get("resourceType")
        if kind == "Bundle":
            if depth >= self.deepest:
                self.issues.append(issue("fhir/too-deep", location, depth=self.deepest))
                return
            for index, entry in self._children(node, "entry", location):
                inner = entry.get("resource")
                if isinstance(inner, dict):
                    here = f"{location}.entry[{index}].resource"
                    self.resource(inner, (*path, "entry", index, "resource"), here, depth + 1)
        elif kind == "ImagingStudy":
            self._study(node, path, location)
        elif kind == "ImagingSelection":
            study = _text(node, "studyUid").removeprefix(_OID)
            series = _text(node, "seriesUid").removeprefix(_OID)
            self._instances(node, path, location, "ImagingSelection.instance", study, series)

    def _study(self, node: dict[str, Any], path: Path, location: str) -> None:
        study = ""
        identifiers = node.get("identifier")
        for identifier in identifiers if isinstance(identifiers, list) else ():
            if isinstance(identifier, dict) and identifier.get("system") == STUDY_SYSTEM:
                study = study or _text(identifier, "value").removeprefix(_OID)
        if not study:
            self.issues.append(issue("fhir/no-study-uid", location))
        elif not is_uid(study):
            where = f"{location}.identifier"
            self.issues.append(issue("value/not-uid", where, length=len(study)))
        self.found.append(Element(node, path, location, "", 0, "ImagingStudy", study))
        context = "ImagingStudy.series.instance"
        for index, series in self._children(node, "series", location):
            where = f"{location}.series[{index}]"
            uid = self._uid(series, where)
            if uid:
                own = Element(
                    series, path, location, "series", index, "ImagingStudy.series", study, uid
                )
                self.found.append(own)
                self._instances(series, own.path, where, context, study, uid)

    def _instances(
        self, node: dict[str, Any], path: Path, location: str, context: str, study: str, series: str
    ) -> None:
        items = node.get("instance", [])
        if (uids := _plain_uids(items)) is not None:
            wanted = self.wanted
            self.found += [
                Element(item, path, location, "instance", index, context, study, series, uid)
                for index, (item, uid) in enumerate(zip(items, uids, strict=True))
                if wanted is None or "extension" in item or uid in wanted
            ]
            return
        for index, item in self._children(node, "instance", location):
            if uid := self._uid(item, f"{location}.instance[{index}]"):
                self.found.append(
                    Element(item, path, location, "instance", index, context, study, series, uid)
                )

    def _children(
        self, node: dict[str, Any], name: str, location: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        items = node.get(name, [])
        if not isinstance(items, list):
            self.issues.append(issue("fhir/malformed", f"{location}.{name}"))
            return
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield index, item
            else:
                self.issues.append(issue("fhir/malformed", f"{location}.{name}[{index}]"))

    def _uid(self, node: dict[str, Any], where: str) -> str:
        uid = _text(node, "uid").removeprefix(_OID)
        if not uid:
            self.issues.append(issue("fhir/no-uid", where))
        elif not is_uid(uid):
            self.issues.append(issue("value/not-uid", f"{where}.uid", length=len(uid)))
        return uid


def _plain_uids(items: Any) -> list[str] | None:
    """Return the UIDs of instances of which every one is as it should be, else nothing."""
    if type(items) is not list or set(map(type, items)) != {dict}:
        return None
    try:
        uids = [item["uid"] for item in items]
        return uids if plain.are_uids(uids) else None
    except (KeyError, TypeError):
        return None


def _text(node: dict[str, Any], name: str) -> str:
    value = node.get(name)
    return value if isinstance(value, str) else ""


def _sop_class(node: dict[str, Any]) -> str:
    coding = node.get("sopClass")
    if isinstance(coding, dict):
        return _text(coding, "code").removeprefix(_OID)
    return coding.removeprefix(_OID) if isinstance(coding, str) else ""  # R6: an oid
