"""What a scan amounts to, counted by DuckDB over its part files in memory that does not grow.

A row counts where it is about a SOP Instance. Its state is the term of (0100,0410), ``absent`` (not
stated), ``emptied`` (stated, without a value) or ``invalid``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import duckdb

from sopstatus.archive.database import opened
from sopstatus.archive.rows import HOLDER, column_of
from sopstatus.holder import COMPATIBLE, DIFFERENT, NONE_GIVEN, Holder, likeness, listed, resolve
from sopstatus.profile import language as profile
from sopstatus.table.language import COMPANIONS, STATUS

ABSENT, EMPTIED, INVALID = "absent", "emptied", "invalid"
STATES = (*profile.TERMS, ABSENT, EMPTIED, INVALID)
_AGES = ((1, "today"), (7, "up to a week"), (31, "a month"), (92, "3 months"), (366, "a year"))
TWO_WAYS = "archive/said-in-two-ways"
OLDER, UNDATED = "longer", "no date"
AGES = (*(name for _, name in _AGES), OLDER, UNDATED)
"""How long an original has waited, by its acquisition date or else the study's."""
_HOLDER = ", ".join(HOLDER)
_GROUPS, _EXAMPLES, _INSTANCES, _PATHS = 15, 3, 10, 200


class Group(NamedTuple):
    """The instances of a modality, station or year, by state; ``""`` = not said."""

    name: str
    counts: Mapping[str, int]


class Example(NamedTuple):
    """One place where something was found, without a path: that may hold a name."""

    study: str
    instance: str
    told: str


class Finding(NamedTuple):
    """Something that is wrong, by its code in the catalogue."""

    severity: str
    code: str
    number: int
    examples: Sequence[Example]


class Series(NamedTuple):
    """A series in a study, with the first of its instances: UID and state."""

    uid: str
    modality: str
    station: str
    counts: Mapping[str, int]
    instances: Sequence[tuple[str, str]]


