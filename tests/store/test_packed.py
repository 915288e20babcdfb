"""Packed history: every column survives it, late data finds its day, damage is named, and the way back is open."""

from __future__ import annotations

import numpy as np
import pytest

from domain.readings import Batch
from store import maintenance, migrate, read
from store.compact import compact
from store.engine import Store, open_store
from store.packed import SPAN
from store.rows import Filter, ObservationRow
from store.unpacking import receipts_of
from store.verify import verify
from store.write import commit_batch, withdraw
from tests.store.builders import NO_AREAS, Row, a_batch, a_series, readings

DAY_S = 86400
LAST_S = 3 * DAY_S


def rich(received_s: int = 4 * DAY_S) -> Batch:
    """Two series over three days, with everything a reading can have."""
    listed: list[Row] = [(key, end_s, 0.04 + end_s / 1e7) for key in "12" for end_s in range(600, LAST_S + 1, 7200)]
    listed[3] = ("1", listed[3][1], None)
    n = len(listed)
    columns = {
        "digits": np.arange(n, dtype=np.int16) % 5,
        "censoring": (np.arange(n) % 3).astype(np.int8),
        "limit": np.where(np.arange(n) % 4 == 0, 0.01, np.nan),
        "published_s": np.array([row[1] for row in listed]) + 60 * (np.arange(n) % 7),
        "qc": np.arange(n, dtype=np.int64) % 2**10,
        "texts": {0: "0.0400 ", 5: "ND"},
    }
    return a_batch(listed, received_s, harvest={"readings": readings(listed, **columns)})


async def everything(store: Store, as_of_s: int | None = None) -> list[ObservationRow]:
    return await read.observations(store, Filter(), 0, 2**33, as_of_s=as_of_s, limit=10_000)


async def test_no_column_changes_when_days_are_packed(store: Store) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    before, arrays = await everything(store), await read.arrays(store, Filter(), 0, 2**33)
    latest = await read.latest(store, Filter())
    assert await compact(store, LAST_S) == 6
    assert await everything(store) == before
    store.window.forget()
    store.latest_at = (-1, -1)
    after = await read.arrays(store, Filter(), 0, 2**33)
    for name in ("index", "end_s", "value", "censoring", "limit", "qc", "received_s"):
        np.testing.assert_array_equal(getattr(after, name), getattr(arrays, name), err_msg=name)
    assert await read.latest(store, Filter()) == latest
    assert (await maintenance.stats(store)).rows["readings"] == 0
    again = await commit_batch(store, rich(5 * DAY_S), NO_AREAS)
    assert (again.stored, again.revised, again.unchanged) == (0, 0, len(before))
    assert await maintenance.check(store) == []


async def test_late_data_enter_a_packed_day_and_the_version_before_is_kept(store: Store) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    await compact(store, LAST_S)
    tally = await commit_batch(store, a_batch([("1", 600, 9.0), ("1", 601, 8.0)], 5 * DAY_S), NO_AREAS)
    assert (tally.stored, tally.revised) == (1, 1)
    versions = await read.versions(store, a_series("1").uid, 600, 602)
    assert [(row.observation.value, row.reason) for row in versions] == [(0.04006, "corrected"), (9.0, ""), (8.0, "")]
    assert versions[0].observation.text == "0.0400 "
    assert (await maintenance.stats(store)).rows["readings"] == 0
    assert {row.value for row in await everything(store, 4 * DAY_S)}.isdisjoint({8.0, 9.0})
    assert await maintenance.check(store) == []


async def test_it_goes_on_where_it_stopped(store: Store) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    before = await everything(store)
    counts = []
    while done := await compact(store, LAST_S, limit=1):
        counts.append(done)
        assert await everything(store) == before
    assert counts == [1] * 6


async def damage(store: Store, table: str, where: str) -> None:
    nothing = "x'00'" if store.is_sqlite else "'\\x00'"
    async with store.writing() as connection:
        await connection.exec_driver_sql(f"UPDATE {table} SET blob = {nothing} WHERE {where}")


async def test_a_damaged_block_is_named_and_the_rest_is_readable(store: Store) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    await compact(store, LAST_S)
    before = await everything(store)
    await damage(store, "packed", "series_id = 1")
    assert [row for row in before if ":1:" not in row.series_uid] == await everything(store)
    (finding,) = await maintenance.check(store)
    assert finding.code == "packed_day_damaged"
    assert finding.example.startswith("series number 1, day 1970-01-01")
    assert (await commit_batch(store, a_batch([("1", DAY_S + 601, 8.0)], 5 * DAY_S), NO_AREAS)).stored == 1
    assert await compact(store, LAST_S) == 0
    assert 8.0 in {row.value for row in await everything(store)}


