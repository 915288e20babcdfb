"""Roll-ups are what a full recompute says, whatever was refreshed, packed, corrected or taken back since."""

from __future__ import annotations

import asyncio
import itertools
import math
import struct
from typing import Any
from unittest import mock

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.flags import UNFIT, Qc
from domain.readings import Batch
from domain.states import CENSORING_CODES, Censoring
from store import read, rollup_rows
from store.bucketing import hours_and_days
from store.compact import compact
from store.engine import Store
from store.rollup_rows import days_of, decoded, encoded, without_hours
from store.rollups import refresh
from store.rows import BucketRow
from store.write import commit_batch, withdraw
from tests.store.builders import NO_AREAS, a_batch, a_series, readings
from tests.store.test_truth import kept

__all__ = ["kept"]

HOUR_S, DAY_S = 3600, 86400
BELOW = CENSORING_CODES.index(Censoring.BELOW)
_examples = itertools.count(10**6)
#: value, censoring, qc
TOLD = st.tuples(
    st.one_of(st.none(), st.decimals(0, 1, places=3).map(float), st.floats(-1e12, 1e12, allow_subnormal=False)),
    st.sampled_from([0, 0, 0, BELOW]), st.sampled_from([0, 0, 0, int(Qc.STUCK), int(Qc.SPIKE)]),
)  # fmt: skip
ENDS = st.sampled_from([0, 1, 600, 3600, 3601, 7200, 86399, 86400, 86401, 90000, 172800, 180000])
ROWS = st.dictionaries(st.tuples(st.sampled_from("ab"), ENDS), TOLD, min_size=1, max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), ROWS),
        st.tuples(st.just("pack"), st.integers(0, 3 * DAY_S)),
        st.tuples(st.just("refresh"), st.integers(1, 5)),
        st.tuples(st.just("withdraw"), ENDS),
    ),
    max_size=7,
)  # fmt: skip
Standing = dict[tuple[str, int], tuple[float | None, int, int]]


def batch_of(example: int, number: int, rows: Standing) -> Batch:
    listed = [(f"{example}{key}", end_s, told[0]) for (key, end_s), told in rows.items()]
    columns = {"censoring": np.array([told[1] for told in rows.values()], dtype=np.int8),
               "qc": np.array([told[2] for told in rows.values()], dtype=np.int64)}  # fmt: skip
    harvest: dict[str, Any] = {"readings": readings(listed, **columns)} if listed else {}
    return a_batch(
        listed, number + 1, url=f"https://x.example/{example}/{number}", run_s=10**6 + example, harvest=harvest
    )


def naive(standing: Standing, key: str, step_s: int) -> list[tuple[Any, ...]]:
    """Begin, counts and numbers of every bucket, value by value."""
    found: dict[int, list[tuple[float | None, int, int]]] = {}
    for (one, end_s), told in standing.items():
        if one == key:
            found.setdefault((end_s - 1) // step_s * step_s, []).append(told)
    made = []
    for begin_s, told_here in sorted(found.items()):
        censored = sum(told[1] == BELOW for told in told_here)
        fit = [told[0] for told in told_here if told[0] is not None and told[1] != BELOW and not told[2] & int(UNFIT)]
        unfit = len(told_here) - censored - len(fit)
        numbers = (
            [min(fit), max(fit), math.fsum(fit) / len(fit), *np.quantile(fit, [0.05, 0.25, 0.5, 0.75, 0.95])]
            if fit
            else []
        )
        made.append((begin_s, len(fit), censored, unfit, numbers))
    return made


def assert_is(row: BucketRow, expected: tuple[Any, ...], scale: float) -> None:
    assert (row.begin_s, row.count, row.censored, row.unfit) == expected[:4]
    numbers = [row.minimum, row.maximum, row.mean, row.p05, row.p25, row.p50, row.p75, row.p95]
    if not expected[4]:
        assert numbers == [None] * 8
        return
    assert numbers[:2] == expected[4][:2]
    assert numbers == pytest.approx(expected[4], rel=1e-12, abs=scale * 1e-12)


async def agrees(store: Store, example: int, standing: Standing, before: Standing, as_of_s: int | None) -> None:
    for key, (name, step_s) in itertools.product("ab", (("1h", HOUR_S), ("1d", DAY_S))):
        uid = a_series(f"{example}{key}").uid
        for state, at_s in ((standing, None), (before, as_of_s)):
            if state is before and at_s is None:
                continue
            rows = await read.buckets(store, [uid], -DAY_S, 10 * DAY_S, name, as_of_s=at_s)
            scale = max((abs(told[0]) for told in state.values() if told[0] is not None), default=1.0)
            expected = naive(state, key, step_s)
            assert [row.begin_s for row in rows] == [one[0] for one in expected]
            for row, one in zip(rows, expected, strict=True):
                assert_is(row, one, scale)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, few=st.sampled_from([2, rollup_rows.FEW]))
