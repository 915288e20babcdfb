"""Opening a store: one engine per program, SQLite as an embedded default, PostgreSQL where several programs share a country.

SQLite. WAL lets readers go on while one writer writes. `busy_timeout` alone is not enough for a transaction that reads first
and writes later: SQLite refuses to upgrade its snapshot at once when another writer came between, whatever the timeout. So
every transaction that will write starts with BEGIN IMMEDIATE, and writers of one process queue on `write_lock`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store import one_turn
from store.arranging import Region
from store.catalogue import Catalogue
from store.migrate import upgrade
from store.partitions import Known
from store.refused import StoreRefused, sentence
from store.rows import LatestRow, SeriesRow
from store.window import RecentWindow, Segment

Dialect = Literal["sqlite", "postgresql"]
Durability = Literal["NORMAL", "FULL"]
_T = TypeVar("_T")

BUSY_TIMEOUT_MS = 30_000

__all__ = ["UNAVAILABLE", "Durability", "Store", "StoreRefused", "open_store"]

#: What reading raises while the database cannot be reached or is locked: nothing that the question is to blame for.
UNAVAILABLE: tuple[type[Exception], ...] = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)


@dataclass(slots=True)
class Store:
    """An open database. `write_lock` serialises the writers of this process on SQLite; close it with `await store.close()`."""

    engine: AsyncEngine
    dialect: Dialect
    url: str
    reader: AsyncEngine | None = None  # a replica that answers questions
    blocking: sa.Engine | None = None  # a file's, for transactions that are done on one thread
    write_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    commit_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    catalogue: Catalogue = field(default_factory=Catalogue)  # as committed, for readers
    entered: Catalogue = field(default_factory=Catalogue)  # as the writing transaction sees it
    window: RecentWindow = field(default_factory=RecentWindow)
    window_seen: set[int] = field(default_factory=set)  # answers that the window has taken in
    window_through: int = 0
    commits: int = 0  # of whatever, by this process
    partitions: Known = field(default_factory=Known)
    known_feeds: set[str] = field(default_factory=set)  # those that have a row in feed_health
    # kept by `following`: what was made for the pulse beside it
    heard: dict[str, int] = field(default_factory=dict)
    heard_at: tuple[int, int] = (-1, -1)
    listed: dict[tuple[str, ...], tuple[SeriesRow, ...]] = field(default_factory=dict)
    listed_at: tuple[int, int] = (-1, -1)
    latest: dict[str, LatestRow] = field(default_factory=dict)
    latest_at: tuple[int, int] = (-1, -1)
    regions: dict[tuple[tuple[str, ...], int], Region] = field(default_factory=dict)
    regions_at: tuple[int, int, int] = (-1, -1, -1)
    regions_after: int = -1
    older: dict[tuple[tuple[str, ...], int, int], Segment] = field(default_factory=dict)
    older_at: int = -1
    _collector_lock: IO[str] | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded engine."""
        return self.dialect == "sqlite"

    @property
    def is_only_writer(self) -> bool:
        """Whether no other process can commit readings: it holds the collector's role of a SQLite file."""
        return self._collector_lock is not None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection with one read snapshot, so that an answer of several statements agrees with itself."""
        options: dict[str, Any] = (
            {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        async with (self.reader or self.engine).connect() as fresh:
            connection = await fresh.execution_options(**options)
            snapshot = await connection.begin()
            try:
                yield connection
            finally:
                await snapshot.rollback()  # nothing was written; a COMMIT would fail on a damaged file

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection inside one transaction that will write; commits on leaving, rolls back on any exception."""
        if not self.is_sqlite:
            async with self.engine.begin() as connection:
                yield connection
        else:
            async with self.write_lock, self.engine.connect() as connection:
                immediate = await connection.execution_options(sqlite_begin="IMMEDIATE")
                async with immediate.begin():
                    yield immediate
        self.commits += 1

    async def transact(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What `work` returns of one transaction that writes; raises what it raises, and then nothing is written.

        The driver of a file goes to its thread and back for each statement: here the whole of it goes once.
        """
        if self.blocking is None:
            async with self.writing() as connection:
                return await connection.run_sync(work)
        async with self.write_lock:
            done = await asyncio.to_thread(_transacted, self.blocking, work)
        self.commits += 1
        return done

    async def become_collector(self) -> None:
        """Claim the role of the one collector on a SQLite file; raises StoreRefused when another process holds it."""
        if not self.is_sqlite or self._collector_lock is not None:
            return
        path = sa.make_url(self.url).database or ""
        if path in ("", ":memory:"):
            return
        self._collector_lock = _locked(f"{path}-collector.lock", path)

    async def close(self) -> None:
        """Let go of the collector's role and of every connection."""
        if self._collector_lock is not None:
            lock, self._collector_lock = self._collector_lock, None
            lock.close()
        if self.reader is not None:
            await self.reader.dispose()
        if self.blocking is not None:
            self.blocking.dispose()
        await self.engine.dispose()


def _transacted(engine: sa.Engine, work: Callable[[sa.Connection], _T]) -> _T:
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
        return work(connection)


def _locked(path: str, database: str) -> IO[str]:
    """An exclusively locked file. The kernel lets go of it when the process dies, so a crash leaves nothing to clean up."""
    handle = Path(path).open("a+", encoding="utf-8")  # noqa: SIM115 - it stays open for as long as the role is held
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise StoreRefused(
            f"Another collector (process {holder}) already writes to {database}. One SQLite file has one collector: "
            "stop the other one, or use PostgreSQL, where several collectors share the feeds."
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


async def open_store(
    url: str, *, migrate: bool = True, synchronous: Durability = "NORMAL", pool_size: int = 5, read_url: str = ""
) -> Store:
    """Open the database at `url` (driver spelt out), migrated to this program's schema; raises StoreRefused with a sentence.

    `synchronous` is SQLite's: NORMAL survives a killed process, FULL also a power cut, at about 4 ms more per commit.
    `read_url` names a PostgreSQL replica of the same database that answers questions; what it does not know yet is told a moment later.
    """
    name = sa.make_url(url).get_backend_name()
    if read_url and (name != "postgresql" or sa.make_url(read_url).get_backend_name() != "postgresql"):
        raise StoreRefused("A database to read from is a replica of PostgreSQL; a SQLite file has none.")
    if name == "sqlite":
        _look(url)
        store = Store(_sqlite(url, synchronous, pool_size), "sqlite", url, blocking=_blocking(url, synchronous))
    elif name == "postgresql":
        store = Store(
            _postgres(url, pool_size), "postgresql", url, _postgres(read_url, pool_size) if read_url else None
        )
    else:
        raise StoreRefused(
            f"A store is SQLite (sqlite+aiosqlite://) or PostgreSQL (postgresql+psycopg://), not {name}."
        )
    try:
        await upgrade(store.engine, create=migrate)
        if store.reader is not None:
            await upgrade(store.reader, create=False)
    except BaseException as error:
        await store.close()
        if said := sentence(error, url):
            raise StoreRefused(said) from error
        raise
    return store


def _look(url: str) -> None:
    """Refuse a file that is none of SQLite's before a thread is started for it; raises StoreRefused."""
    path = sa.make_url(url).database or ":memory:"
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        raise StoreRefused(f"The database {url} cannot be used: {error}.") from error


def _postgres(url: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)


def _sqlite(url: str, synchronous: Durability, pool_size: int) -> AsyncEngine:
    sizes = {} if _in_memory(url) else {"pool_size": pool_size, "max_overflow": 10}
    engine = create_async_engine(url, connect_args={"async_creator_fn": one_turn.connect}, **sizes)
    _prepare(engine.sync_engine, synchronous)
    return engine


def _blocking(url: str, synchronous: Durability) -> sa.Engine | None:
    """A second engine on the same file. It connects when it is first used; of a database in memory there is no second one."""
    if _in_memory(url):
        return None
    engine = sa.create_engine(sa.make_url(url).set(drivername="sqlite"))
    _prepare(engine, synchronous)
    return engine


def _in_memory(url: str) -> bool:
    return (sa.make_url(url).database or ":memory:") == ":memory:"


def _prepare(engine: sa.Engine, synchronous: Durability) -> None:
    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        if how != "NONE":  # VACUUM wants no transaction around it
            connection.exec_driver_sql(f"BEGIN {how}")
