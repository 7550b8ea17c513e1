"""Application Entities that move one SOP Instance about under the profile, explored to the end.

Every step of a copy is taken by the functions of `sopstatus.profile`; what is modelled here is only
the bookkeeping that a caller does: which storage commitment is open, and what was answered. The
network is the worst one: a message that was ever sent may arrive at any later time, any number of
times, or never. Beside the transfers of the original, any copy may arrive anywhere at any time, over
any link, altered or not, so that copies in flight need no bookkeeping.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from sopstatus import SOPInstance
from sopstatus.profile import NOTHING, POLICIES, Circumstances, Copy, Link
from sopstatus.profile import events as profile

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
UNTRUSTED = tuple(
    Link(secure=a, authenticated=b, conforms=c)
    for a in (True, None)
    for b in (True, False)
    for c in (True, None)
)[1:]
HELD = ("OR", "AO", "OR>", "AO>")
ARRIVED = ("OR?", "AO?")
TERMS = ("ABS", "NS", "OR", "AO", "AC", "invalid")
BEFORE = {  # what a copy may have been before it is this, by rules a, b, d and their exclusions
    "OR": {"-", "OR", "OR?", "OR>"},
    "AO": {"OR", "AO", "AO?", "AO>"},
    "OR?": {"-", "OR?"},
    "AO?": {"-", "OR?", "AO?"},
    "OR>": {"OR", "OR>"},
    "AO>": {"AO", "AO>"},
    "AC": {"-", "ABS", "NS", "AC", "AO>"},
}
STORED, REFUSED, ASKED, YES, NO, TAKEN, DECLINED = (1 << n for n in range(7))
"""Messages of one transaction that were sent: C-STORE answers, N-ACTION, reports, their answers."""


class AE(NamedTuple):
    """One Application Entity: its copy's state, and what it remembers of storage commitments."""

    state: str = "-"
    open: int = -1  # as sender: the transaction that it waits for
    given: int = 0  # as sender: the transactions that ended with success, as bits
    said_yes: int = 0  # as receiver: reported as committed, not yet answered
    ended: int = 0  # as receiver: answered


class Transfer(NamedTuple):
    """One transaction: who hands the original to whom, as what, and the messages sent."""

    sender: int
    receiver: int
    status: str
    sent: int = 0


class World(NamedTuple):
    """All Application Entities and all transactions so far."""

    entities: tuple[AE, ...]
    transfers: tuple[Transfer, ...] = ()


class Broken(AssertionError):
    """An invariant does not hold; the text tells the steps that lead there."""


