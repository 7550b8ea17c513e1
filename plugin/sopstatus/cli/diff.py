"""The command ``sopstatus diff``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from sopstatus.archive.progress import bar
from sopstatus.cli import shared
from sopstatus.codecs import FORMATS
from sopstatus.documents.containers import stored
from sopstatus.documents.replay import READ, TARGETS, Change, Replay, table_changes
from sopstatus.table import load_tables

_SHIPPED = "-"
_NOTHING = "(nothing)"
_EVERY = 100  # documents between two drawings of the bar

EXAMPLES = (
    "sopstatus diff - site/",
    "sopstatus diff site/ changed/ --replay messages/",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "old",
        metavar="OLD",
        help="Compare your tables in this folder, before the change; - means the shipped ones",
    )
    parser.add_argument(
        "new",
        metavar="NEW",
        help="With those in this folder, after the change; - means the shipped ones",
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="PATH",
        help="Compare the output for stored documents: a file, a folder, an ER7 batch, NDJSON or a zip (repeatable)",
    )
    parser.add_argument(
        "--to",
        action="append",
        choices=FORMATS,
        help="Compare output in this format (repeatable; default: dicom-json, fhir and hl7)",
    )
    shared.add_json(parser)
    shared.add_quiet(parser)


def run(options: Namespace) -> int:
    """Report how two sets of tables differ, and what that changes for stored documents.

    The exit code is 1 if an output changes, or, without ``--replay``, if the tables do; it is 3 if not
    every document was read.
    """
    old, new = (
        load_tables(*([] if folder == _SHIPPED else [folder]))
        for folder in (options.old, options.new)
    )
    tables = list(table_changes(old, new))
    replay = None
    if options.replay:
        shared.exists(options.replay, "--replay")
        replay = Replay(old, new, tuple(options.to or TARGETS))
        _replay(replay, options.replay, quiet=options.quiet)
    if options.json:
        print(json.dumps(_record(tables, replay), indent=2))
    else:
        print("\n".join([*_tables(tables), *(_lines(replay) if replay else ())]))
    if replay and replay.unreadable:
        for name in replay.unread:
            print(f"not read: {shared.named(name)}", file=sys.stderr)
        if more := replay.unreadable - len(replay.unread):
            print(f"not read: {more} more", file=sys.stderr)
        return shared.UNREADABLE
    return 1 if (replay.changed if replay else tables) else 0


def _replay(replay: Replay, paths: list[str], *, quiet: bool) -> None:
    drawn = bar("replaying", quiet=quiet)
    try:
        for one in stored(paths):
            replay(one)
            if drawn and replay.documents % _EVERY == 0:
                drawn.show(replay.documents, None, f"{replay.changed} change")
    finally:
        if drawn:
            drawn.close()


def _tables(changes: list[str]) -> Iterator[str]:
    yield "The tables" if changes else "The tables say the same"
    yield from (f"  {line}" for line in changes)


def _lines(replay: Replay) -> Iterator[str]:
    yield ""
    read = replay.documents - replay.unreadable
    yield f"{replay.documents} document{'' if replay.documents == 1 else 's'}, {read} read: {replay.changed or 'none'} change"
    for output in (READ, *replay.targets):
        if not replay.outputs[output]:
            continue
        word = "are read otherwise" if output == READ else f"become other {output}"
        yield f"  {replay.outputs[output]} {word}"
        mine = [(c, n) for c, n in replay.changes.most_common() if c.output == output]
        width = max(len(change.place) for change, _ in mine)
        for change, count in mine:
            yield f"    {count:>7}  {change.place:<{width}}  {_how(change)}"
    gone, come = _issues(replay)
    for title, codes in (("no longer reported:", gone), ("now reported:", come)):
        for code, count in codes.items():
            yield f"  {count} {title} {code}"


def _how(change: Change) -> str:
    if change.before is None and change.after is None:
        return ""
    before, after = (
        _NOTHING if text is None else text or '""' for text in (change.before, change.after)
    )
    return f"{before} -> {after}"


def _issues(replay: Replay) -> tuple[dict[str, int], dict[str, int]]:
    old, new = replay.issues
    return dict(sorted((old - new).items())), dict(sorted((new - old).items()))


def _record(tables: list[str], replay: Replay | None) -> dict[str, Any]:
    told: dict[str, Any] = {"tables": tables}
    if replay:
        gone, come = _issues(replay)
        told |= {
            "documents": replay.documents,
            "unreadable": replay.unreadable,
            "changed": replay.changed,
            "outputs": {o: replay.outputs[o] for o in (READ, *replay.targets)},
            "changes": [
                {**change._asdict(), "documents": count, "examples": replay.examples[change]}
                for change, count in replay.changes.most_common()
            ],
            "issues": {"gone": gone, "new": come},
        }
    return told
