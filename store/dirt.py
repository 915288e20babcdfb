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
    """Keys in order as a row's bytes."""
    return _COMPRESSOR.compress(np.diff(keys, prepend=0).astype("<i8").tobytes())


def read(blob: bytes) -> IntArray:
    """The keys of one row."""
    return np.cumsum(np.frombuffer(_DECOMPRESSOR.decompress(blob), dtype="<i8"))


async def marked(connection: AsyncConnection) -> tuple[list[int], IntArray]:
    """The rows there are, and every key marked, in order."""
    found: Sequence[Any] = (await connection.exec_driver_sql("SELECT id, days FROM dirty ORDER BY id")).fetchall()
    parts = [read(bytes(row[1])) for row in found]
    return [row[0] for row in found], np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


async def replace(connection: AsyncConnection, rows: Sequence[int], keys: IntArray) -> None:
    """Put what is left to do in the place of rows that were read."""
    for begin in range(0, len(rows), 1000):
        listed = ", ".join(map(str, rows[begin : begin + 1000]))
        await connection.exec_driver_sql(f"DELETE FROM dirty WHERE id IN ({listed})")  # noqa: S608 - numbers
    await mark(connection, keys)
