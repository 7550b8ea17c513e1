"""What Google's Cloud Healthcare API does of its own: JSON Patch of metadata, and rows of BigQuery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sopstatus.audit.record import now
from sopstatus.catalogue import issue
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.codecs.shared.data_set import IDENTITY, TIMEZONE_OFFSET
from sopstatus.documents.scanned import Scanned, scanned
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.profile import Circumstances, Link
from sopstatus.profile.crossing import onto, put
from sopstatus.sources.attempts import Unanswered
from sopstatus.sources.web import DataSets, DICOMweb
from sopstatus.table import MappingTable, load_tables
from sopstatus.values import OFFSET_KEYWORD

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d")  # BigQuery's, as text
PATCH = "application/json-patch+json"  # RFC 6902


def patches(
    before: DataSets, after: DataSets, tables: MappingTable
) -> dict[SOPInstance, list[dict[str, Any]]]:
    """Return by instance what takes its metadata from before to after, as a JSON Patch (RFC 6902).

    Only attributes of ours are compared, and an instance that stays as it is has no patch.
    """
    under = DICOMJSONCodec(tables)
    names = [f"{row.tag:08X}" for row in tables.attributes.values()]
    found: dict[SOPInstance, list[dict[str, Any]]] = {}
    for copy, old, new in zip(under.copies(before), before, after, strict=True):
        steps: list[dict[str, Any]] = []
        for name in names:
            if name in new and new[name] != old.get(name):
                steps.append({"op": "add", "path": f"/{name}", "value": new[name]})
            elif name in old and name not in new:
                steps.append({"op": "remove", "path": f"/{name}"})
        if steps:
            found[replace(copy, attributes=())] = steps
    return found


def update(
    server: DICOMweb,
    instances: Iterable[SOPInstance],
    study: str,
    *,
    link: Link | None = None,
    patience: float = 300.0,
) -> Result[int]:
    """Write statements into the stored data sets of a study and return how many were changed.

    ``server.url`` has to be of ``v1beta1``, ending in ``/dicomWeb``. ``link`` is what is known of
    the way that the statements came: without a trusted one each status becomes NS (PS3.15 A.1.1
    f.2). Where all instances of the study, or of a series, take the same patch, it is one request;
    the service does it as an Operation, which has ``patience`` seconds.

    The result's records are those of instances that the service has confirmed, by its answer or
    by its metadata read again; ``source/update-incomplete`` reports the others. Update again to go
    on: what is done is left as it is. Raise `DocumentError` where nothing was begun.
    """
    under = DICOMJSONCodec(server.tables, server.limits)
    before = _known(server, study, under)
    site = server.tables.site
    at = Circumstances(
        holder=server.holder, policy=site.link_policy, on_held=site.on_held, time=now()
    )
    copies = under.copies(before)
    allowed = onto(copies, server.tables.settled(instances), link, None, at=at)
    written = put(under, before, allowed, onto_held=True, holder=server.holder)
    wanted = {one.sop_instance_uid: one.attributes for one in under.copies(written.value)}
    todo = patches(before, written.value, server.tables)
    issues = [*allowed.issues, *written.issues]
    done: set[str] = set()
    doubt: set[str] = set()
    for path, about, steps in _requests(study, todo, copies):
        try:
            answer = _patch(server, f"studies/{path}/metadata", steps)
            if len(about) > 1:
                doubt |= about
                _finish(server, answer, patience)
            else:
                done |= about
        except Unanswered as error:
            doubt |= about
            issues += error.issues
            if error.stopped:
                break
    if doubt:  # what became of it is what the service says now
        try:
            said = under.copies(_known(server, study, under))
        except DocumentError as error:
            said = ()
            issues += error.issues
        done |= {
            one.sop_instance_uid
            for one in said
            if one.sop_instance_uid in doubt and one.attributes == wanted[one.sop_instance_uid]
        }
        if more := len({one.sop_instance_uid for one in said} - wanted.keys()):
            issues.append(issue("google/new-instances", "", count=more))
    left = {one.sop_instance_uid for one in todo} - done
    if left:
        told = {"done": len(done), "count": len(todo)}
        issues.append(issue("source/update-incomplete", "", **told))
    records = tuple(r for r in allowed.records if r.sop_instance_uid not in left)
    return Result(len(done), tuple(dict.fromkeys(issues)), records)


def _known(server: DICOMweb, study: str, under: DICOMJSONCodec) -> DataSets:
    return [one for one in server.metadata(study) if under.instances([one])]


def _requests(
    study: str, todo: dict[SOPInstance, list[dict[str, Any]]], copies: Iterable[SOPInstance]
) -> Iterator[tuple[str, set[str], list[dict[str, Any]]]]:
    """Yield path, SOP Instance UIDs and patch of each request, as few as say the same."""
    series: dict[str, list[SOPInstance]] = {}
    for copy in copies:
        series.setdefault(copy.series_instance_uid, []).append(replace(copy, attributes=()))
    every = [one for members in series.values() for one in members]
    for path, members in [(study, every), *((f"{study}/series/{k}", v) for k, v in series.items())]:
        steps = todo.get(members[0]) if len(members) > 1 else None
        if steps and all(todo.get(one) == steps for one in members):
            yield path, {one.sop_instance_uid for one in members}, steps
            todo = {one: its for one, its in todo.items() if one not in members}
    for one, its in todo.items():
        _, of, sop, _ = one.identity
        yield f"{study}/series/{of}/instances/{sop}", {sop}, its


def _patch(server: DICOMweb, path: str, steps: list[dict[str, Any]]) -> Any:
    headers = {"Content-Type": PATCH}

    def send() -> Any:
        url = f"{server.url}/{path}"
        answer = server.session.patch(url, json=steps, headers=headers, timeout=server.timeout)
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else None

    return server.ask(send)


def _finish(server: DICOMweb, operation: Any, patience: float) -> None:
    """Wait for an Operation (google.longrunning); what it did is read from the metadata."""
    name = operation.get("name") if isinstance(operation, dict) else None
    if not isinstance(name, str) or operation.get("done"):
        return
    url = f"{server.url.partition('/projects/')[0]}/{name}"

    def look() -> Any:
        answer = server.session.get(url, timeout=server.timeout)
        answer.raise_for_status()
        return answer.json()

    server.attempts.watch(
        lambda: server.ask(look),
        lambda told: not isinstance(told, dict) or bool(told.get("done")),
        patience=patience,
    )


def row(
    told: Mapping[str, Any], *, holder: str = "", tables: MappingTable | None = None
) -> Scanned:
    """Return what a row of the BigQuery export says: a mapping from column (Keyword) to value.

    A column is there only where some data set of the export has the attribute; ``NULL`` is not
    stated. A DT is a TIMESTAMP there, which has lost its offset and the precision it was stated
    with: it is left out with a warning, and the metadata of the instance has it.
    """
    tables = tables or load_tables()
    issues: list[Issue] = []
    data_set: dict[str, Any] = {}
    for tag, keyword in IDENTITY.items():
        if told.get(keyword) is not None:
            data_set[f"{tag:08X}"] = {"vr": "UI", "Value": [str(told[keyword])]}
    if told.get(OFFSET_KEYWORD):
        data_set[f"{TIMEZONE_OFFSET:08X}"] = {"vr": "SH", "Value": [told[OFFSET_KEYWORD]]}
    for attribute in tables.attributes.values():
        value = told.get(attribute.keyword)
        if value is None:
            continue
        if attribute.vr == "DT" and (not isinstance(value, str) or _TIMESTAMP.match(value)):
            issues.append(issue("google/timestamp", attribute.keyword, keyword=attribute.keyword))
            continue
        values = value if isinstance(value, list) else [value]
        data_set[f"{attribute.tag:08X}"] = {"vr": attribute.vr, "Value": values}
    found = scanned(
        "bigquery",
        "dicom-json",
        [data_set],
        DICOMJSONCodec(tables).read([data_set], holder=holder),
        tables.whose(holder),
    )
    return replace(found, issues=(*issues, *found.issues))
