"""Retention: readings that a feed need not keep any longer are dropped, and what was dropped is on record and in the log.

A drop is decided first, with a leaf of its own in the log, and carried out after that, some blocks in each transaction: a kill leaves a
drop that is decided and not finished, and the next call goes on with it. The newest reading of a series stays, with its block:
a station that fell silent years ago is still known to have fallen silent.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import leaf, log, tables
from store.engine import Store
from store.history import Statement
from store.packed import DAY_S, SQL_COVERS, SQL_DAY, day_at, span_begin

_table = tables.dropped
#: Blocks in one transaction: more would hold the other writers for longer than some hundredths of a second.
_BLOCKS_AT_ONCE = 1_000
#: Whether series of row `x` ended last within the days that a condition names.
_NEWEST_WITHIN = "EXISTS (SELECT 1 FROM latest l WHERE l.series_id = {0}.series_id AND l.end_s > {1} * 86400 AND l.end_s <= {2} * 86400)"
_BLOCK_STAYS = _NEWEST_WITHIN.format("packed", "packed.day", "(packed.day + packed.days)")
_ROLLUP_STAYS = _NEWEST_WITHIN.format("rollups", "rollups.day", "(rollups.day + 1)")
_NEWEST = "EXISTS (SELECT 1 FROM latest l WHERE l.series_id = readings.series_id AND l.end_s = readings.end_s)"


@dataclass(frozen=True, slots=True)
class Drop:
    """Readings of a feed that end in (from_s, until_s] and were dropped because it keeps `keep_days`; `leaf` is what the log says of it.

    `readings` and `revisions` count what has gone so far; `finished_s` is None while there is more to go.
    """

    feed_id: str
    until_s: int
    from_s: int
    keep_days: int
    at_s: int
    leaf: int
    readings: int
    revisions: int
    finished_s: int | None

    @property
    def entry(self) -> bytes:
        """What the log says of it."""
        return leaf.drop_entry(self.feed_id, self.from_s, self.until_s, self.keep_days, self.at_s)


_COLUMNS = [_table.c[one.name] for one in fields(Drop)]


async def drops(connection: AsyncConnection) -> list[Drop]:
    """Every drop ever decided, in order of feed and time."""
    found = await connection.execute(sa.select(*_COLUMNS).order_by(_table.c.feed_id, _table.c.until_s))
    return [Drop(*row) for row in found]


async def dropped(store: Store, feeds: Collection[str], from_s: int, to_s: int) -> list[Drop]:
    """What was dropped of these feeds among readings with ends in [from_s, to_s)."""
    async with store.reading() as connection:
        known = await drops(connection)
    return [one for one in known if one.feed_id in feeds and one.from_s < to_s - 1 and one.until_s >= from_s]


def reaches_into(known: Iterable[Drop], answer: Mapping[str, Any], first_end_s: int | None = None) -> bool:
    """Whether an answer gave readings that may have been dropped since; `first_end_s` where it was read again.

    One that moved no span filed everything in the past: that may be anywhere.
    """
    first = answer["first_end_s"] if first_end_s is None else first_end_s
    return any(one.feed_id == answer["feed_id"] and (first is None or first <= one.until_s) for one in known)


async def drop_old(store: Store, keep_days: Mapping[str, int], now_s: int) -> list[Drop]:
    """Drop what is older than its feed keeps (`keep_days` by feed; the others keep everything); the drops that were finished.

    Counted from the newest reading of the feed itself, in whole blocks of days: a feed that falls silent loses nothing. May be stopped
    anywhere and called again; what was decided is carried out even when the feed keeps everything by now.
    """
    async with store.reading() as connection:
        begun = [one for one in await drops(connection) if one.finished_s is None]
        until_s = {feed_id: await _until_s(connection, feed_id, days) for feed_id, days in keep_days.items()}
    found = [await _carry_out(store, one, now_s) for one in begun]
    for feed_id, moment_s in sorted(until_s.items()):
        decided = None if moment_s is None else await _decide(store, feed_id, keep_days[feed_id], moment_s, now_s)
        if decided is not None:
            found.append(await _carry_out(store, decided, now_s))
    return found


async def _until_s(connection: AsyncConnection, feed_id: str, days: int) -> int | None:
    """The last moment of what a feed need not keep; None when it has no reading at all."""
    statement = Statement(connection.dialect.name)
    asked = (
        "SELECT max(l.end_s), (SELECT max(received_s) FROM latest) FROM latest l JOIN series s ON s.id = l.series_id "
        f"WHERE s.feed_id = {statement.value(feed_id)}"
    )
    newest_s, received_s = tuple((await connection.exec_driver_sql(asked, tuple(statement.values))).one())
    return None if newest_s is None else span_begin(day_at(min(newest_s, received_s)) - days) * DAY_S


async def _decide(store: Store, feed_id: str, days: int, until_s: int, now_s: int) -> Drop | None:
    """Put a drop on record and into the log, when there is anything to drop."""
    async with store.commit_lock, store.writing() as connection:
        await _lock(store, connection, feed_id)
        known = sa.select(_table.c.feed_id).where(_table.c.feed_id == feed_id, _table.c.until_s >= until_s)
        first = None if (await connection.execute(known)).first() else await _first_day(connection, feed_id, until_s)
        if first is None:
            return None
        made = Drop(feed_id, until_s, first * DAY_S, days, now_s, 0, 0, 0, None)
        number = await log.append_entry(connection, made.entry)
        row = {one.name: getattr(made, one.name) for one in fields(Drop)} | {"leaf": number}
        await connection.execute(sa.insert(_table).values(row))
        return Drop(**row)


async def _first_day(connection: AsyncConnection, feed_id: str, until_s: int) -> int | None:
    """The first day of which something is to be dropped."""
    statement = Statement(connection.dialect.name)

    def of_feed() -> str:
        return f"series_id IN (SELECT id FROM series WHERE feed_id = {statement.value(feed_id)})"

    packed = f"SELECT min(day) AS d FROM packed WHERE {of_feed()} AND day < {statement.value(until_s // DAY_S)} AND NOT {_BLOCK_STAYS}"
    hot = (
        f"SELECT min({SQL_DAY.format('end_s')}) AS d FROM readings WHERE {of_feed()} AND end_s <= {statement.value(until_s)} "
        f"AND NOT {_NEWEST}"
    )
    asked = f"SELECT min(d) FROM ({packed} UNION ALL {hot}) v"
    found: int | None = (await connection.exec_driver_sql(asked, tuple(statement.values))).scalar()
    return found


async def _lock(store: Store, connection: AsyncConnection, feed_id: str) -> None:
    """The lock that commits of this feed and its compaction take."""
    if not store.is_sqlite:
        await connection.exec_driver_sql("SELECT 1 FROM feed_health WHERE feed_id = %s FOR UPDATE", (feed_id,))


async def _carry_out(store: Store, drop: Drop, now_s: int) -> Drop:
    for ids in await _parts(store, drop):
        async with store.commit_lock, store.writing() as connection:
            await _lock(store, connection, drop.feed_id)
            await _delete(connection, drop, ids)
        store.window.forget(drop.from_s, drop.until_s)
        await asyncio.sleep(0)
    async with store.commit_lock, store.writing() as connection:
        await _lock(store, connection, drop.feed_id)
        unfinished = (*_key(drop), _table.c.finished_s.is_(None))
        await connection.execute(sa.update(_table).where(*unfinished).values(finished_s=now_s))
        return Drop(*(await connection.execute(sa.select(*_COLUMNS).where(*_key(drop)))).one())


def _key(drop: Drop) -> tuple[sa.ColumnElement[bool], ...]:
    return (_table.c.feed_id == drop.feed_id, _table.c.until_s == drop.until_s)


async def _parts(store: Store, drop: Drop) -> list[IntArray]:
    """The series of a feed, as many at once as make one transaction's work."""
    statement = Statement(store.dialect)
    asked = (
        "SELECT s.id, count(p.day) FROM series s LEFT JOIN packed p ON p.series_id = s.id "
        f"AND p.day < {statement.value(drop.until_s // DAY_S)} WHERE s.feed_id = {statement.value(drop.feed_id)} "
        "GROUP BY s.id ORDER BY s.id"
    )
    async with store.reading() as connection:
        found = (await connection.exec_driver_sql(asked, tuple(statement.values))).fetchall()
    numbers = np.array([tuple(row) for row in found], dtype=np.int64).reshape(-1, 2)
    before = np.cumsum(numbers[:, 1] + 1)
    return np.split(numbers[:, 0], np.flatnonzero(np.diff(before // _BLOCKS_AT_ONCE)) + 1)


async def _delete(connection: AsyncConnection, drop: Drop, ids: IntArray) -> None:
    """Take out what some series have before the end of a drop, and count it there."""
    day = drop.until_s // DAY_S
    blocks = await _out_of(connection, "packed", ids, "day < {}", day, f"NOT {_BLOCK_STAYS} RETURNING readings")
    readings = int(sum(blocks))
    readings += len(
        await _out_of(connection, "readings", ids, "end_s <= {}", drop.until_s, f"NOT {_NEWEST} RETURNING 1")
    )
    stands = (
        f"EXISTS (SELECT 1 FROM packed p WHERE p.series_id = revisions.series_id AND {SQL_COVERS.format(SQL_DAY.format('revisions.end_s'))}) "
        "OR EXISTS (SELECT 1 FROM readings r WHERE r.series_id = revisions.series_id AND r.end_s = revisions.end_s)"
    )
    revisions = len(
        await _out_of(connection, "revisions", ids, "end_s <= {}", drop.until_s, f"NOT ({stands}) RETURNING 1")
    )
    covered = (
        f"EXISTS (SELECT 1 FROM packed p WHERE p.series_id = rollups.series_id AND {SQL_COVERS.format('rollups.day')})"
    )
    await _out_of(connection, "rollups", ids, "day < {}", day, f"NOT {covered} AND NOT {_ROLLUP_STAYS} RETURNING 1")
    counted = {"readings": _table.c.readings + readings, "revisions": _table.c.revisions + revisions}
    await connection.execute(sa.update(_table).where(*_key(drop)).values(counted))


async def _out_of(
    connection: AsyncConnection, table: str, ids: IntArray, before: str, value: int, where: str
) -> list[int]:
    """Delete rows of some series that lie before something and meet a condition; what the condition returns of each."""
    statement = Statement(connection.dialect.name)
    until = before.format(statement.value(value))
    asked = f"DELETE FROM {table} WHERE {until} AND {statement.among('series_id', ids)} AND {where}"
    found = await connection.exec_driver_sql(asked, tuple(statement.values))
    return list(found.scalars())
