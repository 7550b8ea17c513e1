"""A scan for other systems: FHIR Bulk Data, an HL7 batch, or observations for the ledger.

Rows are sorted by study outside of memory, which holds one study at a time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sopstatus.archive.database import TABLE, opened
from sopstatus.archive.rows import IDENTITY
from sopstatus.audit import now
from sopstatus.catalogue import document_error
from sopstatus.model import Issue, SOPInstance
from sopstatus.table import MappingTable
from sopstatus.transform import codec

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_BATCH = 2048  # rows that are fetched at once

Paths = Sequence[str | os.PathLike[str]]


class Held(NamedTuple):
    """A row about an instance, a series or a study, with what FHIR wants to know beside it."""

    instance: SOPInstance
    modality: str
    study_date: str


def rows(parts: Paths, keywords: Sequence[str], *, order: str) -> Iterator[Held]:
    """Yield the rows that are about something, ordered by the columns that ``order`` names."""
    columns = ", ".join(f'"{name}"' for name in (*IDENTITY, *keywords, "modality", "study_date"))
    query = f"""SELECT {columns} FROM {TABLE} WHERE study_instance_uid <> '' OR sop_instance_uid <> ''
        ORDER BY {order}"""
    count = len(IDENTITY)
    with opened(parts) as database:
        found = database.execute(query)
        while some := found.fetchmany(_BATCH):
            for row in some:
                values = zip(keywords, row[count:-2], strict=True)
                said = tuple((keyword, v or None) for keyword, v in values if v is not None)
                uids = dict(zip(IDENTITY, row, strict=False))
                yield Held(SOPInstance(**uids, attributes=said), *row[-2:])


def studies(parts: Paths, keywords: Sequence[str]) -> Iterator[list[Held]]:
    """Yield the rows of one study after the other; those without a Study Instance UID are one."""
    order = "study_instance_uid, series_instance_uid, sop_instance_uid, holder, source"
    found = rows(parts, keywords, order=order)
    for _, same in groupby(found, key=lambda row: row.instance.study_instance_uid):
        yield list(same)


def fhir(parts: Paths, tables: MappingTable, out: Path) -> tuple[int, list[Issue]]:
    """Write an ImagingStudy a line; return how many, and what could not be said in them."""
    under = codec("fhir", tables=tables)
    is_r5 = tables.site.fhir_release == "R5"

    def lines(file: BinaryIO, issues: list[Issue]) -> int:
        count = 0
        for study in studies(parts, list(tables.attributes)):
            made = under.encode([row.instance for row in study], known=[r.instance for r in study])
            _describe(made.value, study, is_r5=is_r5)
            file.write(json.dumps(made.value, separators=(",", ":")).encode() + b"\n")
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
        resource["started"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"


def hl7(parts: Paths, tables: MappingTable, out: Path) -> tuple[int, list[Issue]]:
    """Write a batch (HL7 v2.5.1 2.10.3) with a message a study."""
    under = codec("hl7", tables=tables)

    def batch(file: BinaryIO, issues: list[Issue]) -> int:
        time = now()[:19].replace("-", "").replace("T", "").replace(":", "")
        for head in ("FHS", "BHS"):
            file.write(f"{head}|^~\\&|SOPSTATUS||||{time}+0000\r".encode())
        count = 0
        for study in studies(parts, list(tables.attributes)):
            made = under.encode([row.instance for row in study], known=[r.instance for r in study])
            file.write(made.value)
            issues += made.issues
            count += 1
        file.write(f"BTS|{count}\rFTS|1\r".encode())
        return count

    return _written(out, batch)


def observations(parts: Paths, keywords: Sequence[str]) -> Iterator[SOPInstance]:
    """Yield what the ledger takes: every instance, by its UID, so that batches are near each other."""
    for row in rows(parts, keywords, order="sop_instance_uid, holder, source"):
        if row.instance.sop_instance_uid:
            yield row.instance


def by_instance(parts: Paths, keywords: Sequence[str]) -> Iterator[list[SOPInstance]]:
    """Yield the statements about one instance after the other."""
    found = observations(parts, keywords)
    for _, same in groupby(found, key=attrgetter("sop_instance_uid")):
        yield list(same)


def _written(out: Path, write: Callable[[BinaryIO, list[Issue]], int]) -> tuple[int, list[Issue]]:
    """Write a file that has its name once it is whole."""
    unfinished, issues = out.with_name(f".{out.name}.{os.getpid()}.part"), list[Issue]()
    try:
        with unfinished.open("wb") as file:
            count = write(file, issues)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(out)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "OUT", reason=reason) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return count, issues
