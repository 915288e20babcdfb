"""The days whose roll-ups are out of date, marked in the transaction that changed a reading: one row for each batch.

A row for each series and day would double what a sweep writes; as one compressed list they are a few hundred bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store.incoming import SERIES_BITS, SERIES_MASK
from store.packed import SPAN

_COMPRESSOR = zstandard.ZstdCompressor(level=1)
_DECOMPRESSOR = zstandard.ZstdDecompressor()


async def mark(connection: AsyncConnection, keys: IntArray) -> None:
    """Mark days of series (day << SERIES_BITS | series id)."""
    if not len(keys):
        return
    insert = "INSERT INTO dirty (days) VALUES (?)"
    statement = insert if connection.dialect.name == "sqlite" else insert.replace("?", "%s")
    await connection.exec_driver_sql(statement, (written(np.unique(keys)),))


def written(keys: IntArray) -> bytes:
    """Keys as a row's bytes; those in order take few."""
    return _COMPRESSOR.compress(np.diff(keys, prepend=0).astype("<i8").tobytes())


def read(blob: bytes) -> IntArray:
    """The keys of one row, in the order in which they were written."""
    return np.cumsum(np.frombuffer(_DECOMPRESSOR.decompress(blob), dtype="<i8"))


async def marked(connection: AsyncConnection) -> tuple[list[int], IntArray]:
    """The rows there are, and every key marked, in order."""
    found: Sequence[Any] = (await connection.exec_driver_sql("SELECT id, days FROM dirty ORDER BY id")).fetchall()
    parts = [read(bytes(row[1])) for row in found]
    return [row[0] for row in found], np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


async def arrange(connection: AsyncConnection, before_day: int, at_once: int) -> list[int]:
    """Put the marks of days before `before_day` into rows of at most `at_once`, block by block of packed days; the rows' numbers in order."""
    rows, keys = await marked(connection)
    begun = int(np.searchsorted(keys, before_day << SERIES_BITS))
    if not begun:
        if len(rows) > 1:
            await _remove(connection, rows)
            await mark(connection, keys)
        return []
    await _remove(connection, rows)
    await mark(connection, keys[begun:])
    due = keys[:begun]
    due = due[np.lexsort((due, due & SERIES_MASK, (due >> SERIES_BITS) // SPAN))]
    return [await _put(connection, due[begin : begin + at_once]) for begin in range(0, len(due), at_once)]


async def take(connection: AsyncConnection, row: int) -> IntArray:
    """Take out a row; its keys as they were put, none when somebody else has taken it."""
    mark_ = "?" if connection.dialect.name == "sqlite" else "%s"
    found = await connection.exec_driver_sql(f"DELETE FROM dirty WHERE id = {mark_} RETURNING days", (row,))  # noqa: S608
    blob = found.scalar()
    return np.zeros(0, dtype=np.int64) if blob is None else read(bytes(blob))


async def _put(connection: AsyncConnection, keys: IntArray) -> int:
    insert = "INSERT INTO dirty (days) VALUES (?) RETURNING id"
    statement = insert if connection.dialect.name == "sqlite" else insert.replace("?", "%s")
    return int((await connection.exec_driver_sql(statement, (written(keys),))).scalar_one())


async def _remove(connection: AsyncConnection, rows: Sequence[int]) -> None:
    for begin in range(0, len(rows), 1000):
        listed = ", ".join(map(str, rows[begin : begin + 1000]))
        await connection.exec_driver_sql(f"DELETE FROM dirty WHERE id IN ({listed})")  # noqa: S608 - numbers
