"""The command ``sopstatus spool``; only ``export`` shows the text of a message."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sopstatus import writing
from sopstatus.catalogue import document_error
from sopstatus.cli import shared
from sopstatus.cli.arguments import whole
from sopstatus.engines.delivery.spool import DEAD, Entry, Spool

_HEADING = ("ID", "STATE", "MSH-10", "BYTES", "RECEIVED", "TRIES", "WHY", "ANSWER", "")
_FAULTS = ("MSH-3", "MSH-4", "CODE", "FIELD", "VALUE", "TIMES", "LAST")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

EXAMPLES = (
    "sopstatus spool list spool/ --state dead",
    "sopstatus spool replay spool/ 7 --with fixed.hl7",
)


def add(parser: ArgumentParser) -> None:
    """Add the options of its tasks."""
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    listed = tasks.add_parser("list", help="List messages and their states, without patient data")
    show = tasks.add_parser("show", help="Show one message: codes, sizes and times")
    replay = tasks.add_parser("replay", help="Send a dead letter again, unchanged or fixed")
    export = tasks.add_parser(
        "export", help="Write the text of a message, which is patient data, into a file"
    )
    senders = tasks.add_parser("senders", help="Count who sends codes that no table has")
    prune = tasks.add_parser("prune", help="Forget messages that were sent long ago")
    for task in (listed, show, replay, export, senders, prune):
        task.add_argument("folder", metavar="DIR", help="Use this folder of mllp --spool")
    for task in (show, replay, export):
        task.add_argument(
            "id", type=whole(1), metavar="ID", help="Use the message with this number of list"
        )
    listed.add_argument(
        "--state",
        choices=("queued", "sent", "dead", "replayed"),
        default="",
        help="List only messages in this state",
    )
    shared.add_bounds(
        listed,
        {
            "--limit": (1, 1000, "List at most N messages"),
            "--after": (0, 0, "List those behind ID N"),
        },
    )
    for task in (listed, show, senders):
        shared.add_json(task)
    prune.add_argument(
        "--older-than",
        type=_age,
        required=True,
        metavar="AGE",
        help="Forget what was sent or replayed longer ago than this: 90m, 12h or 7d",
    )
    export.add_argument(
        "--answer", action="store_true", help="Write what the destination answered last instead"
    )
    replay.add_argument(
        "--with", dest="file", metavar="FILE", help="Send this fixed message instead"
    )
    replay.add_argument(
        "--to", metavar="HOST:PORT", help="Send it to this listener now (default: queue it again)"
    )
    replay.add_argument(
        "--ca",
        metavar="PEM",
        help="With --to: send over TLS, to a listener with a certificate of this CA",
    )
    replay.add_argument(
        "--cert", metavar="PEM", help="With --to: present this certificate chain and key"
    )
    export.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="Write the message into this file"
    )
    for task, work in (
        (listed, _list),
        (show, _show),
        (replay, _replay),
        (export, _export),
        (senders, _senders),
        (prune, _prune),
    ):
        task.set_defaults(work=work)


def run(options: Namespace) -> int:
    """Look after the messages of a spool."""
    code: int = options.work(options)
    return code


@contextmanager
def _open(options: Namespace) -> Iterator[Spool]:
    spool = Spool(options.folder, create=False)
    try:
        yield spool
    finally:
        spool.close()


def _list(options: Namespace) -> int:
    """Print a page of messages, or of those in a state; exit code 1 where there are dead letters."""
    with _open(options) as spool:
        rows = list(spool.entries(options.state, options.after, options.limit + 1))
        dead = any(spool.entries(DEAD, 0, 1))
    if len(rows) > options.limit:
        rows.pop()
        last = rows[-1].id if rows else options.after
        print(f"there are more: --after {last}", file=sys.stderr)
    if options.json:
        print(json.dumps([_record(entry) for entry in rows], indent=2))
    else:
        _print(_HEADING, [_row(entry) for entry in rows])
    return int(dead)


def _print(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = [heading, *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(heading))]
    for row in table:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def _senders(options: Namespace) -> int:
    """Print who has sent values that no table has, the most frequent first."""
    with _open(options) as spool:
        faults = spool.faults()
    if options.json:
        print(json.dumps([one._asdict() | {"last": _time(one.last)} for one in faults], indent=2))
        return 0
    rows = [
        (*(_printable(text.encode()) for text in one[:5]), str(one.times), _time(one.last))
        for one in faults
    ]
    _print(_FAULTS, rows)
    return 0


def _prune(options: Namespace) -> int:
    """Forget messages that were sent long ago."""
    with _open(options) as spool:
        done, _ = spool.progress()
        spool.settle(done)
        print(f"forgot {spool.purge(options.older_than)} messages")
    return 0


def _age(text: str) -> float:
    """Return seconds; raise `ArgumentTypeError` for what is not a number and a unit."""
    unit = _UNITS.get(text[-1:])
    if unit is None or not text[:-1].isdecimal():
        raise ArgumentTypeError("use a number and s, m, h or d, such as 7d")
    return float(int(text[:-1]) * unit)


def _show(options: Namespace) -> int:
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


def _export(options: Namespace) -> int:
    """Write a message's text into a new file that is its owner's alone."""
    with _open(options) as spool:
        entry, message = spool.entry(options.id)
        if options.answer:
            message = spool.said(options.id)
    if not message:
        what = "there is no answer" if options.answer else "its text is gone"
        reason = f"the message is {entry.state}, and {what}"
        raise document_error("mllp/no-spool", "ID", reason=reason)
    writing.write(options.output, message, at="OUT", mode=writing.PRIVATE, new=True)
    return 0


def _replay(options: Namespace) -> int:
    """Queue a dead letter again, or send it now to a destination of its own."""
    message = shared.read(options.file, "FILE") if options.file else None
    with _open(options) as spool:
        if options.to:
            return _send(options, spool, message)
        print(f"queued as {spool.replay(options.id, message)}")
    return 0


def _send(options: Namespace, spool: Spool, message: bytes | None) -> int:
    from sopstatus.cli.mllp import address
    from sopstatus.engines.delivery.forwarder import Destination, Sender
    from sopstatus.engines.delivery.verdict import DONE
    from sopstatus.engines.trust_files import client_tls

    entry, text = spool.entry(options.id)
    if entry.state != DEAD:
        raise document_error("mllp/no-spool", "ID", reason=f"the message is {entry.state}")
    try:
        host, port = address(options.to)
        tls = client_tls(options.ca, options.cert, ("--ca", "--cert"))
    except (ValueError, OSError) as error:
        raise shared.Stop(str(error)) from None

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
