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
