"""What codecs share about statements: which old one a new one replaces, and merging what is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge as in_order
from itertools import product
from typing import Generic, NamedTuple, Protocol, TypeVar

from sopstatus.catalogue import document_error, issue
from sopstatus.holder import NOBODY, Company, Holder
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Identity, Issue, Result, SOPInstance, Value, stated
from sopstatus.table import Attribute, MappingTable
from sopstatus.values import context_offset

P = TypeVar("P")
Reading = tuple[Result[tuple[SOPInstance, ...]], tuple[SOPInstance, ...]]
"""What a document states, and the instances that it knows, said about or not."""


class Found(NamedTuple, Generic[P]):
    """A statement as it stands in a document, and where.

    ``unread`` holds the keywords whose value could not be read: writing leaves those alone unless
    the new statement says something of them.
    """

    instance: SOPInstance
    place: P
    unread: frozenset[str] = frozenset()

    def says(self, new: SOPInstance) -> bool:
        """Tell whether the document already says all that ``new`` says, and no more.

        The same text, local to two places, is two times.
        """
        said, wanted = self.instance.attributes, new.attributes
        return (
            said == wanted
            and not (self.unread and self.unread & {keyword for keyword, _ in wanted})
            and not any(elsewhere(a, b) for (_, a), (_, b) in zip(said, wanted, strict=True))
        )


def elsewhere(old: Value, new: Value) -> bool:
    """Tell whether two values are local to two offsets; one that is local to none is like any."""
    here, there = context_offset(old), context_offset(new)
    return bool(here and there) and here != there


def restrict(instances: Iterable[SOPInstance], rows: Iterable[Attribute]) -> list[SOPInstance]:
    """Keep the attributes of these rows."""
    wanted = {row.keyword for row in rows}
    return [
        instance
        if wanted.issuperset(dict(instance.attributes))
        else replace(instance, attributes=tuple(p for p in instance.attributes if p[0] in wanted))
        for instance in instances
    ]


def unmapped(instances: Iterable[SOPInstance], tables: MappingTable) -> list[Issue]:
    """Return an issue for every keyword that no table switched on knows."""
    known = tables.attributes
    unknown = {k for instance in instances for k, _ in instance.attributes if k not in known}
    return [issue("table/unmapped", "", keyword=keyword) for keyword in sorted(unknown)]


def not_carried(
    instances: Iterable[SOPInstance], tables: MappingTable, by: str, code: str, **facts: object
) -> list[Issue]:
    """Return an issue for every keyword whose row has nothing that carries it in a format."""
    rows = [row for row in tables.attributes.values() if not getattr(row, by)]
    told = {k for instance in instances for k, _ in instance.attributes} if rows else set()
    return [issue(code, "", keyword=r.keyword, **facts) for r in rows if r.keyword in told]


def by_uid(known: Iterable[SOPInstance]) -> dict[str, SOPInstance]:
    """Return the instances by their SOP Instance UID; of several, the one whose other UIDs are known."""
    found: dict[str, SOPInstance] = {}
    for one in known:
        if uid := one.sop_instance_uid:
            found[uid] = max(found.get(uid, one), one, key=_uids)
    return found


def _uids(one: SOPInstance) -> int:
    return sum(map(bool, (one.study_instance_uid, one.series_instance_uid, one.sop_class_uid)))


def identities(instances: Iterable[SOPInstance]) -> tuple[SOPInstance, ...]:
    """Return what the statements are about, each once, without a holder and saying nothing."""
    known = {
        (i.study_instance_uid, i.series_instance_uid, i.sop_class_uid, i.sop_instance_uid): None
        for i in instances
    }
    return tuple(stated(*uids, NOBODY, ()) for uids in known)


def merge(pieces: Iterable[Iterable[SOPInstance]]) -> tuple[SOPInstance, ...]:
    """Join what several segments or extensions say of the same identity into one statement.

    Each inner iterable is one source (one kind of segment or extension). What is said twice is
    given once; contradictions within one source stay apart, in their order.
    """
    sources = [
        stating for source in pieces if (stating := [one for one in source if one.attributes])
    ]
    if len(sources) == 1 and are_distinct(sources[0]):
        return tuple(sources[0])
    merged: dict[tuple[Identity, int], SOPInstance] = {}
    for source in sources:
        counts: dict[Identity, int] = {}
        seen: set[tuple[Identity, tuple[tuple[str, Value], ...]]] = set()
        for instance in source:
            identity = instance.identity
            said = (identity, instance.attributes)
            if said in seen:
                continue
            seen.add(said)
            number = counts[identity] = counts.get(identity, -1) + 1
            key = (identity, number)
            if key in merged:
                first = merged[key]
                instance = replace(
                    first,
                    sop_class_uid=first.sop_class_uid or instance.sop_class_uid,
                    attributes=first.attributes + instance.attributes,
                )
            merged[key] = instance
    return tuple(merged.values())


def are_distinct(instances: Collection[SOPInstance]) -> bool:
    """Tell whether each of these is about another SOP Instance."""
    return len({one.sop_instance_uid for one in instances}) == len(instances)


class _Statement(Protocol):
    @property
    def instance(self) -> SOPInstance: ...


S = TypeVar("S", bound=_Statement)


def contradicting(found: Collection[S]) -> Iterator[S]:
    """Yield each statement that gives an attribute of a copy another value than one before it does."""
    if are_distinct([one.instance for one in found]):
        return
    said: dict[Identity, tuple[tuple[str, Value], ...]] = {}
    for one in found:
        attributes = one.instance.attributes
        if attributes:
            first = said.setdefault(one.instance.identity, attributes)
            if first is not attributes and contradicts(first, attributes):
                yield one


def contradicts(one: tuple[tuple[str, Value], ...], other: tuple[tuple[str, Value], ...]) -> bool:
    """Tell whether two statements about one copy give one attribute two values."""
    said = dict(one)
    return any(keyword in said and said[keyword] != value for keyword, value in other)


_LONG = 1024  # characters of values that count as one pair


def weigh(news: Iterable[SOPInstance], limits: Limits) -> None:
    """Raise `DocumentError` where long values that are written again and again make more than the limit.

    ``news`` has a statement as often as it is written: a small document can say much of many copies.
    """
    sizes: dict[tuple[tuple[str, Value], ...], int] = {}
    left = limits.pairs
    for new in news:
        if new.attributes in sizes:
            left -= sizes[new.attributes]
        else:
            sizes[new.attributes] = sum(len(value or "") for _, value in new.attributes) // _LONG
    if left < 0:
        raise document_error("document/too-many-pairs", "", limit=limits.pairs)


def pair(
    old: Sequence[Found[P]], new: Iterable[SOPInstance], limits: Limits = DEFAULT
) -> tuple[list[tuple[Found[P], SOPInstance]], list[SOPInstance]]:
    """Tell which old statement each new one replaces, and which new ones have none to replace.

    An old statement that is not mentioned is left out: it stays. One that is superseded without a
    counterpart is paired with an empty statement: it goes.
    """
    wanted: dict[tuple[Identity, str, str], list[SOPInstance]] = {}
    for instance in new:
        about = (instance.study_instance_uid, instance.series_instance_uid)
        wanted.setdefault((_key(instance), *about), []).append(instance)
    if not old:
        return [], [one for news in wanted.values() for one in news if one.attributes]
    own: dict[tuple[Identity, str, str], list[tuple[int, Found[P]]]] = {}
    others: dict[Identity, Near[Found[P]]] = {key: Near() for key, _, _ in wanted}
    for number, found in enumerate(old):
        instance = found.instance
        key = _key(instance)
        exact = (key, instance.study_instance_uid, instance.series_instance_uid)
        if exact in wanted:
            own.setdefault(exact, []).append((number, found))
        elif key in others:  # that no new one names exactly
            others[key].add(instance, found, number)
    pairs: list[tuple[Found[P], SOPInstance]] = []
    added: list[SOPInstance] = []
    taken: set[int] = set()
    for exact, news in wanted.items():
        mine = own.get(exact, [])
        more = [n for n in others[exact[0]].take(news[0]) if n[0] not in taken]
        if more:
            taken |= set(map(_number, more))
            mine = sorted([*mine, *more], key=_number)
        _settle([found for _, found in mine], news, pairs, added)
    weigh((instance for _, instance in pairs), limits)
    return pairs, [instance for instance in added if instance.attributes]


def unsettled(old: Sequence[Found[P]], new: Iterable[SOPInstance]) -> list[Found[P]]:
    """Return the old statements that stay, for their holder may be that of a new one, or may not.

    What is compatible and not the same is reported: a site can settle it (``[holders]``).
    """
    if not old:
        return []
    named: dict[tuple[str, ...], list[Holder]] = {}
    for instance in new:
        if instance.holder:
            named.setdefault(_key(instance)[:3], []).append(instance.holder)
    companies = {about: Company(holders) for about, holders in named.items()}
    return [
        found
        for found in old
        if found.instance.attributes
        and (company := companies.get(_key(found.instance)[:3]))
        and company.unsettles(found.instance.holder)
    ]


def _number(numbered: tuple[int, object]) -> int:
    return numbered[0]


def _settle(
    olds: list[Found[P]],
    news: list[SOPInstance],
    pairs: list[tuple[Found[P], SOPInstance]],
    added: list[SOPInstance],
) -> None:
    """Pair the old statements of one identity with the new ones of it."""
    # one that says nothing is filled only where no other speaks of the same
    olds = [found for found in olds if found.instance.attributes] or olds[:1]
    if not olds:
        added += news
        return
    saying = {instance.attributes: instance for instance in reversed(news)}
    open_olds, settled = [], set()
    for found in olds:
        same = saying.get(found.instance.attributes)
        if same is not None and found.says(same):
            pairs.append((found, same))
            settled.add(same.attributes)
        else:
            open_olds.append(found)
    if len(news) == 1:
        pairs += [(found, news[0]) for found in open_olds]
        return
    open_news = [instance for instance in news if instance.attributes not in settled]
    pairs += list(zip(open_olds, open_news, strict=False))
    pairs += [(f, replace(f.instance, attributes=())) for f in open_olds[len(open_news) :]]
    added += open_news[len(open_olds) :]


def _key(instance: SOPInstance) -> Identity:
    # a SOP Instance UID is unique in the world: the other UIDs may be unknown on one side
    if instance.sop_instance_uid:
        return ("", "", instance.sop_instance_uid, instance.holder.key)
    return instance.identity


class _OfASeries(Protocol):
    @property
    def study_instance_uid(self) -> str: ...
    @property
    def series_instance_uid(self) -> str: ...


def compatible(a: _OfASeries, b: _OfASeries) -> bool:
    """Tell whether the study and series of two statements do not contradict each other."""
    here, there = a.study_instance_uid, b.study_instance_uid
    if here != there and here and there:
        return False
    here, there = a.series_instance_uid, b.series_instance_uid
    return here == there or not here or not there


class Near(Generic[P]):
    """What is about one SOP Instance, found by study and series, which either side may leave out.

    So that what is `compatible` need not be looked for among all that is not.
    """

    __slots__ = ("_count", "_found")

    def __init__(self) -> None:
        self._found: dict[tuple[str | None, str | None], list[tuple[int, P]]] = {}
        self._count = 0

    def add(self, about: SOPInstance, thing: P, number: int = -1) -> None:
        """Add a thing; its ``number`` is its place in the order, by default that of adding."""
        numbered = (self._count if number < 0 else number, thing)
        self._count += 1
        for key in product((about.study_instance_uid, None), (about.series_instance_uid, None)):
            self._found.setdefault(key, []).append(numbered)

    def numbered(self, about: SOPInstance) -> Iterator[tuple[int, P]]:
        """Yield what is compatible, with its numbers, in their order."""
        lists = self._lists(about)
        return iter(lists[0]) if len(lists) == 1 else in_order(*lists, key=_number)

    def to(self, about: SOPInstance) -> Iterator[P]:
        """Yield what is compatible, in its order."""
        return (thing for _, thing in self.numbered(about))

    def take(self, about: SOPInstance) -> list[tuple[int, P]]:
        """Return what is compatible, with its numbers, and look it over no more."""
        found = [numbered for some in self._lists(about) for numbered in some]
        for some in self._lists(about):
            some.clear()
        return found

    def _lists(self, about: SOPInstance) -> list[list[tuple[int, P]]]:
        study, series = about.study_instance_uid, about.series_instance_uid
        keys = product((study, "") if study else (None,), (series, "") if series else (None,))
        return [self._found[key] for key in keys if key in self._found]


Members = dict[tuple[str, str], set[str]]


def members(known: Iterable[SOPInstance]) -> Members:
    """Return the SOP Instance UIDs of each study and each series."""
    found: Members = {}
    for instance in known:
        if instance.sop_instance_uid:
            study, series = instance.study_instance_uid, instance.series_instance_uid
            found.setdefault((study, ""), set()).add(instance.sop_instance_uid)
            found.setdefault((study, series), set()).add(instance.sop_instance_uid)
    return found


def rollup(
    instances: Iterable[SOPInstance], known: Iterable[SOPInstance]
) -> tuple[SOPInstance, ...]:
    """Join statements about instances into one about their series or study, for each holder.

    ``known`` lists every instance there is, said about or not: only where each of them carries the
    same statement is there one for the whole. `expand` with the same ``known`` is the inverse.
    """
    return rolled_up(instances, members(known))


def rolled_up(instances: Iterable[SOPInstance], known: Members) -> tuple[SOPInstance, ...]:
    """Do what `rollup` does, with the members of ``known`` listed once for many calls."""
    given = tuple(dict.fromkeys(instances))
    rolled: dict[SOPInstance, SOPInstance] = {}
    for level in ("study", "series"):
        groups: dict[tuple[str, str, str], list[SOPInstance]] = {}
        for instance in given:
            if instance.sop_instance_uid and instance.attributes and instance not in rolled:
                series = instance.series_instance_uid if level == "series" else ""
                key = (instance.study_instance_uid, series, instance.holder.key)
                groups.setdefault(key, []).append(instance)
        for (study, series, _), group in groups.items():
            if level == "series" and not series:
                continue
            said = {(one.attributes, offsets(one)): one.attributes for one in group}
            about = {instance.sop_instance_uid for instance in group}
            whole = known.get((study, series))
            if len(said) == 1 and len(about) == len(group) and about == whole:
                (attributes,) = said.values()
                holder = max((one.holder for one in group), key=len)
                statement = SOPInstance(study, series, "", "", holder, attributes)
                rolled |= dict.fromkeys(group, statement)
    return tuple(dict.fromkeys(rolled.get(instance, instance) for instance in given))


def offsets(one: SOPInstance) -> tuple[str, ...]:
    """Return the offsets that the values of a statement are local to."""
    return tuple(context_offset(value) for _, value in one.attributes)


def expand(
    instances: Iterable[SOPInstance], known: Iterable[SOPInstance], limits: Limits = DEFAULT
) -> tuple[SOPInstance, ...]:
    """Turn statements about a study or series into one for each known instance of it.

    The more specific statement of a holder wins over the wider one. A wide statement about no
    known instance stays as it is. Raise `DocumentError` where that makes more pairs than the limit.
    """
    given, members = tuple(instances), identities(known)
    inside: dict[tuple[str, str], list[SOPInstance]] = {}
    for member in members:
        if member.sop_instance_uid:
            study, series = member.study_instance_uid, member.series_instance_uid
            inside.setdefault((study, ""), []).append(member)
            if series:
                inside.setdefault((study, series), []).append(member)
    said: dict[tuple[str, str], SOPInstance] = {}
    wide = [instance for instance in given if not instance.sop_instance_uid]
    pairs = sum(len(inside.get(_about(statement), ())) for statement in wide)
    if pairs > limits.pairs + len(given) + len(members):
        raise document_error("document/too-many-pairs", "", limit=limits.pairs)
    for statement in sorted(wide, key=lambda s: bool(s.series_instance_uid)):  # series over study
        for member in inside.get(_about(statement), ()):
            said[member.sop_instance_uid, statement.holder.key] = replace(
                member, holder=statement.holder, attributes=statement.attributes
            )
    own = {(i.sop_instance_uid, i.holder.key) for i in given if i.sop_instance_uid}
    result: list[SOPInstance] = []
    for statement in given:
        concerned = () if statement.sop_instance_uid else inside.get(_about(statement), ())
        if not concerned:
            result.append(statement)
        for member in concerned:
            key = (member.sop_instance_uid, statement.holder.key)
            if key in said and key not in own and _inside(said[key], statement):
                result.append(said.pop(key))
    return tuple(result)


def _about(statement: SOPInstance) -> tuple[str, str]:
    return (statement.study_instance_uid, statement.series_instance_uid)


def _inside(member: SOPInstance, statement: SOPInstance) -> bool:
    return member.study_instance_uid == statement.study_instance_uid and (
        statement.series_instance_uid in ("", member.series_instance_uid)
    )
