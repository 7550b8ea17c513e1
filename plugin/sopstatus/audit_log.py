"""Audit records as a file of JSON lines, chained by SHA-256 so that what is missing shows.

A line is an object ``{"record": {...}, "previous": "<hash>", "hash": "<hash>"}``; its hash is that
of ``previous``, a line feed and the record as canonical JSON (keys sorted, no blanks, UTF-8). The
first line's ``previous`` is `START`. A chain does not show that its *last* lines are missing: keep
the hash that `append` returns elsewhere, and give it to `verify`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from sopstatus.audit import AuditRecord, now
from sopstatus.catalogue import document_error, issue
from sopstatus.model import DocumentError, Issue

START = "0" * 64
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("record", "previous", "hash")


def canonical(record: AuditRecord) -> str:
    """Return a record as the one JSON text that its hash is made of."""
    said = asdict(record)
    if not said["mappings"]:  # the hash of a record from before there was this field stays
        del said["mappings"]
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chained(record: AuditRecord, previous: str) -> str:
    """Return the hash of a record after the line with the hash ``previous``."""
    return sha256(f"{previous}\n{canonical(record)}".encode()).hexdigest()


def append(file: str | Path, records: Iterable[AuditRecord]) -> str:
    """Append records to a file, made where there is none, and return the hash of its last line.

    Other processes that append wait. A record without a time gets the present one. Raise
    `DocumentError` where the file's last line is broken: nothing is chained to that.
    """
    with Path(file).open("a+b") as log, _locked(log):
        last = _last_line(log)
        previous = _parsed(last, 0)[2] if last else START
        text = ""
        for record in records:
            whole = record if record.time else replace(record, time=now())
            previous, before = chained(whole, previous), previous
            line = {"record": asdict(whole), "previous": before, "hash": previous}
            text += json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"
        log.write(text.encode())
        log.flush()
        os.fsync(log.fileno())
    return previous


def read(file: str | Path) -> Iterator[AuditRecord]:
    """Yield the records of a file; raise `DocumentError` at a line that is none. See `verify`."""
    with Path(file).open("rb") as log:
        for number, line in enumerate(log, 1):
            yield _parsed(line, number)[0]


def verify(file: str | Path, *, last: str = "") -> tuple[Issue, ...]:
    """Return the first fault of a file, or nothing: a line changed, removed, added or moved.

    ``last`` is the hash that `append` has returned last; with it, missing lines at the end show.
    """
    previous, number = START, 0
    with Path(file).open("rb") as log:
        for number, line in enumerate(log, 1):
            try:
                record, before, own = _parsed(line, number)
            except DocumentError as error:
                return error.issues
            if before != previous:
                return (issue("audit/broken-chain", f"line {number}"),)
            if chained(record, before) != own:
                return (issue("audit/changed", f"line {number}"),)
            previous = own
    if last and last != previous:
        return (issue("audit/end-missing", f"line {number + 1}"),)
    return ()


def _parsed(line: bytes, number: int) -> tuple[AuditRecord, str, str]:
    where = f"line {number}" if number else "the last line"
    try:
        data: Any = json.loads(line)
        if not line.endswith(b"\n") or not isinstance(data, dict) or tuple(data) != _KEYS:
            raise ValueError
        known = {field.name for field in fields(AuditRecord)}
        if not isinstance(data["record"], dict) or not set(data["record"]) <= known:
            raise ValueError
        if not (_HASH.fullmatch(data["previous"]) and _HASH.fullmatch(data["hash"])):
            raise ValueError
        return AuditRecord(**data["record"]), data["previous"], data["hash"]
    except (ValueError, TypeError, RecursionError):
        raise document_error("audit/not-record", where) from None


def _last_line(log: IO[bytes]) -> bytes:
    size = log.seek(0, os.SEEK_END)
    step = 4096
    while size:
        log.seek(max(0, size - step))
        tail = log.read()
        start = tail.rfind(b"\n", 0, len(tail) - 1) + 1
        if start or step >= size:
            return tail[start:]
        step *= 2
    return b""


@contextmanager
def _locked(log: IO[bytes]) -> Iterator[None]:
    """Hold the file against other processes (and threads) that append."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        system: Any = msvcrt
        log.seek(0)
        system.locking(log.fileno(), system.LK_LOCK, 1)
        try:
            yield
        finally:
            log.seek(0)
            system.locking(log.fileno(), system.LK_UNLCK, 1)
        return
    fcntl.flock(log.fileno(), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(log.fileno(), fcntl.LOCK_UN)
