"""Spark: the scan of an archive as a job, batch or streaming. Needs PySpark 4 and pyarrow.

A table of paths goes in, the rows of ``sopstatus scan`` come out, with the same columns. Each task
reads the headers of its files and nothing behind them; a file that cannot be read is a row. A path
is one of a file system that every executor mounts, or a URI of one that pyarrow opens (``s3:``,
``gs:``, ``abfss:``, ``hdfs:``). See docs/spark.md.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from io import FileIO
from typing import Any

import pyarrow as pa
import pyarrow.fs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from sopstatus.archive.order import roots
from sopstatus.archive.parquet import Parquet
from sopstatus.archive.rows import Columns
from sopstatus.files import files
from sopstatus.scanning import Reader
from sopstatus.table import MappingTable, load_tables

PATH = "path"
"""The column of a table of paths."""
_PATHS = pa.schema([pa.field(PATH, pa.string(), nullable=False)])
_BATCH = 4096  # rows that a task hands over at once
_URI = re.compile(r"([a-z][a-z0-9+.-]*):(?://([^/]*))?(/.*)", re.DOTALL)  # as Spark writes one
_HADOOP = {"s3a": "s3", "s3n": "s3"}  # one store, two names

Batches = Iterator[pa.RecordBatch]


def scan(paths: DataFrame, *, tables: MappingTable | None = None, holder: str = "") -> DataFrame:
    """Return the rows of all files of a table of paths; it may be a stream.

    ``holder`` is the AE Title of who holds the data sets. The tables go to each executor once.
    """
    tables = tables or load_tables()
    form = Parquet(Columns.of(tables))
    session = paths.sparkSession
    shared = session.sparkContext.broadcast(Reader(tables, holder=holder))
    return paths.select(PATH).mapInArrow(_read(shared, form), rows_schema(tables))


def rows_schema(tables: MappingTable | None = None) -> StructType:
    """Return the columns of the rows, as Spark has them."""
    return from_arrow_schema(Parquet(Columns.of(tables or load_tables())).schema)


def _read(shared: Any, form: Parquet) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        reader, part = shared.value, form.part()
        for batch in batches:
            for path in batch.column(0).to_pylist():
                part.add(form.each(reader.opened(path, lambda path=path: opened(path))))
                yield from part.whole()
        yield from part.rest()

    return read


def opened(path: str) -> Any:
    """Open a path or a URI for reading; raise `OSError` where that cannot be done."""
    parts = _URI.fullmatch(path)
    if parts is None:
        return FileIO(path)
    scheme, authority, inside = parts.groups()
    if scheme == "file":
        return FileIO(inside)
    system, root = _system(scheme, authority or "")
    return system.open_input_file(f"{root.rstrip('/')}{inside}")


@lru_cache(maxsize=64)
def _system(scheme: str, authority: str) -> tuple[pa.fs.FileSystem, str]:
    try:
        found = pa.fs.FileSystem.from_uri(f"{_HADOOP.get(scheme, scheme)}://{authority}/")
    except (pa.ArrowException, ValueError) as error:
        raise OSError(f"no file system of pyarrow: {type(error).__name__}") from None
    system, root = found
    return system, root


def listed(session: SparkSession, paths: Iterable[str], *, tasks: int = 0) -> DataFrame:
    """Return the table of all files below these paths, walked by the executors.

    What stands right below each path is one walk. Of a URI Spark lists, and passes over names
    that begin with ``_`` or a dot. ``tasks`` is how many parts the table has (default: eight a
    core); some ten thousand files each are right.
    """
    given = roots(path for path in paths if not _is_uri(path))
    below = [(inner,) for path in given for inner in _inside(path)]
    schema = from_arrow_schema(_PATHS)
    starts = session.createDataFrame(below, schema)
    many = 8 * session.sparkContext.defaultParallelism
    found = starts.repartition(many).mapInArrow(_walk, schema)
    for uri in (path for path in paths if _is_uri(path)):
        stored = session.read.format("binaryFile").option("recursiveFileLookup", True).load(uri)
        found = found.union(stored.select(PATH))
    return found.repartition(tasks or many)


def _is_uri(path: str) -> bool:
    return "://" in path


def _inside(path: str) -> list[str]:
    if not os.path.isdir(path):  # noqa: PTH112
        return [path]
    with os.scandir(path) as entries:
        return [one.path for one in entries if not (one.is_symlink() and one.is_dir())]


def _walk(batches: Batches) -> Batches:
    for batch in batches:
        found: list[str] = []
        for path in batch.column(0).to_pylist():
            for name in files([path]):
                found.append(name)
                if len(found) >= _BATCH:
                    yield pa.RecordBatch.from_pydict({PATH: found}, _PATHS)
                    found = []
        if found:
            yield pa.RecordBatch.from_pydict({PATH: found}, _PATHS)


def landed(session: SparkSession, folder: str) -> DataFrame:
    """Return the stream of paths of files that appear below a folder (or URI)."""
    schema = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"
    stream = session.readStream.format("binaryFile").schema(schema)
    return stream.option("recursiveFileLookup", True).load(folder).select(PATH)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job: ``spark-submit .../engines/spark.py PATH ... -o OUT``."""
    parser = argparse.ArgumentParser("sopstatus.engines.spark", description=main.__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="folders, files or URIs")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder or URI")
    parser.add_argument("--holder", default="", metavar="AE")
    parser.add_argument("--tasks", type=int, default=0, metavar="N", help="parts of the work")
    parser.add_argument("--mappings", action="append", default=[], metavar="DIR")
    parser.add_argument(
        "--landing", metavar="CHECKPOINT", help="the PATH is a landing folder: go on"
    )
    parser.add_argument(
        "--once", action="store_true", help="with --landing: what is there, and end"
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # in local mode, this environment's
    session = SparkSession.builder.appName("sopstatus scan").getOrCreate()
    tables = load_tables(*options.mappings)
    if options.landing:
        (folder,) = options.paths
        rows = scan(landed(session, folder), tables=tables, holder=options.holder)
        writer = rows.writeStream.format("parquet").option("checkpointLocation", options.landing)
        trigger: dict[str, Any] = (
            {"availableNow": True} if options.once else {"processingTime": "1 minute"}
        )
        writer.trigger(**trigger).start(options.output).awaitTermination()
        return
    paths = listed(session, options.paths, tasks=options.tasks)
    rows = scan(paths, tables=tables, holder=options.holder)
    rows.write.option("compression", "zstd").parquet(options.output)


if __name__ == "__main__":
    # under its own name, so that executors import the module and are not sent it piece by piece
    from sopstatus.engines.spark import main as submitted

    submitted()
