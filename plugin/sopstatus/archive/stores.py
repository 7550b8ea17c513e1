"""Files of object stores and of other file systems that have URIs: opened, listed, and counted on.

S3 (``s3:``, ``s3a:``) is asked by boto3: one ranged GET for the first bytes of an object, without a
HEAD, and only `OSError` where it gives none. What else pyarrow knows (``gs:``, ``abfss:``,
``hdfs:``) is opened by it. Keys are taken as they are: an empty segment, ``%`` or ``..`` in one is a
name like any other.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.fs

from sopstatus.documents.files import files, inside, opened_regular

T = TypeVar("T")
R = TypeVar("R")

_URI = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]*)(?:/(.*))?", re.DOTALL)
_LOCAL = re.compile(r"file:(?://(?:localhost)?)?(/.*)", re.DOTALL)
_S3 = ("s3", "s3a", "s3n")  # one store; the others are Hadoop's names
_PATIENCE = {"gs": "?retry_limit_seconds=60"}  # pyarrow's own is a quarter of an hour
_NETWORKS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "beegfs", "afs", "9p", "fuse")
)
MOUNTS = Path("/proc/self/mountinfo")
CONNECTIONS = 64  # of a process, to all stores


class Stored(NamedTuple):
    """A file and what is known of it without opening it; ``None`` = not known."""

    path: str
    size: int | None = None
    modified: int | None = None  # microseconds since 1970, UTC
    etag: str | None = None


def local(path: str) -> str:
    """Return the path of a local file, also of a ``file:`` URI; empty for what is elsewhere."""
    if found := _LOCAL.fullmatch(path):
        return found[1]
    return "" if _URI.match(path) else path


def opened(path: str) -> Any:
    """Open a file for reading, a path or a URI; raise `OSError` where that cannot be done."""
    name = local(path)
    if name or not path:
        return opened_regular(name)
    scheme, bucket, key = _parts(path)
    if scheme in _S3:
        return S3Object(bucket, key)
    system, root = _system(scheme, bucket)
    return _Guarded(_told(lambda: system.open_input_file(f"{root}{key}")))


def below(path: str) -> tuple[list[str], list[Stored]]:
    """Return folders that are to be listed each by itself, and files that need not be.

    Raise `OSError` where a store cannot be asked; a local folder that cannot is one to be listed.
    """
    if name := local(path):
        head = path.removesuffix(name)
        return [f"{head}{one}" for one in _inside(name)], []
    scheme, bucket, key = _parts(path)
    if scheme not in _S3:
        reachable(path)
        return [path], []
    prefix = key if not key or key.endswith("/") else f"{key}/"
    found: list[str] = []
    objects: list[Stored] = []
    for page in _pages(bucket, prefix, Delimiter="/"):
        found += [f"{scheme}://{bucket}/{one['Prefix']}" for one in page.get("CommonPrefixes", ())]
        objects += _objects(scheme, bucket, page)
    return found, objects or ([] if found else [Stored(path)])  # or it is an object itself


def listed(path: str, *, stamped: bool = False) -> Iterator[Stored]:
    """Yield the files below a folder or prefix of `below`; raise `OSError`.

    Of local files sizes and times are looked up if they are to be ``stamped``; what cannot be
    listed is yielded itself, so that whoever reads it tells why.
    """
    if name := local(path):
        head = path.removesuffix(name)
        for found in files([name]):
            yield _of_stat(head, found) if stamped else Stored(head + found)
        return
    scheme, bucket, key = _parts(path)
    if scheme in _S3:
        for page in _pages(bucket, key):
            yield from _objects(scheme, bucket, page)
        return
    system, root = _system(scheme, bucket)
    where = f"{root}{key}".rstrip("/")
    info = _told(lambda: system.get_file_info(where))
    inside = [info]
    if info.type == pa.fs.FileType.Directory:
        selector = pa.fs.FileSelector(where, recursive=True)
        inside = _told(lambda: system.get_file_info(selector))
    for one in inside:
        if one.type != pa.fs.FileType.Directory:
            modified = one.mtime_ns // 1000 if one.mtime_ns is not None else None
            inner = one.path.removeprefix(root)
            yield Stored(f"{scheme}://{bucket}/{inner}", one.size, modified)


def is_far(path: str) -> bool:
    """Tell whether a read waits for a network: a URI, or a file on a mount of one."""
    name = local(path)
    return not name or os.path.abspath(name).startswith(_mounts())  # noqa: PTH100


def in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[T], R],
    items: Iterable[T],
    ahead: int,
    is_slow: Callable[[T], bool],
) -> Iterator[R]:
    """Yield what becomes of each item, in order; what is slow is worked on beside, some ahead."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        if is_slow(item):
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
            continue
        while waiting:
            yield waiting.popleft().result()
        yield work(item)
    while waiting:
        yield waiting.popleft().result()


