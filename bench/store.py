"""How fast the store takes in and answers, as ratios to bare baselines in the same run: `python -m bench.store [--postgres URL]`."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg

from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from store import read
from store.engine import Store, open_store
from store.rows import Filter
from store.write import commit_batch

SERIES, STEP_S, FEED = 5423, 600, "bench"
STATIONS = tuple(
    Station(f"{FEED}:{i}", FEED, str(i), latitude_deg=35.0, longitude_deg=135.0, position_origin="published")
    for i in range(SERIES)
)
ALL = tuple(
    Series(
        f"{FEED}:{i}:air_dose_rate_as_published:air_over_land",
        f"{FEED}:{i}",
        FEED,
        "air_dose_rate_as_published",
        "uSv/h",
    )
    for i in range(SERIES)
)
RANDOM = np.random.default_rng(7)


def sweep(step: int, values: np.ndarray) -> Batch:
    """One national sweep: every series once, most at the newest stamp, a tenth one stamp behind."""
    behind = np.arange(SERIES) % 10 == 0
    received_s = (step + 1) * STEP_S
    readings = Readings(
        ALL,
        np.arange(SERIES),
        np.where(behind, (step - 1) * STEP_S, step * STEP_S),
        values,
        np.full(SERIES, 3, dtype=np.int16),
        np.zeros(SERIES, dtype=np.int8),
        np.full(SERIES, np.nan),
        np.full(SERIES, NO_TIME, dtype=np.int64),
        np.zeros(SERIES, dtype=np.int64),
    )
    answer = Answer(FEED, "GET", "https://x.example/", float(received_s), float(received_s), 200, sha256=f"{step:064x}")
    return Batch(FEED, f"{FEED}@{step}", received_s, answer, Harvest(SERIES, STATIONS, readings), received_s)


def some_values() -> np.ndarray:
    return np.round(0.04 + 0.02 * RANDOM.random(SERIES), 3)


def typical(taken: list[float]) -> float:
    """The lower quartile: on a machine with other work, the slower runs measure the neighbours."""
    return float(np.quantile(taken, 0.25))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def raw_sqlite(folder: Path, sweeps: int, synchronous: str) -> float:
    """Seconds of sqlite3 executemany of ready tuples into a table without a key."""
    with sqlite3.connect(folder / f"raw-{synchronous}.db", isolation_level=None) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={synchronous}")
        raw.execute("CREATE TABLE r (a, b, c, d, e, f, g, h, i, j, k)")
        taken = []
        for step in range(sweeps):
            rows = [
                (step * STEP_S, i, value, step, 3, 0, 0, 1, None, None, None)
                for i, value in enumerate(some_values().tolist())
            ]
            began = time.perf_counter()
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO r VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
            raw.execute("COMMIT")
            taken.append(time.perf_counter() - began)
    return typical(taken)


async def raw_copy(url: str, sweeps: int) -> float:
    """Seconds of COPY into an unlogged table without a key."""

    taken = []
    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", ""), autocommit=True) as raw:
        await raw.execute("DROP TABLE IF EXISTS bare")
        await raw.execute(
            "CREATE UNLOGGED TABLE bare (a bigint, b bigint, c float8, d bigint, e int2, f int4, g int2, h int4, i bigint, j float8, k text)"
        )
        for step in range(sweeps):
            rows = [
                (step * STEP_S, i, value, step, 3, 0, 0, 1, None, None, None)
                for i, value in enumerate(some_values().tolist())
            ]
            began = time.perf_counter()
            async with raw.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in rows:
                    await copy.write_row(row)
            taken.append(time.perf_counter() - began)
    return typical(taken)


async def ingest(store: Store, sweeps: int) -> dict[str, float]:
    """Seconds of a new sweep, the same sweep sent again, and one with 5 % of its values changed."""
    taken: dict[str, list[float]] = {"new sweep": [], "sent again": [], "5 % changed": []}
    for step in range(1, sweeps + 1):
        batch = sweep(step, some_values())
        taken["new sweep"].append(await timed(lambda batch=batch: commit_batch(store, batch, {})))
        again = sweep_again(batch, 60, 0)
        taken["sent again"].append(await timed(lambda again=again: commit_batch(store, again, {})))
        if step % 4 == 0:
            changed = sweep_again(batch, 120, SERIES // 20)
            taken["5 % changed"].append(await timed(lambda changed=changed: commit_batch(store, changed, {})))
    return {name: typical(times[2:]) for name, times in taken.items()}


def sweep_again(batch: Batch, later_s: int, changed: int) -> Batch:

    assert batch.harvest.readings is not None
    value = batch.harvest.readings.value.copy()
    value[:changed] += 0.001
    at = batch.received_s + later_s
    return replace(
        batch,
        run_uid=f"{batch.run_uid}+{later_s}",
        received_s=at,
        answer=replace(batch.answer, requested_s=float(at), received_s=float(at)),
        harvest=replace(batch.harvest, readings=replace(batch.harvest.readings, value=value)),
    )


async def reads(store: Store, sweeps: int) -> dict[str, float]:
    """Seconds of the common questions."""
    last_s = (sweeps + 1) * STEP_S
    region = Filter(series=frozenset(one.uid for one in ALL[:1500]))
    one = Filter(series=frozenset({ALL[77].uid}))
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "latest of all": lambda: read.latest(store, Filter()),
        "one series, 24 h": lambda: read.observations(store, one, last_s - 86400, last_s, limit=10_000),
        "page of 10,000": lambda: read.observations(store, Filter(), 0, last_s, limit=10_000),
        "arrays 1500 x 24 h": lambda: read.arrays(store, region, last_s - 86400, last_s),
    }
    return {name: typical([await timed(work) for _ in range(7)]) for name, work in asked.items()}


def quantiles_of_ready_array() -> float:
    """Seconds for five quantiles of 1,500 x 144 values that lie ready."""
    ready = RANDOM.random((1500, 144))
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        np.sort(ready, axis=1)[:, [7, 36, 72, 108, 136]]
        taken.append(time.perf_counter() - began)
    return typical(taken)


def show(title: str, taken: dict[str, float], base: float) -> None:
    print(f"\n{title}: baseline {base * 1e3:.1f} ms a sweep ({SERIES / base / 1e3:.0f} k rows/s)")
    for name, seconds in taken.items():
        print(f"  {name:20} {seconds * 1e3:8.2f} ms   {base / seconds:5.2f} of the baseline")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", default="")
    parser.add_argument("--sweeps", type=int, default=36)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for synchronous in ("NORMAL", "FULL"):
            folder = Path(name) / synchronous
            folder.mkdir()
            store = await open_store(f"sqlite+aiosqlite:///{folder / 'store.db'}", synchronous=synchronous)  # type: ignore[arg-type]
            await store.become_collector()
            base = raw_sqlite(folder, asked.sweeps, synchronous)
            show(f"SQLite {synchronous}", await ingest(store, asked.sweeps), base)
            async with store.reading() as connection:
                pages = (
                    await connection.exec_driver_sql("SELECT sum(pgsize) FROM dbstat WHERE name = 'readings'")
                ).scalar_one()
                rows = (await connection.exec_driver_sql("SELECT count(*) FROM readings")).scalar_one()
            print(f"  hot rows: {pages / rows:.1f} B each")
            for question, seconds in (await reads(store, asked.sweeps)).items():
                print(f"  {question:20} {seconds * 1e3:8.2f} ms")
            await store.close()
    print(f"\nnumpy quantiles of a ready 1500 x 144 array: {quantiles_of_ready_array() * 1e3:.2f} ms")
    if asked.postgres:
        store = await open_store(asked.postgres)
        base = await raw_copy(asked.postgres, asked.sweeps)
        async with store.reading() as connection:
            told = [
                f"{name} {(await connection.exec_driver_sql(f'SHOW {name}')).scalar_one()}"
                for name in ("server_version", "fsync", "synchronous_commit", "full_page_writes")
            ]
        show(f"PostgreSQL ({', '.join(told)})", await ingest(store, asked.sweeps), base)
        for question, seconds in (await reads(store, asked.sweeps)).items():
            print(f"  {question:20} {seconds * 1e3:8.2f} ms")
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