async def test_a_whole_block_shares_its_receipts(store: Store) -> None:
    days = range(2 * SPAN)
    rows = [(key, day * DAY_S + 600 * i, 0.04 + day / 100) for day in days for key in "123" for i in range(1, 5)]
    for number in range(8):
        await commit_batch(store, a_batch(rows[number::8], 20 * DAY_S + number), NO_AREAS)
    before, known = await everything(store), await everything(store, 20 * DAY_S + 3)
    assert await compact(store, 2 * SPAN * DAY_S) == 2 * SPAN * 3
    async with store.reading() as connection:
        held = (await connection.exec_driver_sql("SELECT day, days FROM packed ORDER BY series_id, day")).fetchall()
        blobs = (await connection.exec_driver_sql("SELECT blob FROM packed")).scalars().all()
    assert [tuple(row) for row in held] == [(0, SPAN), (SPAN, SPAN)] * 3
    assert {receipts_of(bytes(blob)) for blob in blobs} == {1, 2}
    assert await everything(store) == before
    assert await everything(store, 20 * DAY_S + 3) == known
    assert await maintenance.check(store) == []
    assert (await verify(store)).flaws == ()
    assert (await commit_batch(store, a_batch([("1", 600, 9.0)], 21 * DAY_S), NO_AREAS)).revised == 1
    assert await maintenance.check(store) == []
    await damage(store, "receipts", "id = 1")
    assert {row.series_uid[8:9] for row in await everything(store) if row.end_s <= SPAN * DAY_S} == {"1"}
    assert [row for row in before if row.end_s > SPAN * DAY_S] == [
        row for row in await everything(store) if row.end_s > SPAN * DAY_S
    ]
    assert [found.code for found in await maintenance.check(store)] == ["packed_day_damaged"]


async def test_days_that_an_older_program_packed_stay_readable_and_join_their_block(store: Store) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    before = await everything(store)
    await compact(store, LAST_S)
    await migrate.downgrade(store.engine, "0006")
    await migrate.upgrade(store.engine)
    async with store.reading() as connection:
        held = (await connection.exec_driver_sql("SELECT day, days FROM packed ORDER BY series_id, day")).fetchall()
    assert [tuple(row) for row in held] == [(0, 1), (1, 1), (2, 1)] * 2
    assert await everything(store) == before
    late = a_batch([("1", 601, 8.0), ("1", LAST_S + 600, 7.0), ("2", LAST_S + 600, 7.0)], 5 * DAY_S)
    assert (await commit_batch(store, late, NO_AREAS)).stored == 3
    both = await everything(store)
    assert await compact(store, 4 * DAY_S) == 2
    async with store.reading() as connection:
        held = (await connection.exec_driver_sql("SELECT day, days FROM packed ORDER BY series_id, day")).fetchall()
    assert [tuple(row) for row in held] == [(0, 4)] * 2
    assert await everything(store) == both
    assert await maintenance.check(store) == []


async def test_a_block_whose_readings_are_all_taken_back_frees_its_days(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 600, 1.0)], 1000), NO_AREAS)
    await compact(store, DAY_S)
    await withdraw(store, a_batch([], 2000), {a_series("1").uid: (600,)}, "")
    assert await everything(store) == []
    assert (await commit_batch(store, a_batch([("1", 1200, 2.0)], 3000), NO_AREAS)).stored == 1
    assert await compact(store, DAY_S) == 1
    assert [row.value for row in await everything(store)] == [2.0]


@pytest.mark.parametrize("target", ["0001"])
async def test_the_schema_goes_down_and_up_with_packed_days(store: Store, target: str) -> None:
    await commit_batch(store, rich(), NO_AREAS)
    before = await everything(store)
    await compact(store, 2 * DAY_S)
    await migrate.downgrade(store.engine, target)
    await migrate.upgrade(store.engine)
    fresh = await open_store(store.url)
    try:
        assert await everything(fresh) == before
        assert (await maintenance.stats(fresh)).rows["readings"] == len(before)
    finally:
        await fresh.close()
