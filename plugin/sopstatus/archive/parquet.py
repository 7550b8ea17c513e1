r"""Rows as Parquet, by pyarrow. Needs the extra ``archive``.

In a keyword's column a null is "not stated" and an empty text "stated and emptied". Half of a
surrogate pair in a value is written as ``\udcff``, for Parquet has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from sopstatus.archive.rows import IDENTITY, ISSUE, Columns, column_of, identity
from sopstatus.documents.description import Described
from sopstatus.documents.scanned import Scanned

_BATCH = 4096  # rows that are turned into columns at once
_Plain = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Parquet:
    """A table of the columns, zstd-compressed, one row group a part file.

    ``beside`` are columns behind ours, which whoever adds rows fills.
    """

    columns: Columns
    beside: tuple[pa.Field, ...] = ()
    suffix = ".parquet"

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        text = pa.string()
        names = ("source", "format", *IDENTITY, *Described._fields)
        fixed = [pa.field(n, text, nullable=False) for n in names]
        stated = [pa.field(column_of(keyword), text) for keyword in self.columns.keywords]
        issue = pa.struct([pa.field(n, text, nullable=False) for n in ISSUE])
        issues = pa.field("issues", pa.list_(pa.field("element", issue)), nullable=False)
        return pa.schema([*fixed, *stated, issues, *self.beside])

    def each(self, scanned: Scanned) -> list[_Plain]:
        """Return the rows of one document as plain values: quick to send to another process."""
        return [
            (
                row.source,
                row.format,
                *identity(row.instance).values(),
                *row.described,
                *row.values,
                [tuple(getattr(issue, name) for name in ISSUE) for issue in row.issues],
            )
            for row in self.columns.rows(scanned)
        ]

    def part(self) -> ParquetPart:
        """Begin a part file."""
        return ParquetPart(self.schema)


class ParquetPart:
    """The rows of a part file that is being gathered."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[_Plain] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, rows: list[_Plain]) -> None:
        """Add the rows of a document."""
        self._rows += rows
        if len(self._rows) >= _BATCH:
            self._turn()

    def whole(self) -> list[pa.RecordBatch]:
        """Hand over the batches that are full, and forget them."""
        batches, self._batches = self._batches, []
        return batches

    def rest(self) -> list[pa.RecordBatch]:
        """Hand over all that is left."""
        self._turn()
        return self.whole()

    def write(self, file: BinaryIO) -> None:
        """Write what was gathered."""
        self._turn()
        table = pa.Table.from_batches(self._batches, self._schema)
        pq.write_table(table, file, compression="zstd", row_group_size=max(1, table.num_rows))

    def _turn(self) -> None:
        columns = [
            _array(list(values), field)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=False)
        ]
        if columns:
            self._batches.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._rows = []


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    if field.name == "issues":
        values = [[dict(zip(ISSUE, one, strict=True)) for one in told] for told in values]
        return pa.array(values, field.type)
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:
        told = [v and v.encode("utf-8", "backslashreplace").decode() for v in values]
        return pa.array(told, field.type)
