"""The ledger's two tables, and how a database with them is opened: SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import StaticPool

from sopstatus.catalogue import document_error, refusals
from sopstatus.writing import kept

VERSION = 3
_LOCK = 1000410  # one advisory lock of the database: (0100,0410)
_WAIT = 60  # seconds that a writer waits for the others

METADATA = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

version = sa.Table("ledger_version", METADATA, sa.Column("version", sa.Integer, primary_key=True))
fact = sa.Table(
    "ledger_fact",
    METADATA,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("kind", sa.String(11), nullable=False),
    sa.Column("sop_instance_uid", sa.String(64), nullable=False),
    sa.Column("holder", sa.String(512), nullable=False),  # as text: AE Title^universal ID^type
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("time", sa.String(24), nullable=False),
    sa.Column("seen", sa.String(24), nullable=False),
    *(
        sa.Column(name, sa.String(64), nullable=False)
        for name in ("study_instance_uid", "series_instance_uid", "sop_class_uid")
    ),
    *(
        sa.Column(name, sa.String(32), nullable=False)
        for name in ("event", "before", "received", "sent", "peer", "outcome", "rule", "code")
    ),
    sa.Column("dated", sa.Boolean),
    sa.Column("certified", sa.Boolean),
    sa.Column("claimed", sa.Boolean, nullable=False),
    sa.Index("ledger_fact_instance", "sop_instance_uid", "number"),
    sa.Index("ledger_fact_study", "study_instance_uid"),
)

CLAIM = sa.and_(fact.c.claimed, fact.c.kind == "observation")
"""What `facts.is_claim` says about a row."""


def connect(database: str, *, create: bool = True) -> sa.Engine:
    """Open a database, by the path of an SQLite file or a ``postgresql:`` URL; ``""`` is memory.

    Make the tables where there are none, unless ``create`` is false. Raise `DocumentError` where it
    cannot be opened, is not a ledger, or has another version.
    """
    url = _url(database)
    path = url.database
    if not create and url.drivername == "sqlite" and path and not Path(path).is_file():
        raise document_error("ledger/unavailable", "DB", reason="there is no such file")
    if url.drivername == "sqlite" and path not in (None, ":memory:"):
        _private(path, create=create)
    with told():
        if url.drivername == "sqlite":
            options: dict[str, Any] = {"connect_args": {"timeout": _WAIT}}
            if path in (None, ":memory:"):
                options = {"poolclass": StaticPool}
            else:  # whose place is taken by nobody: a connection creates no file
                mode = {"mode": "rw", "uri": "true"}
                url = url.set(database=f"file:{quote(str(path))}", query=mode)
            engine = sa.create_engine(url, **options)
            event.listen(engine, "connect", _no_implicit_begin)
            if path not in (None, ":memory:"):
                _follow(engine, str(path))
            if create:
                event.listen(engine, "connect", _readers_go_on)
            event.listen(engine, "begin", _begin)
        else:
            engine = sa.create_engine(url)
    try:
        with told(), writing(engine) if create else engine.connect() as connection:
            _prepare(connection, create=create)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _private(path: str, *, create: bool) -> None:
    """Make the file, readable by its owner alone; what is there and no file is not for a database."""
    file = Path(path)
    with refusals("ledger/unavailable", "DB"):
        if file.exists() and not file.is_file():
            raise OSError(errno.EINVAL, "it is not a regular file")
        if create:
            kept(file).close()


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that writes: writers take turns, and readers go on."""
    connected = engine.connect().execution_options(sopstatus_writes=True)
    with connected as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tell what the database says against us by its kind alone: its text may quote anything."""
    try:
        yield
    except exc.DBAPIError as error:
        code = "ledger/unavailable"
        if isinstance(error, exc.DatabaseError) and "not a database" in str(error.orig):
            code = "ledger/not-ledger"
        raise document_error(code, "DB", reason=type(error.orig).__name__) from None
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise document_error("ledger/unavailable", "DB", reason=type(error).__name__) from None


def _prepare(connection: sa.Connection, *, create: bool) -> None:
    there = sa.inspect(connection).has_table(version.name)
    if not there and not create:
        raise document_error("ledger/not-ledger", "DB")
    if not there:
        METADATA.create_all(connection)
        connection.execute(sa.insert(version).values(version=VERSION))
        return
    found = connection.execute(sa.select(sa.func.max(version.c.version))).scalar()
    if not isinstance(found, int):
        raise document_error("ledger/not-ledger", "DB")
    if found != VERSION:
        code = "ledger/newer" if found > VERSION else "ledger/older"
        raise document_error(code, "DB", found=found, known=VERSION)


def _url(database: str) -> sa.URL:
    scheme = database.partition(":")[0]
    if scheme in ("postgresql", "postgres") or scheme.startswith("postgresql+"):
        try:
            return sa.make_url(database).set(drivername="postgresql+psycopg")
        except (exc.ArgumentError, ValueError):
            raise document_error("ledger/unavailable", "DB", reason="no such URL") from None
    return sa.URL.create("sqlite", database=database or None)


def _no_implicit_begin(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_begin` says it


def _follow(engine: sa.Engine, path: str) -> None:
    """Have what is read be the file of this name: it may have been removed, or another put in its place."""

    def connected(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    def taken(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != _identity(path):
            raise exc.DisconnectionError

    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", taken)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _readers_go_on(connection: Any, _record: Any) -> None:
    end = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            # another does so right now, and SQLite itself does not wait; anything else stays
            is_busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not is_busy or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("sopstatus_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
