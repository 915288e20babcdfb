"""What a feed need not keep is dropped whole and said; what stays stays readable, sound and provable; a kill changes nothing of it."""

from __future__ import annotations

from unittest import mock

import pytest
import sqlalchemy as sa

from domain.readings import Batch
from store import compact, maintenance, partitions, read, retention, tables
from store.engine import Store
from store.evidence import PartlyDropped, evidence
from store.packed import DAY_S
from store.rollups import refresh
from store.rows import Filter
from store.verify import verify
from store.write import commit_batch
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series

DAYS, STEP_S, KEEP = 100, 4 * DAY_S, 60
UNTIL_S = 32 * DAY_S  # 99 days less 60, and from there the block of eight days begins
NOW_S = (DAYS + 10) * DAY_S


def sweep(end_s: int) -> Batch:
    """Two stations, and one that falls silent on day 12; every other time the reading before is corrected."""
    rows = [("1", end_s, 0.04), ("2", end_s, 0.05)] + [("old", end_s, 0.06)] * (end_s <= 12 * DAY_S)
    if end_s % (8 * DAY_S) == 0:
        rows.append(("1", end_s - STEP_S, 0.041))
    return a_batch(rows, end_s + 60)


@pytest.fixture
async def aged(store: Store) -> Store:
    """A hundred days, packed and rolled up."""
    for end_s in range(STEP_S, DAYS * DAY_S + 1, STEP_S):
        await commit_batch(store, sweep(end_s), NO_AREAS)
    await refresh(store, 10**9)
    await compact.compact(store, (DAYS - 3) * DAY_S, limit=10**9)
    return store


async def ends(store: Store, key: str) -> list[int]:
    """Ends of what stands of a station."""
    found = await read.observations(store, Filter(stations=frozenset({f"{FEED}:{key}"})), 0, 2**33, limit=10_000)
    return [row.end_s for row in found]


async def test_only_whole_blocks_before_the_limit_go_and_that_is_on_record(aged: Store) -> None:
    (drop,) = await retention.drop_old(aged, {FEED: KEEP, "another": KEEP}, NOW_S)
    assert (drop.feed_id, drop.from_s, drop.until_s, drop.keep_days, drop.at_s) == (FEED, 0, UNTIL_S, KEEP, NOW_S)
    assert await ends(aged, "1") == list(range(UNTIL_S + STEP_S, DAYS * DAY_S + 1, STEP_S))
    # the newest reading of the station that fell silent stays, with its block of days 8 to 15
    assert await ends(aged, "old") == [12 * DAY_S]
    assert drop.readings == 2 * UNTIL_S // STEP_S + 2
    assert drop.revisions == 4
    assert await retention.drop_old(aged, {FEED: KEEP}, NOW_S) == []
    assert await retention.dropped(aged, {FEED}, UNTIL_S - 5, UNTIL_S) == [drop]
    assert await retention.dropped(aged, {FEED}, UNTIL_S + 1, 2**33) == []
    assert await retention.dropped(aged, {"another"}, 0, 2**33) == []


