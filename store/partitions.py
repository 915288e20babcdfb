"""PostgreSQL's monthly partitions of `readings`: made ahead, and on demand for old stamps; detached by retention."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.readings import IntArray

_LOCK = 7_218_552
#: Whoever waits for a lock on the parent holds up everybody behind it; what does not come at once is tried again later.
_PATIENCE_MS = 100
_LOCK_NOT_AVAILABLE = "55P03"


def month_of(end_s: int) -> tuple[int, int]:
    """Year and month (UTC) of a stamp."""
    moment = datetime.fromtimestamp(end_s, UTC)
    return moment.year, moment.month


def _following(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def bounds(year: int, month: int) -> tuple[int, int]:
    """First second of a month and of the next one."""
    ends = [int(datetime(*which, 1, tzinfo=UTC).timestamp()) for which in ((year, month), _following(year, month))]
    return ends[0], ends[1]


def name(year: int, month: int) -> str:
    """The partition's table name."""
    return f"readings_{year:04d}_{month:02d}"


def months(stamps_s: IntArray) -> list[tuple[int, int]]:
    """The months in which stamps lie, each once, in order. One stray stamp of 2011 makes one partition, not 180."""
    numbers = np.unique(stamps_s.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64))
    return [(1970 + number // 12, number % 12 + 1) for number in numbers.tolist()]


async def existing(connection: AsyncConnection) -> set[str]:
    """Names of the partitions attached now."""
    found = await connection.exec_driver_sql(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'readings'::regclass"
    )
    return set(found.scalars())


async def ensure(connection: AsyncConnection, wanted: list[tuple[int, int]]) -> set[str]:
    """Attach the partitions for some months, in the connection's transaction; the names of those that were there before.

    A table made apart and attached locks the parent for writers only against other changes of the schema; `PARTITION OF`
    would shut every reader out for as long as the batch takes.
    """
    there = await existing(connection)
    if all(name(*which) in there for which in wanted):
        return there
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    there = await existing(connection)
    for which in wanted:
        if name(*which) not in there:
            await _attach(connection, name(*which), *bounds(*which))
    return there


@dataclass(slots=True)
class Known:
    """The partitions that a process has seen; what it believes wrongly costs one attempt (see `store.readings.Overtaken`)."""

    names: set[str] = field(default_factory=set)

    async def ensure(self, connection: AsyncConnection, wanted: list[tuple[int, int]]) -> None:
        """The same, without a question for months seen before."""
        if not all(name(*which) in self.names for which in wanted):
            self.names = await ensure(connection, wanted)


async def _attach(connection: AsyncConnection, table: str, begin_s: int, until_s: int) -> None:
    await connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {table} (LIKE readings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    await connection.exec_driver_sql(
        f"ALTER TABLE readings ATTACH PARTITION {table} FOR VALUES FROM ({begin_s}) TO ({until_s})"
    )


async def turn_over(engine: AsyncEngine, newest_s: int, before_s: int) -> list[str]:
    """Make this month's partition and the next one's ahead; detach and drop those that ended by `before_s` and are empty: their names."""
    this = month_of(newest_s)
    async with engine.begin() as connection:
        there = await existing(connection)
        await ensure(connection, [this, _following(*this)])
    old = [table for table in sorted(there) if bounds(int(table[9:13]), int(table[14:]))[1] <= before_s]
    return [table for table in old if await _is_empty(engine, table) and await _dropped(engine, table)]


async def _is_empty(engine: AsyncEngine, table: str) -> bool:
    """Whether no open snapshot sees a row: only then does VACUUM leave no page.

    Else a reader that began before the rows were packed would find them neither here nor there.
    """
    async with engine.connect() as fresh:
        connection = await fresh.execution_options(isolation_level="AUTOCOMMIT")
        if (await connection.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1")).first() is not None:  # noqa: S608 - a name of ours
            return False
        await connection.exec_driver_sql(f"VACUUM {table}")
        return bool((await connection.exec_driver_sql(f"SELECT pg_relation_size('{table}') = 0")).scalar())


async def _dropped(engine: AsyncEngine, table: str) -> bool:
    """Detach and drop in one transaction; False when the table is in use, or somebody has written into it meanwhile."""
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.exec_driver_sql(f"ALTER TABLE readings DETACH PARTITION {table}")
            if not (await connection.exec_driver_sql(f"SELECT pg_relation_size('{table}') = 0")).scalar():
                await connection.rollback()
                return False
            await connection.exec_driver_sql(f"DROP TABLE {table}")
            return True
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        return False
