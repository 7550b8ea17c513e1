"""Tables that are being edited: their texts, loaded over the shipped ones, and every fault in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from sopstatus.catalogue import document_error
from sopstatus.model import TableError
from sopstatus.table import MappingTable, lint, load_tables
from sopstatus.table.language import PROFILE_FILE

MOST_FILES, LONGEST_NAME = 64, 100


@dataclass(frozen=True, slots=True)
class Draft:
    """The tables that the texts make, or ``None`` where they have faults."""

    tables: MappingTable | None
    faults: tuple[TableError, ...]
    folder: str  # where the texts stood: the beginning of a row's file


def load(texts: Mapping[str, str], release: str = "") -> Draft:
    """Load the shipped tables with these files over them, as a site's folder is.

    ``release`` is the FHIR release of a resource that is made. Raise `DocumentError` (400) where a
    name is not a file name that ends with ``.toml``.
    """
    named = len(texts) <= MOST_FILES and all(map(_is_name, texts))
    if not named or not all(isinstance(text, str) for text in texts.values()):
        raise document_error(
            "http/parameter", "tables", parameter="tables", known="NAME.toml: text"
        )
    draft = _load(tuple(sorted(texts.items())))
    if release and draft.tables:
        site = replace(draft.tables.site, fhir_release=release)
        return replace(draft, tables=replace(draft.tables, site=site))
    return draft


@lru_cache(maxsize=8)
def _load(texts: tuple[tuple[str, str], ...]) -> Draft:
    if not texts:
        return Draft(load_tables(), (), "")
    with TemporaryDirectory(prefix="sopstatus-tables-") as folder:
        for name, text in texts:
            Path(folder, name).write_text(text, "utf-8", errors="surrogatepass", newline="")
        faults = tuple(_bare(fault, folder) for fault in lint(folder))
        return Draft(None if faults else load_tables(folder), faults, folder)


def _bare(fault: TableError, folder: str) -> TableError:
    file = fault.file.removeprefix(folder).lstrip("/\\")
    return TableError(file, fault.line, fault.key, fault.message, fault.column, fault.length)


def _is_name(name: str) -> bool:
    legal = all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
    return (
        legal and name.endswith(".toml") and not name.startswith(".") and len(name) <= LONGEST_NAME
    )


def shipped_texts() -> dict[str, str]:
    """Return the shipped tables that a site may replace, by file name."""
    return _texts(files("sopstatus.mappings").iterdir())


def site_texts(folder: str) -> dict[str, str]:
    """Return the tables of a site's folder, by file name; raise `OSError` if there is no such folder."""
    return _texts(Path(folder).iterdir())


def _texts(found: Iterable[object]) -> dict[str, str]:
    texts = {}
    for file in found:
        name = getattr(file, "name", "")
        if name.endswith(".toml") and name != PROFILE_FILE:
            texts[name] = file.read_bytes().decode("utf-8", "replace")  # type: ignore[attr-defined]
    return dict(sorted(texts.items()))
