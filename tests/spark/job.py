"""Runs in the environment of ``make spark``: batch, stream, and paths that are none.

python job.py ARCHIVE OUT: one session for all, since starting one takes longer than the work.
"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from sopstatus.engines import spark

archive, out = sys.argv[1:]
session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
session.conf.set("spark.sql.shuffle.partitions", 4)

paths = spark.listed(session, [archive], tasks=4)
spark.scan(paths, holder="PACS").write.parquet(f"{out}/batch")

uris = spark.listed(session, [Path(archive).as_uri() + "/000001"], tasks=2)
spark.scan(uris, holder="PACS").write.parquet(f"{out}/uris")

bad = session.createDataFrame(
    [(f"{archive}/gone",), ("nosuch://a/b",), ("s3x:",), ("file:/gone",)], "path STRING"
)
spark.scan(bad).write.parquet(f"{out}/bad")

for _ in range(2):  # the second finds nothing new
    rows = spark.scan(spark.landed(session, f"{archive}/000002"))
    writer = rows.writeStream.format("parquet").option("checkpointLocation", f"{out}/checkpoint")
    writer.trigger(availableNow=True).start(f"{out}/stream").awaitTermination()
session.stop()
