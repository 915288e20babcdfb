"""SIGKILL between any two statements: what was acknowledged is there, nothing twice, and the store is sound."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from store import maintenance, read
from store.engine import Store, open_store
from store.rows import Filter
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch

WRITER = """
import asyncio, sys
from store.engine import open_store
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch

async def main(url, first):
    store = await open_store(url)
    await store.become_collector()
    for step in range(first, first + 10_000):
        rows = [(str(key), step * 600, 0.04 + key / 1000) for key in range(40)]
        rows += [("late", (step - 1) * 600, 0.1), ("late", step * 600, 0.2)]  # every stamp is corrected by the next batch
        await commit_batch(store, a_batch(rows, step), NO_AREAS)
        print(step, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def killed_after(url: str, first: int, wait_s: float) -> int:
    """Run a writer, kill it `wait_s` after its first acknowledged batch; the last batch that it acknowledged."""
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, str(first), cwd=root, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    said = [await process.stdout.readline()]
    try:
        async with asyncio.timeout(wait_s):
            while line := await process.stdout.readline():
                said.append(line)
    except TimeoutError:
        pass
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    return max(int(line) for line in said if line.strip())


async def is_whole(store: Store, last: int) -> None:
    assert await maintenance.check(store) == []
    found = await read.arrays(store, Filter(), 0, 2**33)
    steps = {int(end_s) // 600 for end_s in found.end_s}
    assert steps >= set(range(1, last + 1))
    assert len(found) == sum(41 if step else 1 for step in steps)
    late = await read.versions(store, "jp-test:late:air_dose_rate_as_published:air_over_land", 600, last * 600)
    assert [row.observation.value for row in late] == [0.2, 0.1] * (last - 1)


async def test_a_killed_collector_loses_nothing_that_it_acknowledged(store: Store) -> None:
    rng = random.Random(7)
    last = 0
    for _ in range(2):
        last = await killed_after(store.url, last + 1, rng.uniform(0.0, 0.3))
        fresh = await open_store(store.url)
        try:
            await is_whole(fresh, last)
        finally:
            await fresh.close()


PACKER = """
import asyncio, sys
from store.compact import compact
from store.engine import open_store
from store.rollups import refresh

async def main(url):
    store = await open_store(url)
    print("ready", flush=True)
    while await compact(store, 2**33, limit=1) + await refresh(store, 1, until_s=2**33):
        pass
    print("done", flush=True)

asyncio.run(main(sys.argv[1]))
"""
DAYS = 40


async def packed_for(url: str, wait_s: float) -> bool:
    """Pack and roll up for a while, then SIGKILL; whether everything was done by then."""
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PACKER, url, cwd=root, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    done = b""
    try:
        async with asyncio.timeout(wait_s):
            done = await process.stdout.readline()
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
    await process.wait()
    return done == b"done\n"


async def test_a_killed_compaction_leaves_every_day_on_one_side(store: Store) -> None:
    rows = [(key, end_s, 0.04 + end_s / 1e9) for key in "123" for end_s in range(600, DAYS * 86400, 7200)]
    await commit_batch(store, a_batch(rows, DAYS * 86400), NO_AREAS)
    before = await read.observations(store, Filter(), 0, 2**33, limit=10_000)
    daily = await read.buckets(store, [row.series_uid for row in before[:3]], 0, 2**33, "1d")
    rng = random.Random(11)
    kills = 0
    while not await packed_for(store.url, rng.uniform(0.0, 0.15)):
        kills += 1
        assert await read.observations(store, Filter(), 0, 2**33, limit=10_000) == before
        if kills == 3:
            break
    assert await packed_for(store.url, 60)
    assert await read.observations(store, Filter(), 0, 2**33, limit=10_000) == before
    assert await read.buckets(store, [row.series_uid for row in before[:3]], 0, 2**33, "1d") == daily
    assert await maintenance.check(store) == []
    assert kills
