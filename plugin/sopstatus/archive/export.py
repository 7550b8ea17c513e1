"""A scan for other systems: FHIR Bulk Data, an HL7 batch, or observations for the ledger.

Rows are sorted by study outside of memory, which holds one study at a time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sopstatus import writing
from sopstatus.archive.database import TABLE, opened
from sopstatus.archive.rows import HOLDER, IDENTITY, about, column_of
from sopstatus.audit.record import now
from sopstatus.codecs import DATA_SETS, StatementCodec, codec
from sopstatus.codecs.fhir import with_id
from sopstatus.codecs.fhir.blank import SINCE_R5
from sopstatus.codecs.shared.context import Context
from sopstatus.documents import content
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import MappingTable

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_WHOSE = ", ".join((*HOLDER, "source"))
_BESIDE = ("modality", "study_date", "context")
_BATCH = 2048  # rows that are fetched at once

Paths = Sequence[str | os.PathLike[str]]


class Held(NamedTuple):
    """A row about an instance, a series or a study, with what FHIR wants to know beside it."""

    instance: SOPInstance
    modality: str
    study_date: str
    context: Context


def rows(parts: Paths, keywords: Sequence[str], *, order: str, of: str = "true") -> Iterator[Held]:
    """Yield the rows that are about something, ordered by the columns that ``order`` names.

    ``of`` is a condition that they meet too.
    """
    columns = ", ".join(f'"{name}"' for name in (*IDENTITY, *map(column_of, keywords), *_BESIDE))
    query = f"""SELECT {columns} FROM {TABLE} WHERE (study_instance_uid <> '' OR sop_instance_uid <> '')
        AND {of} ORDER BY {order}"""
    count = len(IDENTITY)
    if not parts:  # nothing was new
        return
    with opened(parts) as database:
        found = database.execute(query)
        while some := found.fetchmany(_BATCH):
            for row in some:
                values = zip(keywords, row[count : -len(_BESIDE)], strict=True)
                said = tuple((keyword, v or None) for keyword, v in values if v is not None)
                one = replace(about(row[:count]), attributes=said)
                modality, day, context = row[-len(_BESIDE) :]
                yield Held(one, modality, day, _context(context))


def _context(text: str) -> Context:
    return dict(json.loads(text)) if text else {}


def _made(under: StatementCodec, study: list[Held]) -> Result[Any]:
    """Make a document about the rows of a study, which say all that the scan kept of it."""
    found = list(dict.fromkeys(row.instance for row in study))  # copies that say the same
    contexts = [row.context for row in study if row.context]
    return under.encode(found, known=found, contexts=contexts)


def studies(parts: Paths, keywords: Sequence[str]) -> Iterator[list[Held]]:
    """Yield the rows of one study after the other; those without a Study Instance UID are one."""
    order = f"study_instance_uid, series_instance_uid, sop_instance_uid, {_WHOSE}"
    found = rows(parts, keywords, order=order)
    for _, same in groupby(found, key=lambda row: row.instance.study_instance_uid):
        yield list(same)


def fhir(parts: Paths, tables: MappingTable, out: Path) -> tuple[int, list[Issue]]:
    """Write an ImagingStudy a line; return how many, and what could not be said in them."""
    under = codec("fhir", tables=tables)
    is_r5 = tables.site.fhir_release in SINCE_R5

    def lines(file: BinaryIO, issues: list[Issue]) -> int:
        count = 0
        for study in studies(parts, list(tables.attributes)):
            made = _made(under, study)
            _describe(made.value, study, is_r5=is_r5)
            file.write(content.dump_line(with_id(made.value)) + b"\n")
            issues += made.issues
            count += 1
        return count

    return _written(out, lines)


def _describe(resource: dict[str, Any], study: list[Held], *, is_r5: bool) -> None:
    modalities = {row.instance.series_instance_uid: row.modality for row in study if row.modality}
    for series in resource.get("series", ()):
        if code := modalities.get(series["uid"]):
            coding = {"system": _DCM, "code": code}
            series["modality"] = {"coding": [coding]} if is_r5 else coding
    if day := max(row.study_date for row in study):
        resource.setdefault("started", f"{day[:4]}-{day[4:6]}-{day[6:]}")
    uids = {row.instance.sop_instance_uid for row in study} - {""}
    if uids:
        resource.setdefault("numberOfSeries", len(resource["series"]))
        resource.setdefault("numberOfInstances", len(uids))


def hl7(parts: Paths, tables: MappingTable, out: Path) -> tuple[int, list[Issue]]:
    """Write a batch (HL7 v2.5.1 2.10.3) with a message a study."""
    under = codec("hl7", tables=tables)

    def batch(file: BinaryIO, issues: list[Issue]) -> int:
        time = now()[:19].replace("-", "").replace("T", "").replace(":", "")
        for head in ("FHS", "BHS"):
            file.write(f"{head}|^~\\&|SOPSTATUS||||{time}+0000\r".encode())
        count = 0
        for study in studies(parts, list(tables.attributes)):
            made = _made(under, study)
            file.write(made.value)
            issues += made.issues
            count += 1
        file.write(f"BTS|{count}\rFTS|1\r".encode())
        return count

    return _written(out, batch)


def observations(
    parts: Paths, keywords: Sequence[str], *, claimed: bool = False
) -> Iterator[SOPInstance]:
    """Yield what the ledger takes: every instance, by its UID, so that batches are near each other.

    What data sets say was seen of the copies; what other documents say is ``claimed``.
    """
    data_sets = ", ".join(f"'{name}'" for name in DATA_SETS)
    of = f"format {'NOT ' if claimed else ''}IN ({data_sets})"
    for row in rows(parts, keywords, order=f"sop_instance_uid, {_WHOSE}", of=of):
        if row.instance.sop_instance_uid:
            yield row.instance


def by_instance(parts: Paths, keywords: Sequence[str]) -> Iterator[list[SOPInstance]]:
    """Yield what was seen of one instance after the other."""
    found = observations(parts, keywords)
    for _, same in groupby(found, key=attrgetter("sop_instance_uid")):
        yield list(same)


def _written(out: Path, write: Callable[[BinaryIO, list[Issue]], int]) -> tuple[int, list[Issue]]:
    """Write a file that has its name once it is whole."""
    issues = list[Issue]()
    with writing.replacing(out, at="OUT", mode=writing.PRIVATE, tidy=True) as file:
        return write(file, issues), issues
