"""Packed history in the database: a row for each series and day whose readings left the hot table.

A day holds the readings that end after its midnight (UTC) up to and with the next one. A series' day is either packed or
hot, never both; what a transaction changes in a packed day goes back as one row, and the versions it displaced are among
the revisions like any other.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store.incoming import SERIES_BITS, SERIES_MASK, Version
from store.packing import Corrupt, Day, Kept, day_of, pack, rows_of, unpack

DAY_S = 86400
#: Nothing that ends at or after this moment was ever packed.
_UNTIL = "packed_until_s"
NEVER_S = -(2**62)
#: The day of a stamp in SQL of both engines, where division rounds towards zero: a million days are added before it.
SQL_DAY = "(({0} + 86399999999) / 86400 - 1000000)"
RECEIVED = 11  # place in a Kept

_log = logging.getLogger(__name__)


def day_at(end_s: int) -> int:
    """The day, counted from 1970, to which a reading belongs."""
    return (end_s - 1) // DAY_S


def days_at(ends_s: IntArray) -> IntArray:
    """The same for many."""
    return (ends_s - 1) // DAY_S


async def until_s(connection: AsyncConnection) -> int:
    """No packed day holds a reading that ends at or after this moment."""
    found = await connection.exec_driver_sql(f"SELECT value FROM state_values WHERE name = '{_UNTIL}'")
    return int(found.scalar() or NEVER_S)


def opened(series_id: int, day: int, blob: bytes, columns: frozenset[str] | None = None) -> Day | None:
    """A packed day, or None for a damaged one: that one is named in the log (and by `check`), the others stay readable."""
    try:
        return unpack(bytes(blob), columns)
    except Corrupt as error:
        _log.error("packed day %s of series number %s is damaged: %s", day, series_id, error)
        return None


def _bound(connection: AsyncConnection, statement: str) -> str:
    return statement if connection.dialect.name == "sqlite" else statement.replace("?", "%s")


async def fetch(connection: AsyncConnection, keys: IntArray) -> Sequence[Any]:
    """Rows (series_id, day, blob) under keys (day << SERIES_BITS | series_id); those not packed are left out."""
    if connection.dialect.name == "sqlite":
        found = await connection.exec_driver_sql(
            "SELECT p.series_id, p.day, p.blob FROM json_each(?) k CROSS JOIN packed p "
            f"ON p.series_id = k.value & {SERIES_MASK} AND p.day = k.value >> {SERIES_BITS}",
            (json.dumps(keys.tolist()),),
        )
    else:
        found = await connection.exec_driver_sql(
            "SELECT p.series_id, p.day, p.blob FROM unnest(%s::bigint[], %s::int[]) k(series_id, day) "
            "JOIN packed p ON p.series_id = k.series_id AND p.day = k.day",
            ((keys & SERIES_MASK).tolist(), (keys >> SERIES_BITS).tolist()),
        )
    return found.fetchall()


async def store_days(connection: AsyncConnection, days: Iterable[tuple[int, int, Day]]) -> None:
    """Enter packed days or replace them; a day without readings goes."""
    kept, gone = await asyncio.to_thread(_made, days)
    if kept:
        await connection.exec_driver_sql(_bound(connection, _PUT), kept)
        await _reach(connection, (max(row[1] for row in kept) + 1) * DAY_S + 1)
    if gone:
        await connection.exec_driver_sql(_bound(connection, "DELETE FROM packed WHERE series_id = ? AND day = ?"), gone)


def _made(days: Iterable[tuple[int, int, Day]]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    kept: list[tuple[Any, ...]] = []
    gone: list[tuple[Any, ...]] = []
    for series_id, day, content in days:
        if len(content):
            first_received_s = int((content.end_s + content.received_after_s).min())
            kept.append((series_id, day, len(content), int(content.end_s[-1]), first_received_s, pack(content)))
        else:
            gone.append((series_id, day))
    return kept, gone


_PUT = (
    "INSERT INTO packed (series_id, day, readings, last_end_s, first_received_s, blob) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (series_id, day) DO UPDATE SET readings = excluded.readings, last_end_s = excluded.last_end_s, "
    "first_received_s = excluded.first_received_s, blob = excluded.blob"
)
_REACH = (
    f"INSERT INTO state_values (name, value) VALUES ('{_UNTIL}', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(excluded.value AS BIGINT) > CAST(state_values.value AS BIGINT)"
)


async def _reach(connection: AsyncConnection, moment_s: int) -> None:
    await connection.exec_driver_sql(_bound(connection, _REACH), (str(moment_s),))


class PackedDays:
    """The packed days that one writing transaction has in hand: looked up once, changed in memory, written back once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._until_s: int | None = None
        self._asked: set[int] = set()
        self._days: dict[tuple[int, int], dict[int, Kept]] = {}
        self._changed: set[tuple[int, int]] = set()

    async def load(self, series_id: IntArray, end_s: IntArray) -> None:
        """Have the packed days of these readings in hand. A sweep of recent readings costs one look at one row."""
        if self._until_s is None:
            self._until_s = await until_s(self._connection)
        old = end_s < self._until_s
        if not old.any():
            return
        wanted = np.unique((days_at(end_s[old]) << SERIES_BITS) | series_id[old])
        wanted = np.array([key for key in wanted.tolist() if key not in self._asked], dtype=np.int64)
        self._asked |= set(wanted.tolist())
        for number, day, blob in await fetch(self._connection, wanted) if len(wanted) else ():
            content = opened(number, day, blob)
            if content is not None:
                self._days[number, day] = {row[0]: row for row in rows_of(number, content)}

    def holds(self, series_id: int, end_s: int) -> bool:
        """Whether a reading with this key belongs into a packed day."""
        return bool(self._days) and (series_id, day_at(end_s)) in self._days

    def version(self, series_id: int, end_s: int) -> Version | None:
        """The version on record under a key."""
        found = self._days.get((series_id, day_at(end_s)), {}).get(end_s)
        return None if found is None else found[:RECEIVED]

    def __bool__(self) -> bool:
        return bool(self._days)

    def put(self, version: Version, received_s: int) -> None:
        """Enter a version, in the place of the one on record."""
        key = (version[1], day_at(version[0]))
        self._days[key][version[0]] = (*version, received_s)
        self._changed.add(key)

    def remove(self, series_id: int, end_s: int) -> None:
        """Take a version out."""
        key = (series_id, day_at(end_s))
        del self._days[key][end_s]
        self._changed.add(key)

    async def flush(self) -> None:
        """Write what changed back, one row for each day."""
        changed = sorted(self._changed)
        self._changed.clear()
        if changed:
            await store_days(
                self._connection,
                ((*key, day_of([self._days[key][end_s] for end_s in sorted(self._days[key])])) for key in changed),
            )
            for key in [key for key in changed if not self._days[key]]:
                del self._days[key]
