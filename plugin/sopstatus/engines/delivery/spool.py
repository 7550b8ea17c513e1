"""Messages on disk until they are delivered: an SQLite database, and who may write it.

A message is stored when the transaction that holds it has been synced (WAL, synchronous=FULL); one
transaction takes all that wait for it, whatever their connections. What stands here is what was
received or became of it: patient data. The folder is its owner's alone (0700).

How far delivery has come is one number in a file of its own, written before the next message goes
out: it outlives a process that is killed without a sync a message. The rows follow by the way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sopstatus.catalogue import document_error
from sopstatus.engines.delivery.lock import is_owned, told
from sopstatus.engines.delivery.verdict import Verdict
from sopstatus.engines.mllp.answer import header
from sopstatus.model import DocumentError
from sopstatus.writing import kept

QUEUED, SENT, DEAD, REPLAYED = "queued", "sent", "dead", "replayed"
STATES = (QUEUED, SENT, DEAD, REPLAYED)
KNOWN, WAITING = "known", "waiting"
VERSION = 2
"""Of the tables below; a spool of another is refused."""
_FILES = "spool.db", "spool.db-wal", "spool.db-shm", "progress"
_RESERVE = 256 << 20, 0.05  # bytes, or this share of a disk: the less of them is kept free
_AT_A_TIME = 10_000  # rows that are forgotten in one transaction: messages wait for it
_MOST_FAULTS = 1000  # of senders and codes; a sender that makes up codes fills no disk
_LONGEST_ANSWER = 64 << 10
_KEPT = 24 * 3600.0  # seconds for which it is remembered that a message was sent, without its text
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of delivery; never used twice
    state TEXT NOT NULL,
    stream INTEGER NOT NULL,               -- the connection that it came over
    control_id BLOB NOT NULL,              -- MSH-10
    body BLOB,                             -- empty once it is sent
    size INTEGER NOT NULL,
    received REAL NOT NULL,                -- seconds since 1970
    changed REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',       -- why the last attempt failed: a code
    answer TEXT NOT NULL DEFAULT '',       -- MSA-1 and the codes of ERR
    said BLOB,                             -- the whole answer; patient data, empty once it is sent
    repeated INTEGER NOT NULL DEFAULT 0,   -- 1: it may have been delivered before
    replay_of INTEGER
);
CREATE INDEX IF NOT EXISTS message_state ON message (state, id);
CREATE INDEX IF NOT EXISTS message_control_id ON message (control_id);
CREATE TABLE IF NOT EXISTS fault (         -- who sends what is no value of an attribute
    application TEXT NOT NULL,             -- MSH-3
    facility TEXT NOT NULL,                -- MSH-4
    code TEXT NOT NULL,                    -- of the issue
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    times INTEGER NOT NULL,
    last REAL NOT NULL,
    PRIMARY KEY (application, facility, code, field, value)
);
CREATE TABLE IF NOT EXISTS spool (own INTEGER NOT NULL, version INTEGER NOT NULL);
INSERT INTO spool SELECT random(), ? WHERE NOT EXISTS (SELECT 1 FROM spool);
""".replace("?", str(VERSION))
_RAREST = "SELECT rowid FROM fault ORDER BY times, last LIMIT 1"
_COLUMNS = (
    "id, state, stream, control_id, size, received, changed, attempts, next_try, reason, answer,"
    " repeated, replay_of"
)
_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'"
_PROGRESS = struct.Struct("<qqq")  # the database's own number, last dealt with, begun last


class Entry(NamedTuple):
    """A message's row, without its text."""

    id: int
    state: str
    stream: int
    control_id: bytes
    size: int
    received: float
    changed: float
    attempts: int
    next_try: float
    reason: str
    answer: str
    repeated: int
    replay_of: int | None


class Fault(NamedTuple):
    """What a sender (MSH-3, MSH-4) has said in a field that is no value of it, and how often."""

    application: str
    facility: str
    code: str
    field: str
    value: str
    times: int = 0
    last: float = 0.0


class New(NamedTuple):
    """A message to be stored.

    ``control_id`` is what it is known by (default: MSH-10). ``once``: it is not stored where one
    of that name is `KNOWN`, in any state, or is `WAITING`, its delivery not yet begun.
    """

    message: bytes
    stream: int
    control_id: bytes = b""
    once: str = ""


