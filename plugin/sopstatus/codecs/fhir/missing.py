"""Series and instances that a resource does not list yet, added where that is the resource's own rule.

Somebody else's ImagingStudy says which instances a study has, and a statement about another one has
no counterpart there. One of our own making lists what we were told of so far: its ``meta.tag`` says
so, and the next statement adds what it is about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sopstatus.codecs.fhir.blank import instance_of, release_of, series_of
from sopstatus.codecs.fhir.elements import Element
from sopstatus.model import SOPInstance
from sopstatus.table import MappingTable
from sopstatus.values import is_uid

MADE = "made"
_COUNTS = ("numberOfSeries", "numberOfInstances")


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
    instances = {element.sop_instance_uid for element in listed}
    studies: dict[str, list[Element]] = {}
    for element in listed:
        if element.context == "ImagingStudy":
            studies.setdefault(element.study_instance_uid, []).append(element)
    for new in given:
        homes = studies.get(new.study_instance_uid, [])
        if len(homes) != 1 or not new.attributes or _level(new) not in contexts:
            continue
        home = homes[0]
        if home.withdrawal or not (everywhere or _is_tagged(home.node, tag)):
            continue
        if new.sop_instance_uid in instances - {""} or not _is_named(new):
            continue
        study = _with(home.node, new)
        if study is not home.node:
            home.node = study
            document = _replaced(document, home.path, study)
            instances.add(new.sop_instance_uid)
    return document


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


def _with(study: dict[str, Any], new: SOPInstance) -> dict[str, Any]:
    """Return the study with what a statement is about, or itself where it cannot be added."""
    uid = new.series_instance_uid
    listed = study.get("series", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return study
    same = [index for index, one in enumerate(listed) if one.get("uid") in (uid, f"urn:oid:{uid}")]
    if len(same) > 1 or (same and not new.sop_instance_uid):
        return study
    old = listed[same[0]] if same else series_of(uid)
    instances = old.get("instance", [])
    if not isinstance(instances, list) or old.get("modifierExtension"):
        return study
    series = dict(old)
    if new.sop_instance_uid:
        made = instance_of(new.sop_instance_uid, new.sop_class_uid, release_of(study))
        series = _counted({**old, "instance": [*instances, made]}, [len(instances) + 1])
    at = same[0] if same else len(listed)
    whole = [*listed[:at], series, *listed[at + 1 :]]
    total = sum(len(x["instance"]) for x in whole if isinstance(x.get("instance"), list))
    return _counted({**study, "series": whole}, [len(whole), total])


def _counted(node: dict[str, Any], least: Collection[int]) -> dict[str, Any]:
    """Return an element without the counts that are lower than what it lists (series, instances)."""
    for name, number in zip(_COUNTS[-len(least) :], least, strict=True):
        said = node.get(name)
        if isinstance(said, int) and said < number:
            del node[name]
            node.pop(f"_{name}", None)
    return node


def _replaced(node: Any, path: tuple[str | int, ...], new: dict[str, Any]) -> Any:
    if not path:
        return new
    copy = node.copy()
    copy[path[0]] = _replaced(node[path[0]], path[1:], new)
    return copy
