"""The part files of a scan as one table of DuckDB, which sorts and counts beyond memory on the disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

TABLE = "scan"
_MEMORY = "2GB"  # beyond it the disk is used


@contextmanager
def opened(parts: Iterable[str | os.PathLike[str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open Parquet files as the view `TABLE`."""
    with tempfile.TemporaryDirectory() as place, duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{_MEMORY}'")
        database.execute("SET temp_directory = ?", [place])
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET enable_progress_bar = false")
        database.read_parquet([os.fspath(part) for part in parts]).create_view(TABLE)
        yield database