def test_they_are_what_a_full_recompute_says(
    kept: tuple[asyncio.Runner, Store], steps: list[tuple[str, Any]], few: int
) -> None:
    runner, store = kept
    example = next(_examples)
    standing: Standing = {}
    history: dict[int, Standing] = {0: {}}

    async def play() -> None:
        number = 0
        for kind, what in steps:
            if kind == "take":
                number += 1
                await commit_batch(store, batch_of(example, number, what), NO_AREAS)
                for key, told in what.items():
                    before = standing.get(key)
                    if before is None or before[:2] != told[:2]:  # flags alone are no revision
                        standing[key] = told
            elif kind == "withdraw":
                number += 1
                if ("a", what) in standing:
                    await withdraw(store, batch_of(example, number, {}), {a_series(f"{example}a").uid: (what,)}, "")
                    del standing["a", what]
            elif kind == "pack":
                await compact(store, what)
            else:
                await refresh(store, what, until_s=10 * DAY_S)
            history[number + 1] = dict(standing)
        at = sorted(history)[len(history) // 2]
        await agrees(store, example, standing, history[at], at if number else None)
        await refresh(store, until_s=10 * DAY_S)
        await agrees(store, example, standing, {}, None)

    with mock.patch.object(rollup_rows, "FEW", few):
        runner.run(play())


def columns_of(rows: list[tuple[int, int, tuple[float | None, int, int]]]) -> tuple[Any, ...]:
    return (
        np.array([row[0] for row in rows], dtype=np.int64), np.array([row[1] for row in rows], dtype=np.int64),
        np.array([np.nan if row[2][0] is None else row[2][0] for row in rows], dtype=np.float64),
        np.array([row[2][1] for row in rows], dtype=np.int8), np.array([row[2][2] for row in rows], dtype=np.int64),
    )  # fmt: skip


LISTED = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-200_000, 200_000), TOLD), max_size=40, unique_by=lambda row: row[:2]
).map(sorted)


@settings(deadline=None)
@given(LISTED)
def test_a_row_gives_back_the_numbers_to_the_bit(rows: list[tuple[int, int, tuple[float | None, int, int]]]) -> None:
    days = days_of(*hours_and_days(*columns_of(rows)))
    with mock.patch.object(rollup_rows, "FEW", 3):
        told = encoded(days)
        few = days.counts[:, -1].sum(axis=1) <= 3
    back = decoded(days.series, days.day, told)
    assert back.counts[~few].tobytes() == days.counts[~few].tobytes()
    np.testing.assert_array_equal(back.measures[~few], days.measures[~few])
    assert back.counts[:, -1].tobytes() == days.counts[:, -1].tobytes()
    np.testing.assert_array_equal(back.measures[:, -1], days.measures[:, -1])
    raw = np.array([row[0] == 0xFF for row in told], dtype=bool)
    assert (np.array(without_hours(told), dtype=bool) == (few & ~raw)).all()


@settings(deadline=None)
@given(LISTED, st.integers(0, 3))
def test_numbers_do_not_depend_on_what_else_is_computed(
    rows: list[tuple[int, int, tuple[float | None, int, int]]], series: int
) -> None:
    every, alone = columns_of(rows), columns_of([row for row in rows if row[0] == series])
    for together, one in zip(hours_and_days(*every), hours_and_days(*alone), strict=True):
        own = together.series == series
        np.testing.assert_array_equal(together.begin_s[own], one.begin_s)
        np.testing.assert_array_equal(together.counts[own], one.counts)
        np.testing.assert_array_equal(together.measures[own], one.measures)


def test_a_row_of_an_older_program_is_read() -> None:
    columns = columns_of([(1, 600 * i, (round(0.04 + i % 7 / 1000, 3), 0, 0)) for i in range(1, 145)])
    days = days_of(*hours_and_days(*columns))
    whole = np.rint(np.nan_to_num(days.measures[0]).T * 1e5).astype(np.int64)
    least = int(whole.min())
    planes = [
        np.ascontiguousarray(one.astype("<u4")).view(np.uint8).reshape(-1, 4).T.tobytes()
        for one in (days.counts[0].T, whole - least)
    ]
    row = struct.pack("<bq", 5, least) + zstandard.ZstdCompressor().compress(b"".join(planes))
    back = decoded(days.series, days.day, [row])
    np.testing.assert_array_equal(back.measures, days.measures)
    assert not without_hours([row])[0]


async def test_marks_stay_until_a_day_is_finished(sqlite_store: Store) -> None:
    await commit_batch(sqlite_store, a_batch([("1", 600, 0.04), ("1", DAY_S + 600, 0.05)], DAY_S + 1000), NO_AREAS)
    assert await refresh(sqlite_store) == 0
    await commit_batch(sqlite_store, a_batch([("2", DAY_S + 600, 0.05)], DAY_S + 3 * HOUR_S), NO_AREAS)
    assert await refresh(sqlite_store) == 1
    assert await refresh(sqlite_store) == 0
    (row,) = await read.buckets(sqlite_store, [a_series("2").uid], DAY_S, 2 * DAY_S, "1d")
    assert (row.begin_s, row.mean) == (DAY_S, 0.05)


async def test_only_the_buckets_of_the_window_come_and_they_come_whole(sqlite_store: Store) -> None:
    await commit_batch(
        sqlite_store, a_batch([("1", end_s, 1.0) for end_s in range(600, 4 * HOUR_S + 1, 600)], 10**6), NO_AREAS
    )
    for _ in range(2):
        rows = await read.buckets(sqlite_store, [a_series("1").uid, "unknown"], HOUR_S + 1200, 2 * HOUR_S + 601, "1h")
        assert [(row.begin_s, row.count) for row in rows] == [(HOUR_S, 6), (2 * HOUR_S, 6)]
        await refresh(sqlite_store)
