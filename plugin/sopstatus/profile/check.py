"""Rules that every row of the profile's table must keep (PS3.15 A.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sopstatus.profile.language import ORIGINALS
from sopstatus.table.language import COMPANIONS, STATUS

if TYPE_CHECKING:
    from sopstatus.profile.row import Row

_STEPS = {  # the only ways to become or stay an original, with the event that may take it
    ("-", "OR", "create"),
    ("OR", "AO", "authorize"),
    ("OR", "OR>", "transfer"),
    ("AO", "AO>", "transfer"),
    ("-", "OR?", "receive"),
    ("-", "AO?", "receive"),
    ("OR?", "OR?", "receive"),
    ("OR?", "AO?", "receive"),
    ("AO?", "AO?", "receive"),
    ("OR?", "OR", "confirmed"),
    ("AO?", "AO", "confirmed"),
    *((f"{term}>", term, event) for term in ("OR", "AO") for event in (
        "store-failed", "not-committed", "timed-out",
    )),
}  # fmt: skip
_GIVING_UP = {  # the only ways to stop being one
    ("OR>", "-", "committed"),
    ("OR>", "NS", "committed"),
    ("AO>", "-", "committed"),
    ("AO>", "NS", "committed"),
    ("AO>", "AC", "committed"),
    *((f"{term}?", end, "not-confirmed") for term in ("OR", "AO") for end in ("-", "NS")),
}


def row_rules(row: Row) -> Iterator[tuple[str, str]]:
    """Yield the key and the message of every fault of a row."""
    when = dict(row.when)
    if not row.done:
        if not row.code:
            yield "outcome", "a refusal needs the code of the issue that explains it; add code"
        if (row.to, row.wire) != ("same", "none") or row.set or row.may_set or row.clear:
            yield "outcome", 'a refusal changes nothing; to = "same", wire = "none", nothing set'
        return
    if row.code:
        yield "code", "only a refusal has a code; remove it"
    for state in row.states:
        step = (state, row.result(state), row.event)
        if row.to != "same" and step[1] in ORIGINALS and step not in _STEPS:
            yield "to", f"{step[2]} cannot change {step[0]} to {step[1]}; correct it"
        if state in ORIGINALS and step[1] not in ORIGINALS and step not in _GIVING_UP:
            yield (
                "to",
                f"an original is never lost: {step[0]} to {step[1]} by {step[2]}; correct it",
            )
    if row.event == "respell" and (
        (row.to, row.wire) != ("same", "none") or row.set or row.may_set or row.clear
    ):
        yield "to", "the same copy in another spelling states the same; nothing set or cleared"
    if set(row.set) & set(row.clear):
        yield "clear", "an attribute is both set and cleared; remove one"
    yield from _wire(row)
    yield from _conditions(row, when)


def _wire(row: Row) -> Iterator[tuple[str, str]]:
    if row.wire in ("OR", "AO") and (row.event, row.to) != ("transfer", f"{row.wire}>"):
        yield "wire", "an original leaves only in a transfer of itself; correct it"
    if row.event == "transfer" and row.wire != row.to.removesuffix(">"):
        yield "wire", "a transfer sends the original unchanged; correct it"
    if row.wire == "AC" and not set(row.states) <= {"AO", "AC", "AO>"}:
        yield "wire", "an Authorized Copy is made from AO or AC only (e); correct it"
    if row.wire in ("NS", "left-out") and not set(COMPANIONS) <= set(row.clear):
        yield (
            "clear",
            f"without a status, its companions must be cleared: {', '.join(COMPANIONS)}; add them",
        )
    changed = row.to if row.wire == "none" else row.wire
    writes = row.event not in ("receive", "confirmed", "transfer") and changed in ("NS", "AC", "AO")
    if (
        writes
        and STATUS not in row.set
        and row.event not in ("store-failed", "not-committed", "timed-out")
        and set(row.states) != {changed}
    ):
        yield "set", f"{changed} must be written; add {STATUS}"


def _conditions(row: Row, when: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    receives, moves = row.event == "receive", row.to != "same"
    trusted = when.get("link") == ("trusted",)
    commits = row.event in ("committed", "not-committed", "confirmed", "not-confirmed")
    crosses = row.event in ("send", "transfer", "receive") and row.wire in ("OR", "AO", "AC")
    if crosses and not trusted:
        yield "when", f"{row.wire} crosses a trusted link only (d, e); add link"
    if receives and not trusted and (row.to not in ("same", "NS") or STATUS not in row.set):
        yield "to", "what arrives over an untrusted link becomes NS (f.2); correct it"
    if receives and when.get("integrity") != ("passed",):
        yield "when", "what was altered on the way is rejected (d.3, e.4); add integrity"
    if receives and trusted and when.get("value") != (row.to.removesuffix("?"),):
        yield "to", "what arrives over a trusted link is stored unchanged (g); correct it"
    if row.event == "authorize" and when.get("certified") != ("yes",):
        yield "when", "without certification nothing is authorized (b.1); add certified"
    if commits and moves and when.get("transaction") != ("open",):
        yield "when", "only the open transaction changes a copy; add transaction"
