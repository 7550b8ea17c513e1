"""Where FHIR resources name studies, series and instances: the elements that can carry statements."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sopstatus import plain
from sopstatus.catalogue import document_error
from sopstatus.codecs.fhir.stray import carrier_in
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.holder import NOBODY, Holder
from sopstatus.model import SOPInstance, Value, stated
from sopstatus.values import is_uid, trim

STUDY_SYSTEM = "urn:dicom:uid"
_OID = "urn:oid:"
_IN_ERROR = "enteredinerror"  # however it is spelled, or wrapped in a list
_LEVELS_OF_A_BUNDLE = 4  # of JSON, with what an entry needs inside

Path = tuple[str | int, ...]


class Withdrawal(NamedTuple):
    """What takes back all that an element and those inside it say: where it stands, and what it is."""

    location: str
    reason: str


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
    above: Withdrawal | None = None  # on a level above this one

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
        return self.stated(NOBODY, ())

    def stated(self, holder: Holder, attributes: tuple[tuple[str, Value], ...]) -> SOPInstance:
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

    @property
    def withdrawal(self) -> Withdrawal | None:
        """What takes back the statements of this element, if anything does."""
        return self.above or (
            _modified(self.node, self.location) if "modifierExtension" in self.node else None
        )

    def extensions(self) -> list[Any]:
        """Return the element's extensions; empty where there are none."""
        found = self.node.get("extension")
        return found if isinstance(found, list) else []


def elements(
    document: dict[str, Any],
    issues: Issues,
    wanted: Collection[str] | None = None,
) -> list[Element]:
    """List the elements of a resource, or of every resource in a Bundle, in document order.

    With ``wanted`` instances are left out that have no extension, unless their SOP Instance UID is
    among these. Raise `DocumentError` for what is no ImagingStudy, ImagingSelection or Bundle.
    """
    kind = document.get("resourceType")
    if not isinstance(kind, str):
        raise document_error("fhir/not-fhir", "")
    if kind not in ("ImagingStudy", "ImagingSelection", "Bundle"):
        if where := carrier_in(document):
            raise document_error("fhir/wrapped", where)
        raise document_error("fhir/other-resource", "resourceType")
    walk = _Walk(issues, wanted)
    walk.resource(document, (), kind, 0, None)
    return walk.found


def level_of(instance: SOPInstance) -> str:
    """Return the element that a statement is about, as FHIR names it."""
    if instance.sop_instance_uid:
        return "ImagingStudy.series.instance"
    return "ImagingStudy.series" if instance.series_instance_uid else "ImagingStudy"


def _modified(node: dict[str, Any], where: str) -> Withdrawal | None:
    """Return the modifier extension of an element: FHIR R4 2.4.2, whoever does not know it stops."""
    if node.get("modifierExtension") in (None, []):
        return None
    return Withdrawal(
        f"{where}.modifierExtension", "it has a modifier extension that is not known here"
    )


def _taken_back(node: dict[str, Any], where: str) -> Withdrawal | None:
    """Return what takes back all that a resource says."""
    if "implicitRules" in node and node["implicitRules"] is not None:
        return Withdrawal(
            f"{where}.implicitRules", "it follows implicit rules that are not known here"
        )
    status = node.get("status")
    if status != "available" and "".join(re.findall("[a-z]", str(status).lower())) == _IN_ERROR:
        return Withdrawal(f"{where}.status", "its status is entered-in-error")
    return _modified(node, where) if "modifierExtension" in node else None


