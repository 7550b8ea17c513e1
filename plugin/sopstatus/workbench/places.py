"""The line of a shown document that an issue's location means."""

from __future__ import annotations

import re

from sopstatus.explain.json_spans import Path, spans

_SEGMENT = re.compile(r"(?:message\[(\d+)\] )?([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-\d|$)")
_TAG = re.compile(r"\([0-9A-F]{4},[0-9A-F]{4}\)")
_STEP = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]")


def line_of(location: str, form: str, lines: list[str]) -> int | None:
    """Return the number of the line, from 0; ``None`` where the location is of another kind."""
    find = {"hl7": _of_segment, "dicom": _of_tag, "fhir": _of_path}.get(form)
    return find(location, lines) if find and location else None


def _of_segment(location: str, lines: list[str]) -> int | None:
    if not (named := _SEGMENT.match(location)):
        return None
    message, name, count = int(named[1] or 1), named[2], int(named[3] or 1)
    for number, line in enumerate(lines):
        bare = line.lstrip("\ufeff\x0b\x1c")
        message -= bare.startswith("MSH")
        if message <= 0 and bare.startswith(name):
            count -= 1
            if not count:
                return number
    return None


def _of_tag(location: str, lines: list[str]) -> int | None:
    tag = _TAG.match(location)
    return next((n for n, line in enumerate(lines) if tag and line.startswith(tag[0])), None)


def _of_path(location: str, lines: list[str]) -> int | None:
    """Find an element, or the nearest around it that is there."""
    steps: Path = tuple(
        name or int(index) for name, index in _STEP.findall(location.partition(" ")[0])
    )
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    ways = [steps[:depth] for depth in range(len(steps), 0, -1)]
    found = spans(data, ways)
    nearest = next((found[way] for way in ways if way in found), None)
    return None if nearest is None else data.count(b"\n", 0, nearest[0])
