"""SQLite in one turn of its thread per statement.

The driver's own cursor goes to the thread and back to open, to execute, to fetch and to close; a batch of a dozen small statements then
waits sixty times for two threads to hand over. Here a statement opens its cursor, runs, reads its first rows ahead and closes in a single
turn; a result that is longer stays open and is read on as it is asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Self

import aiosqlite

READ_AHEAD = 1000

Row = tuple[Any, ...]
#: Does a piece of work on the connection's thread.
Turn = Callable[..., Awaitable[Any]]


class Cursor:
    """As much of a driver's cursor as SQLAlchemy asks of it: a context, one statement, its rows."""

    arraysize = READ_AHEAD

    def __init__(self, database: sqlite3.Connection, turn: Turn) -> None:
        self._database, self._turn = database, turn
        self._open: sqlite3.Cursor | None = None
        self._ahead: list[Row] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Run one statement and read its first rows."""
        await self._turn(self._run, "execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Run one statement for each of many rows."""
        await self._turn(self._run, "executemany", sql, parameters)
        return self

    def _run(self, how: str, sql: str, parameters: Any) -> None:
        """On the connection's thread."""
        cursor = self._database.cursor()
        getattr(cursor, how)(sql, parameters)
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        self._ahead = cursor.fetchmany(READ_AHEAD) if cursor.description else []
        if len(self._ahead) < READ_AHEAD:
            cursor.close()
        else:
            self._open = cursor

    async def fetchmany(self, size: int = READ_AHEAD) -> list[Row]:
        """The next rows, at most `size`."""
        if not self._ahead and self._open is not None:
            self._ahead = await self._turn(self._open.fetchmany, max(size, READ_AHEAD))
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return taken

    async def fetchone(self) -> Row | None:
        """The next row; None after the last."""
        return next(iter(await self.fetchmany(1)), None)

    async def fetchall(self) -> list[Row]:
        """All rows that are left."""
        taken, self._ahead = self._ahead, []
        if self._open is not None:
            taken += await self._turn(self._open.fetchall)
        return taken

    async def close(self) -> None:
        """Let go of the rows; a turn of the thread only where some were left in the database."""
        self._ahead = []
        if self._open is not None:
            left, self._open = self._open, None
            await self._turn(left.close)


class Connection(aiosqlite.Connection):
    """The driver's connection with that cursor."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, READ_AHEAD)
        self._thread.daemon = True  # a connection that nobody closed must not keep a process alive

    def cursor(self) -> Cursor:  # type: ignore[override]  # SQLAlchemy enters what it is given, and needs no more
        """A cursor for one statement."""
        return Cursor(self._conn, self._execute)


async def connect(database: str, **options: Any) -> aiosqlite.Connection:
    """Open a database; for SQLAlchemy's `async_creator_fn`."""
    return await Connection(partial(sqlite3.connect, database, **options))
