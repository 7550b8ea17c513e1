"""The mapping tables: loaded once, checked whole, compiled to look-ups.

``mappings/README.md`` explains the language. A row is read in both directions, so loading proves
that every row has an inverse, or raises `TableError` with file, line, key and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sopstatus import table_check as check
from sopstatus import table_language as language
from sopstatus.model import TableError
from sopstatus.table_check import Source
from sopstatus.table_model import Attribute, Group, MappingTable, Site
from sopstatus.toml_lines import place_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = [
    "Attribute",
    "Group",
    "MappingTable",
    "Site",
    "lint",
    "load_tables",
    "older_keywords",
]


def older_keywords(rows: Iterable[Attribute]) -> dict[str, str]:
    """Return the keyword of today for every older one of these rows."""
    return {alias: row.keyword for row in rows for alias in row.aliases}


def load_tables(*folders: str | Path, enable: Iterable[str] = ()) -> MappingTable:
    """Load the shipped tables, then each folder's, which replace or add attributes and groups.

    ``enable`` names groups to switch on beside those that are on by their own word. Raise
    `TableError` for the first fault of a table.
    """
    return (
        _shipped() if not folders and not enable else _load(folders, tuple(enable), strict=True)[0]
    )


@cache
def _shipped() -> MappingTable:
    return _load((), (), strict=True)[0]


def lint(*folders: str | Path) -> list[TableError]:
    """Return every fault of the shipped tables with these folders, by file and line."""
    faults = _load(folders, (), strict=False)[1]
    return sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column))


class _Row(NamedTuple):
    source: Source
    path: tuple[str | int, ...]
    data: dict[str, Any]


class _Draft:
    """A group while files are laid over each other: the last word on each key, and who said it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.head: dict[str, Any] = {}
        self.said_by: dict[str, Source] = {}
        self.contents: list[bytes] = []
        self.rows: dict[str, _Row] = {}

    def add(self, source: Source, content: bytes) -> None:
        self.contents.append(content)
        for key, value in source.data.items():
            if key != "attribute":
                self.head[key] = value
                self.said_by[key] = source
        for index, row in enumerate(source.data.get("attribute", ())):
            self.rows[row["keyword"]] = _Row(source, ("attribute", index), row)


def _load(
    folders: tuple[str | Path, ...], enable: tuple[str, ...], *, strict: bool
) -> tuple[MappingTable, list[TableError]]:
    from importlib.resources import files

    errors: list[TableError] = []

    def note(found: Iterable[TableError], rule: str) -> bool:
        faults = list(found)
        if faults and strict:
            raise faults[0]
        for fault in faults:
            fault.rule = rule
        errors.extend(faults)
        return not faults

    drafts: dict[str, _Draft] = {}
    settings: dict[str, str] = {}
    contents: list[bytes] = []
    shipped = files("sopstatus.mappings")
    for folder in (shipped, *map(Path, folders)):
        ours = str(folder) == str(shipped)
        try:
            found = _files(folder, ours=ours)
        except TableError as error:
            note([error], "folder")
            continue
        for file in found:
            try:
                source = check.read(file)
            except TableError as error:
                note([error], "syntax")
                continue
            content = file.read_bytes()
            contents.append(content)
            if file.name == language.SITE_FILE:
                if note(check.site_shape(source), "language"):
                    settings |= source.data
            elif note(check.shape(source), "language") and note(_repeated(source), "owner"):
                drafts.setdefault(source.data["name"], _Draft(source)).add(source, content)
                if not ours:  # the shipped ones are held against PS3.6 by the tests
                    for index, row in enumerate(source.data.get("attribute", ())):
                        note(check.dictionary(source, row, ("attribute", index)), "dictionary")
            else:  # one bad row hides no fault of another
                note(check.sound_rows(source), "meaning")
    site = Site(**{key.replace("-", "_"): value for key, value in settings.items()})
    for name in enable:
        if name not in drafts:
            raise TableError("enable", 1, name, f"no such group; there are {', '.join(drafts)}")
    whole = [draft for draft in drafts.values() if note(_meaning(draft), "meaning")]
    groups = [_group(draft, site, enable) for draft in whole]
    on = [(group, draft) for group, draft in zip(groups, whole, strict=True) if group.enabled]
    note(_owners(on), "owner")
    table = MappingTable(tuple(group for group, _ in on), tuple(groups), site, _sha256(contents))
    return table, errors


def _sha256(contents: list[bytes]) -> str:
    import hashlib  # with importlib.resources, a third of what importing this module would take

    return hashlib.sha256(b"".join(contents)).hexdigest()