class Study(NamedTuple):
    """A study, with its series."""

    uid: str
    date: str
    counts: Mapping[str, int]
    codes: Sequence[str]
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the page tells. ``stated``: for each keyword, with a value, emptied, not stated.

    ``unreadable``: path and issue code of documents of which nothing is left, where they are asked for.
    """

    rows: int
    instances: int
    without_instance: int
    studies: int
    counts: Mapping[str, int]
    modalities: Sequence[Group]
    stations: Sequence[Group]
    years: Sequence[Group]
    waiting: Mapping[str, int]
    oldest: str
    waiting_stations: Sequence[tuple[str, int, str]]
    stated: Sequence[tuple[str, int, int, int]]
    issues: Sequence[Finding]
    contradictions: Sequence[Finding]
    worst: Sequence[Study]
    unreadable: Sequence[tuple[str, str]] = ()


def figures(
    parts: Iterable[str | os.PathLike[str]],
    keywords: Sequence[str],
    *,
    at: date,
    studies: int,
    paths: bool = False,
    holders: Mapping[str, str] = NONE_GIVEN,
) -> Figures:
    """Count what stands in these Parquet files; ``at`` is the day from which ages are counted.

    ``holders`` says whose a bare AE Title is (``MappingTable.holders``).

    ``keywords`` are the columns of attributes, ``studies`` how many are listed one by one.
    ``paths``: name documents that could not be read; a path may hold a name.
    """
    with opened(parts) as database:
        count = _Count(database, holders)
        found = count.all(keywords, at, studies)
        return replace(found, unreadable=count.unreadable()) if paths else found


def _list(texts: Iterable[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)


class _Count:
    """The queries over one scan."""

    def __init__(self, database: duckdb.DuckDBPyConnection, holders: Mapping[str, str]) -> None:
        self._database, self._holders = database, holders
        status, (dated, _, certified) = STATUS, COMPANIONS
        self._name_holders()
        self._do(
            f"""CREATE VIEW instance AS SELECT *, CASE
                WHEN {status} IS NULL THEN '{ABSENT}' WHEN {status} = '' THEN '{EMPTIED}'
                WHEN {status} IN ({_list(profile.TERMS)}) THEN {status} ELSE '{INVALID}' END AS state,
                coalesce({dated}, '') = '' OR coalesce({certified}, '') = '' AS incomplete
            FROM scan JOIN whose USING ({_HOLDER}) WHERE sop_instance_uid <> ''"""
        )

    def _name_holders(self) -> None:
        """Make a table of the text of every holder, and of what is equal for those that are the same."""
        found = self._do(f"SELECT DISTINCT {_HOLDER} FROM scan")
        whose = [resolve(Holder(*one), self._holders) for one in found]
        named = [
            (*one, str(holder), str(holder.key)) for one, holder in zip(found, whose, strict=True)
        ]
        self._table("whose", dict.fromkeys((*HOLDER, "held_by", "holder_key"), "VARCHAR"), named)

    def _table(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make a table of rows, in one statement however many there are."""
        taken = ", ".join(f"unnest(?::{kind}[]) AS {column}" for column, kind in columns.items())
        self._do(
            f"CREATE TABLE {name} AS SELECT {taken}",
            *([row[n] for row in rows] for n in range(len(columns))),
        )

    def _do(self, query: str, *values: Any) -> list[Any]:
        return self._database.execute(query, list(values)).fetchall()

    def all(self, keywords: Sequence[str], at: date, studies: int) -> Figures:
        ((rows, instances, of_studies),) = self._do(
            """SELECT count(*), count(*) FILTER (sop_instance_uid <> ''),
                count(DISTINCT study_instance_uid) FILTER (study_instance_uid <> '') FROM scan"""
        )
        waiting, oldest, stations = self._waiting(at)
        return Figures(
            rows,
            instances,
            rows - instances,
            of_studies,
            dict(self._do("SELECT state, count(*) FROM instance GROUP BY state")),
            self._groups("modality"),
            self._groups("station_name"),
            self._years(),
            waiting,
            oldest,
            stations,
            [self._stated(keyword) for keyword in keywords],
            self._issues(),
            list(self._contradictions()),
            self._worst(studies),
        )

    def unreadable(self) -> list[tuple[str, str]]:
        """Return where documents are that could not be read, and why."""
        return self._do(
            f"""SELECT source, faults[1].code FROM (SELECT source,
                list_filter(issues, lambda i: i.severity IN ('fatal', 'error')) AS faults
                FROM scan WHERE sop_instance_uid = '')
            WHERE len(faults) > 0 ORDER BY source LIMIT {_PATHS}"""
        )

    def _groups(self, column: str) -> list[Group]:
        found = self._do(
            f"""WITH named AS (SELECT {column} AS name, count(*) AS number FROM instance GROUP BY name
                ORDER BY number DESC, name LIMIT {_GROUPS})
            SELECT name, state, count(*) FROM instance JOIN named ON name = {column}
            GROUP BY name, state, number ORDER BY number DESC, name"""
        )
        return _grouped(found)

    def _years(self) -> list[Group]:
        return _grouped(
            self._do(
                """SELECT left(study_date, 4) AS year, state, count(*) FROM instance
                GROUP BY year, state ORDER BY year"""
            )
        )

    def _waiting(self, at: date) -> tuple[dict[str, int], str, list[tuple[str, int, str]]]:
        self._do(
            f"""CREATE VIEW waiting AS SELECT station_name, study_instance_uid, day,
                ?::DATE - try_strptime(nullif(day, ''), '%Y%m%d')::DATE AS age FROM (
                SELECT *, coalesce(nullif(acquisition_date, ''), study_date) AS day
                FROM instance WHERE state = '{profile.ORIGINAL}')""".replace("?", f"'{at}'")
        )
        steps = " ".join(f"WHEN age < {days} THEN '{name}'" for days, name in _AGES)
        found = dict(
            self._do(
                f"""SELECT CASE WHEN age IS NULL THEN '{UNDATED}' {steps} ELSE '{OLDER}' END AS old,
                count(*) FROM waiting GROUP BY old"""
            )
        )
        ((oldest,),) = self._do(
            "SELECT coalesce(min(day) FILTER (age IS NOT NULL), '') FROM waiting"
        )
        stations = self._do(
            """SELECT station_name, count(*) AS number, coalesce(min(day) FILTER (day <> ''), '')
            FROM waiting GROUP BY station_name ORDER BY number DESC, station_name LIMIT 10"""
        )
        return {age: found.get(age, 0) for age in AGES}, oldest, stations

    def _stated(self, keyword: str) -> tuple[str, int, int, int]:
        name = column_of(keyword)
        ((value, emptied, absent),) = self._do(
            f"""SELECT count(*) FILTER ("{name}" <> ''), count(*) FILTER ("{name}" = ''),
                count(*) FILTER ("{name}" IS NULL) FROM instance"""
        )
        return keyword, value, emptied, absent

    def _issues(self) -> list[Finding]:
        found = self._do(
            f"""SELECT i.severity, i.code, count(*) AS number,
                min_by((study_instance_uid, sop_instance_uid, i.location),
                    (sop_instance_uid, i.location), {_EXAMPLES})
            FROM (SELECT study_instance_uid, sop_instance_uid, unnest(issues) AS i FROM scan)
            GROUP BY ALL ORDER BY number DESC, i.code"""
        )
        return [
            Finding(s, c, n, [Example(*_plain(one)) for one in some]) for s, c, n, some in found
        ]

    def _contradictions(self) -> Iterator[Finding]:
        original, authorized, copy = (
            *(profile.ORIGINAL, profile.AUTHORIZED_ORIGINAL, profile.AUTHORIZED_COPY),
        )
        one = "any_value(study_instance_uid) AS study, sop_instance_uid AS uid"
        group = "FROM instance GROUP BY sop_instance_uid"
        self._do(
            f"""CREATE VIEW original AS SELECT {one},
                list_sort(list(DISTINCT [held_by, state])) AS held
            FROM instance WHERE state IN ('{original}', '{authorized}') AND holder_key <> ''
            GROUP BY sop_instance_uid HAVING count(DISTINCT holder_key) > 1"""
        )
        judged = [
            (held, likeness(Holder.of(name) for name, _ in held).value, listed(held))
            for (held,) in self._do("SELECT DISTINCT held FROM original")
        ]
        columns = {"held": "VARCHAR[][]", "likeness": "VARCHAR", "told": "VARCHAR"}
        self._table("judged", columns, judged)
        originals = "SELECT study, uid, told FROM original JOIN judged USING (held) WHERE likeness"
        queries = {
            ("warning", TWO_WAYS): f"""SELECT {one},
                string_agg(DISTINCT state, ', ' ORDER BY state) AS told {group}, holder_key
                HAVING count(DISTINCT state) > 1""",
            ("error", "ledger/two-holders"): f"{originals} = '{DIFFERENT.value}'",
            ("warning", "ledger/one-or-two"): f"{originals} = '{COMPATIBLE.value}'",
            ("warning", "ledger/copy-without-original"): f"""SELECT {one}, '{copy}' AS told {group}
                HAVING bool_or(state = '{copy}') AND NOT bool_or(state = '{authorized}')""",
            ("error", "ledger/authorized-incomplete"): f"""SELECT {one}, '{authorized}' AS told
                FROM instance WHERE state = '{authorized}' AND incomplete
                GROUP BY sop_instance_uid""",
        }
        for (severity, code), query in queries.items():
            ((number, some),) = self._do(
                f"SELECT count(*), min_by((study, uid, told), uid, {_EXAMPLES}) FROM ({query})"
            )
            if number:
                yield Finding(severity, code, number, [Example(*_plain(one)) for one in some])

    def _worst(self, limit: int) -> list[Study]:
        self._do(
            f"""CREATE TABLE worst AS SELECT study_instance_uid AS study, max(study_date) AS day,
                count(*) FILTER (state IN ('{EMPTIED}', '{INVALID}') OR len(issues) > 0) AS wrong,
                count(*) FILTER (state = '{profile.ORIGINAL}') AS waits,
                count(*) FILTER (state = '{ABSENT}') AS silent,
                list_sort(list_distinct(flatten(list(list_transform(issues, lambda i: i.code))))) AS codes
            FROM instance WHERE study_instance_uid <> '' GROUP BY study
            ORDER BY wrong DESC, waits DESC, silent DESC, study LIMIT {limit:d}"""
        )
        found = self._do(
            f"""SELECT study_instance_uid, series_instance_uid, max(modality), max(station_name),
                state, count(*), min(sop_instance_uid, {_INSTANCES})
            FROM instance WHERE study_instance_uid IN (SELECT study FROM worst)
            GROUP BY study_instance_uid, series_instance_uid, state
            ORDER BY study_instance_uid, series_instance_uid, state"""
        )
        inside: dict[str, dict[str, list[Any]]] = {}
        for study, series, *rest in found:
            inside.setdefault(study, {}).setdefault(series, []).append(rest)
        order = self._do("SELECT * FROM worst ORDER BY wrong DESC, waits DESC, silent DESC, study")
        return [_study(study, day, codes, inside[study]) for study, day, _, _, _, codes in order]


def _plain(one: Any) -> tuple[str, str, str]:
    """Return the members of a struct without names, which DuckDB gives as either."""
    return tuple(one.values()) if isinstance(one, dict) else tuple(one)


def _grouped(found: Iterable[tuple[str, str, int]]) -> list[Group]:
    groups: dict[str, dict[str, int]] = {}
    for name, state, number in found:
        groups.setdefault(name, {})[state] = number
    return [Group(name, counts) for name, counts in groups.items()]


def _study(uid: str, day: str, codes: list[str], inside: dict[str, list[Any]]) -> Study:
    series, total = [], dict.fromkeys(STATES, 0)
    for series_uid, states in inside.items():
        counts = {state: number for _, _, state, number, _ in states}
        some = [(one, state) for _, _, state, _, uids in states for one in uids][:_INSTANCES]
        series.append(Series(series_uid, states[0][0], states[0][1], counts, some))
        for state, number in counts.items():
            total[state] += number
    return Study(uid, day, {s: n for s, n in total.items() if n}, codes, series)
