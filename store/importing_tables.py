"""The tables of an export put back: what the store knows already (by its public name) stays, what it does not is entered.

Into a store without any history rows keep their numbers, and the log of batches comes along. Elsewhere they get new ones.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import export_tables, tables
from store.engine import Store

_ROWS_AT_ONCE = 5_000
Row = dict[str, Any]


class ImportRefused(ValueError):
    """An import that would contradict the store, or whose files are not what the manifest says; the message says which."""


@dataclass(slots=True)
class Numbers:
    """Number of a row in the export -> its number here, by table; and which rows were new."""

    there: dict[str, dict[int, int]] = field(default_factory=dict)
    entered: dict[str, set[int]] = field(default_factory=dict)
    logged: bool = False  # the log came along

    def of(self, table: str, number: int | None) -> int | None:
        """Where a reference leads; None stays None."""
        return None if number is None else self.there[table][number]

    def mapped(self, table: str, numbers: IntArray) -> IntArray:
        """The same for many; raises ImportRefused for numbers that the export does not explain."""
        known = self.there[table]
        wanted, place = np.unique(numbers, return_inverse=True)
        try:
            made = np.array([known[number] for number in wanted.tolist()], dtype=np.int64)
        except KeyError as error:
            raise ImportRefused(
                f"number {error} of {table} is in a file of readings and not in tables/{table}.parquet"
            ) from None
        return made[place]


async def is_empty(connection: AsyncConnection) -> bool:
    """Whether the store has no history at all."""
    for table in (tables.stations, tables.runs, tables.answers):
        if (await connection.execute(sa.select(table.c.id).limit(1))).first() is not None:
            return False
    return True


async def enter(store: Store, connection: AsyncConnection, folder: Path, now_s: int, *, with_log: bool) -> Numbers:
    """Enter every table of an export in the connection's transaction; where its rows are now."""
    fresh = await is_empty(connection)
    work = _Tables(connection, folder, now_s, keeping=fresh, logged=fresh and with_log)
    work.version = (
        int((await connection.exec_driver_sql("SELECT version FROM catalogue WHERE id = 1")).scalar_one()) + 1
    )
    for table in export_tables.EVERY:
        await work.enter(table)
    if work.logged:
        for table in export_tables.LOG:
            await work.copy(table)
    await connection.execute(sa.update(tables.catalogue).values(version=work.version))
    await work.count_on()
    work.numbers.logged = work.logged
    store.entered.forget()
    store.known_feeds.clear()
    return work.numbers


#: What names a row of a table whatever its number; the numbers in it are those of this store.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "stations": ("uid",),
    "series": ("uid",),
    "runs": ("uid",),
    "answers": ("run_id", "url", "requested_s", "sha256"),
    "samples": ("uid", "revision"),
    "quakes": ("uid", "revision"),
    "feed_health": ("feed_id",),
}
_PARENTS: Mapping[str, str] = {
    "station_id": "stations", "series_id": "series", "run_id": "runs", "answer_id": "answers", "batch_id": "answers",
    "sample_id": "samples", "last_run_id": "runs",
}  # fmt: skip
#: Rows that belong to another one, and come only with one that is new.
_OWNED: Mapping[str, tuple[str, str]] = {
    "station_history": ("stations", "station_id"),
    "series_history": ("series", "series_id"),
    "refusals": ("answers", "answer_id"),
    "sample_results": ("samples", "sample_id"),
    "station_marks": ("stations", "station_id"),
}


@dataclass(slots=True)
class _Tables:
    connection: AsyncConnection
    folder: Path
    now_s: int
    keeping: bool  # rows keep their numbers
    logged: bool  # the log comes along
    version: int = 0
    numbers: Numbers = field(default_factory=Numbers)

    async def enter(self, table: sa.Table) -> None:
        there = self.numbers.there.setdefault(table.name, {})
        entered = self.numbers.entered.setdefault(table.name, set())
        known = {} if self.keeping else await self._known(table)
        following = await self._following(table)
        for page in self._pages(table):
            rows: list[Row] = []
            for row in page:
                number = row.get("id")
                made = self._here(table.name, row)
                if made is None:
                    continue
                name = tuple(made[column] for column in _NAMES.get(table.name, ()))
                if name and name in known:
                    self._same(table.name, made, known[name])
                    if number is not None:
                        there[number] = known[name]["id"]
                    continue
                if number is not None:
                    made["id"] = there[number] = number if self.keeping else following
                    entered.add(number)
                    following += 1
                rows.append(made)
            if rows:
                await self.connection.execute(sa.insert(table), rows)

    def _here(self, table: str, row: Row) -> Row | None:
        """A row as it belongs here; None for one that belongs to a row which was here before."""
        if (owner := _OWNED.get(table)) is not None and row[owner[1]] not in self.numbers.entered[owner[0]]:
            return None
        made = dict(row)
        for column, parent in _PARENTS.items():
            if column in made:
                made[column] = self.numbers.of(parent, made[column])
        if "version" in made:
            made["version"] = self.version
        if table == "answers":
            made |= {"handled_s": made["handled_s"] or self.now_s, "claimed_s": None, "claimed_by": ""}
            made["leaf"] = made["leaf"] if self.logged else None
        return made

    @staticmethod
    def _same(table: str, made: Row, known: Mapping[str, Any]) -> None:
        if table == "series" and made["unit"] != known["unit"]:
            raise ImportRefused(f"series {made['uid']} is in {known['unit']} here and in {made['unit']} in the export")

    async def _known(self, table: sa.Table) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        names = _NAMES.get(table.name, ())
        if not names:
            return {}
        columns = [table.c[name] for name in (*names, *(name for name in ("id", "unit") if name in table.c))]
        found = (await self.connection.execute(sa.select(*columns))).mappings()
        return {tuple(row[name] for name in names): dict(row) | {"id": row.get("id")} for row in found}

    async def _following(self, table: sa.Table) -> int:
        if "id" not in table.c:
            return 0
        top = (await self.connection.execute(sa.select(sa.func.max(table.c.id)))).scalar()
        return int(top or 0) + 1

    def _pages(self, table: sa.Table) -> Iterator[list[Row]]:
        path = self.folder / "tables" / f"{table.name}.parquet"
        if not path.exists():
            return
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield [{name: value for name, value in row.items() if name in table.c} for row in batch.to_pylist()]

    async def copy(self, table: sa.Table) -> None:
        """Put a table of the log in the place of the empty one."""
        await self.connection.execute(sa.delete(table))
        for page in self._pages(table):
            await self.connection.execute(sa.insert(table), page)

    async def count_on(self) -> None:
        """PostgreSQL's own counters go on after the numbers that were entered."""
        if self.connection.dialect.name == "sqlite":
            return
        for table in export_tables.EVERY:
            if "id" in table.c:
                await self.connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), greatest((SELECT max(id) FROM {table.name}), 1))"
                )


def ignoring(connection: AsyncConnection, table: sa.Table) -> Any:
    """INSERT that leaves rows alone whose key is there."""
    insert: Callable[[sa.Table], Any] = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()
