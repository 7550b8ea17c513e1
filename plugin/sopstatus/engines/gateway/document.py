"""Resources of ours inside the documents that go through: found, stripped, added to, tagged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from sopstatus.codecs.fhir.elements import elements
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import expand
from sopstatus.engines.gateway.settings import STATUS, Site
from sopstatus.model import DocumentError, Issue, Result, SOPInstance

CARRIERS = ("ImagingStudy", "ImagingSelection")
MIXED = "mixed"
Resource = dict[str, Any]


def objects(node: Any, name: str) -> list[Resource]:
    """Return the objects of a list that a node has under a name."""
    found = node.get(name) if isinstance(node, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def entries(bundle: Any) -> list[Resource]:
    """Return the entries of a Bundle that are objects."""
    return objects(bundle, "entry")


def by_url(bundle: Any) -> dict[str, Any]:
    """Return the resources of a Bundle by the ``fullUrl`` of their entries."""
    return {str(entry.get("fullUrl")): entry.get("resource") for entry in entries(bundle)}


def carriers(document: Any) -> Iterator[Resource]:
    """Yield the resources that can carry statements: the document itself, or those in a Bundle."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind in CARRIERS:
        yield document
    elif kind == "Bundle":
        for entry in entries(document):
            yield from carriers(entry.get("resource"))


def mapped(document: Any, change: Callable[[Resource], Resource]) -> Any:
    """Return the document with each carrier changed; the same object where nothing was."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind in CARRIERS:
        return change(document)
    if kind != "Bundle" or not isinstance(document.get("entry"), list):
        return document
    new = []
    for entry in document["entry"]:
        inner = entry.get("resource") if isinstance(entry, dict) else None
        made = mapped(inner, change)
        new.append(entry if made is inner else {**entry, "resource": made})
    same = all(a is b for a, b in zip(new, document["entry"], strict=True))
    return document if same else {**document, "entry": new}


def stripped(resource: Resource, site: Site) -> Resource:
    """Return a resource without any statement of ours, and without the tag."""
    urls = site.tables.extensions.keys()
    found = elements(resource, Issues(site.limits))
    said = [
        (element.path, [e for e in element.extensions() if _url(e) not in urls])
        for element in found
        if any(_url(e) in urls for e in element.extensions())
    ]
    return tagged(_with_extensions(resource, said), site, "")


def added(resource: Resource, more: Iterable[SOPInstance], site: Site) -> Result[Resource]:
    """Return a resource with the statements that it does not make itself.

    The issues tell what could not be added: instances that it does not list.
    """
    read, instances = site.codec.read(resource)
    known = {one.identity for one in read.value}
    listed = {one.sop_instance_uid for one in instances}
    new = [
        one
        for one in more
        if one.attributes
        and one.identity not in known
        and (not one.sop_instance_uid or one.sop_instance_uid in listed)
    ]
    try:
        return site.codec.encode(new, resource) if new else Result(resource)
    except DocumentError as error:  # what it says has been taken back
        return Result(resource, error.issues)


def studies(resource: Resource, site: Site) -> tuple[str, ...]:
    """Return the Study Instance UIDs that a resource is about."""
    found = elements(resource, Issues(site.limits), ())
    return tuple(dict.fromkeys(e.study_instance_uid for e in found if e.study_instance_uid))


def statuses(resource: Resource, site: Site) -> set[str]:
    """Return every status that a resource states, of the study, a series or an instance."""
    said = (dict(one.attributes) for one in site.codec.decode(resource).value)
    return {status for one in said if (status := one.get(STATUS))}


def rolled_up(resource: Resource, site: Site) -> str:
    """Return the one status of all instances, ``mixed`` where they differ, or nothing.

    An instance about which nothing is said differs from one that has a status.
    """
    said = site.codec.decode(resource).value
    known = site.codec.instances(resource)
    found: dict[str, set[str | None]] = {one.sop_instance_uid: set() for one in known}
    for one in expand(said, known) if known else said:
        status = one.get(STATUS)
        found.setdefault(one.sop_instance_uid, set()).add(status)
    each = set().union(*(told or {None} for told in found.values())) if found else set()
    stated = [status for status in each if status]
    if not stated:
        return ""
    return stated[0] if len(each) == 1 else MIXED


def tagged(resource: Resource, site: Site, code: str) -> Resource:
    """Return a resource whose ``meta.tag`` of our system is this code, or not there."""
    old_meta = resource.get("meta")
    meta = old_meta if isinstance(old_meta, dict) else {}
    old = meta.get("tag")
    tags = old if isinstance(old, list) else []
    kept = [t for t in tags if not (isinstance(t, dict) and t.get("system") == site.rollup_system)]
    new = [*kept, {"system": site.rollup_system, "code": code}] if code else kept
    if new == tags:
        return resource
    meta = {**meta, "tag": new}
    if not new:
        del meta["tag"]
    if not meta:
        return {name: value for name, value in resource.items() if name != "meta"}
    return {**resource, "meta": meta}


def located(issues: Iterable[Issue], where: str) -> tuple[Issue, ...]:
    """Return the issues of a resource in a Bundle with their places in the Bundle."""
    found = []
    for told in issues:
        head, dot, rest = told.location.partition(".")
        place = f"{where}{dot}{rest}" if head in CARRIERS else where
        found.append(replace(told, location=place))
    return tuple(found)


def _url(extension: Any) -> str:
    url = extension.get("url") if isinstance(extension, dict) else None
    return url if isinstance(url, str) else ""


def _with_extensions(
    resource: Resource, said: list[tuple[tuple[str | int, ...], list[Any]]]
) -> Resource:
    """Return a resource with other extensions at some paths; each node on the way is copied once."""
    if not said:
        return resource
    made = resource.copy()
    copies: dict[tuple[str | int, ...], Any] = {}
    for path, left in said:
        node: Any = made
        for end, step in enumerate(path, 1):
            if path[:end] not in copies:
                copies[path[:end]] = node[step] = node[step].copy()
            node = copies[path[:end]]
        if left:
            node["extension"] = left
        else:
            node.pop("extension", None)
    return made
