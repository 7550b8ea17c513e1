"""Tables that reload while messages come: whole or not at all, and broken ones leave the old in use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sopstatus import log
from sopstatus.engines.mllp.work import Outcome, Work
from sopstatus.model import DocumentError, TableError
from sopstatus.profile import Link
from sopstatus.table import MappingTable, load_tables

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics

_EVERY = 1.0  # seconds between two looks at the folders
_Stamps = tuple[tuple[str, int, int, int], ...]


class Reloading:
    """The work on messages, made again when a table changes; a message keeps what it began with.

    ``make`` makes the work of tables. Raise `TableError` where they are broken from the start.
    """

    def __init__(
        self,
        folders: Iterable[str],
        make: Callable[[MappingTable], Work],
        metrics: Metrics | None = None,
    ) -> None:
        self._folders, self._make, self._metrics = tuple(folders), make, metrics
        self._seen = _stamps(self._folders)
        tables = load_tables(*self._folders)
        self.work = make(tables)
        if metrics:
            metrics.tables(tables)
        self._loading = asyncio.Lock()

    def __call__(self, message: bytes, link: Link) -> Outcome:
        """Work on one message with the tables in use."""
        return self.work(message, link)

    async def reload(self) -> None:
        """Load the tables again, beside the loop, and say what came of it."""
        async with self._loading:
            try:
                tables = await asyncio.to_thread(load_tables, *self._folders)
                self.work = await asyncio.to_thread(self._make, tables)
            except (TableError, DocumentError, OSError, ValueError) as fault:
                # of others than tables their kind alone: the source could not be opened
                told = str(fault) if isinstance(fault, TableError) else type(fault).__name__
                log.tables_refused(told)
                if self._metrics:
                    self._metrics.refused_tables()
            else:
                log.tables_loaded(tables)
                if self._metrics:
                    self._metrics.tables(tables)

    async def watch(self) -> None:
        """Reload whenever a file of the folders has changed; without folders there is none."""
        while self._folders:
            await asyncio.sleep(_EVERY)
            found = await asyncio.to_thread(_stamps, self._folders)
            if found != self._seen:
                self._seen = found
                await self.reload()


def _stamps(folders: Iterable[str]) -> _Stamps:
    """Return what changes with a file: a folder that cannot be read counts as empty."""
    found = []
    for folder in folders:
        try:
            files = sorted(Path(folder).glob("*.toml"))
            stats = [(str(file), os.stat(file)) for file in files]  # noqa: PTH116
        except OSError:  # a file that has gone in between: the next look sees it
            continue
        found += [(name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in stats]
    return tuple(found)
