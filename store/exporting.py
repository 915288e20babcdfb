"""A store's history as files: readings by the month, sorted by series and time, and the tables that say what they are.

Everything comes from one snapshot. Each file is put in place as a whole and then entered in the manifest, so a killed export goes
on where it was: files whose digests are as entered stay, unless the store has learnt something since that belongs into them.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray, Series
from store import export_columns, export_manifest, export_tables, log, migrate, partitions, tables
from store.bulk_reading import standing
from store.engine import Store
from store.export_manifest import READINGS, REVISIONS, TABLE, Licence, Manifest, Part, Through
from store.history import Statement
from store.incoming import COLUMNS
from store.packed import DAY_S
from store.packing import day_of

_SERIES_AT_ONCE = 256
_ROW_GROUP = 500_000
_REVISIONS_AT_ONCE = 20_000

#: Called with the parts done, all parts, and the one just done.
Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is exported for whom: rows of `feeds` (None: of all), under their `licences`; `withheld` is told and nothing else."""

    audience: str
    licences: tuple[Licence, ...] = ()
    withheld: tuple[str, ...] = ()
    feeds: tuple[str, ...] | None = None
    from_month: str = ""  # as 2026-08; empty: from the first on
    to_month: str = ""  # the last one

    @property
    def everything(self) -> bool:
        """Whether the whole store goes out: only then does its log."""
        return self.feeds is None and not (self.from_month or self.to_month)

    def holds(self, month: str) -> bool:
        """Whether a month is meant."""
        return (not self.from_month or month >= self.from_month) and (not self.to_month or month <= self.to_month)


