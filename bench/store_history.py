"""What packed history and roll-ups cost, as ratios in one run: `python -m bench.store_history [--shared FOLDER] [--series N] [--days N]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from store import dirt, read
from store.bucketing import HOUR_S, bucketed
from store.compact import compact
from store.engine import Store, open_store
from store.incoming import SERIES_BITS
from store.rollups import refresh
from store.rows import Filter, SeriesArrays
from store.write import commit_batch

DAY_S, STEP_S = 86400, 600
FEED = "bench"
MEASUREMENTS = "data/jp-nra-ramis/measurements_2026-07-08_2026-08-19.parquet"
RANDOM = np.random.default_rng(7)


def typical(taken: list[float]) -> float:
    """The lower quartile: on a machine with other work, the slower runs measure the neighbours."""
    return float(np.quantile(taken, 0.25))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def afresh(store: Store, f: Filter, from_s: int, to_s: int) -> SeriesArrays:
    """Columns as somebody gets them who is the first to ask after a commit."""
    store.regions.clear()
    store.older.clear()
    return await read.arrays(store, f, from_s, to_s)


def batch(
    keys: tuple[str, ...], index: np.ndarray, end_s: np.ndarray, value: np.ndarray, digits: np.ndarray, received_s: int
) -> Batch:
    """Readings of some stations, received together."""
    series = tuple(
        Series(f"{FEED}:{key}:q:air_over_land", f"{FEED}:{key}", FEED, "air_dose_rate_as_published", "uSv/h")
        for key in keys
    )
    n = len(index)
    readings = Readings(
        series, index, end_s, value, digits, np.zeros(n, dtype=np.int8), np.full(n, np.nan),
        np.full(n, NO_TIME, dtype=np.int64), np.zeros(n, dtype=np.int64),
    )  # fmt: skip
    at = float(received_s)
    answer = Answer(FEED, "GET", "https://x.example/", at, at, 200, sha256=f"{received_s:064x}")
    stations = tuple(Station(f"{FEED}:{key}", FEED, key) for key in keys)
    return Batch(FEED, f"{FEED}@{received_s}", received_s, answer, Harvest(n, stations, readings), received_s)


def real_sweeps(path: Path, first: str, last: str, every: int = 1) -> list[Batch]:
    """Dose rates of some days of Japan, of one series in `every`, each reading in the sweep that first brought it."""
    table = pq.read_table(path, columns=["station_id", "data_type", "meas_datetime", "air_dose_rate", "first_sweep"])
    sweep = table["first_sweep"].cast("timestamp[s]").to_numpy().astype("datetime64[s]")
    kept = (
        (sweep >= np.datetime64(first)) & (sweep < np.datetime64(last)) & pc.is_valid(table["air_dose_rate"]).to_numpy()
    )
    names = pc.binary_join_element_wise(table["station_id"].cast("string"), table["data_type"].cast("string"), ".")
    keys, index = np.unique(names.to_numpy(zero_copy_only=False)[kept].astype(str), return_inverse=True)
    end_s = table["meas_datetime"].cast("timestamp[s]").to_numpy().astype("datetime64[s]").astype(np.int64)[kept]
    value = table["air_dose_rate"].to_numpy()[kept]
    digits = np.array([len(repr(one).partition(".")[2]) for one in value.tolist()], dtype=np.int16)
    at_s = sweep[kept].astype(np.int64)
    made = []
    for received_s in np.unique(at_s).tolist():
        here = np.flatnonzero((at_s == received_s) & (index % every == 0))
        if not len(here):
            continue
        made.append(batch(tuple(keys.tolist()), index[here], end_s[here], value[here], digits[here], received_s))
    return made


async def packed_sizes(store: Store) -> tuple[int, int, int, int]:
    """Readings and days packed, bytes of the blobs, bytes of the table's pages."""
    async with store.reading() as connection:
        counted = await connection.exec_driver_sql("SELECT sum(readings), count(*), sum(length(blob)) FROM packed")
        row = list(counted.one())
        pages = (await connection.exec_driver_sql("SELECT sum(pgsize) FROM dbstat WHERE name = 'packed'")).scalar_one()
    return int(row[0]), int(row[1]), int(row[2]), int(pages)


async def hot_size(store: Store) -> float:
    """Bytes of a hot row, pages and all."""
    async with store.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT count(*) FROM readings")).scalar_one()
        pages = (
            await connection.exec_driver_sql("SELECT sum(pgsize) FROM dbstat WHERE name = 'readings'")
        ).scalar_one()
    return float(pages) / int(rows)


