"""Whether a store that grows stays as fast: `python -m bench.growth [--millions 1 4 16]`.

Days of a national network are taken in, and what left the hot window is packed, as in operation. At each size the same is measured: taking
in a sweep, one series over its last year, a region of 1,500 series over a day. Told in processor seconds, since the machine has other work,
and as a ratio to the first size (target: within 1.5).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from bench.store import ALL, FEED, FIRST, SERIES, STATIONS, STEP_S, some_values, sweep
from bench.store_history import afresh
from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings
from store import compact, maintenance
from store.engine import Store, open_store
from store.rows import Filter
from store.write import commit_batch

HOURLY_S, SPELL = 3600, 48  # a backfill of two days at one value an hour goes in as one answer
TURNS = 9


def spell(begin_s: int) -> Batch:
    """Two days of every series, an hour apart."""
    ends = np.repeat(begin_s + HOURLY_S * np.arange(1, SPELL + 1), SERIES)
    n = len(ends)
    told = Readings(
        ALL,
        np.tile(np.arange(SERIES), SPELL),
        ends,
        np.concatenate([some_values() for _ in range(SPELL)]),
        np.full(n, 3, dtype=np.int16),
        np.zeros(n, dtype=np.int8),
        np.full(n, np.nan),
        np.full(n, NO_TIME, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
    )
    received_s = int(ends[-1]) + 60
    answer = Answer(
        FEED, "GET", "https://x.example/past", float(received_s), float(received_s), 200, sha256=f"{received_s:064x}"
    )
    return Batch(FEED, f"{FEED}@{received_s}", received_s, answer, Harvest(n, STATIONS, told), received_s)


async def median_s(work: Callable[[int], Awaitable[object]]) -> float:
    """Processor seconds of one turn."""
    taken = []
    for turn in range(TURNS):
        began = time.process_time()
        await work(turn)
        taken.append(time.process_time() - began)
    return float(np.median(taken[2:]))


async def measured(store: Store, at_s: int) -> dict[str, float]:
    """What is asked at each size; `at_s` is the newest end that is there."""
    first = at_s // STEP_S + 1
    region = Filter(series=frozenset(one.uid for one in ALL[:1500]))
    one = Filter(series=frozenset({ALL[77].uid}))
    found = {"sweep": await median_s(lambda turn: commit_batch(store, sweep(first + turn, some_values()), {}))}
    until_s = (first + TURNS) * STEP_S
    found["series-year"] = await median_s(lambda _: afresh(store, one, until_s - 365 * 86400, until_s))
    found["region-day"] = await median_s(lambda _: afresh(store, region, until_s - 86400, until_s))
    return found


async def grow(url: str, millions: list[float]) -> None:
    """From size to size."""
    store = await open_store(url)
    await store.become_collector()
    begin_s = FIRST * STEP_S // 86400 * 86400
    first: dict[str, float] = {}
    for size in sorted(millions):
        while (held := await readings(store)) < size * 1e6:
            await commit_batch(store, spell(begin_s), {})
            begin_s += SPELL * HOURLY_S
            await compact.tend(store, limit=10**9)
        taken = await measured(store, begin_s)
        begin_s += 86400  # the sweeps that were measured lie there
        first = first or taken
        told = "  ".join(f"{name} {1e3 * cost:7.1f} ms ({cost / first[name]:4.2f}x)" for name, cost in taken.items())
        print(f"{held / 1e6:5.1f} M readings: {told}", flush=True)
    print(f"{(await maintenance.stats(store)).size_bytes / 1e6:,.0f} MB")
    await store.close()


async def readings(store: Store) -> int:
    """How many readings stand, hot and packed."""
    rows = (await maintenance.stats(store)).rows
    return rows["readings"] + rows["packed_readings"]


def main() -> None:
    """All sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 4, 16])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(grow(f"sqlite+aiosqlite:///{Path(name) / 'growth.db'}", asked.millions))


if __name__ == "__main__":
    main()
