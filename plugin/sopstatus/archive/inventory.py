"""Inventories of object stores: what their manifests and lists say, one `Stored` per current object.

A store writes them once a day or a week, so that nobody lists a billion keys. Read are those of S3
(S3 Inventory: CSV, Parquet, ORC), Azure (blob inventory: CSV, Parquet) and Google (Storage Insights
inventory reports: CSV, Parquet). Older versions, delete markers, snapshots and folders are no objects
to be read.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pyarrow.orc
import pyarrow.parquet as pq

from sopstatus.archive import stores
from sopstatus.archive.stores import Stored
from sopstatus.catalogue import document_error, reason_of

_GZIP = b"\x1f\x8b"
_NO, _YES = ("false", "0"), ("true", "1")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a manifest says: its lists, and the columns of those that have no line of names.

    ``host`` is that of an Azure account.
    """

    kind: str  # s3, azure or google
    files: tuple[str, ...]
    columns: tuple[str, ...] = ()
    host: str = ""


def manifest(path: str) -> Inventory:
    """Read a manifest, a path or URI; its lists are where it says, or beside a copy on a disk.

    Raise `DocumentError` where it is none, or cannot be read.
    """
    try:
        with stores.opened(path) as file:
            said = json.loads(b"".join(iter(lambda: file.read(1 << 20), b"")))
        found = _manifest(said, path)
    except OSError as error:
        raise document_error("document/unreadable", "manifest", reason=reason_of(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise document_error("archive/not-inventory", "manifest") from None
    return found


def _manifest(said: dict[str, Any], path: str) -> Inventory:
    folder = path.rpartition("/")[0]

    def beside(uri: str) -> str:
        return f"{folder}/{uri.rpartition('/')[2]}" if stores.local(path) else uri

    if "fileSchema" in said:
        bucket = said["destinationBucket"].rpartition(":")[2]
        files = (beside(f"s3://{bucket}/{one['key']}") for one in said["files"])
        names = said["fileSchema"].split(",") if said["fileFormat"] == "CSV" else ()
        return Inventory("s3", tuple(files), tuple(map(_plain, names)))
    if "destinationContainer" in said:
        host = str(urlsplit(said["endpoint"]).hostname).replace(".blob.", ".dfs.")
        root = f"abfss://{said['destinationContainer']}@{host}"
        return Inventory(
            "azure", tuple(beside(f"{root}/{one['blob']}") for one in said["files"]), (), host
        )
    names = said["report_shards_file_names"]
    return Inventory("google", tuple(f"{folder}/{name}" for name in names))


def objects(inventory: Inventory, file: str) -> Iterator[Stored]:
    """Yield the current objects of one of its lists; raise `DocumentError` where it is damaged."""
    try:
        with stores.opened(file) as opened:
            for row in _rows(inventory, file, opened):
                if found := _object(inventory, row):
                    yield found
    except OSError as error:
        raise document_error("document/unreadable", "list", reason=reason_of(error)) from None
    except (ValueError, KeyError, EOFError, csv.Error, pyarrow.ArrowException):
        raise document_error("archive/not-inventory", "list") from None


def _rows(inventory: Inventory, file: str, opened: Any) -> Iterator[dict[str, Any]]:
    if file.endswith((".parquet", ".orc")):
        data = pyarrow.BufferReader(b"".join(iter(lambda: opened.read(1 << 24), b"")))
        read = pq.ParquetFile if file.endswith(".parquet") else pyarrow.orc.ORCFile
        whole = read(data)
        batches = whole.iter_batches() if file.endswith(".parquet") else whole.read().to_batches()
        for batch in batches:
            names = [_plain(name) for name in batch.schema.names]
            columns = (column.to_pylist() for column in batch.columns)
            yield from (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        return
    with closing(_text(opened)) as text:
        each = csv.reader(text)
        names = list(inventory.columns) or [_plain(name) for name in next(each, ())]
        yield from (dict(zip(names, row, strict=True)) for row in each if row)


class _Raw(io.RawIOBase):
    """A file of `stores` as the standard library wants one."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _text(opened: Any) -> io.TextIOWrapper:
    data = io.BufferedReader(_Raw(opened), 1 << 20)
    packed = data.peek(2)[:2] == _GZIP
    plain = gzip.GzipFile(fileobj=data) if packed else data
    return io.TextIOWrapper(plain, "utf-8-sig", "surrogateescape", newline="")


def _object(inventory: Inventory, row: dict[str, Any]) -> Stored | None:
    """Return what a row is about; ``None`` = nothing that can be read now."""
    if any(_said(row, name) in _NO for name in ("islatest", "iscurrentversion")):
        return None
    if any(_said(row, name) in _YES for name in ("isdeletemarker", "deleted", "hdiisfolder")):
        return None
    if _said(row, "snapshot") or _said(row, "timedeleted"):
        return None
    if inventory.kind == "s3":
        key = (
            unquote_plus(row["key"], "utf-8", "surrogateescape")
            if inventory.columns
            else row["key"]
        )
        path = f"s3://{row['bucket']}/{key}"
    elif inventory.kind == "azure":
        container, _, key = row["name"].partition("/")
        path = f"abfss://{container}@{inventory.host}/{key}"
    else:
        key, path = row["name"], f"gs://{row['bucket']}/{row['name']}"
    size = _said(row, "size", "contentlength")
    if key.endswith("/") and size in ("", "0"):
        return None  # how consoles make a folder
    etag = _said(row, "etag", lower=False).strip('"')
    when = row.get("lastmodifieddate") or row.get("lastmodified") or row.get("updated")
    return Stored(path, int(size) if size else None, _microseconds(when), etag or None)


def _said(row: dict[str, Any], *names: str, lower: bool = True) -> str:
    found = next((row[name] for name in names if row.get(name) is not None), "")
    return str(found).lower() if lower else str(found)


def _plain(name: str) -> str:
    """Return a column's name as one of all spellings: Last-Modified, last_modified, LastModified."""
    return re.sub("[^a-z]", "", name.lower())


def _microseconds(when: Any) -> int | None:
    if not when:
        return None
    time = when if isinstance(when, datetime) else datetime.fromisoformat(str(when))
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int(time.timestamp()) * 1_000_000 + time.microsecond
