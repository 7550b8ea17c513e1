"""The shipped tables as they were proved when the wheel was built, so that not every start proves them.

``proved.json`` lies beside them in an installed package, and only there. It says what the files said
and what `load` made of them. It counts if it is whole, of this version, and the files still say the
same to the byte; else they are read and proved as any others. The checksum is against damage: who may
write there may change the code too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zlib import crc32

from sopstatus import __version__
from sopstatus.table.language import PROFILE_FILE
from sopstatus.table.model import Attribute, Group, MappingTable, Site, carried

if TYPE_CHECKING:
    from pathlib import Path

FILE = "proved.json"
_HEAD = b'{"crc32": "%08x", '
_LENGTH = len(_HEAD % 0)


def load_tables(*folders: str | Path, enable: Iterable[str] = ()) -> MappingTable:
    """Load the shipped tables, then each folder's, which replace or add attributes and groups.

    ``enable`` names groups to enable besides those that their tables enable. Raise
    `TableError` for the first fault of a table.
    """
    if not folders and not enable:
        return _shipped()
    from sopstatus.table.load import load

    return load(*folders, enable=tuple(enable))


@cache
def _shipped() -> MappingTable:
    if proved := read():
        return proved
    from sopstatus.table.load import load

    return load()


def _folder() -> str:
    return str(import_module("sopstatus.mappings").__path__[0])


def _texts(folder: str) -> dict[str, str]:
    """Return the text of every table of a folder, as `load` finds them."""
    names = (n for n in os.listdir(folder) if n.endswith(".toml") and n != PROFILE_FILE)
    return {name: _content(folder, name).decode() for name in names}


def _content(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def read() -> MappingTable | None:
    """Return the shipped tables as they were proved; ``None`` where they have to be read and proved."""
    folder = _folder()
    try:
        content = _content(folder, FILE)
        if content[:_LENGTH] != _HEAD % crc32(content[_LENGTH:]):
            return None
        said = json.loads(content)
        if (said["version"], said["files"]) != (__version__, _texts(folder)):
            return None
        return _made(folder, **said["tables"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _made(folder: str, site: Any, groups: Any, sha256: str) -> MappingTable:
    available = []
    for group in groups:
        rows = tuple(
            Attribute(**{**_fixed(row), "file": os.path.join(folder, row["file"])})
            for row in group.pop("attributes")
        )
        available.append(Group(**_fixed(group), attributes=rows, slices=carried(rows)))
    on = tuple(group for group in available if group.enabled)
    return MappingTable(on, tuple(available), Site(**_fixed(site)), sha256)


def _fixed(said: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) for key, value in said.items()}


def _tuples(value: Any) -> Any:
    """Return what JSON wrote as a list as the tuple that it was."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def write() -> None:
    """Prove the shipped tables and say so beside them: what building the wheel does."""
    from sopstatus.table.load import load

    tables, folder = load(), _folder()
    groups = [asdict(group) for group in tables.available]
    for group in groups:
        del group["slices"]
        for row in group["attributes"]:
            row["file"] = os.path.basename(row["file"])
    said = {
        "version": __version__,
        "files": dict(sorted(_texts(folder).items())),
        "tables": {"site": asdict(tables.site), "groups": groups, "sha256": tables.sha256},
    }
    rest = json.dumps(said).encode()[1:]
    with open(os.path.join(folder, FILE), "wb") as file:
        file.write(_HEAD % crc32(rest) + rest)
