"""Inventories as the stores describe them, each with what is no object to be read.

S3: "Amazon S3 Inventory list" (fields; keys in CSV are URL-encoded) and "Inventory manifest".
Azure: "Azure Storage blob inventory" (schema fields, manifest). Google: "Storage Insights inventory
reports" (metadata fields, manifest).
"""

import gzip
import json
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from sopstatus import DocumentError
from sopstatus.archive import inventory
from sopstatus.archive.stores import Stored

KEYS = ("a b+c.dcm", "umlaut-ä/患", 'quote",comma', "%2F", "line\nend")
WHEN = datetime(2026, 3, 1, 12, 30, 45, 250_000, tzinfo=UTC)
STAMP = 1_772_368_245_250_000
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"


def written(folder, name, data, said):
    (folder / name).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(said))
    return str(folder / "manifest.json")


def read(path):
    found = inventory.manifest(path)
    return [one for file in found.files for one in inventory.objects(found, file)]


def s3_manifest(form, schema, name):
    return {
        "sourceBucket": "images", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30",
        "fileFormat": form, "fileSchema": schema,
        "files": [{"key": f"x/images/all/data/{name}", "size": 1, "MD5checksum": "0"}],
    }  # fmt: skip


def test_s3_csv(tmp_path):
    rows = [("images", quote_plus(key), "v1", "true", "false", "7", WHEN.isoformat(), "abc") for key in KEYS]  # fmt: skip
    rows += [
        ("images", "old", "v0", "false", "false", "7", "2026-01-01T00:00:00.000Z", "e"),
        ("images", "deleted", "v2", "true", "true", "", "2026-01-01T00:00:00.000Z", ""),
        ("images", "folder/", "v2", "true", "false", "0", "2026-01-01T00:00:00.000Z", "e"),
    ]
    text = "".join(",".join(f'"{value}"' for value in row) + "\n" for row in rows)
    said = s3_manifest("CSV", SCHEMA, "1.csv.gz")
    path = written(tmp_path, "1.csv.gz", gzip.compress(text.encode()), said)
    assert read(path) == [Stored(f"s3://images/{key}", 7, STAMP, "abc") for key in KEYS]


@pytest.mark.parametrize("form", ["Parquet", "ORC"])
def test_s3_parquet_and_orc(tmp_path, form):
    table = pa.table(
        {
            "bucket": ["images"] * 7,
            "key": [*KEYS, "old", "gone"],
            "version_id": ["v"] * 7,
            "is_latest": [True] * 5 + [False, True],
            "is_delete_marker": [False] * 6 + [True],
            "size": pa.array([7] * 6 + [None], pa.int64()),
            "last_modified_date": pa.array([WHEN] * 7, pa.timestamp("ms", "UTC")),
            "e_tag": ["abc"] * 7,
        }
    )
    name = f"1.{form.lower()}"
    write = pq.write_table if form == "Parquet" else pyarrow.orc.write_table
    write(table, str(tmp_path / name))
    said = s3_manifest(form, "message s3.inventory { ... }", name)
    path = written(tmp_path, name, (tmp_path / name).read_bytes(), said)
    assert read(path) == [Stored(f"s3://images/{key}", 7, STAMP, "abc") for key in KEYS]


def test_azure_csv(tmp_path):
    text = (
        "Name,Last-Modified,Etag,Content-Length,Snapshot,VersionId,IsCurrentVersion,Deleted,hdi_isfolder\n"
        "images/a b/c.dcm,2026-03-01T12:30:45.2500000Z,0x8D,7,,v2,true,,\n"
        '"images/x,y",2026-03-01T12:30:45.2500000Z,0x8D,7,,,,,\n'
        "images/old,2026-03-01T12:30:45.2500000Z,0x8D,7,,v1,false,,\n"
        "images/snap,2026-03-01T12:30:45.2500000Z,0x8D,7,2026-01-01T00:00:00.0000000Z,,,,\n"
        "images/gone,2026-03-01T12:30:45.2500000Z,0x8D,7,,,,true,\n"
        "images/a b,2026-03-01T12:30:45.2500000Z,0x8D,0,,,,,true\n"
    )
    said = {
        "destinationContainer": "lists", "endpoint": "https://account.blob.core.windows.net",
        "files": [{"blob": "2026/03/02/00-00-00/all/1.csv", "size": 1}],
        "ruleDefinition": {"format": "csv"}, "status": "Succeeded", "version": "1.0",
    }  # fmt: skip
    path = written(tmp_path, "1.csv", text.encode(), said)
    head = "abfss://images@account.dfs.core.windows.net"
    assert read(path) == [Stored(f"{head}/{key}", 7, STAMP, "0x8D") for key in ("a b/c.dcm", "x,y")]


def test_google_csv(tmp_path):
    text = (
        "bucket,name,size,timeDeleted,updated,etag\n"
        'images,"a ""b""%2F",7,,2026-03-01T12:30:45.250Z,CJ8=\n'
        "images,old,7,2026-03-02T00:00:00Z,2026-03-01T12:30:45.250Z,CJ8=\n"
    )
    said = {"report_config": {}, "shard_count": 1, "report_shards_file_names": ["shard_0.csv"]}
    path = written(tmp_path, "shard_0.csv", text.encode(), said)
    assert read(path) == [Stored('gs://images/a "b"%2F', 7, STAMP, "CJ8=")]


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"files": 1}', '{"fileSchema": 1, "files": []}'])
def test_what_is_no_manifest(tmp_path, said):
    (tmp_path / "manifest.json").write_text(said)
    with pytest.raises(DocumentError, match="archive/not-inventory"):
        read(str(tmp_path / "manifest.json"))


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f\x8bno gzip",
        b"images,one-column",
        b'"torn',
        gzip.compress(b"a,b\n" * 99, mtime=0)[:-9],
    ],
)
def test_a_list_that_is_damaged_is_no_short_list(tmp_path, data):
    path = written(tmp_path, "1.csv.gz", data, s3_manifest("CSV", SCHEMA, "1.csv.gz"))
    with pytest.raises(DocumentError, match=r"archive/not-inventory|document/unreadable"):
        read(path)


def test_a_list_that_is_gone_is_told(tmp_path):
    path = written(tmp_path, "other", b"", s3_manifest("CSV", SCHEMA, "1.csv.gz"))
    with pytest.raises(DocumentError, match="document/unreadable"):
        read(path)
