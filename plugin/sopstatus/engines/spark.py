"""Spark: the scan of an archive as a job, batch or streaming. Needs PySpark 4 and pyarrow.

A table of paths goes in, the rows of ``sopstatus scan`` come out, with the same columns. Each task
reads the headers of its files and nothing behind them; a file that cannot be read is a row. A path
is one of a file system that every executor mounts, or a URI that `sopstatus.archive.stores` opens.
See docs/spark.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, lit, replace
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StringType, StructField, StructType

from sopstatus.archive import stores
from sopstatus.archive.inventory import manifest as read_manifest
from sopstatus.archive.inventory import objects as inventory_objects
from sopstatus.archive.order import roots
from sopstatus.archive.parquet import Parquet
from sopstatus.archive.rows import Columns
from sopstatus.archive.stores import Stored
from sopstatus.catalogue import document_error, reason_of
from sopstatus.documents.files import spelled, unspelled
from sopstatus.documents.scanned import Reader, unreadable
from sopstatus.model import DocumentError
from sopstatus.table import MappingTable, load_tables

PATH = "path"
"""The column of a table of paths, spelled as `sopstatus.documents.files.spelled` does."""
THREADS = 16
"""Reads in flight in a task, of files on stores and network mounts."""
_FILES = pa.schema(
    [
        pa.field(PATH, pa.string(), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("modified", pa.timestamp("us", "UTC")),
        pa.field("etag", pa.string()),
    ]
)
STAMPS = tuple(_FILES.names[1:])
"""The columns that tell whether a file has changed; `scan` hands them on."""
_BATCH = 4096  # rows that a task hands over at once
_NULL = "the path is NULL"
_FOR_EVER = "36500d"  # Spark forgets names after 7 days, and then ignores what is older

Batches = Iterator[pa.RecordBatch]


def scan(
    paths: DataFrame,
    *,
    tables: MappingTable | None = None,
    holder: str = "",
    threads: int = THREADS,
) -> DataFrame:
    """Return the rows of all files of a table of paths; it may be a stream.

    ``holder`` is the AE Title of who holds the data sets. The tables go to each executor once.
    ``threads`` is how many files of stores and network mounts a task reads at a time.
    """
    tables = tables or load_tables()
    _python(paths.sparkSession)
    stamps = [name for name in STAMPS if name in paths.columns]
    form = Parquet(Columns.of(tables), tuple(map(_FILES.field, stamps)))
    shared = paths.sparkSession.sparkContext.broadcast(Reader(tables, holder=holder))
    rows = _read(shared, form, threads)
    return paths.select(PATH, *stamps).mapInArrow(rows, from_arrow_schema(form.schema))


def _read(shared: Any, form: Parquet, threads: int) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        reader, part = shared.value, form.part()

        def one(file: tuple[Any, ...]) -> list[Any]:
            path, *stamps = file
            if path is None:
                found = unreadable("", OSError(0, _NULL))
            else:
                name = unspelled(path)
                found = reader.opened(name, lambda: stores.opened(name))
            return [(*row, *stamps) for row in form.each(found)]

        with ThreadPoolExecutor(threads) as pool:
            for batch in batches:
                files = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                for rows in stores.in_order(pool, one, files, 2 * threads, _is_far):
                    part.add(rows)
                    yield from part.whole()
        yield from part.rest()

    return read


def _is_far(file: tuple[Any, ...]) -> bool:
    return bool(file[0]) and stores.is_far(file[0])


def listed(
    session: SparkSession, paths: Iterable[str], *, tasks: int = 0, stamped: bool = False
) -> DataFrame:
    """Return the table of all files below these paths, listed by the executors.

    What stands right below each path is one walk. ``tasks`` is how many parts the table has
    (default: eight a core); some ten thousand files each are right. It has the columns ``size``,
    ``modified`` and ``etag``, as far as they are known; of local files, if they are ``stamped``.
    Raise `DocumentError` where a store of one of the paths does not answer the driver.
    """
    starts: list[str] = []
    found: list[Stored] = []
    for path in roots(paths):
        try:
            folders, objects = stores.below(path)
        except OSError as error:
            reason = reason_of(error)
            raise document_error("source/unavailable", _store(path), reason=reason) from None
        starts += folders
        found += objects
    _python(session)
    many = 8 * session.sparkContext.defaultParallelism
    text = StructType([StructField(PATH, StringType())])
    walks = session.createDataFrame([(spelled(one),) for one in starts], text)
    walks = walks.repartition(max(1, min(many, len(starts))))
    files = walks.mapInArrow(_walk(stamped), from_arrow_schema(_FILES))
    if found:
        batch = pa.Table.from_batches(_batches(found), _FILES)
        files = files.union(session.createDataFrame(batch))
    return files.repartition(tasks or many)


def inventory(session: SparkSession, manifest: str, *, tasks: int = 0) -> DataFrame:
    """Return the table of a store's objects as its inventory has them, with the columns of `listed`.

    ``manifest`` is the path or URI of its manifest; each of its lists is read by one task. Raise
    `DocumentError` where it is none; a list that cannot be read ends the job, for what it lists
    would be missing.
    """
    _python(session)
    found = read_manifest(manifest)
    text = StructType([StructField(PATH, StringType())])
    lists = session.createDataFrame([(spelled(one),) for one in found.files], text)

    def objects(batches: Batches) -> Batches:
        for batch in batches:
            for file in map(unspelled, batch.column(0).to_pylist()):
                yield from _batches(inventory_objects(found, file))

    many = 8 * session.sparkContext.defaultParallelism
    files = lists.repartition(max(1, len(found.files)))
    return files.mapInArrow(objects, from_arrow_schema(_FILES)).repartition(tasks or many)


def changed(files: DataFrame, before: DataFrame) -> DataFrame:
    """Return the files that the rows of an earlier scan are not about as they are now.

    ``files`` have the columns of `listed`, ``before`` those of `scan` of such a table. A file of
    which the size is not known, or that could not be read, is read again.
    """
    unread = "exists(issues, issue -> issue.code = 'document/unreadable')"
    known = before.where(f"NOT {unread}").select(col("source").alias(PATH), *STAMPS).distinct()
    same = [files[name].eqNullSafe(known[name]) for name in (PATH, *STAMPS)]
    return files.join(known, [files["size"].isNotNull(), *same], "left_anti")


def _python(session: SparkSession) -> None:
    """Run the executors of a local session with this Python, where nobody has chosen one."""
    context = session.sparkContext
    chosen = "PYSPARK_PYTHON" in os.environ or context.getConf().get("spark.pyspark.python")
    if not chosen and str(context.master).startswith("local"):
        context.pythonExec = sys.executable


def _store(path: str) -> str:
    """Return what an issue calls a store: its URI without the key."""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _walk(stamped: bool) -> Callable[[Batches], Batches]:
    def walk(batches: Batches) -> Batches:
        for batch in batches:
            for path in map(unspelled, batch.column(0).to_pylist()):
                yield from _batches(_listed(path, stamped))

    return walk


def _listed(path: str, stamped: bool) -> Iterator[Stored]:
    try:
        yield from stores.listed(path, stamped=stamped)
    except OSError:  # reading it tells why
        yield Stored(path)


def _batches(found: Iterable[Stored]) -> Batches:
    each = iter(found)
    while some := list(islice(each, _BATCH)):
        rows = [{**one._asdict(), PATH: spelled(one.path)} for one in some]
        yield pa.RecordBatch.from_pylist(rows, _FILES)


def landed(
    session: SparkSession,
    folder: str,
    *,
    most: int = 0,
    done: str = "",
    compact: int = 10,
) -> DataFrame:
    """Return the stream of paths of files that appear below a folder (or URI), however old.

    Each name is read once: a file that takes the place of another is not read again, and names that
    begin with ``_`` or a dot are passed over. ``most`` is how many files a batch takes (default:
    all), ``done`` a folder into which what has been read is moved, ``compact`` after how many
    batches the checkpoint's lists of files are made one. Raise `ValueError` where Java cannot read
    names of files that are not ASCII: it would pass over them.
    """
    system = session.sparkContext._jvm.java.lang.System
    encoding = str(system.getProperty("sun.jnu.encoding"))
    if encoding.upper() not in ("UTF-8", "UTF8"):
        raise ValueError(f"Java reads names of files as {encoding}: start it with LC_ALL=C.UTF-8")
    session.conf.set("spark.sql.streaming.fileSource.log.compactInterval", compact)
    schema = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"
    stream = session.readStream.format("binaryFile").schema(schema)
    stream = stream.option("recursiveFileLookup", True).option("maxFileAge", _FOR_EVER)
    if most:
        stream = stream.option("maxFilesPerTrigger", most)
    if done:
        stream = stream.option("cleanSource", "archive").option("sourceArchiveDir", done)
    path = replace(PATH, lit("\\udc"), lit("\\udc5cudc"))  # as `spelled` does
    return stream.load(folder).select(path.alias(PATH))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job: ``spark-submit .../engines/spark.py PATH ... -o OUT``."""
    parser = argparse.ArgumentParser("sopstatus.engines.spark", description=main.__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="Folders, files or URIs to read")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="Folder or URI to write"
    )
    parser.add_argument("--holder", default="", metavar="AE", help="AE Title of who holds them")
    parser.add_argument(
        "--tasks",
        type=int,
        default=0,
        metavar="N",
        help="Split the list of files into N parts (default: chosen from their number)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        metavar="N",
        help=f"Reads in flight per task, from stores and network mounts (default: {THREADS})",
    )
    parser.add_argument(
        "--inventory", action="store_true", help="PATH is the manifest of a store's inventory"
    )
    parser.add_argument(
        "--stamps", action="store_true", help="Record sizes and times of local files, for --since"
    )
    parser.add_argument(
        "--since",
        metavar="ROWS",
        help="Read only files that are new or changed since the rows in this folder",
    )
    parser.add_argument("--mappings", action="append", default=[], metavar="DIR")
    stream = parser.add_argument_group("a landing folder")
    stream.add_argument("--landing", metavar="CHECKPOINT", help="PATH is a landing folder: go on")
    stream.add_argument("--once", action="store_true", help="Read what is there, and stop")
    stream.add_argument("--most", type=int, default=0, metavar="N", help="Files per batch")
    stream.add_argument(
        "--done", default="", metavar="DIR", help="Move files that were read into DIR"
    )
    stream.add_argument(
        "--compact", type=int, default=10, metavar="N", help="Batches per compaction (default: 10)"
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("LC_ALL", "C.UTF-8")  # for Java, which spark-submit has started already
    try:
        _run(SparkSession.builder.appName("sopstatus scan").getOrCreate(), options)
    except (DocumentError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(3) from None


def _run(session: SparkSession, options: argparse.Namespace) -> None:
    tables = load_tables(*options.mappings)
    given: dict[str, Any] = {
        "tables": tables,
        "holder": options.holder,
        "threads": options.threads,
    }
    if options.landing:
        (folder,) = options.paths
        files = landed(
            session, folder, most=options.most, done=options.done, compact=options.compact
        )
        writer = scan(files, **given).writeStream.format("parquet")
        trigger: dict[str, Any] = (
            {"availableNow": True} if options.once else {"processingTime": "1 minute"}
        )
        writer = writer.option("checkpointLocation", options.landing).trigger(**trigger)
        writer.start(options.output).awaitTermination()
        return
    if options.inventory:
        (file,) = options.paths
        files = inventory(session, file, tasks=options.tasks)
    else:
        stamped = options.stamps or options.since is not None
        files = listed(session, options.paths, tasks=options.tasks, stamped=stamped)
    if options.since:
        files = changed(files, session.read.parquet(options.since))
    scan(files, **given).write.option("compression", "zstd").parquet(options.output)


if __name__ == "__main__":
    # under its own name, so that executors import the module and are not sent it piece by piece
    from sopstatus.engines.spark import main as submitted

    submitted()