async def sizes(folder: Path, path: Path) -> None:
    """Bytes per reading of real days."""
    store = await open_store(f"sqlite+aiosqlite:///{folder / 'real.db'}")
    for sweep in real_sweeps(path, "2026-08-14T15:00", "2026-08-19T15:00"):
        await commit_batch(store, sweep, {})
    hot = await hot_size(store)
    took_s = await timed(lambda: compact(store, 2**40, limit=10**9))
    readings, days, blobs, pages = await packed_sizes(store)
    print(f"real days of Japan: {readings:,} readings, {readings / days:.0f} to a series-day")
    print(
        f"  hot {hot:.1f} B a reading; packed {blobs / readings:.2f} B, {pages / readings:.2f} B with its table ({hot * readings / pages:.1f} times less)"
    )
    print(f"  packing {readings / took_s / 1e3:.0f} k readings/s")
    await store.close()


async def filled(folder: Path, series: int, days: int) -> Store:
    """Some series at ten minutes for a while, all hot."""
    store = await open_store(f"sqlite+aiosqlite:///{folder / 'year.db'}")
    keys = tuple(map(str, range(series)))
    index = np.repeat(np.arange(series), DAY_S // STEP_S)
    for day in range(days):
        end_s = day * DAY_S + np.tile(np.arange(1, DAY_S // STEP_S + 1) * STEP_S, series)
        value = np.round(0.04 + 0.003 * RANDOM.standard_normal(len(index)), 3)
        digits = np.full(len(index), 3, dtype=np.int16)
        await commit_batch(store, batch(keys, index, end_s, value, digits, (day + 1) * DAY_S + 240), {})
    return store


async def series_year(store: Store, days: int) -> float:
    """Seconds of one series over everything, as columns."""
    uid = f"{FEED}:3:q:air_over_land"
    one = Filter(series=frozenset({uid}))
    taken = [await timed(lambda: afresh(store, one, 0, days * DAY_S + 1)) for _ in range(7)]
    return typical(taken)


def ready_hours(series: int, days: int) -> float:
    """Series-hours a second of the numbers alone, from columns that lie ready."""
    n = days * DAY_S // STEP_S
    index = np.repeat(np.arange(series), n)
    end_s = np.tile(np.arange(1, n + 1) * STEP_S, series)
    value = np.round(0.04 + 0.003 * RANDOM.standard_normal(len(index)), 3)
    zeros = np.zeros(len(index), dtype=np.int64)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        bucketed(index, end_s, value, zeros.astype(np.int8), zeros, HOUR_S)
        taken.append(time.perf_counter() - began)
    return series * days * 24 / typical(taken)


async def mark_all(store: Store, series: int, days: int) -> None:
    """Every day of every series is out of date."""
    async with store.writing() as connection:
        await connection.exec_driver_sql("DELETE FROM dirty")
        ids = np.array([store.entered.series_ids[f"{FEED}:{key}:q:air_over_land"] for key in range(series)])
        keys = ((np.arange(days) << SERIES_BITS)[:, None] | ids[None, :]).reshape(-1)
        await dirt.mark(connection, keys)


async def rollup_speed(store: Store, series: int, days: int) -> float:
    """Series-hours a second of marked days, from what stands to rows kept."""
    await mark_all(store, series, days)
    took_s = await timed(lambda: refresh(store, 10**9, until_s=days * DAY_S + DAY_S))
    return series * days * 24 / took_s


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", default=os.environ.get("RADCOMMONS_SHARED", "../shared"))
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (Path(asked.shared) / MEASUREMENTS).is_file():
            await sizes(folder, Path(asked.shared) / MEASUREMENTS)
        store = await filled(folder, asked.series, asked.days)
        rows_s = await series_year(store, asked.days)
        hot_rate = await rollup_speed(store, asked.series, min(asked.days, 30))
        await compact(store, 2**40, limit=10**9)
        packed_s = await series_year(store, asked.days)
        print(
            f"one series, {asked.days} days: rows {rows_s * 1e3:.1f} ms, packed {packed_s * 1e3:.1f} ms, {packed_s / rows_s:.3f} of it"
        )
        ready = ready_hours(asked.series, min(asked.days, 30))
        packed_rate = await rollup_speed(store, asked.series, asked.days)
        print(
            f"roll-ups, k series-hours/s: {ready / 1e3:.0f} the numbers alone, {packed_rate / 1e3:.0f} from packed days to rows kept "
            f"({packed_rate / ready:.2f}), {hot_rate / 1e3:.0f} from hot rows ({hot_rate / ready:.2f})"
        )
        kept_s = await timed(lambda: read.buckets(store, [f"{FEED}:3:q:air_over_land"], 0, asked.days * DAY_S, "1d"))
        print(f"daily roll-ups of the series: {kept_s * 1e3:.1f} ms, {kept_s / rows_s:.3f} of its rows")
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
