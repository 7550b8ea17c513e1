"""A table and a case for one more attribute, from the DICOM dictionary: ``sopstatus new``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sopstatus.table import conversions, language
from sopstatus.table.check import nearest, out_of_data_sets, repeating
from sopstatus.table.model import MappingTable
from sopstatus.values import tag_text

_LONG = ("LT", "ST", "UT", "UC")
_SAMPLES = {
    "DT": "20240115103015+0100",  # FHIR wants an offset with a time
    "DA": "20240115",
    "TM": "103015",
    "AS": "042Y",
    "IS": "42",
    "DS": "0.5",
    "UI": "1.2.826.0.1",
    "UR": "https://example.org/1",
    "FD": "0.5",
    "FL": "0.5",
    **dict.fromkeys(("SL", "SS", "UL", "US"), "42"),
}
_TAG = re.compile(
    r"[(\[]?(?:0?x)?([0-9A-F]{4})[ ,:;|/.x-]*([0-9A-F]{4})[)\]]?", re.ASCII | re.IGNORECASE
)
PLACEHOLDER = "TODO"
"""The term of a scaffolded CS whose terms nobody knows here: PS3.6 does not list them."""


class Unfit(Exception):
    """The attribute cannot have a table of its own; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The text of a table and of a case; ``name`` is the group's, and names the files.

    ``notes`` say what to think of first. There is no case for a shipped table that is switched on.
    """

    name: str
    table: str
    case: str
    notes: tuple[str, ...] = ()


def keyword_of(text: str) -> str:
    """Return the DICOM Keyword of an attribute by keyword, tag or name, in any case and spelling.

    Raise `Unfit` for something that is none of them.
    """
    from pydicom.datadict import dictionary_description, keyword_dict, keyword_for_tag

    if found := _TAG.fullmatch(text.strip()):
        if keyword := keyword_for_tag(int(found[1] + found[2], 16)):
            if why := repeating(keyword):
                raise Unfit(f"{keyword}: {why}")
            return keyword
        odd = "; a private attribute has no dictionary" if int(found[1], 16) % 2 else ""
        raise Unfit(f"{text}: is not a tag of PS3.6{odd}; take it from PS3.6")
    known = {_bare(keyword): keyword for keyword in keyword_dict if keyword}
    known |= {_bare(dictionary_description(tag)): k for k, tag in keyword_dict.items() if k}
    if keyword := known.get(_bare(text), ""):
        return keyword
    if why := repeating("".join(text.split())):
        raise Unfit(f"{text}: {why}")
    near = nearest(_bare(text), known)
    hint = f'did you mean "{known[near]}"?' if near else "take it from PS3.6"
    raise Unfit(f"{text}: is not a DICOM Keyword; {hint}")


def _bare(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower().replace("\u2019s", "s").replace("'s", "s"))


def enabling(text: str, tables: MappingTable) -> Scaffold:
    """Return the two lines that switch on the table that has an attribute; raise `Unfit` without one."""
    keyword = keyword_of(text)
    for group in tables.available:
        if any(row.keyword == keyword for row in group.attributes):
            if group.enabled:
                raise Unfit(f"{keyword}: the table {group.name} is on already; use that")
            return Scaffold(group.name, f"name = {_text(group.name)}\nenabled = true\n", "")
    raise Unfit(f"{keyword}: no table that is off has it; leave out --enable")


def scaffold(text: str, tables: MappingTable) -> Scaffold:
    """Return a table that loads, and its case, for an attribute by its keyword, tag or name.

    Raise `Unfit` for something that is none, is in another table, or that a table cannot carry.
    """
    from pydicom.datadict import get_entry, keyword_dict

    keyword = keyword_of(text)
    tag = keyword_dict[keyword]
    for group in tables.available:
        if any(row.keyword == keyword for row in group.attributes):
            state = "" if group.enabled else ", which is off: --enable switches it on"
            raise Unfit(f"{keyword}: the table {group.name} has it{state}; use that")
    if keyword in language.IDENTITY:
        raise Unfit(f"{keyword}: {language.IS_IDENTITY}")
    if out_of_data_sets(tag):
        raise Unfit(f"{keyword}: {language.NOT_IN_DATA_SETS}")
    home = _known().get("homes", {}).get(keyword, "")
    vr, vm, title, retired, _ = get_entry(tag)
    if vr not in language.FHIR_TYPES:
        known = ", ".join(language.FHIR_TYPES)
        more = f"{home} have it" if home else language.instead(vr)
        raise Unfit(f"{keyword}: its VR is {vr}; a table can carry {known}; {more}")
    name = "-".join(word.lower() for word in _words(keyword))
    field = _free_field(tables)
    terms = _terms(keyword) if vr == "CS" else {}
    return Scaffold(
        name,
        _table(name, keyword, tag, vr, vm, title, bool(retired), field, terms),
        _case(name, keyword, vr, vm, title, field, terms),
        tuple(_notes(keyword, bool(retired), home, vr == "CS" and not terms)),
    )


def _notes(keyword: str, retired: bool, home: str, unknown: bool) -> Iterator[str]:
    if retired:
        yield f"PS3.6 has retired {keyword}: new data sets do not have it"
    if home:
        yield f"{home} have a place for {keyword} already: a table is for what they do not say"
    if unknown:
        yield f"the terms of {keyword} are to do: take them from PS3.3 and write them into the table"


def _words(keyword: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+", keyword)


def _slice(keyword: str) -> str:
    first, *rest = _words(keyword)
    return first.lower() + "".join(rest)


def _number(index: int) -> str:
    """Return what a case has behind the name of a slice that stands more than once."""
    return f":{index}" if index > 1 else ""


def _free_field(tables: MappingTable) -> int:
    taken = {row.field for group in tables.available for row in group.attributes}
    return next(n for n in range(language.HOLDER_FIELD + 1, 1000) if n not in taken)


def _known() -> dict[str, Any]:
    return tomllib.loads(files("sopstatus").joinpath("dicom_terms.toml").read_text("utf-8"))


def _terms(keyword: str) -> dict[str, Any]:
    found: dict[str, Any] = _known().get(keyword, {})
    return found


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _text(text)


def _table(
    name: str,
    keyword: str,
    tag: int,
    vr: str,
    vm: str,
    title: str,
    retired: bool,
    field: int,
    terms: dict[str, Any],
) -> str:
    datatype = "TX" if vr in _LONG else language.HL7_DATATYPES[vr][0]
    coding = ', coding-system = "99SOPSTATUS"' if datatype in language.CODED else ""
    old = ", which PS3.6 has retired" if retired else ""
    lines = [
        f"# Made of the DICOM dictionary: {title}, VR {vr}, VM {vm}{old}. Look at every line.",
        "",
        f"name    = {_text(name)}",
        f"title   = {_text(title)}",
        'version = "0.1.0"',
        f"source  = {_text(terms.get('source', 'DICOM PS3.6'))}"
        + ("" if terms else " # to do: the section of PS3.3 that defines it"),
        "",
        "[fhir]",
        f"extension = {_text(f'StructureDefinition/{name}')} # after the site's canonical base",
        'contexts  = ["ImagingStudy", "ImagingStudy.series", "ImagingStudy.series.instance", '
        '"ImagingSelection.instance"]',
        "",
        "[hl7]",
        'segment = "ZDS"',
        "",
        "[[attribute]]",
        f"keyword = {_text(keyword)}",
        f'tag     = "{tag_text(tag)[1:-1]}"',
        f"vr      = {_text(vr)}",
    ]
    if vm != "1":
        lines.append(f"vm      = {_text(vm)}")
    if vr == "CS":
        known = terms.get("terms", "defined")
        todo = "" if terms else ' # to do: "enumerated" where PS3.3 gives Enumerated Values'
        lines.append(f"terms   = {_text(known)}{todo}")
    lines += [
        f"hl7     = {{ field = {field}, datatype = {_text(datatype)}{coding} }}"
        " # the first field that no table has",
        f"fhir    = {{ slice = {_text(_slice(keyword))}, type = "
        f"{_text(language.FHIR_TYPES[vr][0])} }}",
    ]
    if vr == "CS":
        codes = terms.get("codes", {PLACEHOLDER: "To do"})
        lines += ["[attribute.codes]"]
        lines += [] if terms else ["# to do: the terms of PS3.3; the dictionary does not list them"]
        lines += [f"{_key(term)} = {{ display = {_text(text)} }}" for term, text in codes.items()]
    return "\n".join(lines) + "\n"


def example(vr: str, vm: str, term: str) -> str:
    """Return a legal value of a VR and VM; of a CS it is the term."""
    one = term if vr == "CS" else _SAMPLES.get(vr, "text")
    return "\\".join([one] * int(vm.partition("-")[0]))


def _case(
    name: str, keyword: str, vr: str, vm: str, title: str, field: int, terms: dict[str, Any]
) -> str:
    codes = terms.get("codes", {PLACEHOLDER: "To do"})
    value = example(vr, vm, next(iter(codes)))
    values = value.split("\\")
    hl7 = [f"{one}^{codes[one]}^99SOPSTATUS" if vr == "CS" else one for one in values]
    write = conversions.FHIR[language.FHIR_TYPES[vr][0]][vr].write
    fhir = [write(one) or "" for one in values]
    lines = [f"title = {_text(f'{title} arrives in every format')}"]
    if vr == "CS" and not terms:
        lines.append(
            f'todo = "put the terms of {keyword} (PS3.3) into {name}.toml in place of '
            f'{PLACEHOLDER}, and one of them below"'
        )
    lines += [
        "",
        "[say] # a statement about one instance, by DICOM Keyword",
        f"{keyword} = {_text(value)}",
        "",
        "[expect.hl7] # pytest --sopstatus-update rewrites what follows",
        f"ZDS-{field} = {_text('~'.join(hl7))}",
        "",
        "[expect.fhir]",
        *(
            f"{_text(f'{name}.{_slice(keyword)}{_number(index)}')} = {_text(one)}"
            for index, one in enumerate(fhir, 1)
        ),
        "",
        "[expect.dicom]",
        f"{keyword} = {_text(value)}",
    ]
    return "\n".join(lines) + "\n"
