"""Ours where nothing is read: at an impossible place, or under a URL that is nearly ours."""

from __future__ import annotations

import marshal
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

from sopstatus.codecs.shared.issue_list import Issues

Path = tuple[str | int, ...]
CARRIERS = ("ImagingStudy", "ImagingSelection")
_NAMED = frozenset(
    (
        *("bodySite", "contained", "endpoint", "entry", "extension", "identifier", "instance"),
        *("meta", "modality", "modifierExtension", "parameter", "procedureCode", "reasonCode"),
        *("request", "resource", "series", "sopClass", "status", "subject", "text", "uid"),
    )
)
"""The members that a location may name: any other could be a patient's."""
_LEFT_OUT = ("fhir/no-uid", "fhir/stu3", "fhir/too-deep")
"""What is reported once of an element, and nothing more of what is inside."""


def carrier_in(document: dict[str, Any]) -> str:
    """Return where a resource of another type holds one of ours, ``""`` where it does not."""
    for path, node in _objects(document):
        if node.get("resourceType") in CARRIERS:
            return _location("", path)
    return ""


def is_clean(document: dict[str, Any], urls: Iterable[str], read: int) -> bool:
    """Tell, quickly, that the names of our extensions stand nowhere but in those that were read."""
    try:
        # a text that stands in many places is written once from version 3, which is quicker: enough to find none
        text = marshal.dumps(document, 2 if read else 4)
    except (ValueError, RecursionError):
        return False
    for url in urls:
        read -= text.count(_name(url))
    return not read


def report(
    document: dict[str, Any],
    urls: Collection[str],
    places: Collection[Path],
    issues: Issues,
) -> None:
    """Report every extension that was meant to be ours and cannot be.

    ``places`` are those where ours may be.
    """
    kind = str(document["resourceType"])
    left_out = tuple(f"{one.location}." for one in issues if one.code in _LEFT_OUT)
    for path, node in _objects(document):
        url, fits = node.get("url"), path in places
        if not isinstance(url, str) or (fits and url in urls):
            continue
        meant = next((ours for ours in urls if _bare(ours) == _bare(url)), "")
        where = _location(kind, path)
        if not meant or where.startswith(left_out):
            continue
        if fits:
            issues.at(f"{where}.url").add("fhir/near-url", meant=meant)
        else:
            issues.at(where).add("fhir/out-of-place")


@lru_cache(maxsize=256)
def _name(url: str) -> bytes:
    return url.rpartition("/")[2].encode()


_BEFORE, _BEHIND = re.compile(r"(?:https?:)?(?://)?"), re.compile(r"[|#?>\s]|/_history/")


def _bare(url: str) -> str:
    bare = _BEFORE.sub("", url.lower().lstrip(" \t\r\n<"), count=1)
    return _BEHIND.split(bare, maxsplit=1)[0].rstrip("/")


def _location(kind: str, path: Path) -> str:
    steps = (
        f"[{step}]" if isinstance(step, int) else f".{step}" if step.lstrip("_") in _NAMED else ""
        for step in path
    )
    return f"{kind}{''.join(steps)}".lstrip(".")


def _objects(document: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every object inside, with its path, however deep it is."""
    left: list[tuple[Path, Any]] = [((), document)]
    while left:
        path, one = left.pop()
        if isinstance(one, dict):
            yield path, one
            left += [
                ((*path, name), inner)
                for name, inner in reversed(one.items())
                if isinstance(name, str) and isinstance(inner, dict | list)
            ]
        elif isinstance(one, list):
            left += [((*path, index), inner) for index, inner in reversed([*enumerate(one)])]
