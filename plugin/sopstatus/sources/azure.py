"""What Azure's DICOM service does of its own: a change feed, and tags that leave the metadata.

An attribute whose value fails the service's check of its VR is stored with the file and removed
from all metadata. The answer to STOW-RS tells it in a warning, once; later only a comparison of
the file with the metadata shows it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import codec
from sopstatus.documents.scanned import Scanned
from sopstatus.model import Issue, SOPInstance
from sopstatus.sources.web import DICOMweb
from sopstatus.table import MappingTable, load_tables

LONGEST_PAGE = 200
"""Entries of the change feed that one answer has at most (API v2)."""

_FAILED_SOP, _REFERENCED_SOP = "00081198", "00081199"  # PS3.18 table 10.5.3-1
_REASON, _FAILED_ATTRIBUTES, _COMMENT = "00081197", "00741048", "00000902"
_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
_ALREADY_STORED = 45070


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the change feed.

    ``action`` is create, update or delete, ``state`` current, replaced or deleted, ``time`` UTC as
    the service writes it. ``scanned`` is what the metadata says, where there is any; else its one
    instance is the identity alone.
    """

    sequence: int
    action: str
    state: str
    time: str
    scanned: Scanned


def changes(
    server: DICOMweb, *, start: str = "", end: str = "", page: int = LONGEST_PAGE
) -> Iterator[Change]:
    """Yield what happened between two times (ISO 8601, the second exclusive), in order.

    To go on later, keep the ``time`` of the last one as ``start``: entries of that very moment come
    again. Raise `DocumentError` where the service does not answer.
    """
    window = {name: value for name, value in (("startTime", start), ("endTime", end)) if value}
    offset, last = 0, -1
    while True:
        entries = _feed(
            server, {**window, "offset": offset, "limit": page, "includemetadata": "true"}
        )
        new = [one for one in (_change(server, e) for e in entries) if one.sequence > last]
        yield from new
        if len(entries) < page or not new:  # a page that is repeated is the last
            return
        last = new[-1].sequence
        offset += page


def _change(server: DICOMweb, entry: dict[str, Any]) -> Change:
    told = {name.lower(): value for name, value in entry.items()}
    uids = [str(told.get(n) or "") for n in ("studyinstanceuid", "seriesinstanceuid")]
    sop = str(told.get("sopinstanceuid") or "")
    source = f"{server.url}/studies/{uids[0]}/series/{uids[1]}/instances/{sop}"
    metadata = told.get("metadata")
    if isinstance(metadata, dict) and metadata:
        scanned = server.read(source, [metadata])
    else:
        nobody = SOPInstance(uids[0], uids[1], "", sop, server.holder)
        scanned = Scanned(source, "dicom-json", (nobody,), ())
    action, state = str(told.get("action", "")).lower(), str(told.get("state", "")).lower()
    return Change(int(told["sequence"]), action, state, str(told.get("timestamp", "")), scanned)


def _feed(server: DICOMweb, asked_for: dict[str, Any]) -> list[dict[str, Any]]:
    def get() -> Any:
        url = f"{server.url}/changefeed"
        answer = server.session.get(url, params=asked_for, timeout=server.timeout)
        answer.raise_for_status()
        return answer.json()

    found = server.ask(get)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise document_error("source/unavailable", "", reason="its answer is not a change feed")
    return found


def store_warnings(answer: dict[str, Any], tables: MappingTable | None = None) -> tuple[Issue, ...]:
    """Return what the answer to STOW-RS (DICOM JSON, parsed) says of attributes of ours.

    A warning for each that is stored and will be in no metadata; an error for each instance that is
    there already: the service does not replace it, whatever its new status.
    """
    rows = {row.tag: row.keyword for row in (tables or load_tables()).attributes.values()}
    issues = []
    for number, item in enumerate(_items(answer, _REFERENCED_SOP), 1):
        for index, failed in enumerate(_items(item, _FAILED_ATTRIBUTES), 1):
            comment = _first(failed, _COMMENT)
            found = _TAG.search(comment) if isinstance(comment, str) else None
            keyword = rows.get(int("".join(found.groups()), 16)) if found else None
            if keyword:
                where = f"{_REFERENCED_SOP}[{number}].{_FAILED_ATTRIBUTES}[{index}]"
                issues.append(issue("azure/dropped", where, keyword=keyword))
    for number, item in enumerate(_items(answer, _FAILED_SOP), 1):
        if _first(item, _REASON) == _ALREADY_STORED:
            issues.append(issue("azure/already-stored", f"{_FAILED_SOP}[{number}]"))
    return tuple(issues)


def dropped(server: DICOMweb, study: str, series: str, instance: str) -> tuple[Issue, ...]:
    """Compare an instance's file with its metadata: a warning for each attribute that is lost.

    Raise `DocumentError` where the service gives one of them not.
    """
    metadata = server.metadata(study, series, instance)
    data_set = server.ask(lambda: server.client.retrieve_instance(study, series, instance))
    file = io.BytesIO()
    data_set.save_as(file, enforce_file_format=True)
    kept = codec("dicom", tables=server.tables).decode(file.getvalue())
    told = server.read("", metadata)
    shown = {keyword for one in told.instances for keyword, _ in one.attributes}
    there = dict.fromkeys(keyword for one in kept.value for keyword, _ in one.attributes)
    tags = {row.keyword: f"{row.tag:08X}" for row in server.tables.attributes.values()}
    lost = [keyword for keyword in there if keyword not in shown]
    return tuple(issue("azure/dropped", f"[0].{tags[k]}", keyword=k) for k in lost)


def _items(node: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    element = node.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []


def _first(node: dict[str, Any], tag: str) -> Any:
    element = node.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
