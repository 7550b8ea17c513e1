"""The segment tables of an implementation guide, and the user-defined tables: Markdown and HTML."""

from __future__ import annotations

from html import escape

from sopstatus.artifacts.hl7.fields import Field, fields, table_id
from sopstatus.table import Attribute, MappingTable

COLUMNS = ("SEQ", "LEN", "DT", "OPT", "RP/#", "TBL#", "ITEM#", "NAME")
_NOTE = (
    "OPT: R = required, RE = required but may be empty, C = conditional. RP/#: Y = repeats without "
    "bound. LEN counts escapes. DT as of 2.5.1: 2.3.1 and 2.4 have TS and CE for DTM and CWE. "
    "ITEM#: local numbers; Z0001 is IHE's."
)
CODES = ("Value", "Description", "Written", "Definition")


def row(field: Field) -> tuple[str, ...]:
    """Return a field under the `COLUMNS`."""
    return (
        str(field.number),
        str(field.length),
        field.datatype,
        field.usage,
        "Y" if field.repeats else "",
        field.table,
        field.item,
        field.name,
    )


def code_rows(attribute: Attribute) -> list[tuple[str, ...]]:
    """Return the codes of an attribute's user-defined table; those that are only read at its end."""
    written = list(attribute.to_hl7.values())
    read = [code for code in attribute.from_hl7 if code not in written]
    return [
        (
            code,
            attribute.displays[attribute.from_hl7[code]],
            "Y" if code in written else "read only",
            attribute.definitions.get(attribute.from_hl7[code], ""),
        )
        for code in (*written, *read)
    ]


def markdown(tables: MappingTable) -> str:
    """Return the tables of all our segments in Markdown."""
    parts = ["# HL7 v2 segments\n"]
    for name, attributes in tables.segments.items():
        found = fields(tables, name)
        parts.append(f"## {name}\n\n" + _markdown(COLUMNS, [row(field) for field in found]))
        parts.append(f"{_NOTE}\n")
        parts += [
            f"### {name}-{one.number} {one.name} ({one.datatype})\n\n{_plain(_about(one))}\n"
            for one in found
        ]
        for attribute in _coded(attributes):
            title = f"### User-defined table {table_id(attribute)}: {_title(found, attribute)}"
            system = f"Coding system `{attribute.coding_system}`.\n\n"
            parts.append(f"{title}\n\n{system}" + _markdown(CODES, code_rows(attribute)))
    return "\n".join(parts)


def html(tables: MappingTable) -> str:
    """Return the same as one HTML page."""
    parts = []
    for name, attributes in tables.segments.items():
        found = fields(tables, name)
        parts.append(f"<h2>{name}</h2>\n" + _html(COLUMNS, [row(field) for field in found]))
        parts.append(f"<p>{escape(_NOTE)}</p>")
        parts += [
            f'<h3 id="{name}-{one.number}">{name}-{one.number} {escape(one.name)} ({one.datatype})'
            f"</h3>\n<p>{escape(_about(one))}</p>"
            for one in found
        ]
        for attribute in _coded(attributes):
            number = table_id(attribute)
            parts.append(
                f'<h3 id="{number}">User-defined table {number}: '
                f"{escape(_title(found, attribute))}</h3>\n"
                f"<p>Coding system <code>{escape(attribute.coding_system)}</code>.</p>\n"
                + _html(CODES, code_rows(attribute))
            )
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<title>HL7 v2 segments</title>\n'
        "<style>body{font-family:sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}"
        "th,td{border:1px solid #999;padding:.3rem .5rem;text-align:left}</style>\n</head>\n"
        f"<body>\n<h1>HL7 v2 segments</h1>\n{body}\n</body>\n</html>\n"
    )


def _about(field: Field) -> str:
    condition = f" {field.predicate}." if field.predicate else ""
    return f"{field.about}{condition}"


def _coded(attributes: tuple[Attribute, ...]) -> list[Attribute]:
    return [attribute for attribute in attributes if attribute.displays]


def _title(found: tuple[Field, ...], attribute: Attribute) -> str:
    return next(field.name for field in found if field.number == attribute.field)


def _markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_plain, line))} |\n" for line in lines)


def _plain(text: str) -> str:
    """Return a text that stands in one cell or paragraph, whatever marks it has."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _html(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
