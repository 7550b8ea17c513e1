"""A case as its folder says it: documents, and ``case.toml`` where there is one.

``docs/mapping-authors.md`` explains the keys to those who write cases.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from sopstatus.codecs import FORMATS, Format
from sopstatus.documents.files import NAMES
from sopstatus.profile import TRUSTED, UNKNOWN, Link
from sopstatus.table.check import nearest

CASE_FILE = "case.toml"
DOCUMENTS: dict[str, Format] = {
    NAMES[name]: name for name in ("dicom", "dicom-json", "hl7", "hl7-xml", "fhir")
}
"""Documents of these names in one folder say the same."""
_LINKS = {"unknown": UNKNOWN, "trusted": TRUSTED}


class CaseError(Exception):
    """A ``case.toml`` is not as it must be; the text names the file, the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One document carried onto another: what must come of it, and which issues."""

    name: str
    source: Path
    onto: Path | None
    target: Format
    expected: Path
    issues: tuple[str, ...] | None  # None: anything that is not an error


@dataclass(frozen=True, slots=True)
class Case:
    """One folder. ``say`` is a statement by keyword, ``expect`` what each format makes of it."""

    file: Path
    title: str
    todo: str
    link: Link
    holder: str
    documents: Mapping[Format, Path]
    directions: tuple[tuple[Format, Format], ...]
    conversions: tuple[Conversion, ...]
    say: Mapping[str, str]
    expect: Mapping[Format, Mapping[str, str]] = field(default_factory=dict)


def documents(folder: Path) -> dict[Format, Path]:
    """Return the documents of a folder in the samples' layout, by format."""
    found = {name: folder / file for file, name in DOCUMENTS.items()}
    return {name: path for name, path in found.items() if path.is_file()}


def of_layout(folder: Path) -> Case:
    """Return the case of a folder without a ``case.toml``: its documents say the same."""
    there = documents(folder)
    pairs = tuple(permutations(there, 2))
    return Case(folder, folder.name, "", _LINKS["trusted"], "", there, pairs, (), {})


def read(file: Path) -> Case:
    """Read a ``case.toml``; raise `CaseError`."""
    try:
        data = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CaseError(f"{file}: is not TOML in UTF-8: {error}") from None
    _known(file, data, _KEYS, "")
    there = documents(file.parent)
    for name, path in data.get("documents", {}).items():
        _one_of(file, name, FORMATS, "documents")
        there[name] = _there(file, path, f"documents.{name}")
    link = data.get("link", "unknown")
    _one_of(file, link, _LINKS, "link")
    for name in data.get("expect", {}):
        _one_of(file, name, FORMATS, "expect")
    if data.get("expect") and not data.get("say"):
        raise CaseError(f"{file}: [expect] says what becomes of [say]; add [say]")
    case = Case(
        file,
        data.get("title", file.parent.name),
        data.get("todo", ""),
        _LINKS[link],
        data.get("holder", ""),
        there,
        tuple(_directions(file, data.get("directions", []), there)),
        tuple(_conversion(file, one, i) for i, one in enumerate(data.get("convert", []), 1)),
        data.get("say", {}),
        data.get("expect", {}),
    )
    if not (case.directions or case.conversions or case.say or case.todo):
        raise CaseError(f"{file}: tests nothing; add directions, [[convert]] or [say]")
    return case


_WORDS = {"str": "a text in quotes", "list": "a list", "dict": "a table"}
_KEYS: dict[str, type] = {
    "title": str,
    "todo": str,
    "link": str,
    "holder": str,
    "documents": dict,
    "directions": list,
    "convert": list,
    "say": dict,
    "expect": dict,
}
_CONVERT: dict[str, type] = {
    **dict.fromkeys(("name", "from", "onto", "to", "expect"), str),
    "issues": list,
}


def _known(file: Path, data: Any, keys: Mapping[str, type], where: str) -> None:
    if not isinstance(data, dict):
        raise CaseError(f"{file}: {where} must be a table; head it [[{where}]]")
    for key, value in data.items():
        _one_of(file, key, keys, f"{where}." if where else "")
        if not isinstance(value, keys[key]):
            word = _WORDS[keys[key].__name__]
            raise CaseError(f"{file}: {where}.{key} must be {word}; correct it".replace(" .", " "))


def _one_of(file: Path, word: str, words: Any, where: str) -> None:
    if word not in words:
        near = nearest(word, words)
        hint = f'did you mean "{near}"?' if near else f"choose one of {', '.join(words)}"
        raise CaseError(f'{file}: {where} "{word}" is not known; {hint}'.replace(":  ", ": "))


def _there(file: Path, name: str, key: str) -> Path:
    path = file.parent / name
    if not path.is_file():
        raise CaseError(f"{file}: {key}: there is no file {name}; correct the name")
    return path


def _directions(
    file: Path, names: list[Any], there: Mapping[Format, Path]
) -> Iterator[tuple[Format, Format]]:
    if names == ["all"]:
        yield from permutations(there, 2)
        return
    pairs = {
        f"{source}-to-{target}": (source, target) for source, target in permutations(FORMATS, 2)
    }
    for name in names:
        _one_of(file, name, pairs, "directions")
        for one in pairs[name]:
            if one not in there:
                raise CaseError(
                    f"{file}: directions: {name} needs a document in {one}; "
                    f"add one, or name it under [documents]"
                )
        yield pairs[name]


def _conversion(file: Path, data: Any, number: int) -> Conversion:
    where = "convert"
    _known(file, data, _CONVERT, where)
    for key in ("from", "to", "expect"):
        if key not in data:
            raise CaseError(f"{file}: [[convert]] {number} has no {key}; add it")
    _one_of(file, data["to"], FORMATS, f"{where}.to")
    onto = data.get("onto")
    issues = data.get("issues")
    return Conversion(
        data.get("name", f"{data['from']}-to-{data['to']}"),
        _there(file, data["from"], f"{where}.from"),
        _there(file, onto, f"{where}.onto") if onto else None,
        data["to"],
        file.parent / data["expect"],
        tuple(sorted(map(str, issues))) if issues is not None else None,
    )
