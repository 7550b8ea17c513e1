"""What Google's Cloud Healthcare API does of its own: JSON Patch of metadata, and rows of BigQuery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sopstatus.audit import now
from sopstatus.catalogue import issue
from sopstatus.codecs.data_set import IDENTITY, TIMEZONE_OFFSET
from sopstatus.codecs.dicom_json import DICOMJSONCodec
from sopstatus.crossing import onto
from sopstatus.link import Circumstances, Link
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.scanning import Scanned, read
from sopstatus.sources.web import DataSets, DICOMweb, asked
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
    server: DICOMweb, instances: Iterable[SOPInstance], study: str, *, link: Link | None = None
) -> Result[int]:
    """Write statements into the stored data sets of a study and return how many were changed.

    ``server.url`` has to be of ``v1beta1``, ending in ``/dicomWeb``. ``link`` is what is known of
    the way that the statements came: without a trusted one each status becomes NS (PS3.15 A.1.1
    f.2). Raise `DocumentError` where the service does not answer; each patch is of one instance, so
    those that went before are done.
    """
    under = DICOMJSONCodec(server.tables, server.limits)
    before = [one for one in server.metadata(study) if under.instances([one])]
    at = Circumstances(holder=server.holder, policy=server.tables.site.link_policy, time=now())
    allowed = onto(under.copies(before), instances, link, None, at=at)
    written = under.encode(allowed.value, before, holder=server.holder)
    todo = patches(before, written.value, server.tables)
    for identity, steps in todo.items():
        _, series, sop, _ = identity.identity
        _patch(server, f"studies/{study}/series/{series}/instances/{sop}/metadata", steps)
    return Result(len(todo), allowed.issues + written.issues, allowed.records)


def _patch(server: DICOMweb, path: str, steps: list[dict[str, Any]]) -> None:
    headers = {"Content-Type": PATCH}

    def send() -> None:
        url = f"{server.url}/{path}"
        answer = server.session.patch(url, json=steps, headers=headers, timeout=server.timeout)
        answer.raise_for_status()

    asked(send)


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
    found = read("bigquery", "dicom-json", [data_set], DICOMJSONCodec(tables), holder)
    return replace(found, issues=(*issues, *found.issues))
