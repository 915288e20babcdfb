"""Compaction: days of series that left the hot window go into blocks of up to eight days, some thousand readings at a time.

A day moves in one transaction (out of the hot rows, into the packed row), so a kill leaves it on one side or the other.
What is known does not change, so neither answers nor the window in memory need to be told.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import packed, partitions, tables
from store.bulk_reading import hot_rows
from store.engine import Store
from store.history import Statement
from store.packed import DAY_S, SPAN, Block, Blocks, day_at
from store.packing import day_of, joined, taken
from store.rollups import refresh

HOT_S = 72 * 3600
#: Hot rows in one transaction: more would hold the loop and the other writers for longer than some milliseconds.
_ROWS_AT_ONCE = 6_000


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
    done = await refresh(store, limit), await compact(store, before_s, limit=limit)
    if not store.is_sqlite:
        gone = await partitions.turn_over(store.engine, before_s + hot_s, before_s)
        store.partitions.names.difference_update(gone)
    return done


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
        for feed_id, (ids, counts) in (await _by_feed(store, found[1], found[2])).items():
            for part in _parts(ids[: limit - done], counts):
                async with store.writing() as connection:
                    await _lock(store, connection, feed_id)
                    done += await _move(connection, found[0], part)
                await asyncio.sleep(0)
    return done


def _parts(ids: IntArray, counts: IntArray) -> list[IntArray]:
    """Series whose hot rows of the day are one transaction's work."""
    before = np.cumsum(counts[: len(ids)]) - counts[: len(ids)]
    return np.split(ids, np.flatnonzero(np.diff(before // _ROWS_AT_ONCE)) + 1) if len(ids) else []


async def _next_day(store: Store, day: int) -> tuple[int, IntArray, IntArray] | None:
    """The first day from `day` on that has hot rows, its series and their rows; one scan of the day, not one for each transaction."""
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
            f"SELECT series_id, count(*) FROM readings WHERE end_s > {mark} AND end_s <= {mark} GROUP BY series_id ORDER BY series_id",
            (there * DAY_S, (there + 1) * DAY_S),
        )
        ids, counts = zip(*listed.fetchall(), strict=True)
        return there, np.array(ids, dtype=np.int64), np.array(counts, dtype=np.int64)


async def _by_feed(store: Store, ids: IntArray, counts: IntArray) -> dict[str, tuple[IntArray, IntArray]]:
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
    feeds: dict[str, list[int]] = {}
    for i, number in enumerate(ids.tolist()):
        feeds.setdefault(store.catalogue.series_by_id[number].feed_id, []).append(i)
    return {feed_id: (ids[at], counts[at]) for feed_id, at in feeds.items()}


async def _lock(store: Store, connection: AsyncConnection, feed_id: str) -> None:
    """The lock that commits of this feed take: nobody writes into a day while it moves."""
    if not store.is_sqlite:
        health = tables.feed_health
        await connection.execute(sa.select(health.c.feed_id).where(health.c.feed_id == feed_id).with_for_update())


async def _move(connection: AsyncConnection, day: int, ids: IntArray) -> int:
    """Move what these series have hot into the block that a day belongs to; the block then covers everything up to that day.

    A block that is whole shares its receipts: nothing but a late reading will change it again.
    """
    begin = packed.span_begin(day)
    before = await packed.blocks_of(connection, await _there(connection, begin, ids))
    damaged = {block.series_id for block in before if block.content is None}
    ids = ids[~np.isin(ids, list(damaged))]
    # of earlier days only what came after they were packed
    rows = await hot_rows(connection, begin * DAY_S + 1, (day + 1) * DAY_S + 1, ids)
    if not rows:
        return 0
    made = await asyncio.to_thread(_merged, rows, begin, day, [block for block in before if block.content is not None])
    stale = [(block.series_id, block.day) for block in before if block.day != begin and block.content is not None]
    await packed.remove(connection, stale)
    await packed.store_blocks(connection, made, sharing=day - begin == SPAN - 1)
    await _remove(connection, rows)
    return len(made.starts)


async def _there(connection: AsyncConnection, begin: int, ids: IntArray) -> Sequence[Any]:
    """The blocks that series have in a span of days; more than one only where an older program packed day by day."""
    statement = Statement(connection.dialect.name)
    source = statement.each(ids)
    found = await connection.exec_driver_sql(
        f"SELECT p.series_id, p.day, p.days, p.blob FROM {source} CROSS JOIN packed p WHERE p.series_id = k.id "
        f"AND p.day BETWEEN {statement.value(begin)} AND {statement.value(begin + SPAN - 1)}",
        tuple(statement.values),
    )
    return found.fetchall()


def _merged(rows: Sequence[Any], begin: int, day: int, before: Sequence[Block]) -> Blocks:
    """Hot rows over what was packed of the same series already, a block for each series that has hot ones."""
    numbers = [np.array([row[1] for row in rows], dtype=np.int64)]
    contents = [day_of(rows)]
    moved = set(numbers[0].tolist())
    until = dict.fromkeys(moved, day + 1)
    for block in before:
        if block.series_id in moved and block.content is not None:
            until[block.series_id] = max(until[block.series_id], block.day + block.days)
            numbers.append(np.full(len(block.content), block.series_id, dtype=np.int64))
            contents.append(block.content)
    series_id, content = np.concatenate(numbers), joined(contents)
    order = np.lexsort((np.arange(len(series_id)), content.end_s, series_id))  # of one key the hot row comes first
    same = (np.diff(series_id[order]) == 0) & (np.diff(content.end_s[order]) == 0)
    order = order[np.append(True, ~same)]
    series_id = series_id[order]
    ids, starts = np.unique(series_id, return_index=True)
    days = np.array([until[number] - begin for number in ids.tolist()], dtype=np.int64)
    return Blocks(ids, np.full(len(ids), begin, dtype=np.int64), days, starts.astype(np.int64), taken(content, order))


async def _remove(connection: AsyncConnection, rows: Sequence[Any]) -> None:
    keys = [(row[0], row[1]) for row in rows]
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("DELETE FROM readings WHERE end_s = ? AND series_id = ?", keys)
        return
    ends, numbers = [key[0] for key in keys], [key[1] for key in keys]
    await connection.exec_driver_sql(
        "DELETE FROM readings r USING unnest(%s::bigint[], %s::bigint[]) k(end_s, series_id) "
        "WHERE r.series_id = k.series_id AND r.end_s = k.end_s",
        (ends, numbers),
    )
