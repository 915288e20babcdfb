"""Rows that are made many at a time are those that are made one by one, and as frozen."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from store import read
from store.engine import Store
from store.rows import Filter
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch, readings


async def test_rows_made_many_at_a_time(store: Store) -> None:
    rows = [("1", 600, 0.5, 2), ("2", 600, 0.5, -1), ("1", 1200, None), ("2", 1200, 0.25, 3)]
    told = replace(readings(rows), texts={1: "5.0E-01"})
    await commit_batch(store, a_batch(harvest={"readings": told}), NO_AREAS)
    page = await read.observations(store, Filter(), 0, 2000)
    latest = {
        (row.observation.series_uid, row.observation.end_s): row.observation
        for row in await read.latest(store, Filter())
    }
    assert {(row.series_uid, row.end_s): row for row in page}.items() >= latest.items()
    assert [row.text for row in page] == ["0.50", "5.0E-01", "", "0.250"]
    assert hash(page[0]) == hash(replace(page[0]))
    with pytest.raises(FrozenInstanceError):
        page[0].value = 1.0  # type: ignore[misc]


async def test_series_are_told_as_last_heard_of_after_each_commit(store: Store) -> None:
    for received_s in (1000, 2000):
        await commit_batch(store, a_batch([("1", received_s - 400, 0.04)], received_s), NO_AREAS)
        for _ in range(2):
            found = await read.arrays(store, Filter(), 0, 10_000)
            assert [row.station.last_seen_s for row in found.series] == [received_s]
