"""Audit records as a file of JSON lines, chained by SHA-256 so that what is missing shows.

A line is an object ``{"record": {...}, "previous": "<hash>", "hash": "<hash>"}``; its hash is that
of ``previous``, a line feed and the record as canonical JSON (keys sorted, no blanks, UTF-8). The
first line's ``previous`` is `START`. A chain does not show that its *last* lines are missing: keep
the hash that `append` returns elsewhere, and give it to `verify`.

All records of an `append` are on the disk, or none of them is in the file. Where the process was
killed or the power failed meanwhile, the last line may be cut off: the next `append` replaces it by
a record of the event `TORN_LINE`.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

from sopstatus import writing
from sopstatus.audit.record import TORN_LINE, now
from sopstatus.catalogue import document_error, issue
from sopstatus.model import AuditRecord, DocumentError, Issue

START = "0" * 64
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("record", "previous", "hash")
_BEGIN = b'{"record":'
_LONGEST = 1 << 20  # bytes of a line
_ROOM = 16 << 10  # bytes that the disk has at least, for a document's records
_FIELDS = tuple(field.name for field in fields(AuditRecord))
_TORN = AuditRecord(
    event=TORN_LINE, before="", after="", rule="", outcome="done", code="audit/torn-line",
    study_instance_uid="", series_instance_uid="", sop_class_uid="", sop_instance_uid="",
    holder="", peer="", secure=None, authenticated=None, conforms=None,
    policy="", time="", table="", table_version="", table_sha256="",
)  # fmt: skip


def canonical(record: AuditRecord) -> str:
    """Return a record as the one JSON text that its hash is made of."""
    said = _said(record)
    if not said["mappings"]:  # the hash of a record from before there was this field stays
        del said["mappings"]
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _said(record: AuditRecord) -> dict[str, Any]:
    """Return what a record says; its fields are texts and truths, of which nothing need be copied."""
    return {name: getattr(record, name) for name in _FIELDS}


def chained(record: AuditRecord, previous: str) -> str:
    """Return the hash of a record after the line with the hash ``previous``."""
    return sha256(f"{previous}\n{canonical(record)}".encode()).hexdigest()


def append(file: str | Path, records: Iterable[AuditRecord], *, at: str = "--audit") -> str:
    """Append records to a file, created if it does not exist, and return the hash of its last line.

    Other processes that append wait. A record without a time gets the present one. Raise
    `DocumentError` where the disk refuses (then the file is as it was; ``at`` is what the issue
    calls it), and where the file's last line is broken: nothing is chained to that. A new file is
    readable by its owner alone. In a FIFO, a device or a socket every call begins a chain.
    """
    with writing.told(at):
        straight = writing.straight(file, wait=False)
        if straight:
            text, previous = _lines(records, START)
            with straight as out:
                out.write(text)
            return previous
        with writing.kept(file) as log, _locked(log):
            last, torn = _tail(log)
            previous = _parsed(last, 0)[2] if last else START
            if torn:
                if not last and torn.strip(b"\0") and torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
                    raise document_error(
                        "audit/not-record", "the last line"
                    )  # is it a file of ours?
                records = (_TORN, *records)
            text, previous = _lines(records, previous)
            _put(log, text, torn)
            if not last:
                writing.sync_folder(Path(os.path.realpath(file)).parent)
    return previous


def check(file: str | Path, *, at: str = "--audit") -> None:
    """Raise `DocumentError` where `append` could not write the records of a document now."""
    append(file, (), at=at)
    if hasattr(os, "statvfs") and os.path.isfile(file):  # noqa: PTH113 - a FIFO has no disk
        disk = os.statvfs(file)
        if disk.f_bavail * disk.f_frsize < _ROOM:
            with writing.told(at):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def keep(file: str | Path, records: Sequence[AuditRecord]) -> None:
    """Append what there is, where a site keeps records: before the document goes, for no change is without one."""
    if file and records:
        append(file, records)


def _lines(records: Iterable[AuditRecord], previous: str) -> tuple[bytes, str]:
    """Return records as lines after the one with the hash ``previous``, and the hash of the last."""
    text = ""
    for record in records:
        whole = record if record.time else replace(record, time=now())
        previous, before = chained(whole, previous), previous
        line = {"record": _said(whole), "previous": before, "hash": previous}
        text += json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"
    return text.encode(), previous


def _put(log: FileIO, text: bytes, torn: bytes) -> None:
    """Write lines in place of a torn one, or leave the file as it was."""
    size = log.seek(0, os.SEEK_END)
    try:
        _replace(log, size - len(torn), text)
        writing.sync(log.fileno())
    except BaseException:
        with suppress(OSError):
            _replace(log, size - len(torn), torn)
        raise


def _replace(log: FileIO, start: int, data: bytes) -> None:
    log.seek(start)
    while data:
        data = data[log.write(data) :]
    log.truncate()


def read(file: str | Path) -> Iterator[AuditRecord]:
    """Yield the records of a file; raise `DocumentError` at a line that is not a record. See `verify`."""
    with Path(file).open("rb") as log:
        for number, line in enumerate(log, 1):
            yield _parsed(line, number)[0]


def verify(file: str | Path, *, last: str = "") -> tuple[Issue, ...]:
    """Return the first fault of a file: a line changed, removed, added or moved.

    Before it stand warnings, one for each line that was cut off and replaced: they are not faults.
    ``last`` is the hash that `append` has returned last; with it, missing lines at the end show.
    """
    previous, number = START, 0
    torn: list[Issue] = []
    with Path(file).open("rb") as log:
        for number, line in enumerate(log, 1):
            try:
                record, before, own = _parsed(line, number)
            except DocumentError as error:
                return (*torn, *error.issues)
            if before != previous:
                return (*torn, issue("audit/broken-chain", f"line {number}"))
            if chained(record, before) != own:
                return (*torn, issue("audit/changed", f"line {number}"))
            if record.event == TORN_LINE:
                torn.append(issue(record.code, f"line {number}"))
            previous = own
    if last and last != previous:
        torn.append(issue("audit/end-missing", f"line {number + 1}"))
    return tuple(torn)


def _parsed(line: bytes, number: int) -> tuple[AuditRecord, str, str]:
    where = f"line {number}" if number else "the last line"
    try:
        data: Any = json.loads(line)
        if not line.endswith(b"\n") or not isinstance(data, dict) or tuple(data) != _KEYS:
            raise ValueError
        if not isinstance(data["record"], dict) or not data["record"].keys() <= {*_FIELDS}:
            raise ValueError
        if not (_HASH.fullmatch(data["previous"]) and _HASH.fullmatch(data["hash"])):
            raise ValueError
        return AuditRecord(**data["record"]), data["previous"], data["hash"]
    except (ValueError, TypeError, RecursionError):
        raise document_error("audit/not-record", where) from None


def _tail(log: FileIO) -> tuple[bytes, bytes]:
    """Return the last whole line, and what stands behind it."""
    size = log.seek(0, os.SEEK_END)
    step = 4096
    while True:
        log.seek(max(0, size - step))
        whole, end, torn = log.read().rpartition(b"\n")
        start = whole.rfind(b"\n") + 1
        if start or step >= size:
            return whole[start:] + end, torn
        if step >= _LONGEST:
            raise document_error("audit/not-record", "the last line")
        step *= 2


@contextmanager
def _locked(log: FileIO) -> Iterator[None]:
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
