"""Columns from memory are those of the database, whoever wrote meanwhile and wherever the window begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from store import compact, read
from store.engine import Store, open_store
from store.rows import Filter, SeriesArrays
from store.window import HOUR_S
from store.write import commit_batch, withdraw
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series

DAY_S, NOW_S = 86400, 9 * 86400
COLUMNS = ("index", "end_s", "value", "censoring", "limit", "qc", "received_s")
Ask = Callable[[], Awaitable[SeriesArrays]]


async def week(store: Store) -> None:
    """A reading of two stations every six hours for nine days, the first of them packed."""
    for end_s in range(6 * HOUR_S, NOW_S + 1, 6 * HOUR_S):
        await commit_batch(store, a_batch([("1", end_s, end_s / 1e6), ("2", end_s, 0.05)], end_s + 60), NO_AREAS)
    await compact.compact(store, 5 * DAY_S)


def same(found: SeriesArrays, other: SeriesArrays) -> None:
    """Both are the same columns of the same series."""
    assert [row.series.uid for row in found.series] == [row.series.uid for row in other.series]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(other, name), err_msg=name)


async def truth(store: Store, from_s: int, to_s: int) -> SeriesArrays:
    """What a fresh process reads from the database alone: as known at the end of time."""
    other = await open_store(store.url, migrate=False)
    try:
        return await read.arrays(other, Filter(), from_s, to_s, as_of_s=2**40)
    finally:
        await other.close()


@pytest.mark.parametrize("from_s", [NOW_S - 7 * DAY_S, NOW_S - DAY_S + 17, NOW_S - 3 * DAY_S])
async def test_a_window_may_begin_anywhere(store: Store, from_s: int) -> None:
    await week(store)
    for to_s in (NOW_S, NOW_S + 1, NOW_S - HOUR_S, NOW_S + 90 * DAY_S):
        same(await read.arrays(store, Filter(), from_s, to_s), await truth(store, from_s, to_s))
        same(await read.arrays(store, Filter(), from_s, to_s), await truth(store, from_s, to_s))


@pytest.mark.parametrize("only_writer", [True, False])
async def test_what_is_kept_gives_way_to_every_commit(store: Store, *, only_writer: bool) -> None:
    await week(store)
    if only_writer:
        await store.become_collector()
    from_s, to_s = NOW_S - 7 * DAY_S, NOW_S + DAY_S
    changes = [
        a_batch([("1", NOW_S + HOUR_S, 1.0)], NOW_S + HOUR_S + 60),
        a_batch([("1", NOW_S - 6 * DAY_S, 2.0)], NOW_S + HOUR_S + 120),  # into a day that is packed
        a_batch([("3", NOW_S - 4 * DAY_S, 3.0)], NOW_S + HOUR_S + 180),  # before the window, of a new series
    ]
    for batch in changes:
        before = await read.arrays(store, Filter(), from_s, to_s)
        assert await read.arrays(store, Filter(), from_s, to_s) is before
        await commit_batch(store, batch, NO_AREAS)
        same(await read.arrays(store, Filter(), from_s, to_s), await truth(store, from_s, to_s))
    gone = {a_series("1").uid: (NOW_S - 6 * DAY_S, NOW_S)}
    await withdraw(store, a_batch([], NOW_S + 2 * HOUR_S), gone, "taken back")
    same(await read.arrays(store, Filter(), from_s, to_s), await truth(store, from_s, to_s))


async def test_what_another_process_commits_is_noticed(store: Store) -> None:
    await week(store)
    other = await open_store(store.url, migrate=False)
    from_s, to_s = NOW_S - 7 * DAY_S, NOW_S + DAY_S
    f = Filter(stations=frozenset({f"{FEED}:1"}))
    first = await read.arrays(store, f, from_s, to_s)
    for end_s in (NOW_S, NOW_S - 6 * DAY_S):
        await commit_batch(other, a_batch([("1", end_s, 7.0)], NOW_S + end_s), NO_AREAS)
        now = await read.arrays(store, f, from_s, to_s)
        assert now.value[now.end_s == end_s].tolist() == [7.0]
    assert len(now) == len(first)
    await other.close()


async def test_nobody_writes_into_what_is_shared(store: Store) -> None:
    await week(store)
    found = await read.arrays(store, Filter(), NOW_S - DAY_S, NOW_S + 1)
    with pytest.raises(ValueError, match="read-only"):
        found.value[0] = 1.0
