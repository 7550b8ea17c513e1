"""Series and instances that a resource does not list yet, added where that is the resource's own rule.

Somebody else's ImagingStudy says which instances a study has, and a statement about another one has
no counterpart there. One of our own making lists what we have seen so far: its ``meta.tag`` says
so, and the next statement adds what it is about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sopstatus.codecs.fhir.blank import instance_of, release_of, series_of
from sopstatus.codecs.fhir.elements import Element
from sopstatus.codecs.shared.json_document import edited
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable
from sopstatus.values import is_uid

MADE = "made"
_COUNTS = ("numberOfSeries", "numberOfInstances")
_COUNTED = (*_COUNTS, *(f"_{name}" for name in _COUNTS))


def origin_tag(tables: MappingTable) -> dict[str, str]:
    """Return the ``meta.tag`` of a resource that we made."""
    return {"system": f"{tables.site.canonical}/origin", "code": MADE}


def with_origin(resource: dict[str, Any], tables: MappingTable) -> dict[str, Any]:
    """Return a new resource with that tag, and so each ImagingStudy of a Bundle."""
    if resource["resourceType"] == "Bundle":
        entries = [
            {**entry, "resource": with_origin(entry["resource"], tables)}
            for entry in resource["entry"]
        ]
        return {**resource, "entry": entries}
    head = {"resourceType": resource["resourceType"]}
    return head | {"meta": {"tag": [origin_tag(tables)]}} | resource


def completed(
    document: dict[str, Any],
    found: Iterable[Element],
    given: Iterable[SOPInstance],
    tables: MappingTable,
    *,
    everywhere: bool,
) -> dict[str, Any]:
    """Return a document that lists what the statements are about, or itself where nothing is added.

    A series or an instance is added to the one ImagingStudy of its study, if that carries our tag
    or with ``everywhere``, and if all its UIDs are known. Nothing is added where one of the same
    UID stands already, to what has been taken back, and to lists that are none. A count that is
    lower than what is there now goes.
    """
    listed = list(found)
    tag = origin_tag(tables)
    contexts = {context for group in tables.groups for context in group.contexts}
    instances = {element.sop_instance_uid for element in listed} - {""}
    studies: dict[str, list[Element]] = {}
    for element in listed:
        if element.context == "ImagingStudy":
            studies.setdefault(element.study_instance_uid, []).append(element)
    grown: dict[str, _Study] = {}
    for new in given:
        homes = studies.get(new.study_instance_uid, [])
        if len(homes) != 1 or not new.attributes or _level(new) not in contexts:
            continue
        home = homes[0]
        if home.withdrawal or not (everywhere or _is_tagged(home.node, tag)):
            continue
        if new.sop_instance_uid in instances or not _is_named(new):
            continue
        if new.study_instance_uid not in grown:
            grown[new.study_instance_uid] = _Study(home)
        if grown[new.study_instance_uid].add(new):
            instances.update({new.sop_instance_uid} - {""})
    changes = {one.home.path: one.changes() for one in grown.values() if one.own}
    return edited(document, changes) if changes else document


def _level(new: SOPInstance) -> str:
    deepest = ".instance" if new.sop_instance_uid else ""
    return f"ImagingStudy.series{deepest}"


def _is_named(new: SOPInstance) -> bool:
    uids = [new.study_instance_uid, new.series_instance_uid]
    uids += [uid for uid in (new.sop_instance_uid, new.sop_class_uid) if uid]
    return all(map(is_uid, uids))


def _is_tagged(resource: dict[str, Any], tag: dict[str, str]) -> bool:
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    return isinstance(tags, list) and any(
        isinstance(t, dict) and all(t.get(name) == tag[name] for name in tag) for t in tags
    )


class _Study:
    """An ImagingStudy that grows: what it lists is copied once, and its series are found by their UIDs."""

    def __init__(self, home: Element) -> None:
        listed = home.node.get("series", [])
        self.home = home
        self.is_sound = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
        self.series: list[dict[str, Any]] = list(listed) if self.is_sound else []
        self.own: set[int] = set()  # places of series that are ours to change
        self._release = release_of(home.node)
        self._places: dict[str, list[int]] = {}
        for place, one in enumerate(self.series):
            if isinstance(uid := one.get("uid"), str):
                self._places.setdefault(uid.removeprefix("urn:oid:"), []).append(place)

    def add(self, new: SOPInstance) -> bool:
        """Add what a statement is about; tell whether that could be done."""
        same = self._places.setdefault(new.series_instance_uid, [])
        if not self.is_sound or len(same) > 1 or (same and not new.sop_instance_uid):
            return False
        old = self.series[same[0]] if same else series_of(new.series_instance_uid)
        instances = old.get("instance", [])
        if not isinstance(instances, list) or old.get("modifierExtension"):
            return False
        if not same:
            same.append(len(self.series))
            self.series.append(old)
        (place,) = same
        if place not in self.own:
            self.own.add(place)
            old = self.series[place] = {**old}
            if "instance" in old:
                old["instance"] = [*instances]
        if new.sop_instance_uid:
            made = instance_of(new.sop_instance_uid, new.sop_class_uid, self._release)
            old.setdefault("instance", []).append(made)
        return True

    def changes(self) -> dict[str, Any]:
        """Return the members of the study that change; a count that is too low goes."""
        for place in self.own:
            _recount(self.series[place], [len(self.series[place].get("instance", ()))])
        study = {name: self.home.node[name] for name in _COUNTED if name in self.home.node}
        lists = (one.get("instance") for one in self.series)
        total = sum(len(one) for one in lists if isinstance(one, list))
        _recount(study, [len(self.series), total])
        gone = {name: ... for name in _COUNTED if name in self.home.node and name not in study}
        return {"series": self.series, **gone}


def _recount(node: dict[str, Any], least: Collection[int]) -> None:
    """Remove the counts of an element that are lower than what it lists (series, instances)."""
    for name, number in zip(_COUNTS[-len(least) :], least, strict=True):
        said = node.get(name)
        if isinstance(said, int) and said < number:
            del node[name]
            node.pop(f"_{name}", None)