def _files(folder: Traversable, *, ours: bool) -> list[Traversable]:
    if not folder.is_dir():
        raise TableError(str(folder), 1, "", "is no folder; name the folder that holds your tables")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    rules = [f for f in found if f.name == language.PROFILE_FILE]
    if rules and not ours:
        raise TableError(str(rules[0]), 1, "", "the profile's rules are no site's own; remove it")
    found = [f for f in found if f not in rules]
    if not found:
        raise TableError(str(folder), 1, "", "holds no table; put *.toml files into it")
    return found


def _repeated(source: Source) -> Iterator[TableError]:
    seen: set[str] = set()
    for index, row in enumerate(source.data.get("attribute", ())):
        if row["keyword"] in seen:
            yield source.error(
                ("attribute", index, "keyword"), "stands twice in this file; remove one"
            )
        seen.add(row["keyword"])


def _meaning(draft: _Draft) -> Iterator[TableError]:
    for key, known in language.GROUP.items():
        if known.required and key != "attribute" and key not in draft.head:
            yield draft.source.error((key,), f"is missing ({known.meaning}); add it")
    if not draft.rows:
        yield draft.source.error(("attribute",), "the group has no attribute; add an [[attribute]]")
    for row in draft.rows.values():
        yield from check.row_meaning(row.source, row.data, row.path)


def _owners(groups: list[tuple[Group, _Draft]]) -> Iterator[TableError]:
    """Prove that every keyword, tag, field, slice and extension has one owner."""
    owner: dict[tuple[str, object], str] = {}
    for group, draft in groups:
        by = draft.said_by["fhir"]
        if (first := owner.setdefault(("extension", group.extension), group.name)) != group.name:
            yield by.error(
                ("fhir", "extension"), f"is already the extension of {first}; choose another"
            )
        for row in group.attributes:
            source, path, _ = draft.rows[row.keyword]
            me = f"{group.name}.{row.keyword}"
            for where, what in (
                (("keyword",), ("keyword", row.keyword)),
                *((("aliases",), ("keyword", alias)) for alias in row.aliases),
                (("tag",), ("tag", row.tag)),
                (("hl7", "field"), (f"{group.segment} field", row.field)),
                (("fhir", "slice"), (f"slice of {group.name}", row.slice)),
            ):
                if (first := owner.setdefault(what, me)) != me:
                    yield source.error(
                        (*path, *where),
                        f"{what[0]} {what[1]} already belongs to {first}; choose another",
                    )


def _group(draft: _Draft, site: Site, enable: tuple[str, ...]) -> Group:
    head = draft.head
    extension: str = head["fhir"]["extension"]
    if not extension.startswith(("http://", "https://", "urn:")):
        extension = f"{site.canonical}/{extension}"
    return Group(
        head["name"],
        head["title"],
        head["version"],
        head["source"],
        head.get("enabled", True) or head["name"] in enable,
        extension,
        tuple(head["fhir"]["contexts"]),
        head["hl7"]["segment"],
        tuple(_attribute(row, site) for row in draft.rows.values()),
        head.get("definition", ""),
        _sha256(draft.contents),
    )


def _attribute(row: _Row, site: Site) -> Attribute:
    data, codes = row.data, row.data.get("codes", {})
    sides: dict[str, dict[str, str]] = {}
    for side in ("hl7", "fhir"):
        sides[f"to_{side}"] = {term: code.get(side, term) for term, code in codes.items()}
        sides[f"from_{side}"] = {
            spelling: term
            for term, code in codes.items()
            for spelling in (*code.get(f"{side}-aliases", ()), code.get(side, term))
        }
    coded = data["hl7"]["datatype"] in language.CODED
    return Attribute(
        keyword=data["keyword"],
        tag=int(data["tag"].replace(",", ""), 16),
        vr=data["vr"],
        closed=data.get("terms") == "enumerated",
        field=data["hl7"]["field"],
        datatype=data["hl7"]["datatype"],
        coding_system=site.coding_system or data["hl7"].get("coding-system", "") if coded else "",
        slice=data["fhir"]["slice"],
        fhir_type=data["fhir"]["type"],
        displays={term: code["display"] for term, code in codes.items()},
        aliases=tuple(data.get("aliases", ())),
        file=row.source.file,
        line=place_of(row.source.places, row.path).line,
        definition=data.get("definition", ""),
        definitions={t: code["definition"] for t, code in codes.items() if "definition" in code},
        **sides,
    )