class _Walk:
    """Collects the elements of a document."""

    def __init__(self, issues: Issues, wanted: Collection[str] | None) -> None:
        self.issues, self.wanted = issues, wanted
        self.deepest = issues.limits.depth // _LEVELS_OF_A_BUNDLE
        self.found: list[Element] = []

    def resource(
        self,
        node: dict[str, Any],
        path: Path,
        location: str,
        depth: int,
        above: Withdrawal | None,
    ) -> None:
        """Add the elements of a resource that carries ours, or of those in a Bundle."""
        kind = node.get("resourceType")
        above = above or _taken_back(node, location)
        if kind == "Bundle":
            if depth >= self.deepest:
                self.issues.at(location).add("fhir/too-deep", depth=self.deepest)
                return
            for index, entry in self._children(node, "entry", location):
                inner = entry.get("resource")
                if isinstance(inner, dict):
                    here = f"{location}.entry[{index}].resource"
                    back = above or _modified(entry, f"{location}.entry[{index}]")
                    deeper = (*path, "entry", index, "resource")
                    self.resource(inner, deeper, here, depth + 1, back)
        elif kind == "ImagingStudy":
            self._study(node, path, location, above)
        elif kind == "ImagingSelection":
            study = self._bare(node, "studyUid", location, "StudyInstanceUID")
            series = self._bare(node, "seriesUid", location, "SeriesInstanceUID")
            self._instances(node, path, location, "ImagingSelection.instance", study, series, above)

    def _study(
        self, node: dict[str, Any], path: Path, location: str, above: Withdrawal | None
    ) -> None:
        if "uid" in node or "availability" in node:
            self.issues.at(location).add("fhir/stu3")
            return
        study = ""
        identifiers = node.get("identifier")
        for identifier in identifiers if isinstance(identifiers, list) else ():
            if isinstance(identifier, dict) and identifier.get("system") == STUDY_SYSTEM:
                where = f"{location}.identifier"
                study = study or self._bare(identifier, "value", where, "StudyInstanceUID")
        if not study:
            self.issues.at(location).add("fhir/no-study-uid")
        elif not is_uid(study):
            where = f"{location}.identifier"
            self.issues.at(where).add("value/not-uid", length=len(study))
        self.found.append(Element(node, path, location, "", 0, "ImagingStudy", study, above=above))
        context = "ImagingStudy.series.instance"
        for index, series in self._children(node, "series", location):
            where = f"{location}.series[{index}]"
            uid = self._uid(series, where, "SeriesInstanceUID")
            if uid:
                back = above
                if not above and "modifierExtension" in series:
                    back = _modified(series, where)
                own = Element(
                    *(series, path, location, "series", index, "ImagingStudy.series", study, uid),
                    above=back,
                )
                self.found.append(own)
                self._instances(series, own.path, where, context, study, uid, back)

    def _instances(
        self,
        node: dict[str, Any],
        path: Path,
        location: str,
        context: str,
        study: str,
        series: str,
        above: Withdrawal | None,
    ) -> None:
        items = node.get("instance", [])
        if (uids := _plain_uids(items)) is not None:
            chosen: Iterable[int] = range(len(items))
            if (wanted := self.wanted) is not None:
                chosen = [
                    n for n, item in enumerate(items) if "extension" in item or uids[n] in wanted
                ]
            self.found += [
                Element(
                    items[n], path, location, "instance", n, context, study, series, uids[n], above
                )
                for n in chosen
            ]
            return
        for index, item in self._children(node, "instance", location):
            if uid := self._uid(item, f"{location}.instance[{index}]", "SOPInstanceUID"):
                known = (context, study, series, uid, above)
                self.found.append(Element(item, path, location, "instance", index, *known))

    def _children(
        self, node: dict[str, Any], name: str, location: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        items = node.get(name, [])
        if not isinstance(items, list):
            self.issues.at(f"{location}.{name}").add("fhir/malformed")
            return
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield index, item
            else:
                self.issues.at(f"{location}.{name}[{index}]").add("fhir/malformed")

    def _bare(self, node: dict[str, Any], name: str, where: str, keyword: str) -> str:
        """Return a UID without its prefix; blanks and NUL behind it are padding."""
        text = _text(node, name)
        if (bare := trim("UI", text)) != text:
            self.issues.at(where).add("value/padded", keyword=keyword)
        return bare.removeprefix(_OID)

    def _uid(self, node: dict[str, Any], where: str, keyword: str) -> str:
        if is_uid(uid := _text(node, "uid")):
            return uid
        uid = self._bare(node, "uid", f"{where}.uid", keyword)
        if not uid:
            self.issues.at(where).add("fhir/no-uid")
        elif not is_uid(uid):
            self.issues.at(f"{where}.uid").add("value/not-uid", length=len(uid))
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
        coding = coding.get("code")
    return _bare_uid(coding) if isinstance(coding, str) else ""  # R6: an oid


@lru_cache(maxsize=64)
def _bare_uid(text: str) -> str:
    return trim("UI", text).removeprefix(_OID)
