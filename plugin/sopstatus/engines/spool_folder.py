"""The folder of a spool: one process delivers from it, and what the disk says is told by its kind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sopstatus.catalogue import document_error


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Be the only one that delivers from this folder; raise `DocumentError` where there is another."""
    with told():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise document_error(
            "mllp/no-spool", "DIR", reason="another process delivers from it"
        ) from None
    finally:
        os.close(lock)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tell what the disk or the database says against us, by its kind alone."""
    try:
        yield
    except sqlite3.Error as error:
        reason = getattr(error, "sqlite_errorname", type(error).__name__)
        raise document_error("mllp/not-stored", "", reason=reason) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("mllp/not-stored", "", reason=reason) from None
