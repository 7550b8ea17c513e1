"""What ``sopstatus diff`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from sopstatus.progress import bar
from sopstatus.replay import READ, TARGETS, Change, Replay, table_changes
from sopstatus.stored import stored
from sopstatus.table import load_tables

_SHIPPED = "-"
_NOTHING = "(nothing)"
_EVERY = 100  # documents between two drawings of the bar


def diff(options: Namespace) -> int:
    """Tell what differs between two sets of tables, and what that does to stored documents.

    1 where an output changes; without ``--replay`` where the tables do.
    """
    old, new = (
        load_tables(*([] if folder == _SHIPPED else [folder]))
        for folder in (options.old, options.new)
    )
    tables = list(table_changes(old, new))
    replay = None
    if options.replay:
        replay = Replay(old, new, tuple(options.to or TARGETS))
        _run(replay, options.replay)
    if options.json:
        print(json.dumps(_record(tables, replay), indent=2))
    else:
        print("\n".join([*_tables(tables), *(_lines(replay) if replay else ())]))
    return 1 if (replay.changed if replay else tables) else 0


def _run(replay: Replay, paths: list[str]) -> None:
    drawn = bar("replaying")
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
    for title, codes in (("no longer told of", gone), ("now told of", come)):
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
