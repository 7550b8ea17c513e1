"""A ledger of who holds what: facts about copies in SQLite or PostgreSQL, and what is wrong there.

A ledger only ever gathers facts; who holds what follows from them, in whatever order they came.
Needs the extra ``ledger``, and for PostgreSQL ``postgresql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import groupby, islice
from operator import attrgetter
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from sopstatus.audit import AuditRecord, now
from sopstatus.ledger import schema
from sopstatus.ledger.facts import Fact, from_instance, from_record, utc
from sopstatus.ledger.findings import Holding, account, check, statements
from sopstatus.ledger.merge import merge
from sopstatus.model import Issue, SOPInstance

__all__ = ["Added", "Fact", "Holding", "Ledger"]

_BATCH = 500  # facts in one transaction
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
    A database that fails raises `DocumentError`.
    """

    def __init__(self, database: str = "", *, create: bool = True) -> None:
        self._engine = schema.connect(database, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(self, records: Iterable[AuditRecord], *, holder: str = "") -> Added:
        """Take audit records in; ``holder`` is whose copy they are about where they do not say."""
        facts = (
            from_record(record, f"record[{index}]", holder=holder)
            for index, record in enumerate(records)
        )
        return self._store(facts)

    def observe(
        self, instances: Iterable[SOPInstance], *, holder: str = "", time: str = ""
    ) -> Added:
        """Take in what was seen of copies: statements of any document, or a scan of an archive.

        ``holder`` is whose copies they are where the statement does not say; ``time`` when they
        were seen (ISO 8601 with an offset; default: now). An instance without a status is `ABS`.
        """
        moment = utc(time) if time else now()
        facts = (
            from_instance(instance, f"statement[{index}]", holder=holder, time=moment)
            for index, instance in enumerate(instances)
        )
        return self._store(facts)

    def facts(self, sop_instance_uid: str) -> list[Fact]:
        """Return all that is known of a SOP Instance, by time."""
        with schema.told(), self._engine.connect() as connection:
            found = _select(connection, schema.fact.c.sop_instance_uid == sop_instance_uid)
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
            column.study_instance_uid == study_instance_uid
        )
        with schema.told(), self._engine.connect() as connection:
            facts = _select(connection, column.sop_instance_uid.in_(named))
        facts.sort(key=attrgetter("sop_instance_uid"))
        stated: list[SOPInstance] = []
        for _, found in groupby(facts, key=attrgetter("sop_instance_uid")):
            stated += statements(tuple(found))
        return stated

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
            every = (Fact(*row) for row in rows)
            for uid, facts in groupby(every, key=attrgetter("sop_instance_uid")):
                yield uid, check(facts, original_age=original_age, now=moment)

    def _store(self, facts: Iterable[Fact | Issue]) -> Added:
        total, several = Added(), iter(facts)
        while batch := list(islice(several, _BATCH)):
            issues = tuple(found for found in batch if isinstance(found, Issue))
            total += Added(0, 0, issues)
            total += self._store_batch([found for found in batch if isinstance(found, Fact)])
        return total

    def _store_batch(self, facts: list[Fact]) -> Added:
        if not facts:
            return Added()
        uids = {fact.sop_instance_uid for fact in facts}
        with schema.told(), schema.writing(self._engine) as connection:
            stored = _select(connection, schema.fact.c.sop_instance_uid.in_(uids))
            news = merge(stored, facts)
            if news.added:
                rows = [dict(zip(_NAMES, astuple(f), strict=True)) for f in news.added.values()]
                for row in rows:
                    del row["number"]  # the database gives it
                connection.execute(sa.insert(schema.fact), rows)
            if news.moved:
                moved = sa.update(schema.fact).where(schema.fact.c.key == sa.bindparam("of"))
                rows = [{"of": key, "to": seen} for key, seen in news.moved.items()]
                connection.execute(moved.values(seen=sa.bindparam("to")), rows)
        return Added(len(news.added), news.known)


def _select(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Fact]:
    query = sa.select(*_COLUMNS).where(condition).order_by(schema.fact.c.number)
    return [Fact(*row) for row in connection.execute(query)]
