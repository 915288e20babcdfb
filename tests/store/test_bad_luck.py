"""A full disk, a server that restarts in the middle of a batch, a clock that jumps back, a migration that is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa

from bench import killing
from store import maintenance, migrate, read
from store.engine import UNAVAILABLE, Store, open_store
from store.refused import sentence
from store.rows import Filter
from store.verify import verify
from store.write import commit_batch
from tests.databases import libpq
from tests.deploy.server import Server
from tests.store.builders import NO_AREAS, a_batch, a_series

STATIONS = 30


def rows_of(step: int) -> list[tuple[str, int, float]]:
    return [(str(key), step * 600, 0.04 + key / 1000) for key in range(STATIONS)]


async def commit(store: Store, step: int) -> None:
    await commit_batch(store, a_batch(rows_of(step), step * 600 + 60), NO_AREAS)


async def is_whole(store: Store, steps: int) -> None:
    found = await read.observations(store, Filter(), 0, 2**33, limit=100_000)
    assert len(found) == steps * STATIONS
    assert {row.end_s for row in found} == {step * 600 for step in range(1, steps + 1)}
    assert {row.revision for row in found} == {1}
    assert await maintenance.check(store) == []
    assert (await verify(store)).flaws == ()


@contextmanager
def full_file(store: Store, pages: int) -> Iterator[None]:
    """SQLite as on a disk with no room for more than so many pages."""

    def limit(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()

    sa.event.listen(store.engine.sync_engine, "connect", limit)
    yield
    sa.event.remove(store.engine.sync_engine, "connect", limit)


async def until_it_is_full(store: Store, first: int) -> tuple[int, BaseException]:
    """Commit until the database says no; the step that was not acknowledged, and what was said."""
    for step in range(first, first + 10_000):
        try:
            await commit(store, step)
        except UNAVAILABLE as error:
            return step, error
    raise AssertionError("it never was full")


async def test_a_full_disk_loses_nothing_that_was_acknowledged(sqlite_store: Store) -> None:
    await commit(sqlite_store, 1)
    await sqlite_store.engine.dispose()
    with full_file(sqlite_store, 140):
        step, error = await until_it_is_full(sqlite_store, 2)
        assert sentence(error) == "The database cannot be used: database or disk is full."
        await is_whole(sqlite_store, step - 1)  # it answers while it is full
        again, _ = await until_it_is_full(sqlite_store, step)
        assert again == step
    await sqlite_store.engine.dispose()
    await commit(sqlite_store, step)  # room was made: the collector repeats, as it always may
    await commit(sqlite_store, step + 1)
    await is_whole(sqlite_store, step + 1)


_FULL = """
CREATE TABLE room (left_over bool); INSERT INTO room VALUES (true);
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NOT (SELECT left_over FROM room) THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER no_room BEFORE INSERT ON log_nodes FOR EACH ROW EXECUTE FUNCTION no_room();
"""


async def test_a_full_server_loses_nothing_that_was_acknowledged(postgres_copy: str) -> None:
    """The server finds no room at the last statement of a batch, after all of its readings."""
    store = await open_store(postgres_copy)
    with psycopg.connect(libpq(postgres_copy), autocommit=True) as admin:
        admin.execute(_FULL)
        await commit(store, 1)
        admin.execute("UPDATE room SET left_over = false")
        with pytest.raises(UNAVAILABLE) as raised:
            await commit(store, 2)
        assert "could not extend file" in (sentence(raised.value) or "")
        await is_whole(store, 1)
        admin.execute("UPDATE room SET left_over = true")
    for step in (2, 3):
        await commit(store, step)
    await is_whole(store, 3)
    await store.close()


@dataclass
class Writing:
    """A collector that repeats what was not acknowledged."""

    store: Store
    acknowledged: int = 0
    refused: int = 0
    stop: bool = False

    async def run(self) -> None:
        while not self.stop:
            try:
                await commit(self.store, self.acknowledged + 1)
            except UNAVAILABLE:
                self.refused += 1
                await asyncio.sleep(0)
            else:
                self.acknowledged += 1

    async def until(self, reached: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.01)


@pytest.fixture
async def own_server() -> AsyncIterator[Server]:
    server = await asyncio.to_thread(Server)
    yield server
    await asyncio.to_thread(server.close)


async def test_a_server_that_restarts_in_the_middle_of_a_batch(own_server: Server) -> None:
    store = await open_store(own_server.url)
    writing = Writing(store)
    task = asyncio.create_task(writing.run())
    for _ in range(2):
        before = writing.acknowledged
        await writing.until(lambda before=before: writing.acknowledged >= before + 5)
        refused = writing.refused
        await asyncio.to_thread(own_server.restart)
        await writing.until(lambda refused=refused: writing.refused > refused or writing.stop)
    last = writing.acknowledged
    await writing.until(lambda: writing.acknowledged >= last + 3)
    writing.stop = True
    await task
    await is_whole(store, writing.acknowledged)
    await store.close()


async def test_a_clock_that_jumps_back_an_hour(store: Store) -> None:
    """What is received "before" what stands is filed in the past; nothing is lost, and when the clock is right again it stands."""
    await commit_batch(store, a_batch([("1", 600, 0.04), ("2", 600, 0.06)], 10_000), NO_AREAS)
    back = a_batch([("1", 600, 0.05), ("2", 600, 0.06), ("1", 1200, 0.07)], 6400, url="https://x.example/back")
    await commit_batch(store, back, NO_AREAS)
    await commit_batch(store, back, NO_AREAS)
    values = [(row.observation.value, row.reason) for row in await read.versions(store, a_series("1").uid, 600, 601)]
    assert values == [(0.05, "corrected"), (0.04, "")]
    newest = {row.series.series.uid: row.observation.end_s for row in await read.latest(store, Filter())}
    assert newest == {a_series("1").uid: 1200, a_series("2").uid: 600}
    await commit_batch(store, a_batch([("1", 600, 0.05), ("1", 1800, 0.08)], 10_600), NO_AREAS)
    values = [(row.observation.value, row.reason) for row in await read.versions(store, a_series("1").uid, 600, 601)]
    assert values == [(0.05, "corrected"), (0.04, "corrected"), (0.05, "")]
    assert await maintenance.check(store) == []
    assert (await verify(store)).flaws == ()


async def test_a_killed_migration_leaves_the_old_schema_or_the_new_one(store: Store) -> None:
    await commit(store, 1)
    await migrate.downgrade(store.engine, killing.OLD_SCHEMA)
    await store.engine.dispose()
    for wait_s in (0.0, 0.02, 0.05, 0.1):
        await asyncio.to_thread(killing.killed, "migration", store.url, 0, wait_s)
        async with store.engine.connect() as connection:
            assert await connection.run_sync(migrate.current) in (killing.OLD_SCHEMA, migrate.head())
    assert await maintenance.upgrade(store.url) == migrate.head()
    found = await read.observations(store, Filter(), 0, 2**33)
    assert len(found) == STATIONS
    assert await maintenance.check(store) == []
