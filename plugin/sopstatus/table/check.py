"""Every check on a mapping table that can be made on its text alone, each with its remedy.

A row is read in both directions, so the checks prove that it has an inverse. The functions yield
`TableError`; the loader raises the first, ``sopstatus check`` shows all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sopstatus.model import TableError
from sopstatus.table import language
from sopstatus.table.language import Key
from sopstatus.table.toml_lines import Path, Places, key_places, place_of
from sopstatus.values import is_code_string, is_fhir_code, is_offset, is_uid, tag_text, trim

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PYTHON_TYPES: dict[str, type] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "strings": list,
    "table": dict,
    "tables": list,
}
_TYPE_WORDS = {
    "string": "a text in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
    "strings": "a list of texts in quotes",
    "table": "a table",
    "tables": "a list of tables, each headed [[{name}]]",
}
_DEEP = re.compile(
    r"""(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}|(?:[\[{][^\[\]{}]*+){64}"""
)
_TOO_DEEP = "is nested too deeply; a table is two levels deep"
_LINE = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")
_DIGITS = re.compile(r"[0-9_]*")
_BARE_TAG = re.compile(r"=\s*+(?:\(\s*+)?[0-9A-Fa-f]{4},?[0-9A-Fa-f]{4}\b")
_VALUE_LOST = re.compile(r"Cannot overwrite|[Dd]uplicate|already|more than once")


class Source(NamedTuple):
    """A table file: its name, its content and where each key of it stands."""

    file: str
    data: dict[str, Any]
    places: Places

    def error(self, path: Path, message: str) -> TableError:
        """Make the error for the key at this path."""
        key = ".".join(str(p + 1) if isinstance(p, int) else p for p in path)
        place = place_of(self.places, path)
        return TableError(self.file, place.line, key, message, place.column, place.length)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return what was probably meant, or ``""``."""
    from difflib import get_close_matches

    choices = list(choices)
    alike = [choice for choice in choices if choice.lower() == name.lower()]
    return next(iter(alike or get_close_matches(name, choices, 1, 0.6)), "")


def read(file: Traversable) -> Source:
    """Read a table file; raise `TableError` where it is not TOML in UTF-8."""
    name = str(file)
    try:
        text = file.read_text("utf-8-sig")  # Notepad writes a byte order mark
    except (UnicodeDecodeError, OSError) as error:
        raise TableError(
            name, 1, "", f"cannot be read as UTF-8 text ({error}); save it so"
        ) from None
    return parse(name, text)


def parse(name: str, text: str) -> Source:
    """Read the text of a table file; raise `TableError` where it is not TOML."""
    import tomllib

    if _DEEP.search(text):
        raise TableError(name, 1, "", _TOO_DEEP)
    try:
        return Source(name, tomllib.loads(text), key_places(text))
    except tomllib.TOMLDecodeError as error:
        raise _syntax(name, text, str(error)) from None
    except RecursionError:
        raise TableError(name, 1, "", _TOO_DEEP) from None
    except ValueError:  # Python's own bound on the digits of a number
        lines = text.splitlines()
        number = 1 + max(range(len(lines)), key=lambda i: max(map(len, _DIGITS.findall(lines[i]))))
        raise TableError(
            name, number, "", "holds a number of thousands of digits; correct it"
        ) from None


def _syntax(name: str, text: str, message: str) -> TableError:
    lines = text.splitlines() or [""]
    match = _LINE.search(message)
    number = int(match.group(1)) if match and match.group(1) else len(lines)
    line = lines[min(number, len(lines)) - 1]
    key = line.partition("=")[0].strip() if "=" in line else ""
    plain = _LINE.sub("", message).strip()
    if _BARE_TAG.search(line):
        remedy = 'write the tag in quotes, "GGGG,EEEE": bare digits would be read as a number'
    elif _VALUE_LOST.search(plain):
        remedy = "a key or a code may stand only once; remove or rename one of the two"
    else:
        remedy = "fix the TOML: texts in quotes, one key = value per line"
    column = int(match.group(2)) if match and match.group(2) else len(line) + 1
    return TableError(name, number, key, f"{plain}; {remedy}", column, 1)


def shape(source: Source) -> Iterator[TableError]:
    """Check keys, types and forms of a group's file."""
    yield from _known(source, source.data, language.GROUP, ())
    if "name" not in source.data:
        yield source.error((), 'has no name; add name = "..." at its head')
    for name, keys in (("fhir", language.GROUP_FHIR), ("hl7", language.GROUP_HL7)):
        if isinstance(table := source.data.get(name), dict):
            yield from all_keys(source, table, keys, (name,))
    rows = source.data.get("attribute", [])
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            yield from _row(source, row, ("attribute", index))
        else:
            yield source.error(
                ("attribute",), "each attribute must be a table; head it [[attribute]]"
            )


def site_shape(source: Source) -> Iterator[TableError]:
    """Check keys, types and forms of a ``site.toml``."""
    yield from _known(source, source.data, language.SITE, ())
    offset = source.data.get("offset")
    names = source.data.get("hl7-character-sets")
    for name in names if isinstance(names, dict) else ():
        if name.strip().upper() in language.HL7_CHARACTER_SETS:
            yield source.error(
                ("hl7-character-sets", name), "is a term of table 0211 already; remove the line"
            )
    if isinstance(offset, str) and re.fullmatch(r"[+-]\d{4}", offset) and not is_offset(offset):
        yield source.error(
            ("offset",), "is not an offset from UTC; write -1200 to +1400, never -0000"
        )
    holders = source.data.get("holders")
    for title, oid in holders.items() if isinstance(holders, dict) else ():
        if not re.fullmatch(language.AE_TITLE, title):
            yield source.error(
                ("holders", title),
                "is not an AE Title; write 1 to 16 characters of ASCII without a backslash",
            )
        if not isinstance(oid, str) or not is_uid(oid):
            yield source.error(("holders", title), 'must be an OID in quotes, like "1.2.3.4"')


def _row(source: Source, row: dict[str, Any], path: Path) -> Iterator[TableError]:
    yield from all_keys(source, row, language.ATTRIBUTE, path)
    for name, keys in (("hl7", language.ATTRIBUTE_HL7), ("fhir", language.ATTRIBUTE_FHIR)):
        if isinstance(table := row.get(name), dict):
            yield from all_keys(source, table, keys, (*path, name))
    codes = row.get("codes", {})
    for term, code in codes.items() if isinstance(codes, dict) else ():
        if isinstance(code, dict):
            yield from all_keys(source, code, language.CODE, (*path, "codes", term))
        else:
            yield source.error((*path, "codes", term), 'must be a table, like { display = "..." }')


def sound_rows(source: Source) -> Iterator[TableError]:
    """Check what can be checked of the rows in a file that has a fault of shape elsewhere."""
    rows = source.data.get("attribute", [])
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        path: Path = ("attribute", index)
        if isinstance(row, dict):
            bad = {fault.key.split(".")[2] for fault in _row(source, row, path)}
            if not bad:
                yield from row_meaning(source, row, path)
            asked = {"keyword", "tag", "vr"}
            if row.keys() >= asked and not bad & {*asked, "aliases"}:
                yield from dictionary(source, row, path)


def all_keys(
    source: Source, table: dict[str, Any], keys: dict[str, Key], path: Path
) -> Iterator[TableError]:
    """Check that a table has only these keys, and all of them that it must have."""
    yield from _known(source, table, keys, path)
    misspelt = {nearest(name, keys) for name in table if name not in keys}
    for name, key in keys.items():
        if key.required and name not in table and name not in misspelt:
            yield source.error((*path, name), f"is missing ({key.meaning}); add it")


def _known(
    source: Source, table: dict[str, Any], keys: dict[str, Key], path: Path
) -> Iterator[TableError]:
    """Check that a table has only these keys, each with a value of its type and form."""
    for name, value in table.items():
        where = (*path, name)
        if name not in keys:
            near = nearest(name, keys)
            hint = f'did you mean "{near}"?' if near else f"the keys here are {', '.join(keys)}"
            yield source.error(where, f"unknown key; {hint}")
        else:
            yield from _value(source, value, keys[name], where)


def _value(source: Source, value: Any, key: Key, where: Path) -> Iterator[TableError]:
    expected = _PYTHON_TYPES[key.type]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        quotes = ', like "0100,0410"' if where[-1] == "tag" else ""
        words = _TYPE_WORDS[key.type].format(name=where[-1])
        yield source.error(where, f"must be {words}{quotes}; {_meant(value, key, where[-1])}")
        return
    if isinstance(value, dict) and key.choices:  # its keys are a site's own
        for name, text in value.items():
            yield from _value(source, text, key._replace(type="string"), (*where, name))
    if key.type not in ("string", "strings"):
        return
    texts: list[Any] = list(value) if isinstance(value, list) else [value]
    if not texts and where[-1] in language.NEVER_EMPTY:
        yield source.error(where, "is empty; fill it in or remove the key")
    for index, text in enumerate(texts):
        if text in texts[:index]:
            yield source.error(where, f'"{text}" stands twice; remove one')
        elif not isinstance(text, str):
            yield source.error(where, f"must be {_TYPE_WORDS[key.type]}; correct it")
        elif not text.strip():
            yield source.error(where, "is empty; fill it in or remove the key")
        elif key.choices and text not in key.choices:
            near = nearest(text, key.choices)
            fix = f'did you mean "{near}"? Write "{near}"' if near else "choose one"
            fix = language.instead(text) or fix if where[-1] == "vr" else fix
            yield source.error(where, f'"{text}" is not one of {", ".join(key.choices)}; {fix}')
        elif key.pattern and not re.fullmatch(key.pattern, text):
            yield source.error(where, f'"{text}" is not {key.form}; {_fix(text, key, where[-1])}')


def _meant(value: Any, key: Key, name: str | int) -> str:
    """Say what to write in place of a value of another type, where that can be told from it."""
    if key.type == "string" and type(value) in (int, float) and not key.choices:
        text = str(value)
        right = not key.pattern or re.fullmatch(key.pattern, text)
        return f'write "{text}"' if right else _fix(text, key, name)
    if key.type == "integer" and isinstance(value, str) and re.fullmatch("[0-9]{1,3}", value):
        return f"write {int(value)}"
    return "correct it"


def _fix(text: str, key: Key, name: str | int) -> str:
    """Say what to write in place of a text, where that can be told from it."""
    words = re.findall(r"[0-9]+|[A-Za-z]+", text)
    made = {
        "version": ".".join([*re.findall("[0-9]+", text), "0", "0"][:3]),
        "tag": re.sub(
            r"^([0-9A-F]{4})([0-9A-F]{4})$", r"\1,\2", re.sub("[^0-9A-F]", "", text.upper())
        ),
        "name": "-".join(words).lower(),
        "segment": text.upper(),
        "slice": "".join([w.lower() if not n else w.capitalize() for n, w in enumerate(words)]),
        "vm": text.replace(" ", "").lower(),
    }.get(str(name), "")
    return f'write "{made}"' if made and re.fullmatch(key.pattern, made) else "correct it"


def row_meaning(source: Source, row: dict[str, Any], path: Path) -> Iterator[TableError]:
    """Check what one row says: data types that fit the VR, codes that have an inverse."""
    vr, hl7, fhir = row["vr"], row.get("hl7", {}), row.get("fhir", {})
    datatype, fhir_type = hl7.get("datatype"), fhir.get("type")
    if not hl7 and not fhir:
        yield source.error((*path, "keyword"), "no format carries it; add hl7 or fhir")
    if fhir and ("slice" in fhir) == ("extension" in fhir):
        yield source.error(
            (*path, "fhir"), "needs a slice or an extension, and not both; write one of them"
        )
    if "contexts" in fhir and "extension" not in fhir:
        yield source.error(
            (*path, "fhir", "contexts"), "are those of [fhir] for a slice; write them there"
        )
    for where, name, fitting in (
        (("hl7", "datatype"), datatype, language.HL7_DATATYPES[vr]),
        (("fhir", "type"), fhir_type, language.FHIR_TYPES[vr]),
    ):
        if name and name not in fitting:
            yield source.error(
                (*path, *where), f"{name} cannot carry {vr}; use {' or '.join(fitting)}"
            )
    if "system" in fhir and not (vr == "CS" and fhir_type in language.WITH_SYSTEM):
        yield source.error(
            (*path, "fhir", "system"),
            f"only a CS as {' or '.join(language.WITH_SYSTEM)} has a system; remove it",
        )
    field = hl7.get("field", language.FIRST_FIELD)
    reserved = (language.VERBATIM_FIELD, language.HOLDER_FIELD)
    if field < language.FIRST_FIELD or field in reserved:
        yield source.error(
            (*path, "hl7", "field"), f"field {field} is reserved; take 5 to 8 or 11 and above"
        )
    elif field > 999:
        yield source.error(
            (*path, "hl7", "field"), f"field {field} is too high; take one below 1000"
        )
    if fhir.get("slice") in language.RESERVED_SLICES:
        yield source.error((*path, "fhir", "slice"), "the name is reserved; choose another")
    codes = row.get("codes")
    if vr == "CS":
        if not codes:
            yield source.error((*path, "codes"), "a CS needs its terms; add [attribute.codes]")
        if "terms" not in row:
            yield source.error(
                (*path, "terms"), 'a CS is "enumerated" (closed) or "defined"; say which'
            )
        yield from _codes(source, codes or {}, (*path, "codes"))
        if fhir_type == "boolean":
            spelt = {code.get("fhir", term) for term, code in (codes or {}).items()}
            if not spelt <= {"true", "false"}:
                yield source.error(
                    (*path, "fhir", "type"),
                    'a boolean is "true" or "false"; give each code its own, like fhir = "true"',
                )
    else:
        for name in ("codes", "terms"):
            if name in row:
                yield source.error(
                    (*path, name), f"only a CS has {name}; remove it, or correct the VR"
                )


def _codes(source: Source, codes: dict[str, Any], path: Path) -> Iterator[TableError]:
    for term in codes:
        if not is_code_string(term) or term != term.strip():
            yield source.error(
                (*path, term),
                "is not a CS value: at most 16 capital letters, digits, spaces and _; correct it",
            )
    for side in ("hl7", "fhir"):
        owner: dict[str, str] = {}
        for term, code in codes.items():
            spelling = code.get(side, term)
            for text in (spelling, *code.get(f"{side}-aliases", ())):
                if trim("CS", text) != text or (side == "fhir" and not is_fhir_code(text)):
                    kind = "a FHIR" if side == "fhir" else "an HL7"
                    yield source.error(
                        (*path, term), f'"{text}" is not {kind} code; remove its spaces'
                    )
                alike = text.upper()
                other = alike in codes and alike != term
                if other and text != codes[alike].get(side, alike):
                    yield source.error(
                        (*path, term),
                        f'"{text}" is a term of its own; give {term} another {side} code',
                    )
                if text == '""' and side == "hl7":
                    yield source.error(
                        (*path, term), "is HL7's null, which removes a value; give it another code"
                    )
            if spelling in owner:
                yield source.error(
                    (*path, term, side),
                    f'"{spelling}" is already the {side} code of {owner[spelling]}; codes must be unique',
                )
            owner.setdefault(spelling, term)
        for term, code in codes.items():
            for alias in code.get(f"{side}-aliases", ()):
                if owner.get(alias, term) != term:
                    yield source.error(
                        (*path, term, f"{side}-aliases"),
                        f'"{alias}" already means {owner[alias]}; an alias may not shadow a code',
                    )
                owner.setdefault(alias, term)


def out_of_data_sets(tag: int) -> bool:
    """Tell whether a tag is of a command or of file meta information (PS3.7, PS3.10)."""
    return tag >> 16 in (0x0000, 0x0002)


def repeating(keyword: str) -> str:
    """Tell why an attribute of repeating groups (PS3.5 7.6) has no row; empty for any other."""
    from pydicom._dicom_dict import RepeatersDictionary

    masks = {entry[4]: mask for mask, entry in RepeatersDictionary.items()}
    if not (mask := masks.get(keyword)):
        return ""
    return f"its tag repeats ({mask[:4]},{mask[4:]}), and a row has one tag; take another attribute"


def dictionary(source: Source, row: dict[str, Any], path: Path) -> Iterator[TableError]:
    """Check keyword, tag and VR against the DICOM data dictionary (PS3.6)."""
    from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_dict

    keyword, tag = row["keyword"], int(row["tag"].replace(",", ""), 16)
    known = keyword_dict.get(keyword)
    if why := repeating(keyword):
        yield source.error((*path, "keyword"), why)
    elif known is None:
        near = nearest(keyword, keyword_dict)
        hint = f'did you mean "{near}"?' if near else "take it from PS3.6"
        yield source.error((*path, "keyword"), f'"{keyword}" is not a DICOM Keyword; {hint}')
    elif out_of_data_sets(known):
        yield source.error((*path, "keyword"), f"{keyword} {language.NOT_IN_DATA_SETS}")
    elif keyword in language.IDENTITY:
        yield source.error((*path, "keyword"), f"{keyword} {language.IS_IDENTITY}")
    elif known != tag:
        right = tag_text(known)[1:-1]
        yield source.error((*path, "tag"), f'the tag of {keyword} is "{right}"; correct it')
    elif (vr := dictionary_VR(tag)) != row["vr"]:
        remedy = language.instead(vr) or "correct it"
        yield source.error((*path, "vr"), f"the VR of {keyword} is {vr}; {remedy}")
    elif (vm := dictionary_VM(tag)) != row.get("vm", "1"):
        where = "vm" if "vm" in row else "keyword"
        yield source.error((*path, where), f'{keyword} has VM {vm}; write vm = "{vm}"')
    for alias in row.get("aliases", ()):
        if alias in keyword_dict:
            yield source.error(
                (*path, "aliases"), f'"{alias}" is a DICOM Keyword of its own; remove it'
            )
