"""Readings by the month and by hundreds of series: every column of what stands, in order, for whoever copies a store."""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import history
from store.history import Statement, Window, span_of
from store.incoming import COLUMNS
from store.packing import Day, Kept, day_of, joined, taken


async def hot_rows(connection: AsyncConnection, from_s: int, to_s: int, ids: IntArray) -> Sequence[Kept]:
    """The hot rows of these series with ends in [from_s, to_s), and their receipts."""
    statement = Statement(connection.dialect.name)
    source, where = span_of(statement, from_s, to_s, by_stamps=statement.sqlite)
    fields = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
    found = await connection.exec_driver_sql(
        f"SELECT {fields}, a.received_s FROM {source} JOIN answers a ON a.id = r.batch_id "
        f"WHERE {where} AND {statement.among('r.series_id', ids)}",
        tuple(statement.values),
    )
    listed: Sequence[Any] = found.fetchall()
    return listed


async def standing(connection: AsyncConnection, from_s: int, to_s: int, ids: IntArray) -> tuple[IntArray, Day]:
    """What stands of some series, in the order in which they are given and by end: the series of each row, and all columns."""
    hot = await hot_rows(connection, from_s, to_s, ids)
    numbers, content = await history.whole(connection, Window(from_s, to_s, ids))
    return await asyncio.to_thread(_ordered, hot, numbers, content, ids)


def _ordered(hot: Sequence[Kept], numbers: IntArray, content: Day, ids: IntArray) -> tuple[IntArray, Day]:
    if hot:
        numbers = np.concatenate([numbers, np.array([row[1] for row in hot], dtype=np.int64)])
        content = joined([content, day_of(hot)])
    place = np.zeros(int(ids.max(initial=0)) + 1, dtype=np.int64)
    place[ids] = np.arange(len(ids))
    order = np.lexsort((content.end_s, place[numbers]))
    if (order[1:] > order[:-1]).all():
        return numbers, content
    return numbers[order], taken(content, order)
