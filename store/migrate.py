"""Bringing a database to this program's schema, and refusing one that a newer program has changed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from store.refused import SchemaRefused

MIGRATIONS = Path(__file__).parent / "migrations"

#: Two programs that start at once must not both migrate; PostgreSQL serialises on this advisory lock, SQLite on BEGIN IMMEDIATE.
_LOCK = 7_218_551


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's settings for our migrations, bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest schema revision that this program knows."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    assert found is not None
    return found


def current(connection: Connection) -> str | None:
    """The schema revision that a database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


async def upgrade(engine: AsyncEngine, *, create: bool = True, target: str = "head") -> str:
    """Migrate up to `target`, all or nothing; with `create=False` only check. Raises SchemaRefused; returns the revision."""
    async with engine.connect() as connection:
        bound = await connection.execution_options(sqlite_begin="IMMEDIATE" if create else "DEFERRED")
        async with bound.begin():
            return await bound.run_sync(_upgrade, create, target)


async def downgrade(engine: AsyncEngine, target: str) -> None:
    """Migrate down to `target` (`base` removes everything), all or nothing."""
    async with engine.connect() as connection:
        bound = await connection.execution_options(sqlite_begin="IMMEDIATE")
        async with bound.begin():
            await bound.run_sync(lambda sync: command.downgrade(configuration(sync), target))


def _upgrade(connection: Connection, create: bool, target: str) -> str:
    if create and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    now = current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if now is not None and now not in known:
        raise SchemaRefused(
            f"This database has schema {now}, which this program does not know (its newest is {head()}). "
            "It was written by a newer version: run that version, or restore a backup made before the upgrade."
        )
    if not create:
        if now != head():
            raise SchemaRefused(
                f"This database has schema {now or 'none'}, this program needs {head()}: run `radcommons db upgrade` first."
            )
        return head()
    if target != "head" or now != head():
        command.upgrade(configuration(connection), target)
    return current(connection) or ""
