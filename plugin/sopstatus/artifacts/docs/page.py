"""The reference page of a group: one HTML file without anything outside it."""

from __future__ import annotations

import string
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from pydicom.datadict import dictionary_VM

from sopstatus.artifacts.cloud import matrix
from sopstatus.artifacts.docs.values import first, samples
from sopstatus.artifacts.fhir.extension import contexts, extension_id
from sopstatus.artifacts.fhir.names import tag_of, title_of
from sopstatus.artifacts.fhir.releases import RELEASES
from sopstatus.artifacts.fhir.search import expression, search_type, searchable
from sopstatus.artifacts.hl7.fields import fields, table_id
from sopstatus.artifacts.hl7.segment_table import CODES, COLUMNS, code_rows
from sopstatus.artifacts.hl7.segment_table import row as segment_row
from sopstatus.artifacts.issue_symptoms import SYMPTOMS
from sopstatus.artifacts.lifecycle_svg import SILENT, lifecycle_svg, steps, titles, word
from sopstatus.catalogue import catalogue
from sopstatus.profile.table import load_profile
from sopstatus.table import Group, MappingTable
from sopstatus.table.language import STATUS
from sopstatus.table.model import attribute_id

_ERRORS = (
    "value",
    "dicom",
    "dicom-json",
    "healthimaging",
    "hl7",
    "hl7-xml",
    "fhir",
    "link",
    "profile",
)
"""The groups of codes that are about an attribute; the others are about our programs."""


def page(group: Group, tables: MappingTable) -> str:
    """Return the page of a group, which may be one that is off."""
    if group not in tables.groups:
        tables = replace(tables, groups=(group,))
    guarded = any(row.keyword == STATUS for row in group.attributes)
    parts = _parts("script.js"), _parts("style.css")
    return _template("page.html.j2").render(
        group=group,
        site=tables.site,
        script=Markup(parts[0]),
        style=Markup(parts[1]),
        attributes=[_attribute(row) for row in group.attributes],
        coded=[_codes(row) for row in group.attributes if row.displays],
        fhir=_fhir(group),
        hl7={
            "columns": COLUMNS,
            "rows": [
                (field, segment_row(field))
                for field in (fields(tables, group.segment) if group.segment else ())
                if field.number <= 4 or field.number in _numbers(group)
            ],
        },
        cloud=matrix() if matrix().group == group.name else None,
        example=first(group, tables),
        samples=samples(group, tables),
        mirth=mirth_example(group),
        profile=_profile() if guarded else None,
        errors=_errors(guarded=guarded),
    )


def mirth_example(group: Group) -> str:
    """Return a step of a channel's transformer that reads and writes the group's first attribute."""
    row = next((row for row in group.attributes if row.field), group.attributes[0])
    terms = list(row.displays)
    # what a channel asks for is whether an image was released; other tables' terms are alike to us
    term = "AO" if "AO" in terms else terms[0] if terms else "text"
    return _template("mirth.js.j2").render(group=group, row=row, term=term)


@cache
def _template(name: str) -> Template:
    made = Environment(
        autoescape=name.endswith("html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return made.from_string(_parts(name))


def _parts(name: str) -> str:
    return files("sopstatus.artifacts.docs").joinpath("templates", name).read_text("utf-8")


def _numbers(group: Group) -> set[int]:
    return {*(row.field for row in group.attributes), 9, 10}


def _attribute(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "id": attribute_id(row.keyword),
        "title": title_of(row),
        "tag": tag_of(row),
        "vm": dictionary_VM(row.tag),
        "terms": "" if not row.displays else "Enumerated Values" if row.closed else "Defined Terms",
    }


def _codes(row: Any) -> dict[str, Any]:
    written = [
        (
            term,
            row.displays[term],
            row.definitions.get(term, ""),
            row.to_hl7[term],
            row.to_fhir[term],
        )
        for term in row.displays
    ]
    read = {
        "HL7 v2": [code for code in row.from_hl7 if code not in row.to_hl7.values()],
        "FHIR": [code for code in row.from_fhir if code not in row.to_fhir.values()],
    }
    return {
        "row": row,
        "id": attribute_id(row.keyword),
        "title": title_of(row),
        "written": written,
        "read": {side: codes for side, codes in read.items() if codes},
        "table": table_id(row),
        "columns": CODES,
        "hl7_rows": code_rows(row),
    }


def _fhir(group: Group) -> dict[str, Any]:
    latest = RELEASES[-1]
    return {
        "id": extension_id(group),
        "contexts": [
            (path, [r.name for r in RELEASES if path in contexts(group, r)])
            for path in contexts(group, latest)
        ],
        "search": [
            (attribute_id(row.keyword), search_type(row), expression(group, row, RELEASES[0]))
            for row in searchable(group)
        ],
    }


def _profile() -> dict[str, Any]:
    profile = load_profile()
    events = {event.name: event.title for event in profile.events.values()}
    return {
        "source": profile.source,
        "svg": Markup(lifecycle_svg(profile)),
        "states": [(state, word(state), titles()[state]) for state in profile.states],
        "steps": [
            (step, [(event, events[event], _rule(rule)) for event, rule in step.reasons])
            for step in steps(profile)
        ],
        "refused": [
            (row, events[row.event], _rule(row.rule), row.code)
            for row in profile.rows
            if not row.done
        ],
    }


def _rule(rule: str) -> str:
    return "our reading" if rule == SILENT else rule


def _errors(*, guarded: bool) -> dict[str, Any]:
    wanted = [name for name in _ERRORS if guarded or name not in ("link", "profile")]
    entries = {
        code: (entry, _remedy(entry.remedy))
        for code, entry in catalogue().items()
        if code.partition("/")[0] in wanted
    }
    seen = [
        (symptom, [code for code in symptom.codes.split() if code in entries])
        for symptom in SYMPTOMS
    ]
    return {
        "symptoms": [(symptom, codes) for symptom, codes in seen if codes],
        "entries": [(code, code.replace("/", "-"), *entries[code]) for code in entries],
    }


def _remedy(text: str) -> str:
    """Return a remedy with the names of its facts, as a sentence."""
    parts = string.Formatter().parse(text)
    said = "".join(before + (f"<{name}>" if name else "") for before, name, _, _ in parts)
    return f"{said[0].upper()}{said[1:]}."
