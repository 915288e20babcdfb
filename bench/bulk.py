"""Every figure of packed history, roll-ups, export and import beside its target: `python -m bench.bulk [--shared FOLDER] [--series N] [--days N] [--every N]`.

Rates are told twice: by the clock on the wall, and by the processor time that this process used, which neighbours on a busy machine
do not change much. Ratios are of wall times in this run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from bench.store_history import (
    DAY_S,
    FEED,
    MEASUREMENTS,
    STEP_S,
    filled,
    hot_size,
    mark_all,
    packed_sizes,
    ready_hours,
    real_sweeps,
    series_year,
    typical,
)
from store.compact import compact
from store.engine import Store, open_store
from store.exporting import Scope, export
from store.importing import import_export
from store.rollups import refresh
from store.write import commit_batch

#: Whole days of blocks, so that what is measured is history as it stays.
REAL_FROM, REAL_UNTIL, REAL_PACKED_BEFORE = "2026-07-30T00:00", "2026-08-07T03:00", "2026-08-07"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    target: str
    measured: str


@dataclass(frozen=True, slots=True)
class Took:
    """What some work took."""

    wall_s: float
    cpu_s: float

    def rate(self, count: float, unit: str) -> str:
        return f"{count / self.wall_s / 1e3:,.0f} k {unit}/s (per processor second {count / self.cpu_s / 1e3:,.0f} k)"


async def timed(work: Callable[[], Awaitable[object]]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


async def real_history(folder: Path, path: Path, every: int) -> list[Figure]:
    """Eight real days of Japan, about one reading an hour from each series; one series in `every`."""
    store = await open_store(f"sqlite+aiosqlite:///{folder / 'real.db'}")
    for sweep in real_sweeps(path, REAL_FROM, REAL_UNTIL, every):
        await commit_batch(store, sweep, {})
    hot = await hot_size(store)
    before_s = int(np.datetime64(REAL_PACKED_BEFORE, "s").astype(np.int64))
    took = await timed(lambda: compact(store, before_s, limit=10**9))
    readings, blocks, blobs, pages = await packed_sizes(store)
    async with store.reading() as connection:
        shared = int(
            (await connection.exec_driver_sql("SELECT coalesce(sum(length(blob)), 0) FROM receipts")).scalar_one()
        )
    marked = await timed(lambda: refresh(store, 10**9))
    async with store.reading() as connection:
        told = await connection.exec_driver_sql("SELECT count(*), sum(length(blob)) FROM rollups")
        days, rolled = map(int, told.one())
    await store.close()
    return [
        Figure(
            f"history of real sparse days, B a reading ({readings:,} in {blocks:,} blocks)", "<= 2.5",
            f"{(blobs + shared) / readings:.2f} ({(pages + shared) / readings:.2f} with its table; hot rows {hot:.1f})",
        ),
        Figure("packing those from hot rows", "-", took.rate(readings, "readings")),
        Figure("roll-ups of those, B a reading", "-", f"{rolled / readings:.2f} ({days:,} series-days)"),
        Figure("roll-ups of those, from blocks and hot rows to rows kept", ">= 400 k", marked.rate(days * 24, "series-hours")),
    ]  # fmt: skip


async def made_history(folder: Path, series: int, days: int) -> list[Figure]:
    """Some series at ten minutes for a year: reads, roll-ups, out as files and in again."""
    store = await filled(folder, series, days)
    readings = series * days * DAY_S // STEP_S
    rows_s = await series_year(store, days)
    packing = await timed(lambda: compact(store, 2**40, limit=10**9))
    _, _, blobs, pages = await packed_sizes(store)
    packed_s = await series_year(store, days)
    ready = ready_hours(series, min(days, 30))
    await mark_all(store, series, days)
    rolled = await timed(lambda: refresh(store, 10**9, until_s=(days + 1) * DAY_S))
    found = [
        Figure("history of full days, B a reading", "<= 2.5", f"{blobs / readings:.2f} ({pages / readings:.2f} with its table)"),
        Figure("packing those from hot rows", "-", packing.rate(readings, "readings")),
        Figure(
            f"series over {days} days from packed history against the row table", "<= 0.1",
            f"{packed_s / rows_s:.3f} ({packed_s * 1e3:.1f} of {rows_s * 1e3:.1f} ms)",
        ),
        Figure("roll-ups of dirty days, from blocks to rows kept", ">= 400 k", rolled.rate(series * days * 24, "series-hours")),
        Figure("the numbers of roll-ups alone, by the hour", "-", f"{ready / 1e3:,.0f} k series-hours/s"),
    ]  # fmt: skip
    found += await out_and_in(store, folder, readings)
    await store.close()
    return found


async def out_and_in(store: Store, folder: Path, readings: int) -> list[Figure]:
    out = await timed(lambda: export(store, folder / "export", Scope("internal"), 2**31))
    files = sorted((folder / "export" / "readings").glob("*.parquet"))
    size = sum(path.stat().st_size for path in files)
    wall = time.perf_counter()
    for path in files:
        pq.read_table(path)
    read_s = time.perf_counter() - wall
    other = await open_store(f"sqlite+aiosqlite:///{folder / 'imported.db'}")
    into = await timed(lambda: import_export(other, folder / "export", 2**31))
    again = await timed(lambda: import_export(other, folder / "export", 2**31))
    await other.close()
    bare_s = bare_insert(folder, min(readings, 500_000))
    return [
        Figure("export to Parquet", "-", f"{out.rate(readings, 'readings')}, {size / readings:.2f} B a reading"),
        Figure("import of Parquet into packed history", ">= 2,000 k", into.rate(readings, "readings")),
        Figure("that against bare sqlite3 executemany of ready tuples", "-", f"{bare_s * readings / into.wall_s:.1f} times as fast"),
        Figure("that against reading the same files with pyarrow", "-", f"{read_s / into.wall_s:.2f}"),
        Figure("the same import again, nothing to do", "-", f"{again.wall_s:.2f} s"),
    ]  # fmt: skip


def bare_insert(folder: Path, count: int) -> float:
    """Seconds for each row of the fastest way to put rows into a SQLite table without a key."""
    rows = [(i * STEP_S, i % 5000, 0.04, i, 3, 0, 0, 1, None, None, None) for i in range(count)]
    taken = []
    with sqlite3.connect(folder / "bare.db", isolation_level=None) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE r (a, b, c, d, e, f, g, h, i, j, k)")
        for _ in range(3):
            began = time.perf_counter()
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO r VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
            raw.execute("COMMIT")
            taken.append(time.perf_counter() - began)
    return typical(taken) / count


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", default=os.environ.get("RADCOMMONS_SHARED", "../shared"))
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--every", type=int, default=1, help="of the real series, only one in so many")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = await made_history(Path(name), asked.series, asked.days)
        if (Path(asked.shared) / MEASUREMENTS).is_file():
            found += await real_history(Path(name), Path(asked.shared) / MEASUREMENTS, asked.every)
    print(f"| figure ({FEED}: {asked.series} series, {asked.days} days) | target | measured |\n|---|---|---|")
    for one in found:
        print(f"| {one.name} | {one.target} | {one.measured} |")


if __name__ == "__main__":
    asyncio.run(main())
