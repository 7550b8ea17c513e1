"""The page of hard values: ``python -m docs.value_page > docs/values.md``.

Run it at the root of the repository: every row on the page is what the codecs really do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from sopstatus.explain import Target
from sopstatus.table import load_tables
from sopstatus.table.language import HL7_CHARACTER_SETS, OTHER_CHARACTER_SETS

from docs.value_cases import Case, Section, outcome, sections

CASES = Path("tests/value_cases.toml")
HEAD = """\
# Hard values

<!-- Generated from the cases of the tests: make docs. Do not edit. -->

What becomes of every value that is hard to carry, row by row. Each row is a test, and what it shows
is what the codecs really do. `-` means that nothing stands there. Where a format cannot say all of
a value, its exact DICOM text stands beside it, as `Keyword=<JSON string>` in ZDS-9 (HL7) or in a
`verbatim` slice (FHIR), and wins when it is read again: so every value on this page comes back as
it was, through either format. The codes are explained in [issues.md](issues.md).

"""
_CARRIED: tuple[str, ...] = (
    "",
    "DICOM {vr}",
    "HL7 {hl7}",
    "FHIR {fhir}",
    "lost at that place",
    "exact",
    "told",
)
_READ: tuple[str, ...] = ("", "found in", "stands there", "read as", "told")
_CONTEXT = {"dicom": "(0008,0201)", "hl7": "MSH-7"}
_FORMATS = {"dicom": "DICOM", "hl7": "HL7", "fhir": "FHIR"}


def page(path: Path = CASES) -> str:
    """Return the page; ``path`` is the file of cases."""
    found = sections(path)
    index = [f"* [{part.title}](#{_anchor(part.title)})" for part in found]
    index.append(f"* [{_SETS}](#{_anchor(_SETS)})")
    tables = "\n".join(_section(part) for part in found)
    return HEAD + "\n".join(index) + "\n\n" + tables + "\n" + _character_sets()


def _section(part: Section) -> str:
    rows = [_carried(case) if part.carried else _read(case) for case in part.cases]
    heads = _READ
    if part.carried:
        row = load_tables().attributes[part.cases[0].keyword]
        types = {"vr": row.vr, "hl7": row.datatype, "fhir": row.fhir_type}
        heads = tuple(head.format(**types) for head in _CARRIED)
    return f"## {part.title}\n\n{part.about.strip()}\n\n{_table(heads, rows)}"


def _carried(case: Case) -> tuple[str, ...]:
    found = outcome(case)
    targets = {t.format: t for t in found.explained.targets} if found.explained else {}
    hl7, fhir = targets["hl7"], targets["fhir"]
    exact = [t.verbatim_path.rpartition(".")[2] for t in (hl7, fhir) if t.verbatim]
    codes = [i.code for i in (*found.issues, *hl7.issues, *fhir.issues)]
    return (
        case.name,
        _code(case.text) + _context(case),
        _code(hl7.text),
        _code(fhir.text),
        _lost(hl7, fhir),
        ", ".join(exact),
        _links(codes),
    )


def _lost(*targets: Target) -> str:
    lost = {_FORMATS[t.format]: ", ".join(t.lost) for t in targets if t.lost}
    if len(lost) > 1 and len(set(lost.values())) == 1:
        return next(iter(lost.values()))
    return "; ".join(f"{name}: {what}" for name, what in lost.items())


def _read(case: Case) -> tuple[str, ...]:
    found = outcome(case)
    read = "not stated"
    if found.explained:
        read = "emptied" if found.explained.value is None else _code(found.explained.value)
    what = _FORMATS[case.source] + (f" {case.vr}" if case.vr else "")
    codes = [issue.code for issue in found.issues]
    return case.name, what, _code(case.text) + _context(case), read, _links(codes)


def _context(case: Case) -> str:
    told = {_CONTEXT.get(case.source, ""): case.context, "the site": case.site}
    told["(0008,0005)"] = case.charset
    told["the resource"] = case.resource
    return "".join(f"; {name} `{text}`" for name, text in told.items() if text)


def _code(text: str | None) -> str:
    """Write a value so that every character of it can be seen, in a cell of a table."""
    if text is None:
        return "-"
    shown = "".join(c if c.isprintable() else _NAMED.get(c, f"<{ord(c):02X}>") for c in text)
    if not shown:
        return "(empty)"
    shown = shown.replace("|", "\\|")
    return (
        f"`{shown}`" if shown.strip() == shown else f"<code>{shown.replace(' ', '&nbsp;')}</code>"
    )


_NAMED = {"\r": "<CR>", "\n": "<LF>", "\t": "<TAB>", "\f": "<FF>", "\0": "<NUL>"}


def _links(codes: Iterable[str]) -> str:
    unique = dict.fromkeys(codes)
    return ", ".join(f"[{code}](issues.md#{code.replace('/', '-')})" for code in unique)


_SETS = "Character sets of HL7"


def _character_sets() -> str:
    terms: dict[str, tuple[list[str], list[str]]] = {}
    for place, known in enumerate((HL7_CHARACTER_SETS, OTHER_CHARACTER_SETS)):
        for term, name in known.items():
            terms.setdefault(name, ([], []))[place].append(f"`{term}`")
    about = """\
A message is read strictly by MSH-18 (table 0211), and text is written in it as well: a value that
does not fit stands as ASCII in ZDS-9 and is told ([hl7/charset](issues.md#hl7-charset)), never as a
question mark. Without MSH-18 it is ASCII, or UTF-8 where that is what the bytes are
([hl7/charset-missing](issues.md#hl7-charset-missing)). Other names of the same sets, however they are
spelt, are read with a warning ([hl7/charset-name](issues.md#hl7-charset-name)), and those that a site adds
(`hl7-character-sets` in `site.toml`) without. A message whose bytes are all ASCII is read whatever superset
of ASCII MSH-18 names ([hl7/charset-any](issues.md#hl7-charset-any)); any other stays as it is
([hl7/charset-unsupported](issues.md#hl7-charset-unsupported)): its delimiters could be parts of characters.
Specific Character Set (0008,0005) is read and written by pydicom's codecs, code extensions included."""
    rows = [(", ".join(own), ", ".join(more), f"`{name}`") for name, (own, more) in terms.items()]
    heads = ("MSH-18", "other names", "codec of Python")
    return f"## {_SETS}\n\n{about}\n\n{_table(heads, rows)}"


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [tuple(heads)]
    lines += [tuple("---" for _ in lines[0]), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-").replace(",", "")


if __name__ == "__main__":
    if not CASES.is_file():
        sys.exit(f"there is no {CASES}: run this at the root of the repository")
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
