"""The answer to one request of the page: the document in three formats, or why it cannot be read."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from sopstatus.codecs import Format, codec
from sopstatus.documents.files import NAMES
from sopstatus.explain import Explanation, explain
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, SOPInstance
from sopstatus.profile import TRUSTED
from sopstatus.table import MappingTable
from sopstatus.table.scaffold import Unfit, scaffold
from sopstatus.workbench import drafts
from sopstatus.workbench.drafts import Draft
from sopstatus.workbench.given import Given, given
from sopstatus.workbench.shown import Named, shown, told
from sopstatus.workbench.sides import Side, Wish, sides
from sopstatus.workbench.trail import trail, value_id

_TIME = re.compile(r"[0-9]{14}\+0000")
RELEASES = ("", "R4", "R4B", "R5", "R6")
_NO_DATA_SET = (
    "The document names no SOP Instance, so there is no data set to create. "
    "To write onto one of yours, choose it under Options."
)
TITLES = {
    "dicom": "DICOM",
    "hl7": "HL7 v2",
    "fhir": "FHIR",
    "dicom-json": "DICOM JSON",
    "dicom-xml": "DICOM as Mirth's XML",
    "hl7-xml": "HL7 v2 as Mirth's XML",
    "healthimaging": "AWS HealthImaging",
}


def view(asked: Mapping[str, Any], limits: Limits = DEFAULT) -> dict[str, Any]:
    """Return the answer to what the page asks; nothing of it is kept.

    ``faults`` are those of the tables: with any, nothing else is reported. ``issues`` without ``sides``
    say why the document cannot be read.
    """
    draft = _draft(asked)
    faults = [
        {
            name: getattr(fault, name)
            for name in ("file", "line", "key", "message", "column", "length")
        }
        for fault in draft.faults
    ]
    answer: dict[str, Any] = {"faults": faults, "issues": [], "sides": [], "tables": None}
    if draft.tables is None:
        return answer
    answer["tables"] = _tables(draft.tables)
    if asked.get("document") is None:
        return answer
    try:
        wish = _wish(asked, draft.tables, limits)
        explanation = explain(wish.source.opened, tables=draft.tables)
        made = sides(wish)
    except DocumentError as error:
        return answer | {"issues": [told(issue) for issue in error.issues]}
    named = _named(explanation)
    return answer | {
        "format": wish.source.format,
        "sides": [_side(side, wish, explanation, named) for side in made],
        "trail": trail(explanation, draft.folder),
    }


def begun(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return ``name`` and ``text`` of a new table for a DICOM Keyword, or the ``fault`` of that."""
    tables, keyword = _draft(asked).tables, asked.get("keyword")
    if tables is None:
        return {"fault": "correct the tables first"}
    try:
        made = scaffold(str(keyword or "?"), tables)  # "" is in the dictionary
    except Unfit as fault:
        return {"fault": str(fault)}
    return {"name": f"{made.name}.toml", "text": made.table}


def asked_for(asked: Mapping[str, Any], limits: Limits = DEFAULT) -> tuple[Wish, list[Side]] | None:
    """Return the document and its sides; ``None`` where the tables have faults.

    Raise `DocumentError` where the document cannot be read.
    """
    tables = _draft(asked).tables
    if tables is None:
        return None
    wish = _wish(asked, tables, limits)
    return wish, sides(wish)


def _draft(asked: Mapping[str, Any]) -> Draft:
    texts = asked.get("tables") or {}
    release = asked.get("release", "")
    return drafts.load(texts if isinstance(texts, dict) else {"": ""}, _one_of(release, RELEASES))


def _wish(asked: Mapping[str, Any], tables: MappingTable, limits: Limits) -> Wish:
    into = asked.get("into")
    onto = {}
    for said in into if isinstance(into, list) else ():
        one = given(said)
        onto[one.format] = one
    source = given(asked.get("document"))
    # what is too large is refused here, before it is read without bounds to be explained
    codec(source.format, tables=tables, limits=limits).decode(source.document)
    holder = asked.get("holder")
    return Wish(
        source,
        tables,
        onto,
        TRUSTED if asked.get("trusted") is True else None,
        holder if isinstance(holder, str) else "",
        limits,
        _time(asked.get("time")),
    )


def _time(said: object) -> str:
    return said if isinstance(said, str) and _TIME.fullmatch(said) else ""


def _one_of(said: object, known: tuple[str, ...]) -> str:
    return said if isinstance(said, str) and said in known else ""


def _tables(tables: MappingTable) -> dict[str, Any]:
    groups = [
        {
            "name": g.name,
            "version": g.version,
            "enabled": g.enabled,
            "attributes": len(g.attributes),
        }
        for g in tables.available
    ]
    return {"sha256": tables.sha256, "groups": groups}


def _named(explanation: Explanation) -> Named:
    """Tell of a value on any side which values of the source it is.

    A data set names no holder, so it is what is said of any holder's copy.
    """
    by_instance: dict[tuple[str, str], list[tuple[str, SOPInstance]]] = {}
    by_keyword: dict[str, list[tuple[str, SOPInstance]]] = {}
    for value in explanation.values:
        if not value.repeats:
            keyword, about = value.row.keyword, explanation.statements[value.statement]
            one = (value_id(value.statement, keyword), about)
            by_instance.setdefault((keyword, about.sop_instance_uid), []).append(one)
            by_keyword.setdefault(keyword, []).append(one)

    def named(keyword: str, about: SOPInstance) -> list[str]:
        uid = about.sop_instance_uid
        near = by_instance.get((keyword, uid), []) + by_instance.get((keyword, ""), [])
        found = near if uid else by_keyword.get(keyword, [])
        return [name for name, other in found if _same(about, other)]

    return named


def _same(one: SOPInstance, other: SOPInstance) -> bool:
    pairs = zip(one.identity, other.identity, strict=True)
    return all(a == b or not a or not b for a, b in pairs)


def _side(side: Side, wish: Wish, source: Explanation, named: Named) -> dict[str, Any]:
    own = side.format == wish.source.format
    return {
        "format": side.format,
        "title": TITLES[side.format],
        "own": own,
        "onto": "" if own else "given" if side.format in wish.into else "blank",
        "more": side.more,
        "note": "" if side.made or side.issues else _NO_DATA_SET,
        "documents": [
            shown(one.document, wish.tables, source.issues if own else one.issues, named)
            for one in side.made
        ],
        "issues": [told(issue) for issue in side.issues],
        "files": [] if own else [_file(one.document, side.format) for one in side.made],
    }


def _file(one: Given, name: Format) -> dict[str, str]:
    data = one.data if isinstance(one.data, bytes) else one.data.encode("utf-8", "surrogatepass")
    return {"name": NAMES[name], "base64": base64.b64encode(data).decode()}