def instance(state: str) -> SOPInstance:
    """Return an instance whose data set shows this state."""
    shown = {} if state == "ABS" else {"SOPInstanceStatus": "XX" if state == "invalid" else state}
    shown = {k: v.rstrip("?>") for k, v in shown.items()}
    if state.startswith("AO") or state == "AC":
        shown["SOPAuthorizationDateTime"] = "20240102030405+0000"
        shown["AuthorizationEquipmentCertificationNumber"] = "CERT-1"
    return SOPInstance("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "", shown)


class Rules:
    """The functions of the profile over one table, each step checked and remembered."""

    def __init__(self, table: profile.Profile | None = None) -> None:
        self.table = table
        self.known: dict[tuple[object, ...], tuple[str, bool, str | None]] = {}
        self.alone: dict[str, list[tuple[str, str]]] = {}

    def step(self, event: str, state: str, *given: object) -> tuple[str, bool, str | None]:
        """Return state afterwards, whether it was done, and what a transfer or copy sends."""
        key = (event, state, *given)
        if key not in self.known:
            self.known[key] = self._step(event, state, *given)
        return self.known[key]

    def _step(self, event: str, state: str, *given: object) -> tuple[str, bool, str | None]:
        copy = NOTHING if state == "-" else Copy(state, instance(state))
        link = next((g for g in given if isinstance(g, Link)), TRUSTED)
        policy = next((g for g in given if g in POLICIES), POLICIES[0])
        at = Circumstances(
            link=link, policy=str(policy), profile=self.table, time="2024-01-01T00:00:00Z"
        )
        call = getattr(profile, event)
        if event == "create":
            done = call(instance("ABS"), diagnostic=given[0], held=copy, at=at)
        elif event == "authorize":
            done = call(copy, certified=given[0], date_time="20240102", equipment="C", at=at)
        elif event == "receive":
            done = call(instance(str(given[0])), held=copy, intact=bool(given[1]), at=at)
        elif event in ("committed", "not_confirmed"):
            done = call(copy, given[0], transaction=given[1], at=at)
        elif event in ("not_committed", "confirmed"):
            done = call(copy, transaction=given[0], at=at)
        elif event in ("de_identified", "lossy_copy"):
            made = instance(state)
            uid = "2.25.1" if given[0] else made.sop_instance_uid
            done = call(copy, SOPInstance(*made.identity[:2], "", uid, "", made.attributes), at=at)
        elif event == "change":
            done = call(copy, given[0], at=at)
        else:
            done = call(copy, at=at)
        after = done.copy
        record = done.record
        # every change has exactly one audit record, and it tells the truth
        told = (record.before, record.after, record.outcome == "done")
        if told != (state, after.state, done.done) or bool(done.issues) == done.done:
            raise Broken(f"{event} {given}: record {told}, copy {state} -> {after.state}")
        if not done.done and (after.state != state or done.sent is not None):
            raise Broken(f"{event} {given}: refused, and yet {state} -> {after.state}")
        before = BEFORE.get(after.state)
        if before is not None and state not in before:
            raise Broken(f"{event} {given}: {state} -> {after.state}")
        if after.state == "OR" and state == "-" and event != "create":
            raise Broken(f"{event} {given}: an original out of nothing")
        if event == "receive" and not link.trusted and after.state not in (state, "NS"):
            raise Broken(f"{given} over an untrusted link: {state} -> {after.state}")
        shown = "-" if after.instance is None else profile.status_of(after.instance)
        if shown != after.state.rstrip("?>"):
            raise Broken(f"{event} {given}: {after.state} shows {shown}")
        if (
            shown == "NS"
            and state != "NS"
            and set(dict(after.instance.attributes)) != {"SOPInstanceStatus"}
        ):
            raise Broken(f"{event} {given}: NS keeps companions")
        sent = None if done.sent is None else profile.status_of(done.sent)
        allowed = {"transfer": ("OR", "AO"), "send": ("NS", "ABS", "AC")}.get(event, ("NS", "ABS"))
        if event == "respell" and (after != copy or sent is not None):
            raise Broken(f"{event} {given}: {state} -> {after.state}")
        if sent is not None and sent not in allowed:
            raise Broken(f"{event} {given}: {sent} goes out of {state}")
        if sent is not None and not link.trusted and sent not in ("NS", "ABS"):
            raise Broken(f"{event} {given}: {sent} goes out over an untrusted link")
        if sent == "AC" and state not in ("AO", "AO>", "AC"):
            raise Broken(f"{event} {given}: an authorized copy of {state}")
        return after.state, done.done, sent


def changes_alone(rules: Rules, state: str) -> Iterator[tuple[str, str]]:
    """Yield what may happen to a copy without the other Application Entities: step, and state."""
    for certified in (True, False):
        yield f"authorize certified={certified}", rules.step("authorize", state, certified)[0]
    for link in (TRUSTED, *UNTRUSTED):
        for policy in POLICIES:
            yield "send", rules.step("send", state, link, policy)[0]
        for value in TERMS:
            for intact in (True, False):
                # an original of another system may come over a link that is not trusted, altered, or
                # not at all: over a trusted one it comes by a transfer
                if not link.trusted or not intact or value not in ("OR", "AO"):
                    after = rules.step("receive", state, value, intact, link)[0]
                    yield f"receive {value} trusted={link.trusted} intact={intact}", after
    for wanted in TERMS[1:5]:
        yield f"change to {wanted}", rules.step("change", state, wanted)[0]
    for event in ("alter", "delete", "respell"):
        yield event, rules.step(event, state)[0]
    for link in UNTRUSTED:
        yield "transfer untrusted", rules.step("transfer", state, link)[0]
    for diagnostic in (True, False):
        if state != "-":  # there is one maker
            yield "create again", rules.step("create", state, diagnostic)[0]
    if state != "-":
        for event in ("de_identified", "lossy_copy"):
            for policy in POLICIES:
                for own_uid in (True, False):
                    yield event, rules.step(event, state, own_uid, policy)[0]


def successors(rules: Rules, world: World, transfers: int) -> Iterator[tuple[str, World]]:
    """Yield every step that the world can take, and the world afterwards."""
    entities = world.entities
    for who, ae in enumerate(entities):
        if ae.state not in rules.alone:
            reached = {state: name for name, state in changes_alone(rules, ae.state)}
            rules.alone[ae.state] = [(n, s) for s, n in reached.items() if s != ae.state]
        for name, state in rules.alone[ae.state]:
            yield f"AE{who} {name}", _with(world, who, ae._replace(state=state))
        if len(world.transfers) < transfers and ae.open < 0:
            state, done, sent = rules.step("transfer", ae.state, TRUSTED)
            if done:
                number = len(world.transfers)
                for to in _receivers(world, who):
                    moved = _with(world, who, ae._replace(state=state, open=number))
                    more = (*world.transfers, Transfer(who, to, str(sent)))
                    yield f"AE{who} transfers {sent} to AE{to}", moved._replace(transfers=more)
    for number, transfer in enumerate(world.transfers):
        yield from _messages(rules, world, number, transfer)


def _receivers(world: World, sender: int) -> Iterator[int]:
    """Yield the other Application Entities; of those in which nothing differs, only the first."""
    fresh = False
    for to, ae in enumerate(world.entities):
        if to == sender:
            continue
        untouched = ae == AE() and not any(to in transfer[:2] for transfer in world.transfers)
        if untouched and fresh:
            continue
        fresh = fresh or untouched
        yield to


def _messages(
    rules: Rules, world: World, number: int, transfer: Transfer
) -> Iterator[tuple[str, World]]:
    bit = 1 << number
    sender, receiver = world.entities[transfer.sender], world.entities[transfer.receiver]
    name = f"transfer {number}"

    def told(message: int, who: int, ae: AE) -> World:
        new = transfer._replace(sent=transfer.sent | message)
        at = (*world.transfers[:number], new, *world.transfers[number + 1 :])
        return _with(world, who, ae)._replace(transfers=at)

    for intact in (True, False):  # the C-STORE arrives, first or again
        state, done, _ = rules.step("receive", receiver.state, transfer.status, intact, TRUSTED)
        answer = STORED if done else REFUSED
        new = receiver._replace(state=state)
        yield f"{name}: C-STORE arrives, intact={intact}", told(answer, transfer.receiver, new)
    waiting = sender.open == number
    if waiting and not transfer.sent & ASKED:
        if transfer.sent & STORED:
            yield f"{name}: N-ACTION", told(ASKED, transfer.sender, sender)
        # refused, or the association is lost, whether the instance has arrived or not
        state, _, _ = rules.step("store_failed", sender.state)
        yield (
            f"{name}: C-STORE failed",
            told(0, transfer.sender, sender._replace(state=state, open=-1)),
        )
    if transfer.sent & ASKED:
        if waiting:
            state, _, _ = rules.step("timed_out", sender.state)
            yield (
                f"{name}: time-out",
                told(0, transfer.sender, sender._replace(state=state, open=-1)),
            )
        if receiver.state in ARRIVED and not receiver.ended & bit:
            new = receiver._replace(said_yes=receiver.said_yes | bit)
            yield f"{name}: reports success", told(YES, transfer.receiver, new)
            if not receiver.said_yes:  # one that has reported success waits for the answer
                for choice in ("delete", "NS", "AC"):
                    state, _, _ = rules.step("not_confirmed", receiver.state, choice, "open")
                    new = receiver._replace(state=state, ended=receiver.ended | bit)
                    yield f"{name}: reports failure, {choice}", told(NO, transfer.receiver, new)
    elif receiver.state in ARRIVED and transfer.sent & STORED and not receiver.said_yes:
        for choice in ("delete", "NS"):  # commitment was never asked for
            state, _, _ = rules.step("not_confirmed", receiver.state, choice, "open")
            yield (
                f"{name}: gives up, {choice}",
                told(0, transfer.receiver, receiver._replace(state=state)),
            )
    which = "open" if waiting else "closed" if sender.given & bit else "other"
    if transfer.sent & YES:
        for choice in ("delete", "NS", "AC"):
            state, done, _ = rules.step("committed", sender.state, choice, which)
            new = sender._replace(state=state)
            if done and waiting:
                new = new._replace(open=-1, given=sender.given | bit)
            yield (
                f"{name}: the sender hears of success, {choice}",
                told(TAKEN if done else DECLINED if not waiting else 0, transfer.sender, new),
            )
    if transfer.sent & NO:
        state, done, _ = rules.step("not_committed", sender.state, which)
        new = sender._replace(state=state, open=-1 if done and waiting else sender.open)
        yield f"{name}: the sender hears of failure", told(0, transfer.sender, new)
    ours = "open" if receiver.said_yes & bit else "closed" if receiver.ended & bit else "other"
    if transfer.sent & TAKEN:
        state, done, _ = rules.step("confirmed", receiver.state, ours)
        new = receiver._replace(state=state)
        if done and ours == "open":
            new = new._replace(said_yes=0, ended=receiver.ended | receiver.said_yes)
        yield f"{name}: success is answered", told(0, transfer.receiver, new)
    if transfer.sent & DECLINED and ours == "open":
        rest = receiver._replace(said_yes=receiver.said_yes & ~bit, ended=receiver.ended | bit)
        if rest.said_yes:  # another transfer of the same instance may still be taken
            yield f"{name}: failure is answered", told(0, transfer.receiver, rest)
        else:
            for choice in ("delete", "NS", "AC"):
                state, done, _ = rules.step("not_confirmed", receiver.state, choice, "open")
                if done:
                    new = rest._replace(state=state)
                    yield f"{name}: failure is answered, {choice}", told(0, transfer.receiver, new)


def _with(world: World, who: int, ae: AE) -> World:
    entities = world.entities
    return world._replace(entities=(*entities[:who], ae, *entities[who + 1 :]))


def wrong(world: World) -> str:
    """Say which invariant a world breaks; empty where all hold."""
    holders = [who for who, ae in enumerate(world.entities) if ae.state in HELD]
    if len(holders) > 1:
        return f"AE{holders[0]} and AE{holders[1]} both hold the original"
    if not holders and not any(
        ae.state in ARRIVED
        and any(ae.said_yes >> n & 1 and t.sent & TAKEN for n, t in enumerate(world.transfers))
        for ae in world.entities
    ):
        return "nobody holds the original"
    return ""


def canonical(world: World) -> World:
    """Return the same world for Application Entities of other names: bystanders sorted."""
    named = {who for transfer in world.transfers for who in transfer[:2]} | {0}
    free = [who for who in range(len(world.entities)) if who not in named]
    if len(free) < 2:
        return world
    entities = list(world.entities)
    for who, ae in zip(free, sorted(entities[who] for who in free), strict=True):
        entities[who] = ae
    return world._replace(entities=tuple(entities))


Worlds = tuple[World, ...]
"""A world for each SOP Instance: the functions take one copy, so they share nothing."""


def explore(
    count: int, transfers: int, instances: int = 1, table: profile.Profile | None = None
) -> int:
    """Explore every world of ``count`` Application Entities; return how many there are.

    ``transfers`` bounds how often each of the ``instances`` is handed on. Raise `Broken` with the
    steps that lead to the first world that breaks an invariant.
    """
    rules = Rules(table)
    start = (made(rules, count),) * instances
    came: dict[Worlds, tuple[Worlds, str] | None] = {start: None}
    queue = deque([start])
    while queue:
        worlds = queue.popleft()
        for number, world in enumerate(worlds):
            for name, new in successors(rules, world, transfers):
                after = (*worlds[:number], canonical(new), *worlds[number + 1 :])
                if after in came:
                    continue
                came[after] = (worlds, f"{number}: {name}" if instances > 1 else name)
                if fault := wrong(new):
                    raise Broken(f"{fault} after {'; '.join(_steps(came, after))}")
                queue.append(after)
    return len(came)


def made(rules: Rules, count: int) -> World:
    """Return the world in which the first Application Entity has just made the instance."""
    rules.step("create", "-", False)
    state, done, _ = rules.step("create", "-", True)
    if not done or state != "OR":
        raise Broken(f"create for diagnosis: {state}")
    return World((AE(state), *[AE()] * (count - 1)))


def _steps(came: dict[Worlds, tuple[Worlds, str] | None], worlds: Worlds) -> list[str]:
    names = []
    while (step := came[worlds]) is not None:
        worlds, name = step
        names.append(name)
    return names[::-1]
