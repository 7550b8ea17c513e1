"""Spark in local mode gives the rows that one machine gives."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archive.made import made
from samples_of import ROOT
from sopstatus.__main__ import main
from tools import need

PYTHON = ROOT / "build" / "spark" / "bin" / "python"
COUNT = 2000


def rows(folder):
    found = [row for part in Path(folder).glob("part-*") for row in pq.read_table(part).to_pylist()]
    return Counter(map(repr, found))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    need(str(PYTHON), remedy="make spark")
    need("java", "openjdk-17-jre-headless")
    place = tmp_path_factory.mktemp("spark")
    archive = place / "archive"
    made(archive, COUNT)
    for case in ("original", "authorized-original"):
        shutil.copytree(ROOT / "samples" / case, archive / case)
    (archive / "text").write_text("no")
    environment = {**os.environ, "PYSPARK_PYTHON": str(PYTHON), "SPARK_LOCAL_IP": "127.0.0.1"}
    job = [str(PYTHON), str(ROOT / "tests" / "spark" / "job.py"), str(archive), str(place)]
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
    assert schemas[0].names == schemas[1].names
    types = [[str(field.type).replace(" not null", "") for field in one] for one in schemas]
    assert types[0] == types[1]


def test_uris_of_a_file_system(done):
    found = rows(done / "uris")
    expected = scanned(done, "uris", done / "archive" / "000001", "--holder", "PACS")
    assert Counter(row.replace("file:", "") for row in found.elements()) == expected


def test_what_cannot_be_opened_is_a_row(done):
    found = rows(done / "bad")
    assert sum(found.values()) == 4
    assert all("'document/unreadable'" in row for row in found)


def test_a_landing_folder_is_read_once(done):
    found = rows(done / "stream")
    expected = scanned(done, "stream", done / "archive" / "000002")
    assert Counter(row.replace("file:", "") for row in found.elements()) == expected
