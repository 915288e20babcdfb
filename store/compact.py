"""Compaction: days of series that left the hot window go into one row each, a few hundred at a time.

A day moves in one transaction (out of the hot rows, into the packed row), so a kill leaves it on one side or the other.
What is known does not change, so neither answers nor the window in memory need to be told.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import packed, tables
from store.engine import Store
from store.history import Statement
from store.incoming import COLUMNS, SERIES_BITS
from store.packed import DAY_S, day_at
from store.packing import Day, Kept, day_of, rows_of

HOT_S = 72 * 3600
#: Series-days in one transaction: writers wait for it, a tenth of a second each.
_AT_ONCE = 100


async def due_s(store: Store, hot_s: int = HOT_S) -> int | None:
    """The moment before which days have left the hot window: `hot_s` behind the newest receipt; None for an empty store."""
    async with store.reading() as connection:
        newest = (await connection.exec_driver_sql("SELECT max(received_s) FROM latest")).scalar()
    return None if newest is None else int(newest) - hot_s


async def compact(store: Store, before_s: int, *, limit: int = 10_000) -> int:
    """Pack days of series that ended by `before_s`, the oldest first, at most `limit`; how many were packed.

    May be stopped anywhere and called again. A day that holds a damaged packed row keeps its hot rows.
    """
    done, after = 0, (-(2**31), 0)
    while done < limit:
        chosen = await _chosen(store, day_at(before_s), after, min(_AT_ONCE, limit - done))
        if chosen is None:
            break
        day, ids = chosen
        after = (day, int(ids[-1]) + 1)
        for feed_id, part in (await _by_feed(store, ids)).items():
            async with store.writing() as connection:
                await _lock(store, connection, feed_id)
                done += await _move(connection, day, part)
        await asyncio.sleep(0)
    return done


async def _chosen(
    store: Store, before_day: int, after: tuple[int, int], limit: int
) -> tuple[int, IntArray] | None:
    """The next day with hot rows (from `after` on: day and series id), and some of its series."""
    async with store.reading() as connection:
        day, first = after
        while True:
            found = await _first_end(connection, day)
            if found is None or found > before_day:
                return None
            if found > day:
                day, first = found, 0
            ids = await _ids(connection, day, first, limit)
            if len(ids):
                return day, ids
            day, first = day + 1, 0


async def _first_end(connection: AsyncConnection, day: int) -> int | None:
    statement = Statement(connection.dialect.name)
    text = f"SELECT min(end_s) FROM readings WHERE end_s > {statement.value(day * DAY_S)}"
    found = (await connection.exec_driver_sql(text, tuple(statement.values))).scalar()
    return None if found is None else day_at(found)


async def _ids(connection: AsyncConnection, day: int, first: int, limit: int) -> IntArray:
    statement = Statement(connection.dialect.name)
    begin, until = statement.value(day * DAY_S), statement.value((day + 1) * DAY_S)
    found = await connection.exec_driver_sql(
        f"SELECT DISTINCT series_id FROM readings WHERE end_s > {begin} AND end_s <= {until} "
        f"AND series_id >= {statement.value(first)} ORDER BY series_id LIMIT {statement.value(limit)}",
        tuple(statement.values),
    )
    return np.array(found.scalars().all(), dtype=np.int64)


async def _by_feed(store: Store, ids: IntArray) -> dict[str, IntArray]:
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
    feeds: dict[str, list[int]] = {}
    for number in ids.tolist():
        feeds.setdefault(store.catalogue.series_by_id[number].feed_id, []).append(number)
    return {feed_id: np.array(numbers, dtype=np.int64) for feed_id, numbers in feeds.items()}


async def _lock(store: Store, connection: AsyncConnection, feed_id: str) -> None:
    """The lock that commits of this feed take: nobody writes into a day while it moves."""
    if not store.is_sqlite:
        health = tables.feed_health
        await connection.execute(sa.select(health.c.feed_id).where(health.c.feed_id == feed_id).with_for_update())


async def _move(connection: AsyncConnection, day: int, ids: IntArray) -> int:
    found = await _hot(connection, day, ids)
    keys = np.array([(day << SERIES_BITS) | number for number in found], dtype=np.int64)
    before = {row[0]: row[2] for row in await packed.fetch(connection, keys)} if len(keys) else {}
    made: list[tuple[int, int, Day]] = []
    for number, rows in found.items():
        merged = _merged(number, day, rows, before.get(number))
        if merged is not None:
            made.append((number, day, merged))
    await packed.store_days(connection, made)
    await _remove(connection, day, np.array([number for number, _, _ in made], dtype=np.int64))
    return len(made)


def _merged(number: int, day: int, rows: Sequence[Kept], blob: bytes | None) -> Day | None:
    if blob is None:
        return day_of(rows)
    there = packed.opened(number, day, blob)
    if there is None:
        return None
    both = {row[0]: row for row in (*rows_of(number, there), *rows)}
    return day_of([both[end_s] for end_s in sorted(both)])


async def _hot(connection: AsyncConnection, day: int, ids: IntArray) -> dict[int, list[Kept]]:
    """The hot rows of a day by series, in order of end, with their receipts."""
    statement = Statement(connection.dialect.name)
    fields = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
    begin, until = statement.value(day * DAY_S), statement.value((day + 1) * DAY_S)
    found: Sequence[Any] = (
        await connection.exec_driver_sql(
            f"SELECT {fields}, a.received_s FROM readings r JOIN answers a ON a.id = r.batch_id "
            f"WHERE r.end_s > {begin} AND r.end_s <= {until} AND {statement.among('r.series_id', ids)} "
            "ORDER BY r.series_id, r.end_s",
            tuple(statement.values),
        )
    ).fetchall()
    return {number: [tuple(row) for row in rows] for number, rows in itertools.groupby(found, key=lambda row: row[1])}


async def _remove(connection: AsyncConnection, day: int, ids: IntArray) -> None:
    statement = Statement(connection.dialect.name)
    begin, until = statement.value(day * DAY_S), statement.value((day + 1) * DAY_S)
    await connection.exec_driver_sql(
        f"DELETE FROM readings WHERE end_s > {begin} AND end_s <= {until} AND {statement.among('series_id', ids)}",
        tuple(statement.values),
    )
