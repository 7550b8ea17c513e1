"""Spark in local mode gives the rows that one machine gives."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archive import names
from archive.made import made
from archive.s3 import endpoint
from pydicom.data import get_testdata_file
from samples_of import ROOT
from sopstatus.cli import main

from tools import need

PYTHON = ROOT / "build" / "spark" / "bin" / "python"
COUNT = 2000


STAMPS = ("size", "modified", "etag")


def rows(folder):
    """Return the rows of a scan, without the columns that only Spark's have."""
    tables = (pq.read_table(part) for part in Path(folder).glob("part-*"))
    found = [row for one in tables for row in one.to_pylist()]
    return Counter(repr({k: v for k, v in row.items() if k not in STAMPS}) for row in found)


def sources(folder):
    tables = (pq.read_table(part) for part in Path(folder).glob("part-*"))
    return Counter(name for one in tables for name in one.column("source").to_pylist())


@pytest.fixture(scope="module")
def s3():
    """32 objects, none of which is answered before eight are asked for at once."""
    with endpoint() as running:
        running.client.create_bucket(Bucket="bucket")
        yield running


@pytest.fixture(scope="module")
def done(tmp_path_factory, s3):
    need(str(PYTHON), remedy="make spark")
    need("java", "openjdk-17-jre-headless")
    place = tmp_path_factory.mktemp("spark")
    archive = place / "archive"
    made(archive, COUNT)
    for case in ("original", "authorized-original"):
        shutil.copytree(ROOT / "samples" / case, archive / case)
    (archive / "text").write_text("no")
    odd, landing = place / "names", place / "landing"
    odd.mkdir()
    names.made(odd)
    shutil.copytree(archive / "000002", landing)
    shutil.copy(archive / "original" / "image.dcm", landing / "replaced")
    for file in sorted((archive / "000003").iterdir())[:32]:
        key = f"archive/{file.name}"
        s3.client.put_object(Bucket="bucket", Key=key, Body=file.read_bytes())
    (place / "real").mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(get_testdata_file(name, download=False), place / "real")
    listed = [
        f"bucket,archive%2F{f.name},true,false" for f in sorted((archive / "000003").iterdir())[:8]
    ]
    listed += ["bucket,archive%2Fold,false,false", "bucket,archive%2Fgone,true,true"]
    said = {
        "destinationBucket": "arn:aws:s3:::bucket", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, IsLatest, IsDeleteMarker",
        "files": [{"key": "inventory/1.csv.gz"}],
    }  # fmt: skip
    for name, data in (
        ("manifest.json", json.dumps(said).encode()),
        ("1.csv.gz", gzip.compress("\n".join(listed).encode())),
    ):
        s3.client.put_object(Bucket="bucket", Key=f"inventory/{name}", Body=data)
    s3.forget()
    s3.together = threading.Barrier(8)
    s3.only = "/bucket/archive/"
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["LC_ALL"] = "C.UTF-8"
    environment.pop("PYSPARK_PYTHON", None)  # the job finds its own
    job = [str(PYTHON), str(ROOT / "tests" / "spark" / "job.py")]
    job += map(str, (archive, odd, landing, place))
    ran = subprocess.run(job, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return place


def scanned(done, name, *arguments):
    out = done / f"one-{name}"
    main(["scan", *map(str, arguments), "-o", str(out)])
    return rows(out)


def test_the_batch_is_equal_row_for_row(done):
    found = rows(done / "batch")
    assert found == scanned(done, "machine", done / "archive", "--holder", "PACS")
    assert sum(found.values()) > COUNT
    schemas = [pq.read_schema(next((done / n).glob("part-*"))) for n in ("batch", "one-machine")]
    assert schemas[0].names == [*schemas[1].names, *STAMPS]
    count = len(schemas[1])
    types = [[str(f.type).replace(" not null", "") for f in one][:count] for one in schemas]
    assert types[0] == types[1]


def test_rows_of_every_kind_have_their_columns(done):
    folder = ROOT / "tests" / "testkit" / "forty"
    found = rows(done / "kinds")
    assert found == scanned(done, "kinds", done / "real", "--mappings", folder)
    assert "'PixelSpacing': '0.3125\\\\0.3125'" in "".join(found)


def test_uris_of_a_file_system(done):
    found = rows(done / "uris")  # file:///
    expected = scanned(done, "uris", done / "archive" / "000001", "--holder", "PACS")
    assert Counter(row.replace("file://", "") for row in found.elements()) == expected


def test_what_cannot_be_opened_is_a_row(done):
    found = rows(done / "bad")
    assert sum(found.values()) == 17
    assert all("'document/unreadable'" in row for row in found)


def test_every_odd_name_is_a_row_and_equal(done):
    """That of a scan which was killed and resumed."""
    asked = ["scan", str(done / "names"), "-o", str(done / "one-odd"), "--part-rows", "9"]
    code = (
        "import os, sys; from sopstatus.archive.folder import Folder; from sopstatus.cli import main\n"
        "commit = Folder.commit\n"
        "def second(self, *given):\n"
        "    commit(self, *given)\n"
        "    if self._next == 2: os.kill(os.getpid(), 9)\n"
        "Folder.commit = second; main(sys.argv[1:])"
    )
    killed = subprocess.run([sys.executable, "-c", code, *asked], check=False)
    assert killed.returncode == -9
    assert len(list((done / "one-odd").glob("part-*"))) == 2
    main([*asked, "--resume"])
    assert rows(done / "odd") == rows(done / "one-odd")
    assert sum(rows(done / "odd").values()) > 3 * len(names.ODD)


def test_objects_of_a_store_eight_at_a_time_and_one_request_each(done, s3):
    expected = scanned(done, "s3", *sorted((done / "archive" / "000003").iterdir())[:32])
    here = str(done / "archive" / "000003")
    found = rows(done / "s3")
    assert Counter(r.replace("s3a://bucket/archive", here) for r in found.elements()) == expected
    asked = [path for method, path, _ in s3.asked if path.startswith("/bucket/archive/")]
    listed = [f"s3://bucket/archive/{path.rpartition('/')[2]}" for path in asked]
    assert set(Counter(listed).values()) == {1, 2}, "those of the inventory came once more"
    assert Counter(listed) == Counter(
        r.replace("s3a:", "s3:")
        for r in (sources(done / "s3") + sources(done / "inventory")).elements()
    )
    assert "HEAD" not in s3.counts()


def test_an_inventory_is_the_listing_less_what_is_gone(done):
    names = sorted(file.name for file in (done / "archive" / "000003").iterdir())[:8]
    assert sources(done / "inventory") == Counter(f"s3://bucket/archive/{name}" for name in names)


def test_only_what_is_new_or_changed_is_read_again(done):
    study = done / "study"
    assert sources(done / "changed") == Counter(str(study / n) for n in ("new", "00000161.dcm"))


def test_a_store_that_does_not_answer_is_told_before_the_job(done):
    told = (done / "refused").read_text().splitlines()
    assert ["source/unavailable" in line for line in told] == [True] * 3
    assert "s3://no-such-bucket" in told[0] and "NoSuchBucket" in told[0]


def test_a_landing_folder_is_not_read_where_java_would_miss_names(done):
    assert "LC_ALL=C.UTF-8" in (done / "encoding").read_text()


def test_a_landing_folder_is_read_once_whatever_the_age_of_its_files(done):
    found = Counter(
        Path(row["source"]).name
        for part in (done / "stream").glob("part-*")
        for row in pq.read_table(part).to_pylist()
    )
    first = {file.name for file in (done / "archive" / "000002").iterdir()}
    assert found == Counter([*first, "replaced", "moved-in", "umlaut-ä", "last", "later"])
    left = {file.name for file in (done / "landing").iterdir()}
    assert {"_underscore", ".dot", "\udcff", "replaced", "later"} <= left
    assert "last" not in left
    moved = {file.name for file in (done / "done").rglob("*") if file.is_file()}
    assert "last" in moved
    assert not moved & left
