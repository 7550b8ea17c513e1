"""A ledger of who holds what: facts about copies in SQLite or PostgreSQL, and what is wrong there.

A ledger only ever gathers facts; who holds what follows from them, in whatever order they came.
Needs the extra ``ledger``, and for PostgreSQL ``postgresql``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Self

import sqlalchemy as sa

from sopstatus.audit.record import TORN_LINE, now
from sopstatus.holder import NONE_GIVEN, Holder, resolve
from sopstatus.ledger import schema
from sopstatus.ledger.facts import Fact, from_instance, from_record, only_of, utc
from sopstatus.ledger.findings import Holding, account, check, statements
from sopstatus.ledger.merge import merge
from sopstatus.model import AuditRecord, Issue, SOPInstance

__all__ = ["Added", "Fact", "Holding", "Ledger"]

_BATCH, _LARGEST = 500, 16_000  # facts in one transaction
_KNOWN = 8  # for so many facts that are known of its instances, one more comes into a transaction
_NAMES = [field.name for field in fields(Fact)]
_COLUMNS = [schema.fact.c[name] for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Added:
    """How many facts were new, how many were known, and what could not be stored."""

    new: int = 0
    known: int = 0
    issues: tuple[Issue, ...] = ()

    def __add__(self, other: Added) -> Added:
        return Added(self.new + other.new, self.known + other.known, self.issues + other.issues)


class Ledger:
    """An open ledger: ``with Ledger("ledger.db") as ledger``, or a ``postgresql:`` URL.

    Many processes may write at once: each batch of facts is one transaction, and batches take
    turns. Feeding the same again changes nothing, so that what was cut short is simply fed again.
    ``holders`` says whose a bare AE Title is (``MappingTable.holders``); it holds for what is in the
    ledger too. A database that fails raises `DocumentError`.
    """

    def __init__(
        self,
        database: str = "",
        *,
        create: bool = True,
        holders: Mapping[str, str] = NONE_GIVEN,
    ) -> None:
        self._engine = schema.connect(database, create=create)
        self._holders = holders

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(
        self, records: Iterable[AuditRecord], *, holder: str = "", only: Collection[str] = ()
    ) -> Added:
        """Take audit records in; ``holder`` is whose copy they are about where they do not say.

        They are taken for the truth: take in only what your own systems have recorded. ``only`` are
        the holders for whose copies they may speak; default: everybody's.
        """
        facts = (
            self._allowed(self._settled(from_record(record, where, holder=holder)), only, where)
            for index, record in enumerate(records)
            if record.event != TORN_LINE
            for where in (f"record[{index}]",)
        )
        return self._store(facts)

    def observe(
        self,
        instances: Iterable[SOPInstance],
        *,
        holder: str = "",
        time: str = "",
        only: Collection[str] = (),
    ) -> Added:
        """Take in what was seen of copies: of the data sets themselves, or over a trusted link.

        ``holder`` is whose copies they are where the statement does not say; ``time`` when they
        were seen (ISO 8601 with an offset; default: now). An instance without a status is `ABS`.
        ``only`` as in `add`.
        """
        return self._observed(instances, holder, time, only, claimed=False)

    def claim(
        self,
        instances: Iterable[SOPInstance],
        *,
        holder: str = "",
        time: str = "",
        only: Collection[str] = (),
    ) -> Added:
        """Add what a document says that came over an untrusted link.

        It is stored as a claim: it makes nobody a holder, and is not evidence about another copy.
        """
        return self._observed(instances, holder, time, only, claimed=True)

    def _observed(
        self,
        instances: Iterable[SOPInstance],
        holder: str,
        time: str,
        only: Collection[str],
        *,
        claimed: bool,
    ) -> Added:
        found = self.facts_of(instances, holder=holder, time=time, claimed=claimed)
        return self._store(
            self._allowed(made, only, f"statement[{index}]") for index, made in enumerate(found)
        )

    def facts_of(
        self,
        instances: Iterable[SOPInstance],
        *,
        holder: str = "",
        time: str = "",
        claimed: bool = False,
    ) -> Iterator[Fact | Issue]:
        """Yield the fact that each instance would be, or why it cannot be one; nothing is stored."""
        moment = utc(time) if time else now()
        for index, instance in enumerate(instances):
            where = f"statement[{index}]"
            yield self._settled(
                from_instance(instance, where, holder=holder, time=moment, claimed=claimed)
            )

    def _settled(self, made: Fact | Issue) -> Fact | Issue:
        if isinstance(made, Issue):
            return made
        return replace(made, holder=resolve(made.holder, self._holders))

    def _allowed(self, made: Fact | Issue, only: Collection[str], where: str) -> Fact | Issue:
        if isinstance(made, Issue):
            return made
        return only_of(made, [resolve(Holder.of(o), self._holders) for o in only], where)

    def facts(self, sop_instance_uid: str) -> list[Fact]:
        """Return all that is known of a SOP Instance, by time."""
        with schema.told(), self._engine.connect() as connection:
            found = self._select(connection, schema.fact.c.sop_instance_uid == sop_instance_uid)
        return sorted(found, key=attrgetter("time", "number"))

    def holdings(self, sop_instance_uid: str) -> list[Holding]:
        """Return who holds a SOP Instance, and how, by AE Title."""
        held = account(self.facts(sop_instance_uid)).holdings.values()
        return sorted(held, key=attrgetter("holder"))

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return the status of every copy in a study that is held and has one, by instance.

        The ledger knows no more of a copy than its status.
        """
        column = schema.fact.c
        named = sa.select(column.sop_instance_uid).where(
            column.study_instance_uid == study_instance_uid, sa.not_(schema.CLAIM)
        )
        with schema.told(), self._engine.connect() as connection:
            facts = self._select(connection, column.sop_instance_uid.in_(named))
        facts.sort(key=attrgetter("sop_instance_uid"))
        stated: list[SOPInstance] = []
        for _, found in groupby(facts, key=attrgetter("sop_instance_uid")):
            stated += statements(tuple(found))
        return stated

    def claims(self) -> int:
        """Return the number of observations that are claims."""
        query = sa.select(sa.func.count()).where(schema.CLAIM)
        with schema.told(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar() or 0)

    def __len__(self) -> int:
        """Return the number of SOP Instances that something is known of."""
        query = sa.select(sa.func.count(schema.fact.c.sop_instance_uid.distinct()))
        with schema.told(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar() or 0)

    def check(
        self, *, original_age: float | None = None, at: str = ""
    ) -> Iterator[tuple[str, list[Issue]]]:
        """Yield every SOP Instance UID with what is wrong with it, mostly nothing.

        ``original_age``: after how many days an original (OR) should have been authorized; ``None``
        = no limit. ``at`` is the time to count to (default: now).
        """
        moment = utc(at) if at else now()
        query = sa.select(*_COLUMNS).order_by(schema.fact.c.sop_instance_uid)
        with schema.told(), self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=1000).execute(query)
            every = map(self._fact, rows)
            for uid, facts in groupby(every, key=attrgetter("sop_instance_uid")):
                yield uid, check(facts, original_age=original_age, now=moment)

    def _store(self, facts: Iterable[Fact | Issue]) -> Added:
        """Store facts in batches, larger ones where much is known: it is read again for each."""
        new, known, size, several = 0, 0, _BATCH, iter(facts)
        issues: list[Issue] = []
        while batch := list(islice(several, size)):
            issues += (found for found in batch if isinstance(found, Issue))
            done, stored = self._store_batch([found for found in batch if isinstance(found, Fact)])
            new, known = new + done.new, known + done.known
            size = min(max(_BATCH, stored // _KNOWN), _LARGEST)
        return Added(new, known, tuple(issues))

    def _store_batch(self, facts: list[Fact]) -> tuple[Added, int]:
        """Store facts; tell too how many were known of their instances."""
        if not facts:
            return Added(), 0
        uids = {fact.sop_instance_uid for fact in facts}
        with schema.told(), schema.writing(self._engine) as connection:
            stored = self._select(connection, schema.fact.c.sop_instance_uid.in_(uids))
            news = merge(stored, facts)
            if news.added:
                rows = [dict(zip(_NAMES, astuple(f), strict=True)) for f in news.added.values()]
                for row in rows:
                    row["holder"] = str(row["holder"])
                    del row["number"]  # the database gives it
                connection.execute(sa.insert(schema.fact), rows)
            if news.moved:
                moved = sa.update(schema.fact).where(schema.fact.c.key == sa.bindparam("of"))
                rows = [{"of": key, "to": seen} for key, seen in news.moved.items()]
                connection.execute(moved.values(seen=sa.bindparam("to")), rows)
        return Added(len(news.added), news.known), len(stored)

    def _select(self, connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Fact]:
        query = sa.select(*_COLUMNS).where(condition).order_by(schema.fact.c.number)
        return [self._fact(row) for row in connection.execute(query)]

    def _fact(self, row: Iterable[Any]) -> Fact:
        found = Fact(*row)
        whose, peer = (
            resolve(one, self._holders) for one in (Holder.of(found.holder), Holder(found.peer))
        )
        return replace(found, holder=whose, peer=peer)
