"""How fast the store takes in and answers, beside the targets: `python -m bench.store [--postgres URL] [--sweeps 36]`.

Every figure is a ratio to a bare baseline that is measured right beside it, turn by turn, and the median of the turns: a machine with
other work slows both alike. A ratio of times (`wall`) and one of processor seconds (`cpu`) are told; the second does not see neighbours,
nor the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import psycopg

from bench import sweeps
from bench.store_history import afresh
from collector.pipeline import Pipeline
from domain.clock import VirtualClock
from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from radcommons.heap import search_rarely
from store import read
from store.engine import Durability, Store, open_store
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


@dataclass(frozen=True, slots=True)
class Cost:
    """What one piece of work took: seconds on the wall, and of processors (a server's with it)."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Figure:
    """One line of the report: turns of our work and of its baseline, and the ratio that is asked for.

    `faster`: the ratio is baseline / ours and should be at least `target`; else ours / baseline, at most `target`.
    """

    name: str
    target: float
    faster: bool = True
    ours: list[Cost] = field(default_factory=list)
    base: list[Cost] = field(default_factory=list)

    def told(self) -> str:
        """The line."""
        ratios = []
        for of in ("wall_s", "cpu_s"):
            ours = np.array([getattr(one, of) for one in self.ours])
            base = np.array([getattr(one, of) for one in self.base])
            ratios.append(float(np.median(base / ours if self.faster else ours / base)))
        met = ratios[0] >= self.target if self.faster else ratios[0] <= self.target
        sign, ms = ">=" if self.faster else "<=", 1e3 * float(np.median([one.wall_s for one in self.ours]))
        verdict = "met" if met else "NOT met"
        return f"{self.name:44} wall {ratios[0]:5.2f}  cpu {ratios[1]:5.2f}   target {sign} {self.target:<4} {verdict:8} {ms:8.1f} ms"


class Meter:
    """Times pieces of work; `backend` is the process of a server that works for us."""

    def __init__(self, backend: int = 0) -> None:
        self._backend = backend

    def _cpu_s(self) -> float:
        return time.process_time() + (_cpu_of(self._backend) if self._backend else 0.0)

    async def cost(self, work: Callable[[], Awaitable[object]]) -> Cost:
        """What one piece of work takes."""
        cpu_s, began = self._cpu_s(), time.perf_counter()
        await work()
        wall_s = time.perf_counter() - began
        return Cost(wall_s, max(self._cpu_s() - cpu_s, 1e-6))


def _cpu_of(process: int) -> float:
    told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def sweep_again(batch: Batch, later_s: int, changed: int) -> Batch:
    """The same sweep received later, some of its values changed."""
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


Rows = list[tuple[object, ...]]
Bare = Callable[[Rows], Awaitable[object]]
WARM = 4  # turns that are not counted
FIRST = 1_786_000_000 // STEP_S


async def ingest(
    store: Store, turns: int, bare: Bare, ours: Meter, theirs: Meter, targets: tuple[float, float]
) -> list[Figure]:
    """A new sweep, the same one again, one with a twentieth changed; each beside the bare insert of as many rows."""
    figures = [
        Figure("new sweep, rows ready", targets[0]),
        Figure("the same sweep again", targets[1]),
        Figure("5 % changed", 0.1),
    ]
    for turn in range(turns + WARM):
        values = some_values()
        batch = sweep(FIRST + turn, values)
        base = await theirs.cost(partial(bare, ready_rows(turn, values)))
        batches = (batch, sweep_again(batch, 60, 0), sweep_again(batch, 120, SERIES // 20))
        for figure, one in zip(figures, batches if turn % 4 == 3 else batches[:2], strict=False):
            cost = await ours.cost(partial(commit_batch, store, one, {}))
            if turn >= WARM:
                figure.ours.append(cost)
                figure.base.append(base)
    return figures


async def whole_way(store: Store, turns: int, bare: Bare, meter: Meter) -> list[Figure]:
    """From the publisher's bytes to committed rows: parse, harmonise, QC, de-duplicate, write, log."""
    figures = [Figure("JSON to committed rows", 0.35), Figure("JSON of the same again, 0 rows written", 1.5)]
    config = sweeps.config()
    pipeline, feed = Pipeline(store, config, VirtualClock(0.0)), sweeps.feed(config)
    for turn in range(turns + WARM):
        values = some_values()
        base = await meter.cost(partial(bare, ready_rows(turn, values)))
        for figure, later_s in zip(figures, (0, 60), strict=True):
            told = sweeps.fetched(FIRST + turn, values, later_s=later_s)
            run = pipeline.begin(feed, told.answer.requested_s)
            cost = await meter.cost(partial(pipeline.take, told, run))
            if turn >= WARM:
                figure.ours.append(cost)
                figure.base.append(base)
    return figures


async def reads(store: Store, turns: int, page: Callable[[], Awaitable[object]], meter: Meter) -> list[Figure]:
    """A region's day from memory against a numpy array that lies ready; a page of 10,000 against its bare SQL."""
    for step in range(FIRST + turns + WARM, FIRST + 145):  # a whole day
        await commit_batch(store, sweep(step, some_values()), {})
    last_s = (max(FIRST + turns + WARM, FIRST + 145) - 1) * STEP_S + 1
    region = Filter(series=frozenset(one.uid for one in ALL[:1500]))
    ready = RANDOM.random((1500, 144))

    async def sorted_quantiles() -> object:
        return np.sort(ready, axis=1)[:, [7, 36, 72, 108, 136]]

    async def from_store() -> object:
        found = await read.arrays(store, region, last_s - 86400, last_s)
        return await sorted_quantiles(), found

    async def after_commit() -> object:
        return await sorted_quantiles(), await afresh(store, region, last_s - 86400, last_s)

    asked: list[tuple[Figure, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]] = [
        (Figure("region of 1,500 x 24 h, with quantiles", 1.3, faster=False), from_store, sorted_quantiles),
        (Figure("the same, the first time after a commit", 1.3, faster=False), after_commit, sorted_quantiles),
        (Figure("page of 10,000 rows", 0.6), lambda: read.observations(store, Filter(), 0, last_s, limit=10_000), page),
    ]
    for figure, ours, base in asked:
        for turn in range(9):
            costs = await meter.cost(base), await meter.cost(ours)
            if turn >= 2:
                figure.base.append(costs[0])
                figure.ours.append(costs[1])
    return [figure for figure, _, _ in asked]


def show(title: str, figures: list[Figure]) -> None:
    """The figures under a title."""
    print(f"\n{title}")
    for figure in figures:
        print(f"  {figure.told()}", flush=True)


def ready_rows(turn: int, values: np.ndarray) -> Rows:
    """Tuples as the bare insert wants them."""
    return [(turn * STEP_S, i, value, turn, 3, 0, 0, 1, None, None, None) for i, value in enumerate(values.tolist())]


_PAGE = (
    "SELECT r.series_id, r.end_s, r.value, r.digits, r.qc, r.censoring, r.revision, r.published_after_s, r.limit_value, r.text, "
    "a.received_s, a.sha256, s.uid FROM readings r JOIN answers a ON a.id = r.batch_id JOIN series s ON s.id = r.series_id "
    "ORDER BY r.end_s, s.uid LIMIT 10000"
)


async def on_sqlite(folder: Path, turns: int, synchronous: Durability) -> None:
    """Everything on a file; the baseline is the standard library's executemany into a table without a key."""
    path = folder / f"{synchronous}.db"
    store = await open_store(f"sqlite+aiosqlite:///{path}", synchronous=synchronous)
    await store.become_collector()
    with closing(
        sqlite3.connect(folder / f"raw-{synchronous}.db", isolation_level=None, check_same_thread=False)
    ) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={synchronous}")
        raw.execute("CREATE TABLE r (a, b, c, d, e, f, g, h, i, j, k)")

        async def bare(rows: Rows) -> None:
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO r VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
            raw.execute("COMMIT")

        meter = Meter()
        figures = await ingest(store, turns, bare, meter, meter, (0.45, 1.5))
        with closing(sqlite3.connect(path)) as plain:

            async def page() -> object:
                return plain.execute(_PAGE).fetchall()

            figures += await reads(store, turns, page, meter)
        figures += await whole_way(store, turns, bare, meter)
        show(f"SQLite {sqlite3.sqlite_version}, synchronous={synchronous}; {SERIES} rows a sweep", figures)
    async with store.reading() as connection:
        asked = (
            "SELECT (SELECT sum(pgsize) FROM dbstat WHERE name = 'readings') * 1.0 / (SELECT count(*) FROM readings)"
        )
        print(f"  hot rows: {(await connection.exec_driver_sql(asked)).scalar_one():.1f} B each (target <= 37)")
    await store.close()


async def on_postgres(url: str, turns: int) -> None:
    """Everything on a server; the baseline is COPY of the same rows into an unlogged table without a key."""
    store = await open_store(url, pool_size=1)
    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", ""), autocommit=True) as raw:
        await raw.execute("DROP TABLE IF EXISTS bare")
        await raw.execute(
            "CREATE UNLOGGED TABLE bare (a bigint, b bigint, c float8, d bigint, e int2, f int4, g int2, h int4, i bigint, j float8, k text)"
        )

        async def bare(rows: Rows) -> None:
            async with raw.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in rows:
                    await copy.write_row(row)

        async def page() -> object:
            return await (await raw.execute(_PAGE.encode())).fetchall()

        async with store.reading() as connection:
            ours = int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
            told = [
                f"{name} {(await connection.exec_driver_sql(f'SHOW {name}')).scalar_one()}"
                for name in ("server_version", "fsync")
            ]
        meters = Meter(ours), Meter(raw.info.backend_pid)
        figures = await ingest(store, turns, bare, *meters, (0.25, 0.3))
        figures += await reads(store, turns, page, meters[0])
        show(f"PostgreSQL ({', '.join(told)}); {SERIES} rows a sweep", figures)
    await store.close()


async def main() -> None:
    """All engines asked for."""
    search_rarely()  # as the programs do
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", default="", help="an empty database on this machine")
    parser.add_argument("--sweeps", type=int, default=28)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for synchronous in ("NORMAL", "FULL"):
            await on_sqlite(Path(name), asked.sweeps, synchronous)
    if asked.postgres:
        await on_postgres(asked.postgres, asked.sweeps)


if __name__ == "__main__":
    asyncio.run(main())
