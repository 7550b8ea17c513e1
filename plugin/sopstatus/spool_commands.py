"""What ``sopstatus spool`` does; nothing but ``export`` shows a message's text."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.engines.spool import DEAD, QUEUED, SENT, Entry, Spool

_HEADING = ("ID", "STATE", "MSH-10", "BYTES", "RECEIVED", "TRIES", "WHY", "ANSWER", "")


@contextmanager
def _open(options: Namespace) -> Iterator[Spool]:
    spool = Spool(options.folder, create=False)
    try:
        yield spool
    finally:
        spool.close()


def list(options: Namespace) -> int:
    """Print every message, or those in a state; exit code 1 where there are dead letters."""
    rows, dead = [], False
    with _open(options) as spool:
        done, _ = spool.progress()
        for entry in spool.entries():
            if entry.state == QUEUED and entry.id <= done:  # the rows follow within a second
                entry = entry._replace(state=SENT)
            dead |= entry.state == DEAD
            if options.state in ("", entry.state):
                rows.append(entry)
    if options.json:
        print(json.dumps([_record(entry) for entry in rows], indent=2))
    else:
        table = [_HEADING, *(_row(entry) for entry in rows)]
        widths = [max(len(row[n]) for row in table) for n in range(len(_HEADING))]
        for row in table:
            print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
    return int(dead)


def show(options: Namespace) -> int:
    """Print what is known of a message."""
    with _open(options) as spool:
        entry, _ = spool.entry(options.id)
    record = _record(entry)
    if options.json:
        print(json.dumps(record, indent=2))
    else:
        width = max(map(len, record))
        for name, value in record.items():
            print(f"{name:<{width}}  {'' if value is None else value}".rstrip())
    return 0


def export(options: Namespace) -> int:
    """Write a message's text into a new file that is its owner's alone."""
    with _open(options) as spool:
        entry, message = spool.entry(options.id)
    if not message:
        reason = f"the message is {entry.state}, and its text is gone"
        raise document_error("mllp/no-spool", "ID", reason=reason)
    try:
        file = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(message)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "OUT", reason=reason) from None
    return 0


def replay(options: Namespace) -> int:
    """Queue a dead letter again, or send it now to a destination of its own."""
    try:
        message = Path(options.file).read_bytes() if options.file else None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unreadable", "FILE", reason=reason) from None
    with _open(options) as spool:
        if options.to:
            return _send(options, spool, message)
        print(f"queued as {spool.replay(options.id, message)}")
    return 0


def _send(options: Namespace, spool: Spool, message: bytes | None) -> int:
    from sopstatus.engines.forward import Destination, Sender
    from sopstatus.engines.forward_answer import DONE
    from sopstatus.mllp_commands import address, client_tls

    entry, text = spool.entry(options.id)
    if entry.state != DEAD:
        raise document_error("mllp/no-spool", "ID", reason=f"the message is {entry.state}")
    try:
        host, port = address(options.to)
        tls = client_tls(options.ca, options.cert)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    async def once() -> Any:
        sender = Sender(Destination(host, port, tls))
        verdict = await sender.send(message or text)
        sender.close()
        return verdict

    verdict = asyncio.run(once())
    print(verdict.answer or verdict.reason)
    if verdict.kind != DONE:
        return 1
    spool.replayed(options.id)
    return 0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _record(entry: Entry) -> dict[str, Any]:
    record = entry._asdict()
    record["control_id"] = _printable(entry.control_id)
    record["repeated"] = bool(entry.repeated)
    for name in ("received", "changed", "next_try"):
        record[name] = _time(getattr(entry, name)) if getattr(entry, name) else None
    return record


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.id),
        entry.state,
        _printable(entry.control_id),
        str(entry.size),
        _time(entry.received),
        str(entry.attempts),
        entry.reason,
        entry.answer,
        "repeated" if entry.repeated else "",
    )


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")[:40]
    return "".join(c if c.isprintable() else "?" for c in text)
