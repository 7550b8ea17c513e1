"""The mapping tables read: folders over each other, checked whole, compiled to look-ups.

``mappings/README.md`` explains the language. A row is read in both directions, so loading proves
that every row has an inverse, or raises `TableError` with file, line, key and remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sopstatus._lazily import shipped
from sopstatus.model import TableError
from sopstatus.table import check, language
from sopstatus.table.check import Source
from sopstatus.table.model import Attribute, Group, MappingTable, Site, attribute_id, carried
from sopstatus.table.toml_lines import place_of
from sopstatus.values import tag_text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def load(*folders: str | Path, enable: tuple[str, ...] = ()) -> MappingTable:
    """Read and prove the shipped tables, then each folder's; raise `TableError` for the first fault."""
    return _load(folders, enable, strict=True)[0]


def lint(*folders: str | Path) -> list[TableError]:
    """Return every fault of the shipped tables with these folders, by file and line."""
    faults = _load(folders, (), strict=False)[1]
    return sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column))


class BySetting(str):
    """A folder that a setting names, not who started the command: it decides nothing on trust, ever."""

    __slots__ = ()


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
    settings: dict[str, Any] = {}
    holders: dict[str, str] = {}
    contents: list[bytes] = []
    ours_in = shipped("sopstatus.mappings")
    for folder, given in zip((ours_in, *map(Path, folders)), ("", *folders), strict=True):
        ours = str(folder) == str(ours_in)
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
                if isinstance(given, BySetting):
                    told = "decides on trust: name the folder on the command line"
                    keys = language.TRUST & source.data.keys()
                    note([source.error((key,), told) for key in sorted(keys)], "language")
                if note(check.site_shape(source), "language"):
                    holders |= source.data.get("holders", {})
                    settings |= {**source.data, "holders": tuple(sorted(holders.items()))}
            elif note(check.shape(source), "language") and note(_repeated(source), "owner"):
                drafts.setdefault(source.data["name"], _Draft(source)).add(source, content)
                if not ours:  # the shipped ones are held against PS3.6 by the tests
                    for index, row in enumerate(source.data.get("attribute", ())):
                        note(check.dictionary(source, row, ("attribute", index)), "dictionary")
            else:  # one bad row hides no fault of another
                note(check.sound_rows(source), "meaning")
    site = Site(**{key.replace("-", "_"): _fixed(value) for key, value in settings.items()})
    for name in enable:
        if name not in drafts:
            raise TableError("enable", 1, name, f"no such group; there are {', '.join(drafts)}")
    whole = [draft for draft in drafts.values() if note(_meaning(draft), "meaning")]
    groups = [_group(draft, site, enable) for draft in whole]
    on = [(group, draft) for group, draft in zip(groups, whole, strict=True) if group.enabled]
    note(_owners(on), "owner")
    if len(whole) == len(drafts):  # else what is missing is a fault that is told already
        note(_governed(on, drafts), "governed")
    table = MappingTable(tuple(group for group, _ in on), tuple(groups), site, _sha256(contents))
    return table, errors


def _fixed(value: Any) -> Any:
    """Return a setting as it is kept: a table as pairs, its keys in capitals."""
    if isinstance(value, dict):
        return tuple((name.strip().upper(), term) for name, term in value.items())
    return tuple(value) if isinstance(value, list) else value


def _sha256(contents: list[bytes]) -> str:
    import hashlib  # a tenth of what importing this module would take

    return hashlib.sha256(b"".join(contents)).hexdigest()


def _files(folder: Traversable, *, ours: bool) -> list[Traversable]:
    if not folder.is_dir():
        raise TableError(
            str(folder), 1, "", "is not a folder; name the folder that holds your tables"
        )
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


_NEEDED = (
    ("fhir", "slice", "extension"),
    ("fhir", "slice", "contexts"),
    ("hl7", "field", "segment"),
)
"""What the head has to say on a side, where a row of it has this key there."""


def _meaning(draft: _Draft) -> Iterator[TableError]:
    for key, known in language.GROUP.items():
        if known.required and key != "attribute" and key not in draft.head:
            yield draft.source.error((key,), f"is missing ({known.meaning}); add it")
    if not draft.rows:
        yield draft.source.error(("attribute",), "the group has no attribute; add an [[attribute]]")
    for row in draft.rows.values():
        yield from check.row_meaning(row.source, row.data, row.path)
    for side, needed, name in _NEEDED:
        asking = (row for row in draft.rows.values() if needed in row.data.get(side, ()))
        if next(asking, None) and name not in draft.head.get(side, ()):
            source = draft.said_by.get(side, draft.source)
            meaning = language.part(side)[name].meaning
            yield source.error((side, name), f"is missing ({meaning}); add it")