@lru_cache(maxsize=1)
def _mounts() -> tuple[str, ...]:
    """Return where network file systems are mounted (proc(5): /proc/self/mountinfo)."""
    try:
        lines = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ()
    found = []
    for line in lines:
        place, kind = line.split(" ")[4], line.partition(" - ")[2].split(" ")[0]
        if kind.partition(".")[0] in _NETWORKS:
            plain = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), place)
            found.append(f"{plain.rstrip('/')}/")
    return tuple(found)


def _inside(path: str) -> list[str]:
    try:
        return [name for name, _ in inside(path)]
    except (OSError, ValueError):  # a file, or what cannot be listed: the walk tells which
        return [path]


def _of_stat(head: str, name: str) -> Stored:
    try:
        found = os.stat(name)  # noqa: PTH116
    except OSError:
        return Stored(head + name)
    return Stored(head + name, found.st_size, found.st_mtime_ns // 1000)


def reachable(path: str) -> None:
    """Ask once for what a path names; raise `OSError` where a store does not answer."""
    if local(path):
        return
    scheme, bucket, key = _parts(path)
    if scheme in _S3:
        _told(lambda: _s3().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1))
    else:
        system, root = _system(scheme, bucket)
        _told(lambda: system.get_file_info(f"{root}{key}".rstrip("/")))


def _parts(path: str) -> tuple[str, str, str]:
    found = _URI.fullmatch(path)
    if found is None:
        raise OSError("no URI")
    return found[1], found[2], found[3] or ""


def _told(call: Callable[[], T]) -> T:
    """Return what a call returns; whatever a library raises becomes `OSError` with its kind."""
    try:
        return call()
    except OSError:
        raise
    except Exception as error:  # of pyarrow, botocore, urllib3: there is no common one
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        kind = code if re.fullmatch(r"[A-Za-z0-9]{1,40}", code) else type(error).__name__
        raise OSError(0, kind) from None


@lru_cache(maxsize=64)
def _system(scheme: str, authority: str) -> tuple[Any, str]:
    uri = f"{scheme}://{authority}/{_PATIENCE.get(scheme, '')}"
    system, root = _told(lambda: pa.fs.FileSystem.from_uri(uri))
    return system, f"{root.rstrip('/')}/"


class _Guarded:
    """A file of pyarrow that raises `OSError` only."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _Guarded:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data: bytes = _told(lambda: self._file.read(size if size >= 0 else None))
        return data

    def seek(self, offset: int, whence: int = 0) -> None:
        """Go to another place."""
        _told(lambda: self._file.seek(offset, whence))


@lru_cache(maxsize=1)
def _s3() -> Any:
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": 5}
    config = Config(max_pool_connections=CONNECTIONS, retries=retries)
    return _told(lambda: boto3.session.Session().client("s3", config=config))


class S3Object:
    """An object as a file: a ranged GET for each read, of one version of it."""

    def __init__(self, bucket: str, key: str) -> None:
        self._of, self._at = {"Bucket": bucket, "Key": key}, 0
        self._size: int | None = None

    def __enter__(self) -> S3Object:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end, which is known from the first answer."""
        if size <= 0 or (self._size is not None and self._at >= self._size):
            return b""
        data = _told(lambda: self._range(size))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> None:
        """Go to another place: no request."""
        self._at = offset + (self._at if whence == 1 else 0)

    def _range(self, size: int) -> bytes:
        from botocore.exceptions import ClientError

        try:
            answer = _s3().get_object(**self._of, Range=f"bytes={self._at}-{self._at + size - 1}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidRange":
                raise
            return b""  # an object without bytes, RFC 9110 14.4
        data: bytes = answer["Body"].read()
        whole = answer.get("ContentRange", "").rpartition("/")[2]
        self._size = int(whole) if whole.isdecimal() else self._at + len(data)
        self._of["IfMatch"] = answer["ETag"]  # another object under this key is not read on
        return data


def _pages(bucket: str, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
    client = _s3()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more)
    each = iter(pages)
    while (page := _told(lambda: next(each, None))) is not None:
        yield page


def _objects(scheme: str, bucket: str, page: dict[str, Any]) -> Iterator[Stored]:
    for one in page.get("Contents", ()):
        if one["Key"].endswith("/") and not one["Size"]:
            continue  # how consoles make a folder
        modified = int(one["LastModified"].timestamp() * 1_000_000)
        path = f"{scheme}://{bucket}/{one['Key']}"
        yield Stored(path, one["Size"], modified, one["ETag"].strip('"'))
