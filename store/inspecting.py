"""Opening every packed day to see whether it is what its row says, and whether it agrees with what stands beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import packed
from store.history import Statement
from store.packing import Corrupt, Day, unpack

_AT_ONCE = 2000


@dataclass(slots=True)
class Found:
    """Code of a finding -> how often, and the first example."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, example: str) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1
        self.examples.setdefault(code, example)


async def inspect(connection: AsyncConnection) -> Found:
    """What should not be in packed history; each damaged day is named, the others are looked at all the same."""
    found = Found()
    async for rows in _pages(connection):
        known = await packed.receipts(connection, [row[6] for row in rows])
        batches: list[IntArray] = []
        for row in rows:
            where = f"series number {row[0]}, day {np.datetime64(row[1], 'D')}"
            try:
                day = unpack(bytes(row[6]), None, known)
            except Corrupt as error:
                found.add("packed_day_damaged", f"{where}: {error}")
                continue
            batches.append(day.batch_id)
            if not _is_as_said(day, row):
                found.add("packed_day_differs_from_its_row", where)
        for batch_id in await _unknown(connection, batches):
            found.add("packed_reading_without_answer", f"answer {batch_id}")
    return found


async def _pages(connection: AsyncConnection) -> AsyncIterator[Sequence[Any]]:
    after = (-1, -(2**31))
    while True:
        statement = Statement(connection.dialect.name)
        key = f"({statement.value(after[0])}, {statement.value(after[1])})"
        rows: Sequence[Any] = (
            await connection.exec_driver_sql(
                "SELECT series_id, day, days, readings, last_end_s, first_received_s, blob FROM packed "  # noqa: S608
                f"WHERE (series_id, day) > {key} ORDER BY series_id, day LIMIT {_AT_ONCE}",
                tuple(statement.values),
            )
        ).fetchall()
        if not rows:
            return
        yield rows
        after = (rows[-1][0], rows[-1][1])


def _is_as_said(day: Day, row: Sequence[Any]) -> bool:
    days = packed.days_at(day.end_s) - row[1]
    ordered = bool((np.diff(day.end_s) > 0).all() and (days >= 0).all() and (days < row[2]).all())
    said = (len(day), int(day.end_s[-1]), int((day.end_s + day.received_after_s).min())) if len(day) else ()
    return ordered and said == tuple(row[3:6])


async def _unknown(connection: AsyncConnection, batches: list[IntArray]) -> list[int]:
    if not batches:
        return []
    wanted = np.unique(np.concatenate(batches))
    known: list[int] = []
    for begin in range(0, len(wanted), 10_000):
        statement = Statement(connection.dialect.name)
        text = f"SELECT id FROM answers WHERE {statement.among('id', wanted[begin : begin + 10_000])}"  # noqa: S608
        known += (await connection.exec_driver_sql(text, tuple(statement.values))).scalars().all()
    missing: list[int] = np.setdiff1d(wanted, np.array(known, dtype=np.int64)).tolist()
    return missing