def _owners(groups: list[tuple[Group, _Draft]]) -> Iterator[TableError]:
    """Prove that every keyword, tag, field, slice and extension has one owner."""
    owner: dict[tuple[str, object], str] = {}
    for group, draft in groups:
        if not group.slices:
            continue
        by = draft.said_by["fhir"]
        if (first := owner.setdefault(("extension", group.extension), group.name)) != group.name:
            yield by.error(
                ("fhir", "extension"), f"is already the extension of {first}; choose another"
            )
        last = ("last part", re.split("[/:]", group.extension)[-1])
        if (alike := owner.setdefault(last, group.name)) not in (group.name, first):
            yield by.error(
                ("fhir", "extension"),
                f"ends like the extension of {alike}, and is called by its end; choose another",
            )
    for group, draft in groups:
        for row in group.attributes:
            source, path, _ = draft.rows[row.keyword]
            me = f"{group.name}.{row.keyword}"
            for where, what in (
                (("keyword",), ("keyword", row.keyword)),
                *((("aliases",), ("keyword", alias)) for alias in row.aliases),
                (("tag",), ("tag", tag_text(row.tag))),
                *((("hl7", "field"), (f"{group.segment} field", n)) for n in (row.field,) if n),
                *_carriers(group, row, owner),
            ):
                if (first := owner.setdefault(what, me)) != me:
                    yield source.error(
                        (*path, *where),
                        f"{what[0]} {what[1]} already belongs to {first}; choose another",
                    )


def _carriers(
    group: Group, row: Attribute, owner: dict[tuple[str, object], str]
) -> Iterator[tuple[tuple[str, ...], tuple[str, object]]]:
    """Yield what may carry nothing but this row in FHIR, with the key that says so."""
    if row.slice and not row.extension:
        yield ("fhir", "slice"), (f"slice of {group.name}", row.slice)
    for context in row.contexts:
        yield ("fhir", "extension"), (f"extension on {context}", row.extension)
    if ("extension", row.extension) in owner:
        yield ("fhir", "extension"), ("extension", row.extension)


def _governed(on: list[tuple[Group, _Draft]], drafts: dict[str, _Draft]) -> Iterator[TableError]:
    """Prove that no table hides from the profile what it governs (PS3.15 A.1.1 g)."""
    seen = {row.keyword for group, _ in on for row in group.attributes}
    for name, draft in drafts.items():
        for keyword, row in draft.rows.items():
            if keyword in language.GOVERNED and keyword not in seen:
                source = draft.said_by.get("enabled", row.source)
                yield source.error(
                    ("enabled",) if "enabled" in source.data else (*row.path, "keyword"),
                    f"would hide {keyword} from the Security Profile; leave {name} switched on",
                )
                return


def _group(draft: _Draft, site: Site, enable: tuple[str, ...]) -> Group:
    head = draft.head
    fhir = head.get("fhir", {})
    extension: str = fhir.get("extension", "")
    rows = tuple(_attribute(row, site, fhir.get("contexts")) for row in draft.rows.values())
    if extension and not extension.startswith(("http://", "https://", "urn:")):
        extension = f"{site.canonical}/{extension}"
    return Group(
        head["name"],
        head["title"],
        head["version"],
        head["source"],
        head.get("enabled", True) or head["name"] in enable,
        extension,
        tuple(fhir.get("contexts", ())),
        head.get("hl7", {}).get("segment", ""),
        rows,
        carried(rows),
        head.get("definition", ""),
        _sha256(draft.contents),
    )


def _attribute(row: _Row, site: Site, contexts: list[str] | None) -> Attribute:
    data, codes = row.data, row.data.get("codes", {})
    hl7, fhir = data.get("hl7", {}), data.get("fhir", {})
    simple = fhir.get("extension", "")
    on = fhir.get("contexts") or contexts or language.INSTANCES
    sides: dict[str, dict[str, str]] = {}
    for side in ("hl7", "fhir"):
        sides[f"to_{side}"] = {term: code.get(side, term) for term, code in codes.items()}
        sides[f"from_{side}"] = {
            spelling: term
            for term, code in codes.items()
            for spelling in (*code.get(f"{side}-aliases", ()), code.get(side, term))
        }
    coded = hl7.get("datatype") in language.CODED
    return Attribute(
        keyword=data["keyword"],
        tag=int(data["tag"].replace(",", ""), 16),
        vr=data["vr"],
        vm=data.get("vm", "1"),
        closed=data.get("terms") == "enumerated",
        field=hl7.get("field", 0),
        datatype=hl7.get("datatype", ""),
        coding_system=site.coding_system or hl7.get("coding-system", "") if coded else "",
        slice=simple or fhir.get("slice", ""),
        fhir_type=fhir.get("type", ""),
        extension=simple,
        contexts=tuple(on) if simple else (),
        system=fhir.get("system") or f"{site.canonical}/CodeSystem/{attribute_id(data['keyword'])}",
        displays={term: code["display"] for term, code in codes.items()},
        aliases=tuple(data.get("aliases", ())),
        file=row.source.file,
        line=place_of(row.source.places, row.path).line,
        definition=data.get("definition", ""),
        definitions={t: code["definition"] for t, code in codes.items() if "definition" in code},
        **sides,
    )
