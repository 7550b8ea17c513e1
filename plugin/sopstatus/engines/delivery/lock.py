"""The folder of a spool: only one process delivers from it, and faults of the disk become issues."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sopstatus.catalogue import document_error, refusals
from sopstatus.writing import kept

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_MISMATCH")
"""The errors of SQLite for a file that is not a database, is damaged, or has other tables."""


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Be the only one that delivers from this folder; raise `DocumentError` where there is another."""
    with told():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = kept(folder / "lock")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reason = "another process delivers from it"
            raise document_error("mllp/no-spool", "DIR", reason=reason) from None
        yield


def is_owned(folder: Path) -> bool:
    """Tell whether another process delivers from this folder."""
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tell what the disk or the database says against us, by its kind alone."""
    try:
        with refusals("mllp/not-stored", ""):
            yield
    except sqlite3.Error as error:
        reason = getattr(error, "sqlite_errorname", type(error).__name__)
        code = "mllp/damaged-spool" if reason.startswith(_DAMAGED) else "mllp/not-stored"
        raise document_error(code, "", reason=reason) from None
