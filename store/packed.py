"""Packed history in the database: a row for each series and while of up to SPAN days whose readings left the hot table.

A day holds the readings that end after its midnight (UTC) up to and with the next one. A block covers whole days, those
without readings too, and no other block of its series covers them: a series' day is either packed or hot, never both. What
a transaction changes in a packed day goes back as one row, and the versions it displaced are among the revisions like any other.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store.incoming import SERIES_BITS, SERIES_MASK, Version
from store.packing import Day, Kept, Receipts, day_of, joined, pack_blocks, pack_receipts, rows_of
from store.unpacking import NO_RECEIPTS, Corrupt, Known, receipts_of, unpack, unpack_receipts

DAY_S = 86400
#: Days of one whole block; they begin at multiples of it. Longer ones are not much smaller, and cost more to add a late reading to.
SPAN = 8
#: Nothing that ends at or after this moment was ever packed.
_UNTIL = "packed_until_s"
NEVER_S = -(2**62)
#: The day of a stamp in SQL of both engines, where division rounds towards zero: a million days are added before it.
SQL_DAY = "(({0} + 86399999999) / 86400 - 1000000)"
#: Whether block `p` covers a day, by its key as far as possible.
SQL_COVERS = f"p.day BETWEEN {{0}} - {SPAN - 1} AND {{0}} AND p.day + p.days > {{0}}"
RECEIVED = 11  # place in a Kept

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """One row of packed history: `days` days of a series from `day` on; `content` is None when it is damaged."""

    series_id: int
    day: int
    days: int
    content: Day | None


@dataclass(frozen=True, slots=True)
class Blocks:
    """k blocks as they go in: their readings one below the other, in order of end within each, from its place in `starts` on."""

    series_id: IntArray
    day: IntArray
    days: IntArray
    starts: IntArray
    content: Day


def day_at(end_s: int) -> int:
    """The day, counted from 1970, to which a reading belongs."""
    return (end_s - 1) // DAY_S


def days_at(ends_s: IntArray) -> IntArray:
    """The same for many."""
    return (ends_s - 1) // DAY_S


def span_begin(day: int) -> int:
    """The day on which the whole block that holds a day begins."""
    return day - day % SPAN


async def until_s(connection: AsyncConnection) -> int:
    """No packed day holds a reading that ends at or after this moment."""
    found = await connection.exec_driver_sql(f"SELECT value FROM state_values WHERE name = '{_UNTIL}'")
    return int(found.scalar() or NEVER_S)


async def receipts(connection: AsyncConnection, blobs: Iterable[bytes]) -> Known:
    """The receipts that blocks share; damaged ones are named in the log and left out, so that only their blocks are unreadable."""
    numbers = sorted({number for blob in blobs if (number := receipts_of(bytes(blob)))})
    if not numbers:
        return NO_RECEIPTS
    if connection.dialect.name == "sqlite":
        asked, values = "id IN (SELECT value FROM json_each(?))", json.dumps(numbers)
    else:
        asked, values = "id = ANY(%s::bigint[])", "{" + ",".join(map(str, numbers)) + "}"
    found = (await connection.exec_driver_sql(f"SELECT id, blob FROM receipts WHERE {asked}", (values,))).fetchall()
    return await asyncio.to_thread(_receipts, found)


def _receipts(found: Iterable[Any]) -> dict[int, Receipts]:
    made: dict[int, Receipts] = {}
    for number, blob in found:
        try:
            made[number] = unpack_receipts(bytes(blob))
        except Corrupt as error:
            _log.error("receipts number %s are damaged: %s", number, error)
    return made


def opened(
    series_id: int, day: int, blob: bytes, columns: frozenset[str] | None = None, known: Known = NO_RECEIPTS
) -> Day | None:
    """A block's readings, or None for a damaged one: that one is named in the log (and by `check`), the others stay readable.

    `known` are the receipts that it shares, as `receipts` gives them.
    """
    try:
        return unpack(bytes(blob), columns, known)
    except Corrupt as error:
        _log.error("packed days of series number %s from day %s on are damaged: %s", series_id, day, error)
        return None


def _bound(connection: AsyncConnection, statement: str) -> str:
    return statement if connection.dialect.name == "sqlite" else statement.replace("?", "%s")


async def fetch(connection: AsyncConnection, keys: IntArray) -> list[Block]:
    """The blocks that cover any of these series-days (day << SERIES_BITS | series_id), each once."""
    if not len(keys):
        return []
    covers = SQL_COVERS.format("k.day")
    if connection.dialect.name == "sqlite":
        source = f"(SELECT value & {SERIES_MASK} AS series_id, value >> {SERIES_BITS} AS day FROM json_each(?)) k"
        values: tuple[Any, ...] = (json.dumps(keys.tolist()),)
    else:
        source = "unnest(%s::bigint[], %s::int[]) k(series_id, day)"
        values = ((keys & SERIES_MASK).tolist(), (keys >> SERIES_BITS).tolist())
    statement = f"SELECT p.series_id, p.day, p.days, p.blob FROM {source} CROSS JOIN packed p WHERE p.series_id = k.series_id AND {covers}"
    found: Sequence[Any] = (await connection.exec_driver_sql(statement, values)).fetchall()
    return await blocks_of(connection, {(row[0], row[1]): row for row in found}.values())


async def blocks_of(connection: AsyncConnection, rows: Iterable[Sequence[Any]]) -> list[Block]:
    """Rows (series_id, day, days, blob) opened."""
    listed = [(number, day, days, bytes(blob)) for number, day, days, blob in rows]
    known = await receipts(connection, [row[3] for row in listed])

    def made() -> list[Block]:
        return [Block(number, day, days, opened(number, day, blob, None, known)) for number, day, days, blob in listed]

    return await asyncio.to_thread(made) if listed else []


async def store_blocks(connection: AsyncConnection, blocks: Blocks, *, sharing: bool = False) -> None:
    """Enter blocks or replace those under the same keys; with `sharing`, their receipts are kept once where that is less."""
    if not len(blocks.starts):
        return
    shared = await _shared(connection, blocks.content) if sharing else None
    rows = await asyncio.to_thread(_rows, blocks, shared)
    await connection.exec_driver_sql(_bound(connection, _PUT), rows)
    await _reach(connection, int((blocks.day + blocks.days).max()) * DAY_S + 1)


async def _shared(connection: AsyncConnection, content: Day) -> tuple[int, Receipts] | None:
    made = await asyncio.to_thread(common_receipts, content)
    if made is None:
        return None
    insert = _bound(connection, "INSERT INTO receipts (blob) VALUES (?) RETURNING id")
    return int((await connection.exec_driver_sql(insert, (pack_receipts(made),))).scalar_one()), made


def common_receipts(content: Day) -> Receipts | None:
    """The receipts by which these readings came; None when readings share too few of them to be worth a row."""
    batches, first = np.unique(content.batch_id, return_index=True)
    received_s = content.end_s + content.received_after_s
    came = Receipts(batches, received_s[first])
    agree = (came.received_s[np.searchsorted(batches, content.batch_id)] == received_s).all()
    return came if agree and 2 * len(batches) <= len(content) else None


def _rows(blocks: Blocks, shared: tuple[int, Receipts] | None) -> list[tuple[Any, ...]]:
    content, starts = blocks.content, blocks.starts
    ends = np.append(starts[1:], len(content))
    received_s = content.end_s + content.received_after_s
    return list(
        zip(
            blocks.series_id.tolist(),
            blocks.day.tolist(),
            blocks.days.tolist(),
            (ends - starts).tolist(),
            content.end_s[ends - 1].tolist(),
            np.minimum.reduceat(received_s, starts).tolist(),
            pack_blocks(content, starts, shared),
            strict=True,
        )
    )


_PUT = (
    "INSERT INTO packed (series_id, day, days, readings, last_end_s, first_received_s, blob) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (series_id, day) DO UPDATE SET days = excluded.days, readings = excluded.readings, "
    "last_end_s = excluded.last_end_s, first_received_s = excluded.first_received_s, blob = excluded.blob"
)
_REACH = (
    f"INSERT INTO state_values (name, value) VALUES ('{_UNTIL}', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(excluded.value AS BIGINT) > CAST(state_values.value AS BIGINT)"
)


async def _reach(connection: AsyncConnection, moment_s: int) -> None:
    await connection.exec_driver_sql(_bound(connection, _REACH), (str(moment_s),))


async def remove(connection: AsyncConnection, keys: Sequence[tuple[int, int]]) -> None:
    """Take out blocks by series and first day."""
    if keys:
        await connection.exec_driver_sql(
            _bound(connection, "DELETE FROM packed WHERE series_id = ? AND day = ?"), list(keys)
        )


class PackedDays:
    """The blocks that one writing transaction has in hand: looked up once, changed in memory, written back once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._until_s: int | None = None
        self._asked: set[int] = set()
        self._covering: dict[tuple[int, int], tuple[int, int]] = {}  # series and day -> key of its block
        self._days: dict[tuple[int, int], int] = {}  # key -> how many days it covers
        self._rows: dict[tuple[int, int], dict[int, Kept]] = {}
        self._changed: set[tuple[int, int]] = set()

    async def load(self, series_id: IntArray, end_s: IntArray) -> None:
        """Have the blocks of these readings in hand. A sweep of recent readings costs one look at one row."""
        if self._until_s is None:
            self._until_s = await until_s(self._connection)
        old = end_s < self._until_s
        if not old.any():
            return
        wanted = np.unique((days_at(end_s[old]) << SERIES_BITS) | series_id[old])
        wanted = np.array([key for key in wanted.tolist() if key not in self._asked], dtype=np.int64)
        self._asked |= set(wanted.tolist())
        for block in await fetch(self._connection, wanted):
            key = (block.series_id, block.day)
            if block.content is None or key in self._rows:
                continue
            self._rows[key] = {row[0]: row for row in rows_of(block.series_id, block.content)}
            self._days[key] = block.days
            self._covering |= {(block.series_id, block.day + i): key for i in range(block.days)}

    def _block(self, series_id: int, end_s: int) -> tuple[int, int] | None:
        return self._covering.get((series_id, day_at(end_s)))

    def holds(self, series_id: int, end_s: int) -> bool:
        """Whether a reading with this key belongs into a packed day."""
        return bool(self._rows) and self._block(series_id, end_s) is not None

    def version(self, series_id: int, end_s: int) -> Version | None:
        """The version on record under a key."""
        key = self._block(series_id, end_s)
        found = None if key is None else self._rows[key].get(end_s)
        return None if found is None else found[:RECEIVED]

    def __bool__(self) -> bool:
        return bool(self._rows)

    def put(self, version: Version, received_s: int) -> None:
        """Enter a version, in the place of the one on record."""
        key = self._covering[version[1], day_at(version[0])]
        self._rows[key][version[0]] = (*version, received_s)
        self._changed.add(key)

    def remove(self, series_id: int, end_s: int) -> None:
        """Take a version out."""
        key = self._covering[series_id, day_at(end_s)]
        del self._rows[key][end_s]
        self._changed.add(key)

    async def flush(self) -> None:
        """Write what changed back, one row for each block; one without readings goes, and its days are free again."""
        changed = sorted(self._changed)
        self._changed.clear()
        kept = [key for key in changed if self._rows[key]]
        if kept:
            await store_blocks(self._connection, await asyncio.to_thread(self._blocks, kept))
        gone = [key for key in changed if not self._rows[key]]
        await remove(self._connection, gone)
        for key in gone:
            del self._rows[key]
            for i in range(self._days.pop(key)):
                del self._covering[key[0], key[1] + i]

    def _blocks(self, keys: Sequence[tuple[int, int]]) -> Blocks:
        contents = [day_of([self._rows[key][end_s] for end_s in sorted(self._rows[key])]) for key in keys]
        return Blocks(
            np.array([key[0] for key in keys], dtype=np.int64),
            np.array([key[1] for key in keys], dtype=np.int64),
            np.array([self._days[key] for key in keys], dtype=np.int64),
            np.cumsum([0, *map(len, contents[:-1])]).astype(np.int64),
            joined(contents),
        )
