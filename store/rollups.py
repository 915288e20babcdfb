"""Roll-ups kept: recomputed from what stands for days marked dirty, and answered so that no reader ever sees a stale one.

A reader takes a day's row unless the day is marked, and computes a marked one afresh: how often `refresh` runs is a matter
of speed alone. Days still under way are left marked, for every sweep would only mark them again.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray, Series
from store import dirt, history, packed
from store.bucketing import (
    CENSORED,
    COUNT,
    DAY_S,
    FIRST_QUANTILE,
    HOUR_S,
    MAXIMUM,
    MINIMUM,
    QUANTILES,
    STEPS_S,
    TOTAL,
    UNFIT_COUNT,
    Buckets,
    bucketed,
    hours_and_days,
)
from store.engine import Store
from store.history import Stack, Statement, Window
from store.incoming import SERIES_BITS, SERIES_MASK
from store.observing import FEW_SERIES, columns
from store.packed import day_at, days_at
from store.rollup_rows import SLOTS, Days, days_of, decoded, encoded, without_hours
from store.rows import BucketRow
from store.window import Segment

_LOCK = 7_218_553
#: Series-days in one transaction: so many keep the other writers for some hundredths of a second.
_AT_ONCE = 2_000
#: A day is finished so long after its end: late readings have mostly come, and what comes later only marks it again.
SETTLED_S = 2 * HOUR_S


async def refresh(store: Store, limit: int = 10_000, *, until_s: int | None = None) -> int:
    """Recompute days of series that are marked and ended by `until_s` (two hours behind the newest receipt); how many were done.

    At most `limit`, the oldest first, some hundred in each transaction; may be stopped anywhere and called again.
    """
    if until_s is None:
        async with store.reading() as connection:
            newest = (await connection.exec_driver_sql("SELECT max(received_s) FROM latest")).scalar()
        if newest is None:
            return 0
        until_s = int(newest) - SETTLED_S
    async with store.writing() as connection:
        await _lock(store, connection)
        rows = await dirt.arrange(connection, until_s // DAY_S, min(_AT_ONCE, limit))
    done = 0
    for row in rows:
        if done >= limit:
            break
        async with store.writing() as connection:
            await _lock(store, connection)
            done += await _refresh(connection, row, limit - done)
        await asyncio.sleep(0)
    return done


async def _lock(store: Store, connection: AsyncConnection) -> None:
    if not store.is_sqlite:
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


async def _refresh(connection: AsyncConnection, row: int, limit: int) -> int:
    keys = await dirt.take(connection, row)
    await dirt.mark(connection, keys[limit:])
    chosen = keys[:limit]
    if len(chosen):
        await _store(connection, chosen, await _computed(connection, chosen))
    return len(chosen)


async def _computed(connection: AsyncConnection, keys: IntArray) -> list[Days]:
    """Roll-ups of series-days as what stands says now; a day without readings has none."""
    made: list[Days] = []
    span = (keys >> SERIES_BITS) // packed.SPAN
    for number in np.unique(span).tolist():
        part = np.unique(keys[span == number])
        first, last = int(part[0] >> SERIES_BITS), int(part[-1] >> SERIES_BITS)
        ids = np.unique(part & SERIES_MASK)
        found = await _standing(connection, Window(first * DAY_S + 1, (last + 1) * DAY_S + 1, ids))
        if len(found.series_id):
            made.append(await asyncio.to_thread(_rolled, found, part))
    return made


async def _standing(connection: AsyncConnection, window: Window) -> Stack:
    """What stands of a window, in order of series and end."""
    assert window.ids is not None
    hot: list[Any] = []
    for begin in range(0, len(window.ids), FEW_SERIES):
        hot += await _hot(connection, replace(window, ids=window.ids[begin : begin + FEW_SERIES]))
    old = await history.stack(connection, window)
    return await asyncio.to_thread(_together, hot, old) if hot else old


async def _hot(connection: AsyncConnection, window: Window) -> Sequence[Any]:
    statement = Statement(connection.dialect.name)
    assert window.ids is not None
    source, where = history.span_of(statement, window.from_s, window.to_s, by_stamps=statement.sqlite)
    found = await connection.exec_driver_sql(
        f"SELECT r.series_id, r.end_s, r.value, r.censoring, r.qc FROM {source} "
        f"WHERE {where} AND {statement.among('r.series_id', window.ids)}",
        tuple(statement.values),
    )
    return found.fetchall()


def _together(hot: Sequence[Any], old: Stack) -> Stack:
    series_id, end_s, value, censoring, qc = zip(*hot, strict=True)
    both = Stack(
        np.concatenate([old.series_id, np.array(series_id, dtype=np.int64)]),
        np.concatenate([old.end_s, np.array(end_s, dtype=np.int64)]),
        np.concatenate([old.value, np.array(value, dtype=np.float64)]),
        np.concatenate([old.censoring, np.array(censoring, dtype=np.int64)]),
        np.concatenate([old.qc, np.array(qc, dtype=np.int64)]),
    )
    return both.take(np.lexsort((both.end_s, both.series_id)))


def _rolled(found: Stack, keys: IntArray) -> Days:
    """Roll-ups of those days that are among the keys (in order)."""
    of_row = (days_at(found.end_s) << SERIES_BITS) | found.series_id
    at = np.searchsorted(keys, of_row).clip(max=len(keys) - 1)
    meant = keys[at] == of_row
    chosen = found if meant.all() else found.take(np.flatnonzero(meant))
    censoring = chosen.censoring.astype(np.int8)
    return days_of(*hours_and_days(chosen.series_id, chosen.end_s, chosen.value, censoring, chosen.qc))


def _buckets(found: Segment, step_s: int) -> Buckets:
    series = found.key & SERIES_MASK
    order = np.argsort(series, kind="stable")
    return bucketed(
        series[order],
        (found.key >> SERIES_BITS)[order],
        found.value[order],
        found.censoring[order],
        found.qc[order].astype(np.int64),
        step_s,
    )


async def _store(connection: AsyncConnection, keys: IntArray, made: Sequence[Days]) -> None:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    rows: list[tuple[int, int, bytes]] = []
    for days in made:
        blobs = await asyncio.to_thread(encoded, days)
        rows += zip(days.series.tolist(), days.day.tolist(), blobs, strict=True)
    there = {(number, day) for number, day, _ in rows}
    gone = [
        key
        for key in zip((keys & SERIES_MASK).tolist(), (keys >> SERIES_BITS).tolist(), strict=True)
        if key not in there
    ]
    if gone:
        await connection.exec_driver_sql(f"DELETE FROM rollups WHERE series_id = {mark} AND day = {mark}", gone)
    if rows:
        await connection.exec_driver_sql(
            f"INSERT INTO rollups (series_id, day, blob) VALUES ({mark}, {mark}, {mark}) "
            "ON CONFLICT (series_id, day) DO UPDATE SET blob = excluded.blob",
            rows,
        )


async def buckets(
    store: Store, series_uids: Sequence[str], from_s: int, to_s: int, resolution: str, *, as_of_s: int | None = None
) -> list[BucketRow]:
    """Roll-ups (`1h` or `1d`) with readings, ordered by (series uid, begin): every bucket that [from_s, to_s) touches, whole.

    As known now or at `as_of_s`; unknown uids have none. Raises KeyError for another resolution.
    """
    step_s = STEPS_S[resolution]
    begin_s, until_s = (from_s - 1) // step_s * step_s, ((to_s - 2) // step_s + 1) * step_s
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        by_id, known = store.catalogue.series_by_id, store.catalogue.series_ids
        ids = np.array(sorted(known[uid] for uid in set(series_uids) if uid in known), dtype=np.int64)
        if not len(ids) or from_s >= to_s:
            return []
        window = Window(begin_s + 1, until_s + 1, ids, as_of_s)
        if as_of_s is None:
            found = await _kept(connection, window, resolution)
        else:
            found = [await asyncio.to_thread(_buckets, await columns(connection, window), step_s)]
    rows = [row for part in found for row in _rows(part, by_id, step_s)]
    return sorted(
        (row for row in rows if begin_s <= row.begin_s < until_s), key=lambda row: (row.series_uid, row.begin_s)
    )


async def _kept(connection: AsyncConnection, window: Window, resolution: str) -> list[Buckets]:
    """From the rows kept; for marked days, and for hours of days with few readings, from what stands."""
    assert window.ids is not None
    first, last = day_at(window.from_s), day_at(window.to_s - 1)
    _, keys = await dirt.marked(connection)
    keys = keys[np.searchsorted(keys, first << SERIES_BITS) : np.searchsorted(keys, (last + 1) << SERIES_BITS)]
    keys = keys[np.isin(keys & SERIES_MASK, window.ids)]
    found = await _stored(connection, window.ids, (first, last), keys)
    if resolution == "1h":
        hourless = np.array(without_hours([row[2] for row in found]), dtype=bool)
        further = [(row[1] << SERIES_BITS) | row[0] for row, lacks in zip(found, hourless, strict=True) if lacks]
        keys = np.concatenate([keys, np.array(further, dtype=np.int64)])
        found = [row for row, lacks in zip(found, hourless, strict=True) if not lacks]
    made = await _computed(connection, keys)
    numbers, days, rows = zip(*found, strict=True) if found else ((), (), ())
    ids, of_days = np.array(numbers, dtype=np.int64), np.array(days, dtype=np.int64)
    made.append(await asyncio.to_thread(decoded, ids, of_days, rows))
    return [_slots(one, resolution) for one in made]


async def _stored(
    connection: AsyncConnection, ids: IntArray, days: tuple[int, int], without: IntArray
) -> list[tuple[int, int, bytes]]:
    """Series, day and row of what is kept."""
    statement = Statement(connection.dialect.name)
    found: Sequence[Any] = (
        await connection.exec_driver_sql(
            f"SELECT r.series_id, r.day, r.blob FROM {statement.each(ids)} CROSS JOIN rollups r WHERE r.series_id = k.id "
            f"AND r.day BETWEEN {statement.value(days[0])} AND {statement.value(days[1])}",
            tuple(statement.values),
        )
    ).fetchall()
    marked = set(without.tolist())
    return [(row[0], row[1], bytes(row[2])) for row in found if (row[1] << SERIES_BITS) | row[0] not in marked]


def _slots(days: Days, resolution: str) -> Buckets:
    """The slots of a resolution that hold readings."""
    slots = slice(SLOTS - 1, SLOTS) if resolution == "1d" else slice(0, SLOTS - 1)
    counts, measures = days.counts[:, slots], days.measures[:, slots]
    at, slot = np.nonzero(counts.sum(axis=2))
    begin = days.day[at] * DAY_S + slot * (DAY_S if resolution == "1d" else HOUR_S)
    return Buckets(days.series[at], begin, counts[at, slot], measures[at, slot])


def _rows(found: Buckets, by_id: dict[int, Series], step_s: int) -> list[BucketRow]:
    columns_of = zip(
        found.series.tolist(), found.begin_s.tolist(), found.counts.tolist(), found.measures.tolist(), strict=True
    )
    return [_row(by_id[number], begin_s, step_s, counts, measures) for number, begin_s, counts, measures in columns_of]


def _row(series: Series, begin_s: int, step_s: int, counts: list[int], measures: list[float]) -> BucketRow:
    count = counts[COUNT]
    p05, p25, p50, p75, p95 = measures[FIRST_QUANTILE:] if count else [None] * len(QUANTILES)
    covered_s = (count + counts[CENSORED]) * series.window_s
    return BucketRow(
        series.uid,
        begin_s,
        begin_s + step_s,
        series.unit,
        count,
        counts[CENSORED],
        counts[UNFIT_COUNT],
        measures[MINIMUM] if count else None,
        measures[MAXIMUM] if count else None,
        measures[TOTAL] / count if count else None,
        p05,
        p25,
        p50,
        p75,
        p95,
        min(1.0, covered_s / step_s) if series.window_s else None,
    )