async def export(store: Store, folder: Path, scope: Scope, made_s: int, *, told: Told = lambda *_: None) -> Manifest:
    """Write or complete an export in `folder`; raises NoExport when an export of another kind lies there."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        work = await _Work.begun(connection, folder, scope, made_s, tuple(store.catalogue.series_by_id.items()))
        await work.run(told)
    return work.manifest


@dataclass(slots=True)
class _Work:
    connection: AsyncConnection
    folder: Path
    scope: Scope
    manifest: Manifest
    feeds: tuple[str, ...] | None  # whose rows go; None: all
    names: dict[int, str]  # of the series that go, in order of uid
    exercise: frozenset[int]
    touched: set[str] = field(default_factory=set)  # months that the store has learnt something about since

    @classmethod
    async def begun(
        cls, connection: AsyncConnection, folder: Path, scope: Scope, made_s: int, series: Sequence[tuple[int, Series]]
    ) -> _Work:
        feeds = scope.feeds
        chosen = sorted(((one.uid, number) for number, one in series if feeds is None or one.feed_id in feeds))
        manifest = Manifest(
            scope.audience, migrate.head(), made_s, await _through(connection),
            from_month=scope.from_month, to_month=scope.to_month, feeds=scope.feeds or (), withheld_feeds=scope.withheld,
            log_size=await log.size(connection) if scope.everything else None,
            licences=tuple(one for one in scope.licences if feeds is None or one.feed_id in feeds),
        )  # fmt: skip
        exercise = frozenset(number for number, one in series if one.exercise)
        names = {number: uid for uid, number in chosen}
        work = cls(connection, folder, scope, manifest, feeds, names, exercise)
        await work._take_over()
        return work

    async def _take_over(self) -> None:
        """What an earlier run has finished stays finished as far as it is still true."""
        if not (self.folder / export_manifest.NAME).exists():
            return
        before, now = export_manifest.read(self.folder), self.manifest
        same = ("audience", "schema", "feeds", "withheld_feeds", "from_month", "to_month")
        if any(getattr(before, name) != getattr(now, name) for name in same):
            raise export_manifest.NoExport(
                f"{self.folder} holds an export of another audience, schema, choice or span: take an empty folder"
            )
        now.parts = before.parts
        since = min((part.through.answer for part in before.parts.values()), default=now.through.answer)
        rereads = {part.through.rereads for part in before.parts.values()} | {now.through.rereads}
        self.touched = await _touched(self.connection, since) if len(rereads) == 1 else {"every"}

    async def run(self, told: Told) -> None:
        plan = await self._plan()
        wanted = {path for path, _, _ in plan}
        for path in [
            path
            for path, part in self.manifest.parts.items()
            if path not in wanted and part.kind != export_manifest.ZARR
        ]:
            del self.manifest.parts[path]
            (self.folder / path).unlink(missing_ok=True)
        export_manifest.write(self.folder, self.manifest)
        for done, (path, kind, name) in enumerate(plan, start=1):
            if not await asyncio.to_thread(self._stands, path, kind, name):
                await self._make(path, kind, name)
            told(done, len(plan), path)
        self.manifest.complete = True
        export_manifest.write(self.folder, self.manifest)

    async def _plan(self) -> list[tuple[str, str, str]]:
        """Path, kind and name of every file, in the order in which they are made."""
        listed = (*export_tables.EVERY, *(export_tables.LOG if self.scope.everything else ()))
        plan = [(f"tables/{table.name}.parquet", TABLE, table.name) for table in listed]
        for kind, months in (
            (READINGS, await _months(self.connection)),
            (REVISIONS, await _revised_months(self.connection)),
        ):
            plan += [(f"{kind}/{month}.parquet", kind, month) for month in months if self.scope.holds(month)]
        return plan

    def _stands(self, path: str, kind: str, name: str) -> bool:
        """Whether a file is there as entered, and shows what the store knows now."""
        part, file = self.manifest.parts.get(path), self.folder / path
        if part is None or not file.is_file() or file.stat().st_size != part.size_bytes:
            return False
        if part.through != self.manifest.through and (
            kind != READINGS or name in self.touched or "every" in self.touched
        ):
            return False
        return export_manifest.digest(file) == part.sha256

    async def _make(self, path: str, kind: str, name: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(file.name + ".part")
        write = {READINGS: self._readings, REVISIONS: self._revisions, TABLE: self._table}[kind]
        rows = await write(fresh, name)
        if not rows and kind == READINGS:  # a block reaches into a month in which nothing of it ends
            await asyncio.to_thread(fresh.unlink)
            return
        await asyncio.to_thread(_settle, fresh, file)
        sha256 = await asyncio.to_thread(export_manifest.digest, file)
        self.manifest.parts[path] = Part(path, kind, name, rows, file.stat().st_size, sha256, self.manifest.through)
        export_manifest.write(self.folder, self.manifest)

    async def _table(self, path: Path, name: str) -> int:
        return await export_tables.write(self.connection, tables.metadata.tables[name], path, self.feeds)

    async def _readings(self, path: Path, month: str) -> int:
        from_s, to_s = _bounds(month)
        rows = 0
        with pq.ParquetWriter(path, export_columns.SCHEMA, **export_columns.WRITING) as writer:
            async for made in self._groups(from_s, to_s):
                await asyncio.to_thread(writer.write_table, made, row_group_size=2 * _ROW_GROUP)
                rows += len(made)
        return rows

    async def _groups(self, from_s: int, to_s: int) -> AsyncIterator[pa.Table]:
        """Readings of whole series, as many as make a row group."""
        ids = np.array(list(self.names), dtype=np.int64)
        held: list[pa.Table] = []
        for begin in range(0, len(ids), _SERIES_AT_ONCE):
            numbers, content = await standing(self.connection, from_s, to_s, ids[begin : begin + _SERIES_AT_ONCE])
            if len(numbers):
                held.append(await asyncio.to_thread(export_columns.table, numbers, content, self.names, self.exercise))
            if sum(map(len, held)) >= _ROW_GROUP:
                yield pa.concat_tables(held).unify_dictionaries()
                held = []
        if held:
            yield pa.concat_tables(held).unify_dictionaries()

    async def _revisions(self, path: Path, month: str) -> int:
        statement = Statement(self.connection.dialect.name)
        from_s, to_s = _bounds(month)
        span = f"end_s >= {statement.value(from_s)} AND end_s < {statement.value(to_s)}"
        found = await self.connection.exec_driver_sql(
            f"SELECT {COLUMNS}, received_s, superseded_s, superseded_by, reason, note FROM revisions WHERE {span}",
            tuple(statement.values),
        )
        rows: Sequence[Any] = found.fetchall()
        listed = [tuple(row) for row in rows if row[1] in self.names]
        listed.sort(key=lambda row: (self.names[row[1]], row[0], row[7]))
        with pq.ParquetWriter(path, export_columns.REVISIONS, **export_columns.WRITING) as writer:
            for begin in range(0, len(listed), _REVISIONS_AT_ONCE):
                writer.write_table(self._revisions_table(listed[begin : begin + _REVISIONS_AT_ONCE]))
        return len(listed)

    def _revisions_table(self, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
        numbers: IntArray = np.array([row[1] for row in rows], dtype=np.int64)
        content = day_of([row[:12] for row in rows])
        return export_columns.revisions_table(numbers, content, self.names, self.exercise, [row[12:] for row in rows])


def _settle(fresh: Path, file: Path) -> None:
    with fresh.open("rb+") as written:
        os.fsync(written.fileno())
    fresh.replace(file)


async def _through(connection: AsyncConnection) -> Through:
    newest = await connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM answers")
    again = await connection.exec_driver_sql("SELECT count(*) FROM log_rereads")
    return Through(int(newest.scalar_one()), int(again.scalar_one()))


async def _touched(connection: AsyncConnection, since: int) -> set[str]:
    """The months about which later answers said something."""
    statement = Statement(connection.dialect.name)
    found = await connection.exec_driver_sql(
        f"SELECT first_end_s, last_end_s FROM answers WHERE id > {statement.value(since)} AND first_end_s IS NOT NULL",
        tuple(statement.values),
    )
    spans = {(_month(row.first_end_s), _month(row.last_end_s)) for row in found}
    return {month for first, last in spans for month in _between(first, last)}


def _between(first: str, last: str) -> list[str]:
    months: list[str] = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1).astype(str).tolist()
    return months


async def _months(connection: AsyncConnection) -> list[str]:
    """The months in which readings end."""
    found: Sequence[Any] = (await connection.exec_driver_sql("SELECT DISTINCT day, days FROM packed")).fetchall()
    months = {_month(moment_s) for day, days in found for moment_s in (day * DAY_S + 1, (day + days) * DAY_S)}
    return sorted(months | await _stepped(connection, "readings"))


async def _revised_months(connection: AsyncConnection) -> list[str]:
    return sorted(await _stepped(connection, "revisions"))


async def _stepped(connection: AsyncConnection, table: str) -> set[str]:
    """The months of a table's ends, by jumping from one to the next."""
    months: set[str] = set()
    from_s = -(2**62)
    while True:
        statement = Statement(connection.dialect.name)
        asked = f"SELECT min(end_s) FROM {table} WHERE end_s >= {statement.value(from_s)}"
        end_s = (await connection.exec_driver_sql(asked, tuple(statement.values))).scalar()
        if end_s is None:
            return months
        months.add(_month(int(end_s)))
        from_s = _bounds(_month(int(end_s)))[1]


def _month(moment_s: int) -> str:
    return str(np.datetime64(moment_s, "s").astype("datetime64[M]"))


def _bounds(month: str) -> tuple[int, int]:
    year, number = month.split("-")
    return partitions.bounds(int(year), int(number))