async def test_what_stays_is_sound_and_the_log_tells_of_the_rest(aged: Store) -> None:
    before = await verify(aged)
    last = await read.latest(aged, Filter())
    await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
    assert await maintenance.check(aged) == []
    aged.latest_at = (-1, -1)
    assert await read.latest(aged, Filter()) == last
    after = await verify(aged)
    assert (after.flaws, before.dropped) == ((), 0)
    assert (after.leaves, after.dropped) == (before.leaves + 1, UNTIL_S // STEP_S)
    uids = [a_series(key).uid for key in ("1", "old")]
    rolled = await read.buckets(aged, uids, 0, 2**33, "1d")
    assert {row.begin_s // DAY_S for row in rolled if row.series_uid == uids[0]} == set(range(35, DAYS, 4))
    assert {row.begin_s // DAY_S for row in rolled if row.series_uid == uids[1]} == {11}


async def test_a_drop_that_the_log_does_not_tell_of_excuses_nothing(aged: Store) -> None:
    (drop,) = await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
    async with aged.writing() as connection:
        await connection.execute(sa.update(tables.dropped).values(until_s=drop.until_s + DAY_S))
    codes = {flaw.code for flaw in (await verify(aged)).flaws}
    assert codes == {"drop_not_in_log", "batch_changed", "batch_missing"}


async def test_an_edit_beside_the_drop_is_found(aged: Store) -> None:
    await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
    async with aged.writing() as connection:
        await connection.execute(sa.update(tables.readings).values(value=0.07))
    assert {flaw.code for flaw in (await verify(aged)).flaws} == {"batch_changed"}


async def test_a_proof_says_when_others_of_its_batch_are_gone(aged: Store) -> None:
    await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
    with pytest.raises(PartlyDropped, match="dropped_by_retention"):
        await evidence(aged, a_series("old").uid, 12 * DAY_S)
    assert await evidence(aged, a_series("1").uid, UNTIL_S + STEP_S) is not None


async def test_what_was_decided_is_carried_out_after_a_crash(aged: Store) -> None:
    with mock.patch("store.retention._BLOCKS_AT_ONCE", 5):
        calls = 0
        carried = retention._delete

        async def dies(*args: object) -> None:
            nonlocal calls
            calls += 1
            await carried(*args)  # type: ignore[arg-type]
            if calls == 2:
                raise ConnectionError("killed")

        with mock.patch("store.retention._delete", dies), pytest.raises(ConnectionError):
            await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
        (half,) = await retention.dropped(aged, {FEED}, 0, DAY_S)
        assert half.finished_s is None
        assert 0 < half.readings < 2 * UNTIL_S // STEP_S  # its first part, the second was rolled back
        assert (await verify(aged)).flaws == ()
        (whole,) = await retention.drop_old(aged, {}, NOW_S + 60)
    assert (whole.readings, whole.finished_s) == (2 * UNTIL_S // STEP_S + 2, NOW_S + 60)


async def test_what_was_kept_in_memory_goes_with_it(aged: Store) -> None:
    async def held() -> list[int]:
        station = Filter(stations=frozenset({f"{FEED}:1"}))
        return (await read.arrays(aged, station, 0, 2**33)).end_s.tolist()

    assert min(await held()) <= UNTIL_S
    await retention.drop_old(aged, {FEED: KEEP}, NOW_S)
    assert await held() == await ends(aged, "1")


async def test_a_feed_that_fell_silent_loses_nothing(store: Store) -> None:
    await commit_batch(store, sweep(DAY_S), NO_AREAS)
    await commit_batch(store, sweep(4 * DAY_S), NO_AREAS)
    assert await retention.drop_old(store, {FEED: KEEP}, NOW_S + 1000 * DAY_S) == []
    assert len(await ends(store, "1")) == 2


async def test_postgresql_drops_a_month_that_is_packed_and_makes_the_next_one_ahead(aged: Store) -> None:
    if aged.is_sqlite:
        assert await compact.tend(aged) == (0, 0)
        return
    async with aged.reading() as connection:
        old = await partitions.existing(connection)
        # whoever reads still sees the rows as they were, so the month stays
        await connection.exec_driver_sql("SELECT count(*) FROM readings")
        await compact.tend(aged)
    async with aged.reading() as connection:
        there = await partitions.existing(connection)
    assert {"readings_1970_01", "readings_1970_02", "readings_1970_03"} <= old
    await compact.tend(aged)
    async with aged.reading() as connection:
        there = await partitions.existing(connection)
    assert there == {"readings_1970_04", "readings_1970_05"}
    # what comes for a month that is gone makes it anew
    await commit_batch(aged, a_batch([("late", 5 * DAY_S, 0.1)], NOW_S), NO_AREAS)
    assert await ends(aged, "late") == [5 * DAY_S]
