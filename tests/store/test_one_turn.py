"""The cursor that goes to SQLite's thread once for a statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from store import one_turn
from store.engine import Store

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n LIMIT ?"


def counted(turns: list[str]) -> one_turn.Turn:
    """Work is done at once, and its name noted."""

    async def turn(work: Callable[..., object], *told: object) -> object:
        turns.append(work.__name__)
        return work(*told)

    return turn


@given(
    st.sampled_from([0, 1, 7, 999, 1000, 1001, 2500]), st.lists(st.sampled_from([1, 3, 600, 1000, 1700]), max_size=4)
)
async def test_rows_are_all_there_in_order_however_they_are_fetched(count: int, sizes: list[int]) -> None:
    turns: list[str] = []
    with closing(sqlite3.connect(":memory:")) as database:
        cursor = one_turn.Cursor(database, counted(turns))
        await cursor.execute(_NUMBERS, (count,))
        found = [row for size in sizes for row in await cursor.fetchmany(size)]
        first = await cursor.fetchone()
        found += [first] if first else []
        found += await cursor.fetchall()
        await cursor.close()
    assert [row[0] for row in found] == list(range(count))
    assert cursor.description[0][0] == "i"
    if count < one_turn.READ_AHEAD:
        assert turns == ["_run"]


async def test_many_rows_go_in_one_turn_and_are_counted() -> None:
    turns: list[str] = []
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
        cursor = one_turn.Cursor(database, counted(turns))
        await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
        await cursor.close()
        assert (cursor.rowcount, cursor.description, turns) == (3, None, ["_run"])


async def test_what_the_database_raises_reaches_the_caller_as_sqlalchemy_says_it(sqlite_store: Store) -> None:
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        async with sqlite_store.reading() as connection:
            await connection.exec_driver_sql("SELECT * FROM nowhere")
    async with sqlite_store.reading() as connection:
        assert (await connection.exec_driver_sql("SELECT 7")).scalar_one() == 7


async def test_a_long_result_is_streamed(sqlite_store: Store) -> None:
    async with sqlite_store.reading() as connection:
        found = await connection.stream(sa.text(_NUMBERS.replace("?", "2500")))
        assert [row[0] async for row in found] == list(range(2500))
