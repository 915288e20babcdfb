"""An export taken in again: its readings straight into packed history, a row group to a transaction, each exactly once.

The transaction that enters a row group notes that it did, under the digest of the file: a killed import goes on where it was, and
the same export again changes nothing. What the store holds already must be the same; an import contradicts nobody.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dirt, export_columns, export_manifest, migrate, partitions, tables
from store.compact import HOT_S
from store.engine import Store
from store.export_manifest import READINGS, REVISIONS, TABLE, Manifest, Part
from store.history import Statement
from store.importing_rows import Landing, land
from store.importing_tables import ImportRefused, Numbers, enter, ignoring
from store.incoming import COLUMNS, SERIES_BITS, WIDTH
from store.packed import DAY_S, SPAN, Blocks, days_at, store_blocks
from store.packing import rows_of

_REVISIONS_AT_ONCE = 5_000

#: Called with the steps done, all steps, and the file at hand.
Told = Callable[[int, int, str], None]


@dataclass(slots=True)
class Imported:
    """What an import did: readings entered and those that were there, versions of the past, files that were done before."""

    readings: int = 0
    unchanged: int = 0
    revisions: int = 0
    done_before: int = 0
    parts: list[str] = field(default_factory=list)


async def import_export(store: Store, folder: Path, now_s: int, *, told: Told = lambda *_: None) -> Imported:
    """Take in an export; raises NoExport and ImportRefused, which hold sentences. May be stopped anywhere and called again."""
    manifest = export_manifest.read(folder)
    _check(manifest)
    await asyncio.to_thread(_check_files, folder, manifest)
    numbers = await _tables(store, folder, manifest, now_s)
    work = _Work(store, folder, numbers, await _hot_day(store))
    listed = [manifest.parts[path] for path in sorted(manifest.parts)]
    chosen = [part for kind in (REVISIONS, READINGS) for part in listed if part.kind == kind]
    for done, part in enumerate(chosen):
        told(done, len(chosen), part.path)
        await work.take(part)
        work.result.parts.append(part.path)
    told(len(chosen), len(chosen), "")
    return work.result


def _check(manifest: Manifest) -> None:
    if not manifest.complete:
        raise ImportRefused("this export was not finished: run `radcommons db export` on its folder again first")
    if manifest.schema > migrate.head():
        raise ImportRefused(
            f"this export has schema {manifest.schema}, this program knows {migrate.head()}: use the newer version"
        )


def _check_files(folder: Path, manifest: Manifest) -> None:
    for part in manifest.parts.values():
        path = folder / part.path
        if part.kind in (READINGS, REVISIONS, TABLE) and (
            not path.is_file() or export_manifest.digest(path) != part.sha256
        ):
            raise ImportRefused(f"{part.path} is missing or is not the file that the manifest names")


async def _tables(store: Store, folder: Path, manifest: Manifest, now_s: int) -> Numbers:
    async with store.commit_lock, store.writing() as connection:
        before = int((await connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM answers")).scalar_one())
        numbers = await enter(store, connection, folder, now_s, with_log=manifest.log_size is not None)
        if numbers.entered["answers"] and not numbers.logged:
            await _note(connection, f"imported {before}", str(max(numbers.there["answers"].values())))
    return numbers


async def _hot_day(store: Store) -> int:
    """The first day that stays hot: a collector may still be about to write into it."""
    async with store.reading() as connection:
        newest = (await connection.exec_driver_sql("SELECT max(received_s) FROM answers")).scalar()
    return (int(newest or 0) - HOT_S) // DAY_S


async def _note(connection: AsyncConnection, name: str, value: str) -> None:
    row = {"name": name, "value": value}
    await connection.execute(ignoring(connection, tables.marks_of_work).values(row))
    await connection.execute(
        tables.marks_of_work.update().where(tables.marks_of_work.c.name == name).values(value=value)
    )


async def _noted(connection: AsyncConnection, name: str) -> int:
    statement = Statement(connection.dialect.name)
    asked = f"SELECT value FROM state_values WHERE name = {statement.value(name)}"
    return int((await connection.exec_driver_sql(asked, tuple(statement.values))).scalar() or 0)


@dataclass(slots=True)
class _Work:
    store: Store
    folder: Path
    numbers: Numbers
    hot_day: int
    result: Imported = field(default_factory=Imported)

    async def take(self, part: Part) -> None:
        """Every row group of a file that is not in yet."""
        name = f"import {part.sha256}"
        enter_rows = self._readings if part.kind == READINGS else self._revisions
        with pq.ParquetFile(self.folder / part.path) as file:
            async with self.store.reading() as connection:
                begin = await _noted(connection, name)
            self.result.done_before += begin == file.num_row_groups
            for number in range(begin, file.num_row_groups):
                found = await asyncio.to_thread(file.read_row_group, number)
                async with self.store.commit_lock, self.store.writing() as connection:
                    await enter_rows(connection, found)
                    await _note(connection, name, str(number + 1))
        self.store.window.forget()

    async def _rows(self, found: pa.Table) -> Landing:
        place, uids, content = await asyncio.to_thread(export_columns.columns, found)
        known = self.store.entered.series_ids
        missing = [uid for uid in uids if uid not in known]
        if missing:
            raise ImportRefused(f"series {missing[0]} is in a file of readings and not in tables/series.parquet")
        series_id = np.array([known[uid] for uid in uids] or [0], dtype=np.int64)[place]
        content = replace(content, batch_id=self.numbers.mapped("answers", content.batch_id))
        return Landing(series_id, content)

    async def _readings(self, connection: AsyncConnection, found: pa.Table) -> None:
        await self.store.entered.catch_up(connection)
        rows = await self._rows(found)
        landed = await land(connection, rows, self.hot_day)
        if landed.hot:
            await _insert_hot(connection, landed.hot)
        if landed.merged:
            await _remove_days(connection, landed.blocks)
        await store_blocks(connection, landed.blocks, sharing=True)
        days = days_at(rows.content.end_s)
        await dirt.mark(connection, (days << SERIES_BITS) | rows.series_id)
        await _move_latest(connection, rows)
        self.result.readings += landed.entered
        self.result.unchanged += len(rows.series_id) - landed.entered

    async def _revisions(self, connection: AsyncConnection, found: pa.Table) -> None:
        await self.store.entered.catch_up(connection)
        rows = await self._rows(found)
        by = self.numbers.mapped("answers", found["superseded_by"].to_numpy())
        ends = zip(
            (found["superseded"].cast(pa.int64()).to_numpy() // 1000).tolist(), by.tolist(),
            found["reason"].to_pylist(), found["note"].to_pylist(), strict=True,
        )  # fmt: skip
        names = (*COLUMNS.split(", "), "received_s", "superseded_s", "superseded_by", "reason", "note")
        kept = [tuple(row) for row in rows_of(0, rows.content)]
        made = [
            dict(zip(names, (row[0], number, *row[2:], *end), strict=True))
            for row, number, end in zip(kept, rows.series_id.tolist(), ends, strict=True)
        ]
        for begin in range(0, len(made), _REVISIONS_AT_ONCE):
            await connection.execute(ignoring(connection, tables.revisions), made[begin : begin + _REVISIONS_AT_ONCE])
        self.result.revisions += len(made)


async def _remove_days(connection: AsyncConnection, blocks: Blocks) -> None:
    """Days that an older program packed one by one are in their block now."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    keys = [
        (number, day, day + SPAN) for number, day in zip(blocks.series_id.tolist(), blocks.day.tolist(), strict=True)
    ]
    if keys:
        await connection.exec_driver_sql(
            f"DELETE FROM packed WHERE series_id = {mark} AND day > {mark} AND day < {mark}", keys
        )


async def _insert_hot(connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        ends = np.array([row[0] for row in rows], dtype=np.int64)
        await partitions.ensure(connection, partitions.months(ends))
    marks = ", ".join(["?" if sqlite else "%s"] * WIDTH)
    await connection.exec_driver_sql(f"INSERT INTO readings ({COLUMNS}) VALUES ({marks})", list(rows))


async def _move_latest(connection: AsyncConnection, rows: Landing) -> None:
    """The newest pointers follow; rows of one series stand together in order of end."""
    last = np.flatnonzero(np.append(np.diff(rows.series_id) != 0, True))
    received_s = rows.content.end_s[last] + rows.content.received_after_s[last]
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    await connection.exec_driver_sql(
        f"INSERT INTO latest (series_id, end_s, received_s) VALUES ({mark}, {mark}, {mark}) ON CONFLICT (series_id) DO UPDATE "
        "SET end_s = excluded.end_s, received_s = excluded.received_s WHERE excluded.end_s > latest.end_s",
        list(zip(rows.series_id[last].tolist(), rows.content.end_s[last].tolist(), received_s.tolist(), strict=True)),
    )
