"""The events of PS3.15 A.1.1, the Online Electronic Storage Secure Use Profile.

A codec carries a status; these functions decide about it, by the table of `profile.table`. They are
pure: each takes one copy, and returns the new copy, what is sent, one audit record, and the issue
that explains a refusal.
"""

from __future__ import annotations

from dataclasses import replace

from sopstatus.model import SOPInstance, Value
from sopstatus.profile.link import Circumstances
from sopstatus.profile.transition import HERE, NOTHING, Copy, Transition, status_of, step
from sopstatus.table.language import COMPANIONS, GOVERNED

__all__ = [
    "alter", "authorize", "change", "committed", "confirmed", "create", "de_identified", "delete",
    "lossy_copy", "not_committed", "not_confirmed", "overwrite", "receive", "respell", "send",
    "store_failed", "timed_out", "transfer",
]  # fmt: skip

_DATE, _COMMENT, _NUMBER = COMPANIONS
_ORIGINALS = ("OR", "AO")


def create(
    instance: SOPInstance, *, diagnostic: bool, held: Copy = NOTHING, at: Circumstances = HERE
) -> Transition:
    """Make an instance: for diagnostic use it becomes OR (A.1.1 a), else it states nothing."""
    intended = "diagnosis" if diagnostic else "other"
    values = {k: v for k, v in instance.attributes if k in COMPANIONS}
    other = tuple((k, v) for k, v in instance.attributes if k not in GOVERNED)
    plain = replace(instance, attributes=other)
    return step("create", held, at, plain, values, intended=intended)


def authorize(
    held: Copy,
    *,
    certified: bool,
    date_time: str,
    equipment: str,
    comment: str = "",
    at: Circumstances = HERE,
) -> Transition:
    """Make an original (OR) an authorized one (AO): A.1.1 b.

    ``certified``: an authorized entity has certified it as usable for diagnosis. ``date_time`` (a
    DT) and ``equipment`` (the certification number) must be given, or nothing is authorized.
    """
    values: dict[str, Value] = {_DATE: date_time, _NUMBER: equipment}
    if comment:
        values[_COMMENT] = comment
    whole = "yes" if certified and date_time and equipment else "no"
    return step("authorize", held, at, None, values, certified=whole)


def change(held: Copy, wanted: str, *, at: Circumstances = HERE) -> Transition:
    """Write another status by hand: always refused, only the events here change a status (b, h)."""
    return step("change", held, at, wanted=wanted)


def alter(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Change any other attribute of a copy: refused (A.1.1 g, h)."""
    return step("alter", held, at)


def send(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Send a copy and keep one's own: what may go out by link and policy (A.1.1 e, f.1)."""
    return step("send", held, at, link=_trust(at), policy=at.policy)


def transfer(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Transfer the original itself (A.1.1 d); the copy waits for the report of its commitment."""
    return step("transfer", held, at, link=_trust(at))


def receive(
    arrived: SOPInstance,
    *,
    held: Copy = NOTHING,
    intact: bool = True,
    at: Circumstances = HERE,
) -> Transition:
    """Take in an instance that arrives (A.1.1 d.3, d.4, e.4, f.2).

    ``held`` is what this Application Entity had of it, ``intact`` what the data integrity checks
    after the transfer say. Refused = reject the storage request and discard what arrived.
    """
    return step(
        "receive",
        held,
        at,
        arrived,
        link=_trust(at),
        integrity="passed" if intact else "failed",
        value=status_of(arrived),
    )


def overwrite(held: Copy, statement: SOPInstance, *, at: Circumstances = HERE) -> Transition:
    """Write a statement that came over a link onto a data set that is held here.

    Onto one that states NS or nothing it is as if it arrived (`receive`). An OR, AO or AC is lowered
    by nobody, and only an original may become an authorized one: anything else is refused, unless
    ``at.on_held`` is ``demote``. An AC never becomes an original, and an AO never an OR.
    """
    wanted = status_of(statement)
    original = at.link.trusted and wanted in _ORIGINALS
    if held.state in ("ABS", "NS") or (original and held.state in ("OR", wanted)):
        return receive(statement, at=at)
    if original and held.state in _ORIGINALS:
        return change(held, wanted, at=at)
    if at.on_held == "demote" and not original:
        return receive(statement, at=at)
    return receive(statement, held=held, at=at)


def store_failed(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """End a transfer whose C-STORE was refused, or whose association was lost: still the holder."""
    return step("store-failed", held, at)


def committed(
    held: Copy, choice: str, *, transaction: str = "open", at: Circumstances = HERE
) -> Transition:
    """Give up the original, because the receiver reports its commitment (A.1.1 d.5).

    ``choice`` is ``delete``, ``NS`` or, of an AO, ``AC``. ``transaction`` tells which storage
    commitment the report is about: the ``open`` one of this copy, one that has ended with success
    (``closed``: the report is a repetition), or any ``other``. Answer the report with success where
    it is done, and with failure where it is refused.
    """
    return step("committed", held, at, transaction=transaction, choice=choice)


def not_committed(held: Copy, *, transaction: str = "open", at: Circumstances = HERE) -> Transition:
    """Stay the holder, because the receiver reports that its commitment failed (A.1.1 c)."""
    return step("not-committed", held, at, transaction=transaction)


def timed_out(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Stay the holder, because no report has arrived; the transaction is no longer open."""
    return step("timed-out", held, at)


def confirmed(held: Copy, *, transaction: str = "open", at: Circumstances = HERE) -> Transition:
    """Become the one holder: the sender has answered our report with success (A.1.1 d.4)."""
    return step("confirmed", held, at, transaction=transaction)


def not_confirmed(
    held: Copy, choice: str, *, transaction: str = "open", at: Circumstances = HERE
) -> Transition:
    """Let go of an original that was not committed: ``choice`` is ``delete`` or ``NS``."""
    return step("not-confirmed", held, at, transaction=transaction, choice=choice)


def delete(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Delete a copy; the holder of an original may not (A.1.1 c)."""
    return step("delete", held, at)


def respell(held: Copy, *, at: Circumstances = HERE) -> Transition:
    """Write the held copy in another format, on the same machine: it is one copy, and nothing changes."""
    return step("respell", held, at)


def de_identified(held: Copy, made: SOPInstance, *, at: Circumstances = HERE) -> Transition:
    """Return what a de-identified instance states: NS, or nothing if the policy is ``strip``.

    ``made`` is that instance, with a SOP Instance UID of its own. Its companions go: the table of
    PS3.15 annex E names only the date, and the comment is free text.
    """
    return _made("de-identify", held, made, at)


def lossy_copy(held: Copy, made: SOPInstance, *, at: Circumstances = HERE) -> Transition:
    """Return what an instance made by lossy compression states, as `de_identified` does."""
    return _made("lossy-copy", held, made, at)


def _made(event: str, held: Copy, made: SOPInstance, at: Circumstances) -> Transition:
    old = held.instance.sop_instance_uid if held.instance else ""
    uid = "same" if made.sop_instance_uid in ("", old) else "new"
    return step(event, held, at, made, uid=uid, policy=at.policy)


def _trust(at: Circumstances) -> str:
    return "trusted" if at.link.trusted else "untrusted"
