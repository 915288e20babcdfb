"""Compaction: days of series that left the hot window go into one row each, a few hundred at a time.

A day moves in one transaction (out of the hot rows, into the packed row), so a kill leaves it on one side or the other.
What is known does not change, so neither answers nor the window in memory need to be told.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import packed, tables
from store.engine import Store
from store.history import Statement, span_of
from store.incoming import COLUMNS, SERIES_BITS
from store.packed import DAY_S, day_at
from store.packing import Day, Kept, day_of, rows_of
from store.rollups import refresh

HOT_S = 72 * 3600
#: Series-days in one transaction: a few thousand rows, which hold the loop and the other writers for some milliseconds.
_AT_ONCE = 25


async def due_s(store: Store, hot_s: int = HOT_S) -> int | None:
    """The moment before which days have left the hot window: `hot_s` behind the newest receipt; None for an empty store."""
    async with store.reading() as connection:
        newest = (await connection.exec_driver_sql("SELECT max(received_s) FROM latest")).scalar()
    return None if newest is None else int(newest) - hot_s


async def tend(store: Store, *, limit: int = 5_000, hot_s: int = HOT_S) -> tuple[int, int]:
    """What a collector does now and then: refresh roll-ups and pack, at most `limit` days of series each; how many of both."""
    before_s = await due_s(store, hot_s)
    if before_s is None:
        return 0, 0
    return await refresh(store, limit), await compact(store, before_s, limit=limit)


async def compact(store: Store, before_s: int, *, limit: int = 10_000) -> int:
    """Pack days of series that ended by `before_s`, the oldest first, at most `limit`; how many were packed.

    May be stopped anywhere and called again. A day that holds a damaged packed row keeps its hot rows.
    """
    done, day = 0, -(2**31)
    while done < limit:
        found = await _next_day(store, day)
        if found is None or found[0] >= before_s // DAY_S:
            break
        day = found[0] + 1
        for feed_id, ids in (await _by_feed(store, found[1])).items():
            for begin in range(0, min(len(ids), limit - done), _AT_ONCE):
                part = ids[begin : begin + min(_AT_ONCE, limit - done)]
                async with store.writing() as connection:
                    await _lock(store, connection, feed_id)
                    done += await _move(connection, found[0], part)
                await asyncio.sleep(0)
    return done


async def _next_day(store: Store, day: int) -> tuple[int, IntArray] | None:
    """The first day from `day` on that has hot rows, and its series; one scan of the day, not one for each transaction."""
    async with store.reading() as connection:
        mark = Statement(connection.dialect.name).value(0)
        found = await connection.exec_driver_sql(
            f"SELECT min(end_s) FROM readings WHERE end_s > {mark}", (day * DAY_S,)
        )
        end_s = found.scalar()
        if end_s is None:
            return None
        there = day_at(end_s)
        listed = await connection.exec_driver_sql(
            f"SELECT DISTINCT series_id FROM readings WHERE end_s > {mark} AND end_s <= {mark} ORDER BY series_id",
            (there * DAY_S, (there + 1) * DAY_S),
        )
        return there, np.array(listed.scalars().all(), dtype=np.int64)


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
    rows = await _hot(connection, day, ids)
    keys = (np.int64(day) << SERIES_BITS) | ids
    before = {row[0]: row[2] for row in await packed.fetch(connection, keys)}
    made = await asyncio.to_thread(_days, rows, day, before)
    await packed.store_days(connection, made)
    await _remove(connection, rows, {number for number, _, _ in made})
    return len(made)


def _days(rows: Sequence[Any], day: int, before: Mapping[int, bytes]) -> list[tuple[int, int, Day]]:
    """What each series' day holds now: hot rows, over what was packed of it already."""
    found: dict[int, list[Kept]] = {}
    for row in rows:
        found.setdefault(row[1], []).append(tuple(row))
    made: list[tuple[int, int, Day]] = []
    for number, hot in found.items():
        there = packed.opened(number, day, before[number]) if number in before else None
        if there is not None:
            both = {row[0]: row for row in (*rows_of(number, there), *hot)}
            made.append((number, day, day_of([both[end_s] for end_s in sorted(both)])))
        elif number not in before:
            made.append((number, day, day_of(hot)))
    return made


async def _hot(connection: AsyncConnection, day: int, ids: IntArray) -> Sequence[Any]:
    """The hot rows of a day in order of end, with their receipts."""
    statement = Statement(connection.dialect.name)
    begin, until = day * DAY_S + 1, (day + 1) * DAY_S + 1
    source, where = span_of(statement, begin, until, by_stamps=statement.sqlite)
    fields = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
    found = await connection.exec_driver_sql(
        f"SELECT {fields}, a.received_s FROM {source} JOIN answers a ON a.id = r.batch_id "
        f"WHERE {where} AND {statement.among('r.series_id', ids)} ORDER BY r.end_s",
        tuple(statement.values),
    )
    return found.fetchall()


async def _remove(connection: AsyncConnection, rows: Sequence[Any], packed_now: set[int]) -> None:
    keys = [(row[0], row[1]) for row in rows if row[1] in packed_now]
    if connection.dialect.name == "sqlite":
        if keys:
            await connection.exec_driver_sql("DELETE FROM readings WHERE end_s = ? AND series_id = ?", keys)
        return
    ends, numbers = [key[0] for key in keys], [key[1] for key in keys]
    await connection.exec_driver_sql(
        "DELETE FROM readings r USING unnest(%s::bigint[], %s::bigint[]) k(end_s, series_id) "
        "WHERE r.series_id = k.series_id AND r.end_s = k.end_s",
        (ends, numbers),
    )