class Spool:
    """An open spool; used by one thread. A database that fails raises `DocumentError`.

    ``reserve`` are the bytes of the disk that stay free: less of them, and messages are refused
    (default: 5 % of the disk, at most 256 MiB).
    """

    def __init__(
        self, folder: str | Path, *, create: bool = True, reserve: int | None = None
    ) -> None:
        self.folder, self._reserve = Path(folder), reserve
        if not create and not (self.folder / "spool.db").is_file():
            raise document_error("mllp/no-spool", "DIR", reason="there is no spool")
        log, index = (self.folder / f"spool.db-{name}" for name in ("wal", "shm"))
        if not create and log.exists() and not index.exists() and is_owned(self.folder):
            raise _replaced()  # whoever delivers has one without a name, and would not see our work
        with told():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = self._open()
            self._progress = kept(self.folder / "progress")
            (self._own,) = self._db.execute("SELECT own FROM spool").fetchone()
            self._files = self._on_disk()
        if not isinstance(self._own, int):
            raise document_error("mllp/damaged-spool", "", reason="it has no number of its own")

    def _open(self) -> sqlite3.Connection:
        path = self.folder / "spool.db"
        if (self.folder / "progress").exists() and path.exists() and not path.stat().st_size:
            raise document_error("mllp/damaged-spool", "", reason="the database is empty")
        kept(path).close()
        db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        _check_version(db)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")  # what is sent leaves no text behind
        db.executescript(_SCHEMA)
        return db

    def _on_disk(self) -> list[tuple[int, int]]:
        found = []
        for name in _FILES:
            try:
                stat = os.stat(self.folder / name)  # noqa: PTH116
            except FileNotFoundError:
                continue
            found.append((stat.st_dev, stat.st_ino))
        return found

    def close(self) -> None:
        """Close the database."""
        self._db.close()
        self._progress.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction; it is on disk when the block ends, or all of it is undone."""
        with told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def add(self, given: Iterable[New]) -> list[int]:
        """Store messages at the end of the queue, all or none, and return their numbers.

        One whose MSH-10 and size came before is marked ``repeated``: its sender did not get our
        answer, or uses numbers twice. It is delivered all the same. One that is not stored (`New`)
        has the number of the one that stands for it.
        """
        self._check_room()
        with self.writing() as db:
            _, begun = self.progress()
            numbers = [_there(db, new, begun) or _insert(db, new) for new in given]
        self._check_files()
        return numbers

    def check(self) -> None:
        """Raise `DocumentError` where a message could not be stored now."""
        self._check_room()
        with self.writing():
            pass

    def _check_room(self) -> None:
        """Refuse messages before the disk is full, so that delivery can go on and make room."""
        with told():
            disk = shutil.disk_usage(self.folder)
        self._check_files()
        most, share = _RESERVE
        least = min(most, disk.total * share) if self._reserve is None else self._reserve
        if disk.free < least:
            raise document_error("mllp/no-room", "")

    def _check_files(self) -> None:
        """Refuse where another file has the name of ours: what is written without a name is lost."""
        with told():
            found = self._on_disk()
        if found != self._files:
            raise _replaced()

    def backlog(self) -> int:
        """Return how many messages wait, at most; it costs no look at them."""
        with told():
            (last,) = self._db.execute(_LAST).fetchone()
        return int(last) - self.progress()[0]

    def waiting(self) -> tuple[int, int, float]:
        """Return how many wait, how many dead letters there are, and when the oldest that waits came."""
        with told():
            done, _ = self.progress()
            (dead,) = self._db.execute(
                "SELECT count(*) FROM message WHERE state = 'dead'"
            ).fetchone()
            oldest = self._db.execute(
                "SELECT received FROM message WHERE state = 'queued' AND id > ? ORDER BY id LIMIT 1",
                (done,),
            ).fetchone()
        return self.backlog(), dead, oldest[0] if oldest else 0.0

    def queued(self, after: int, count: int, size: int) -> list[tuple[Entry, bytes]]:
        """Return the next messages to deliver: so many, or until they have so many bytes."""
        found: list[tuple[Entry, bytes]] = []
        with told():
            rows = self._db.execute(
                f"SELECT body, {_COLUMNS} FROM message WHERE state = 'queued' AND id > ?"
                " ORDER BY id LIMIT ?",
                (after, count),
            )
            for body, *row in rows:
                found.append((Entry(*row), body))
                size -= len(body)
                if size <= 0:
                    break
            rows.close()
        return found

    def entries(self, state: str = "", after: int = 0, limit: int = -1) -> Iterator[Entry]:
        """Yield the rows in a state, or all; at most ``limit`` of those behind a number."""
        with told():
            done, _ = self.progress()  # the rows follow it within a second
            where = {
                "": "id > max(:after, 0 * :done)",
                QUEUED: "state = 'queued' AND id > max(:after, :done)",
                SENT: "id > :after AND (state = 'sent' OR (state = 'queued' AND id <= :done))",
            }.get(state, "id > max(:after, 0 * :done) AND state = :state")
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM message WHERE {where} ORDER BY id LIMIT :limit",
                {"after": after, "done": done, "limit": limit, "state": state},
            )
            for entry in map(Entry._make, rows):
                sent = entry.state == QUEUED and entry.id <= done
                yield entry._replace(state=SENT) if sent else entry

    def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        with told():
            rows = self._db.execute("SELECT state, count(*) FROM message GROUP BY state")
            return dict.fromkeys(STATES, 0) | dict(rows.fetchall())

    def entry(self, number: int) -> tuple[Entry, bytes]:
        """Return a row and its text; raise `DocumentError` where there is none."""
        return Entry(*self._row(number, _COLUMNS)), self._row(number, "body")[0] or b""

    def said(self, number: int) -> bytes:
        """Return what the destination answered last; raise `DocumentError` where there is no message."""
        return self._row(number, "said")[0] or b""

    def _row(self, number: int, columns: str) -> tuple[Any, ...]:
        with told():
            row: tuple[Any, ...] | None = self._db.execute(
                f"SELECT {columns} FROM message WHERE id = ?", (number,)
            ).fetchone()
        if row is None:
            raise document_error("mllp/no-spool", "ID", reason="there is no such message")
        return row

    def failed(self, number: int, verdict: Verdict, next_try: float, written: bool) -> None:
        """Note that an attempt failed; ``written``: the message may have arrived all the same."""
        with self.writing() as db:
            db.execute(
                "UPDATE message SET attempts = attempts + 1, reason = ?, answer = ?, said = ?,"
                " next_try = ?, changed = ?, repeated = max(repeated, ?) WHERE id = ?",
                (*_why(verdict), next_try, time.time(), written, number),
            )

    def bury(self, number: int, verdict: Verdict) -> None:
        """Make a message a dead letter, which only a person can fix."""
        with self.writing() as db:
            db.execute(
                "UPDATE message SET state = 'dead', attempts = attempts + 1, reason = ?,"
                " answer = ?, said = ?, changed = ? WHERE id = ?",
                (*_why(verdict), time.time(), number),
            )

    def count(self, faults: Mapping[Fault, int]) -> None:
        """Count what senders have said; beyond some of them a new one is kept for the rarest."""
        with self.writing() as db:
            for one, number in faults.items():
                key = one[:5]
                (full,) = db.execute("SELECT count(*) >= ? FROM fault", (_MOST_FAULTS,)).fetchone()
                done = db.execute(
                    "UPDATE fault SET times = times + ?, last = ? WHERE application = ?"
                    " AND facility = ? AND code = ? AND field = ? AND value = ?",
                    (number, time.time(), *key),
                )
                if not done.rowcount:
                    if full:
                        db.execute(f"DELETE FROM fault WHERE rowid = ({_RAREST})")
                    db.execute(
                        "INSERT INTO fault VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (*key, number, time.time()),
                    )

    def faults(self) -> list[Fault]:
        """Return what senders have said, the most frequent first."""
        with told():
            rows = self._db.execute("SELECT * FROM fault ORDER BY times DESC, last DESC")
            return list(map(Fault._make, rows))

    def replay(self, number: int, message: bytes | None = None) -> int:
        """Queue a dead letter again, at the end and with another text if there is one."""
        entry, body = self.entry(number)
        if entry.state != DEAD:
            raise document_error("mllp/no-spool", "ID", reason=f"the message is {entry.state}")
        text = message or body
        control_id = header(text).control_id or entry.control_id
        with self.writing() as db:
            new = _insert(db, New(text, entry.stream, control_id), number)
            _replayed(db, number)
        return new

    def replayed(self, number: int) -> None:
        """Note that a dead letter was delivered on another way."""
        with self.writing() as db:
            _replayed(db, number)

    def settle(self, done: int) -> None:
        """Let the rows follow the progress: what was delivered loses its text."""
        with self.writing() as db:
            db.execute(
                "UPDATE message SET state = 'sent', body = NULL, said = NULL, changed = ?"
                " WHERE state = 'queued' AND id <= ?",
                (time.time(), done),
            )

    def purge(self, seconds: float = _KEPT) -> int:
        """Forget what was sent so long ago, and return how many messages that were."""
        count, before, found = 0, time.time() - seconds, 1
        while found:
            with self.writing() as db:
                found = db.execute(
                    "DELETE FROM message WHERE id IN (SELECT id FROM message"
                    " WHERE state IN ('sent', 'replayed') AND changed < ? LIMIT ?)",
                    (before, _AT_A_TIME),
                ).rowcount
            count += found
        with told():  # the log of the database, too, forgets the texts
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return count

    def progress(self) -> tuple[int, int]:
        """Return the number of the last message that was dealt with, and of the one begun last.

        A file of another database says nothing, and none says more than there are messages.
        """
        with told():
            (last,) = self._db.execute(_LAST).fetchone()
            data = os.pread(self._progress.fileno(), _PROGRESS.size, 0)
        if len(data) != _PROGRESS.size:
            return 0, 0
        own, done, trying = _PROGRESS.unpack(data)
        return (min(done, last), min(trying, last)) if own == self._own else (0, 0)

    def begin(self, done: int, trying: int) -> None:
        """Write down how far delivery has come: one write, which a killed process has made or not."""
        with told():
            os.pwrite(self._progress.fileno(), _PROGRESS.pack(self._own, done, trying), 0)

    def recover(self) -> int:
        """Bring rows and progress together after an end of any kind, and return the progress.

        The message that was under way may have arrived: it is marked, and sent again.
        """
        done, trying = self.progress()
        self.settle(done)
        if trying > done:
            with self.writing() as db:
                db.execute(
                    "UPDATE message SET repeated = 1 WHERE id = ? AND state = 'queued'", (trying,)
                )
        self.begin(done, done)
        return done


def _replaced() -> DocumentError:
    reason = "a file of it was removed or replaced while it was open"
    return document_error("mllp/damaged-spool", "", reason=reason)


def _check_version(db: sqlite3.Connection) -> None:
    """Refuse the tables of another version: what they mean is not known."""
    own = {row[1]: row[2] for row in db.execute("PRAGMA table_info(spool)")}
    found = None
    if own == {"own": "INTEGER"}:  # as it was before there were versions
        found = (1,)
    elif "version" in own:
        found = db.execute("SELECT version FROM spool").fetchone()
    if found and found[0] != VERSION:
        reason = f"its tables are of version {found[0]}, and this sopstatus has version {VERSION}"
        raise document_error("mllp/other-spool", "DIR", reason=reason)


def _why(verdict: Verdict) -> tuple[str, str, bytes]:
    return verdict.reason, verdict.answer, verdict.said[:_LONGEST_ANSWER]


def _replayed(db: sqlite3.Connection, number: int) -> None:
    db.execute(
        "UPDATE message SET state = 'replayed', body = NULL, said = NULL, changed = ? WHERE id = ?",
        (time.time(), number),
    )


def _there(db: sqlite3.Connection, new: New, begun: int) -> int:
    """Return the number of the row that stands for a message already; 0 where there is none."""
    if not new.once:
        return 0
    waits = "state = 'queued' AND id > ?" if new.once == WAITING else "id > 0 * ?"
    row = db.execute(
        f"SELECT id FROM message WHERE control_id = ? AND {waits} LIMIT 1", (new.control_id, begun)
    ).fetchone()
    return int(row[0]) if row else 0


def _insert(db: sqlite3.Connection, new: New, replay_of: int | None = None) -> int:
    now, control_id = time.time(), new.control_id or header(new.message).control_id
    again = (
        bool(control_id)
        and not new.once
        and db.execute(
            "SELECT 1 FROM message WHERE control_id = ? AND size = ? AND state != 'dead'",
            (control_id, len(new.message)),
        ).fetchone()
    )
    row = db.execute(
        "INSERT INTO message (state, stream, control_id, body, size, received, changed, repeated,"
        " replay_of) VALUES ('queued', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(new.stream, control_id, new.message, len(new.message)),
            *(now, now, bool(again), replay_of),
        ),
    )
    return int(row.lastrowid or 0)
