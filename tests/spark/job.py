"""Runs in the environment of ``make spark``: batch, stores, streams, and paths that are none.

python job.py ARCHIVE ODD LANDING OUT: one session for all, since starting one takes longer than the work.
"""

import os
import shutil
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from sopstatus.engines import spark
from sopstatus.model import DocumentError
from sopstatus.table import load_tables

archive, odd, landing, out = sys.argv[1:]
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
session.conf.set("spark.sql.shuffle.partitions", 4)

paths = spark.listed(session, [archive], tasks=4)
spark.scan(paths, holder="PACS").write.parquet(f"{out}/batch")

uris = spark.listed(session, [Path(archive).as_uri() + "/000001"], tasks=2)
spark.scan(uris, holder="PACS").write.parquet(f"{out}/uris")

spark.scan(spark.listed(session, [odd], tasks=2)).write.parquet(f"{out}/odd")

every_kind = load_tables(Path(__file__).parents[1] / "testkit" / "forty")
real = spark.listed(session, [f"{out}/real"], tasks=1)
spark.scan(real, tables=every_kind).write.parquet(f"{out}/kinds")

objects = spark.listed(session, ["s3a://bucket/archive"], tasks=1)
spark.scan(objects, threads=8).write.parquet(f"{out}/s3")

found = spark.inventory(session, "s3://bucket/inventory/manifest.json", tasks=1)
spark.scan(found, threads=8).write.parquet(f"{out}/inventory")

study = Path(out, "study")
shutil.copytree(Path(archive, "000004"), study)
spark.scan(spark.listed(session, [str(study)], stamped=True)).write.parquet(f"{out}/stamped")
shutil.copy(study / "00000160.dcm", study / "new")
os.utime(study / "00000161.dcm", (1, 1))
(study / "00000162.dcm").unlink()
now = spark.listed(session, [str(study)], stamped=True)
left = spark.changed(now, session.read.parquet(f"{out}/stamped"))
spark.scan(left).write.parquet(f"{out}/changed")
before = session.read.parquet(f"{out}/s3")
assert spark.changed(spark.listed(session, ["s3a://bucket/archive"]), before).count() == 0

bad = [f"{archive}/gone", "nosuch://a/b", "s3x:", "file:/gone", None, "", "a\0b", f"{odd}/fifo",
       "s3://bucket/gone", "s3://bucket", "s3://", "gs:", "abfss://x", "hdfs://none:1/x",
       "\\udcff", "\\udc41", f"{odd}"]  # fmt: skip
spark.scan(session.createDataFrame([(one,) for one in bad], "path STRING")).write.parquet(
    f"{out}/bad"
)

with open(f"{out}/refused", "w") as told:
    for path in ("s3://no-such-bucket/x", "hdfs://none:1/x", "nosuch://a/x"):
        try:
            spark.listed(session, [path])
        except DocumentError as error:
            told.write(f"{error}\n")


system = session._jvm.java.lang.System
before = system.setProperty("sun.jnu.encoding", "ANSI_X3.4-1968")  # as with LC_ALL=C
try:
    spark.landed(session, landing)
except ValueError as error:
    Path(f"{out}/encoding").write_text(str(error))
system.setProperty("sun.jnu.encoding", before)


def landed(**options):
    rows = spark.scan(spark.landed(session, landing, **options))
    writer = rows.writeStream.format("parquet").option("checkpointLocation", f"{out}/checkpoint")
    query = writer.trigger(availableNow=True).start(f"{out}/stream")
    query.awaitTermination()
    return len(query.recentProgress)


def put(name, old):
    file = Path(landing, name)
    shutil.copy(Path(archive, "original", "image.dcm"), file)
    os.utime(file, (file.stat().st_mtime - old,) * 2)


landed()
put("moved-in", old=30 * 86400)
put("replaced", old=0)
put("_underscore", old=0)
put(".dot", old=0)
put("\udcff", old=0)
put("umlaut-ä", old=0)
landed(most=1, compact=2)
put("last", old=0)
landed(done=f"{out}/done")
put("later", old=0)
landed(done=f"{out}/done")
session.stop()
