"""SIGKILL at any moment of an export or an import: run again, it ends with what an undisturbed one gives."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from store import export_manifest, maintenance, read
from store.compact import compact
from store.engine import Store, open_store
from store.exporting import Scope, export
from store.importing import import_export
from store.rows import Filter
from store.verify import verify
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch
from tests.store.test_export import other

__all__ = ["other"]

DAY_S = 86400
DAYS = 160
NOW_S = (DAYS + 20) * DAY_S
KILLS = 3
#: Loads everything once and then forks for each task, so that a kill costs no start of an interpreter.
NURSERY = """
import asyncio, os, sys
from pathlib import Path
from store import exporting, importing
from store.engine import open_store
exporting._ROW_GROUP = 500

async def work(what, url, folder, now_s):
    store = await open_store(url)
    if what == "export":
        await exporting.export(store, Path(folder), exporting.Scope("internal"), int(now_s))
    else:
        await importing.import_export(store, Path(folder), int(now_s))
    await store.close()

for line in sys.stdin:
    child = os.fork()
    if not child:
        asyncio.run(work(*line.split()))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

Start = Callable[..., Awaitable[int]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Run a task, kill it after a while (or not); its exit status, which is negative for one that was killed."""
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NURSERY, cwd=root, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def run(*what: object, wait_s: float | None = None) -> int:
        stdin.write((" ".join(map(str, what)) + "\n").encode())
        child = int(await stdout.readline())
        ended = asyncio.ensure_future(stdout.readline())
        if wait_s is not None:
            await asyncio.wait([ended], timeout=wait_s)
            if not ended.done():
                os.kill(child, signal.SIGKILL)
        return int(await ended)

    yield run
    stdin.close()
    await process.wait()


async def filled(store: Store) -> None:
    rows = [(key, end_s, 0.04 + end_s / 1e9) for key in "1234" for end_s in range(600, DAYS * DAY_S, 6 * 3600)]
    await commit_batch(store, a_batch(rows, DAYS * DAY_S), NO_AREAS)
    again = [(key, end_s, value + 1) for key, end_s, value in rows[::37]]
    await commit_batch(store, a_batch(again, (DAYS + 10) * DAY_S), NO_AREAS)
    await compact(store, 2**40)


async def test_a_killed_export_goes_on_and_is_whole(store: Store, start: Start, tmp_path: Path) -> None:
    await filled(store)
    expected = await export(store, tmp_path / "undisturbed", Scope("internal"), NOW_S)
    folder, rng, kills = tmp_path / "killed", random.Random(3), 0
    for _ in range(KILLS):
        kills += await start("export", store.url, folder, NOW_S, wait_s=rng.uniform(0.02, 0.4)) == -signal.SIGKILL
    assert await start("export", store.url, folder, NOW_S) == 0
    made = export_manifest.read(folder)
    assert kills
    assert made.complete
    assert {path: part.rows for path, part in made.parts.items()} == {
        p: part.rows for p, part in expected.parts.items()
    }
    for path, part in made.parts.items():
        assert export_manifest.digest(folder / path) == part.sha256
    assert not list(folder.rglob("*.part"))


async def test_a_killed_import_goes_on_and_nothing_is_twice(
    store: Store, other: Store, start: Start, tmp_path: Path
) -> None:
    await filled(store)
    await export(store, tmp_path, Scope("internal"), NOW_S)
    before = await read.observations(store, Filter(), 0, 2**33, limit=10_000)
    rng, kills = random.Random(5), 0
    for _ in range(KILLS):
        kills += await start("import", other.url, tmp_path, NOW_S, wait_s=rng.uniform(0.05, 0.6)) == -signal.SIGKILL
    assert await start("import", other.url, tmp_path, NOW_S) == 0
    assert kills
    fresh = await open_store(other.url)
    try:
        assert await read.observations(fresh, Filter(), 0, 2**33, limit=10_000) == before
        uid = before[0].series_uid
        assert await read.versions(fresh, uid, 0, 2**33) == await read.versions(store, uid, 0, 2**33)
        assert await maintenance.check(fresh) == []
        assert (await verify(fresh)).flaws == ()
        again = await import_export(fresh, tmp_path, NOW_S)
        assert (again.readings, again.done_before) == (0, len(again.parts))
    finally:
        await fresh.close()
