"""What codecs share about statements: which old one a new one replaces, and merging what is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sopstatus.catalogue import issue
from sopstatus.model import Identity, Issue, SOPInstance
from sopstatus.table import Attribute, MappingTable

P = TypeVar("P")


@dataclass(slots=True)
class Found(Generic[P]):
    """A statement as it stands in a document, and where.

    ``unread`` holds the keywords whose value could not be read: writing leaves those alone unless
    the new statement says something of them.
    """

    instance: SOPInstance
    place: P
    unread: frozenset[str] = frozenset()

    def says(self, new: SOPInstance) -> bool:
        """Tell whether the document already says all that ``new`` says, and no more."""
        return self.instance.attributes == new.attributes and not (
            self.unread & {keyword for keyword, _ in new.attributes}
        )


def restrict(instance: SOPInstance, rows: Iterable[Attribute]) -> SOPInstance:
    """Keep the attributes of these rows."""
    wanted = {row.keyword for row in rows}
    return replace(instance, attributes=tuple(p for p in instance.attributes if p[0] in wanted))


def unmapped(instances: Iterable[SOPInstance], tables: MappingTable) -> list[Issue]:
    """Return an issue for every keyword that no table switched on knows."""
    keywords = {keyword for instance in instances for keyword, _ in instance.attributes}
    unknown = sorted(keywords - tables.attributes.keys())
    return [issue("table/unmapped", "", keyword=keyword) for keyword in unknown]


def merge(pieces: Iterable[Iterable[SOPInstance]]) -> tuple[SOPInstance, ...]:
    """Join what several segments or extensions say of the same identity into one statement.

    Each inner iterable is one source (one kind of segment or extension). What is said twice is
    given once; contradictions within one source stay apart, in their order.
    """
    merged: dict[tuple[Identity, int], SOPInstance] = {}
    for source in pieces:
        counts: dict[Identity, int] = {}
        seen: set[SOPInstance] = set()
        for instance in source:
            bare = replace(instance, sop_class_uid="")
            if not instance.attributes or bare in seen:
                continue
            seen.add(bare)
            number = counts.get(instance.identity, 0)
            counts[instance.identity] = number + 1
            key = (instance.identity, number)
            if key in merged:
                first = merged[key]
                instance = replace(
                    first,
                    sop_class_uid=first.sop_class_uid or instance.sop_class_uid,
                    attributes=first.attributes + instance.attributes,
                )
            merged[key] = instance
    return tuple(merged.values())


def pair(
    old: Sequence[Found[P]], new: Iterable[SOPInstance]
) -> tuple[list[tuple[Found[P], SOPInstance]], list[SOPInstance]]:
    """Tell which old statement each new one replaces, and which new ones have none to replace.

    An old statement that is not mentioned is left out: it stays. One that is superseded without a
    counterpart is paired with an empty statement: it goes.
    """
    by_key: dict[Identity, list[Found[P]]] = {}
    for found in old:
        by_key.setdefault(_key(found.instance), []).append(found)
    wanted: dict[tuple[Identity, str, str], list[SOPInstance]] = {}
    for instance in new:
        about = (instance.study_instance_uid, instance.series_instance_uid)
        wanted.setdefault((_key(instance), *about), []).append(instance)
    pairs: list[tuple[Found[P], SOPInstance]] = []
    added: list[SOPInstance] = []
    for (key, *about_new), news in wanted.items():
        olds = []
        for found in by_key.get(key, []):
            about_old = (found.instance.study_instance_uid, found.instance.series_instance_uid)
            mine = [*about_old] == about_new or (key, *about_old) not in wanted
            if mine and compatible(found.instance, news[0]):
                olds.append(found)
        # one that says nothing is filled only where no other speaks of the same
        olds = [f for f in olds if f.instance.attributes] or olds[:1]
        settled = [found for found in olds if any(found.says(n) for n in news)]
        pairs += [(found, next(n for n in news if found.says(n))) for found in settled]
        open_olds = [found for found in olds if not any(found is s for s in settled)]
        open_news = [n for n in news if not any(found.says(n) for found in settled)]
        if len(news) == 1:
            pairs += [(found, news[0]) for found in open_olds]
            added += [n for n in open_news if not olds]
            continue
        pairs += list(zip(open_olds, open_news, strict=False))
        pairs += [(f, replace(f.instance, attributes=())) for f in open_olds[len(open_news) :]]
        added += open_news[len(open_olds) :]
    return pairs, [instance for instance in added if instance.attributes]


def _key(instance: SOPInstance) -> Identity:
    # a SOP Instance UID is unique in the world: the other UIDs may be unknown on one side
    if instance.sop_instance_uid:
        return ("", "", instance.sop_instance_uid, instance.holder)
    return instance.identity


def compatible(a: SOPInstance, b: SOPInstance) -> bool:
    """Tell whether the study and series of two statements do not contradict each other."""
    return all(
        not x or not y or x == y
        for x, y in (
            (a.study_instance_uid, b.study_instance_uid),
            (a.series_instance_uid, b.series_instance_uid),
        )
    )


def rollup(
    instances: Iterable[SOPInstance], known: Iterable[SOPInstance]
) -> tuple[SOPInstance, ...]:
    """Join statements about instances into one about their series or study, for each holder.

    ``known`` lists every instance there is, said about or not: only where each of them carries the
    same statement is there one for the whole. `expand` with the same ``known`` is the inverse.
    """
    given = tuple(dict.fromkeys(instances))
    members: dict[tuple[str, str], set[str]] = {}
    for instance in known:
        if instance.sop_instance_uid:
            study, series = instance.study_instance_uid, instance.series_instance_uid
            members.setdefault((study, ""), set()).add(instance.sop_instance_uid)
            members.setdefault((study, series), set()).add(instance.sop_instance_uid)
    rolled: dict[SOPInstance, SOPInstance] = {}
    for level in ("study", "series"):
        groups: dict[tuple[str, str, str], list[SOPInstance]] = {}
        for instance in given:
            if instance.sop_instance_uid and instance.attributes and instance not in rolled:
                series = instance.series_instance_uid if level == "series" else ""
                key = (instance.study_instance_uid, series, instance.holder)
                groups.setdefault(key, []).append(instance)
        for (study, series, holder), group in groups.items():
            if level == "series" and not series:
                continue
            said = {instance.attributes for instance in group}
            about = [instance.sop_instance_uid for instance in group]
            if (
                len(said) == 1
                and len(about) == len(set(about))
                and set(about) == members.get((study, series))
            ):
                whole = SOPInstance(study, series, "", "", holder, said.pop())
                rolled |= dict.fromkeys(group, whole)
    return tuple(dict.fromkeys(rolled.get(instance, instance) for instance in given))


def expand(
    instances: Iterable[SOPInstance], known: Iterable[SOPInstance]
) -> tuple[SOPInstance, ...]:
    """Turn statements about a study or series into one for each known instance of it.

    The more specific statement of a holder wins over the wider one. A wide statement about no
    known instance stays as it is.
    """
    given = tuple(instances)
    said: dict[tuple[str, str], SOPInstance] = {}
    used: set[SOPInstance] = set()
    everything = tuple(known)
    wide = [instance for instance in given if not instance.sop_instance_uid]
    for statement in sorted(wide, key=lambda s: bool(s.series_instance_uid)):  # series over study
        for member in everything:
            if member.sop_instance_uid and _inside(member, statement):
                said[member.sop_instance_uid, statement.holder] = replace(
                    member, holder=statement.holder, attributes=statement.attributes
                )
                used.add(statement)
    own = {(i.sop_instance_uid, i.holder) for i in given if i.sop_instance_uid}
    result: list[SOPInstance] = []
    for statement in given:
        if statement not in used:
            result.append(statement)
            continue
        for key, instance in list(said.items()):
            if key[1] == statement.holder and key not in own and _inside(instance, statement):
                result.append(said.pop(key))
    return tuple(result)


def _inside(member: SOPInstance, statement: SOPInstance) -> bool:
    return member.study_instance_uid == statement.study_instance_uid and (
        statement.series_instance_uid in ("", member.series_instance_uid)
    )
