"""Opening, refusing and upkeep."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from store import maintenance, migrate, read
from store.engine import Store, StoreRefused, open_store
from store.rows import Filter
from store.tables import metadata
from store.write import commit_batch
from tests.databases import libpq
from tests.store.builders import NO_AREAS, a_batch


async def test_a_second_collector_on_one_file_is_refused(sqlite_store: Store) -> None:
    await sqlite_store.become_collector()
    other = await open_store(sqlite_store.url)
    try:
        with pytest.raises(StoreRefused, match=r"Another collector .* already writes"):
            await other.become_collector()
        await sqlite_store.close()
        await other.become_collector()
    finally:
        await other.close()


async def test_a_newer_schema_is_refused(store: Store) -> None:
    async with store.writing() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for migrate_too in (True, False):
        with pytest.raises(StoreRefused, match="schema 9999, which this program does not know"):
            await open_store(store.url, migrate=migrate_too)


async def test_an_empty_database_is_refused_without_migrating(database_url: str) -> None:
    with pytest.raises(StoreRefused, match="run `radcommons db upgrade` first"):
        await open_store(database_url, migrate=False)


async def test_another_engine_is_refused() -> None:
    with pytest.raises(StoreRefused, match="not mysql"):
        await open_store("mysql+aiomysql://x/y")


async def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, metadata)
        return [one for one in found if not str(getattr(one[1], "name", "")).startswith(("readings_2", "readings_1"))]

    async with store.engine.connect() as connection:
        found = await connection.run_sync(differences)
    assert [one for one in found if one[0] != "remove_index"] == []  # type: ignore[index]


async def test_down_and_up_on_a_filled_database(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04)]), NO_AREAS)
    await migrate.downgrade(store.engine, "base")
    async with store.engine.connect() as connection:
        left = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    await migrate.upgrade(store.engine)
    fresh = await open_store(store.url)
    try:
        assert (await commit_batch(fresh, a_batch([("1", 0, 0.04)]), NO_AREAS)).stored == 1
    finally:
        await fresh.close()


async def test_check_is_clean_and_finds_what_is_broken(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04), ("2", 600, 0.05)], 1000), NO_AREAS)
    await commit_batch(store, a_batch([("1", 0, 0.05)], 2000), NO_AREAS)
    assert await maintenance.check(store) == []
    async with store.writing() as connection:
        await connection.exec_driver_sql("DELETE FROM answers WHERE received_s = 1000")
        await connection.exec_driver_sql("UPDATE latest SET end_s = -1")
    codes = {finding.code for finding in await maintenance.check(store)}
    assert {"reading_without_answer", "revision_without_answer", "latest_behind", "latest_without_reading"} <= codes


async def test_stats_and_vacuum(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04), ("2", 600, 0.05)], 1000), NO_AREAS)
    await maintenance.vacuum(store)
    found = await maintenance.stats(store)
    assert (found.rows["readings"], found.rows["stations"], found.first_end_s, found.last_end_s) == (2, 2, 0, 600)
    assert found.schema == migrate.head()
    assert found.size_bytes > 10_000
    assert await maintenance.upgrade(store.url) == migrate.head()


async def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await open_store(f"sqlite+aiosqlite:///{path}")
    await commit_batch(
        store, a_batch([(str(key), end_s, 0.04) for key in range(50) for end_s in range(0, 60_000, 600)]), NO_AREAS
    )
    await maintenance.vacuum(store)
    await store.close()
    with sqlite3.connect(path) as raw:
        page = raw.execute(
            "SELECT pageno FROM dbstat WHERE name = 'readings' AND pagetype = 'leaf' LIMIT 1"
        ).fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096 + 8)
        file.write(b"\xff" * 200)
    store = await open_store(f"sqlite+aiosqlite:///{path}")
    try:
        assert "file_damaged" in {finding.code for finding in await maintenance.check(store)}
        assert len(await read.stations(store, Filter())) == 50
    finally:
        await store.close()


async def test_a_replica_answers_and_never_writes(postgres_copy: str) -> None:
    """Questions go to the second address: here to a role that may read and nothing else."""
    with psycopg.connect(libpq(postgres_copy), autocommit=True) as admin:
        admin.execute("CREATE ROLE looker LOGIN")
        admin.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    store = await open_store(
        postgres_copy, read_url=sa.make_url(postgres_copy).set(username="looker").render_as_string(hide_password=False)
    )
    try:
        await commit_batch(store, a_batch([("1", 0, 0.04)]), NO_AREAS)
        assert len(await read.latest(store, Filter())) == 1
        async with store.reading() as connection:
            assert (await connection.exec_driver_sql("SELECT current_user")).scalar_one() == "looker"
    finally:
        await store.close()
        with psycopg.connect(libpq(postgres_copy), autocommit=True) as admin:
            admin.execute("DROP OWNED BY looker")
            admin.execute("DROP ROLE looker")


async def test_a_file_has_no_replica(sqlite_url: str) -> None:
    with pytest.raises(StoreRefused, match="a SQLite file has none"):
        await open_store(sqlite_url, read_url="postgresql+psycopg://u@h/d")
