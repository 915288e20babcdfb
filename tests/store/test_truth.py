"""Whatever comes in whatever order: the store answers as a naive list of versions would, at every moment, on both engines."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.readings import Batch
from store import maintenance, read
from store.compact import compact
from store.engine import Store, open_store
from store.rows import Filter, SeriesArrays
from store.verify import verify
from store.write import commit_batch, withdraw
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series

KEYS, ENDS, LAST_S = "abc", (0, 600, 86400, 86401, 90000), 9
_examples = itertools.count(1)

VALUES = st.sampled_from([0.04, 0.05, None])
ROWS = st.dictionaries(st.tuples(st.sampled_from(KEYS), st.sampled_from(ENDS)), VALUES, max_size=5)
#: One step: rows received at a moment, a step before it done again, or days that ended by then moved into packed history.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), ROWS, st.integers(0, LAST_S)),
        st.tuples(st.just("again"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("pack"), st.just(0), st.sampled_from([0, 86400, 3 * 86400])),
    ),
    max_size=8,
)  # fmt: skip

Told = tuple[int, int, float | None]  # received_s, number of the batch, value


@dataclass
class Naive:
    """For every key the versions ever told, in the order of knowledge."""

    lines: dict[tuple[str, int], list[Told]] = field(default_factory=dict)

    def take(self, rows: dict[tuple[str, int], float | None], received_s: int, number: int) -> int:
        """Take rows in; how many told something new."""
        return sum(self._place(key, (received_s, number, value)) for key, value in rows.items())

    def _place(self, key: tuple[str, int], version: Told) -> bool:
        line = self.lines.setdefault(key, [])
        before = [one for one in line if one[:2] <= version[:2]]
        after = line[len(before) :]
        if (before and before[-1][2] == version[2]) or (after and after[0][2] == version[2]):
            return False
        line.insert(len(before), version)
        return True

    def at(self, as_of_s: int | None) -> list[tuple[int, str, float | None]]:
        """What stood then, ordered by (end, key)."""
        found = []
        for (key, end_s), line in self.lines.items():
            known = [one for one in line if as_of_s is None or one[0] <= as_of_s]
            if known:
                found.append((end_s, key, known[-1][2]))
        return sorted(found, key=lambda row: row[:2])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, Store]]:
    """One store for all examples (each has stations of its own), on one loop."""
    from tests.databases import drop_postgres, fresh_postgres

    admin = request.getfixturevalue("postgres_server") if request.param == "postgresql" else ""
    url = fresh_postgres(admin) if admin else f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('truth') / 'store.db'}"
    with asyncio.Runner() as runner:
        store = runner.run(open_store(url))
        yield runner, store
        runner.run(store.close())
    if admin:
        drop_postgres(admin, url)


def batch_of(example: int, number: int, rows: dict[tuple[str, int], float | None], received_s: int) -> Batch:
    listed = [(f"{example}{key}", end_s, value) for (key, end_s), value in rows.items()]
    return a_batch(listed, received_s, url=f"https://x.example/{example}/{number}", run_s=10**6 + example)


async def shown(store: Store, f: Filter, as_of_s: int | None) -> list[tuple[int, str, float | None]]:
    rows = await read.observations(store, f, 0, 10**6, as_of_s=as_of_s, limit=1000)
    return [(row.end_s, row.series_uid.split(":")[1][-1], row.value) for row in rows]


def told(arrays: SeriesArrays) -> list[tuple[int, int, float | None]]:
    values = [None if math.isnan(value) else value for value in arrays.value.tolist()]
    return list(zip(arrays.index.tolist(), arrays.end_s.tolist(), values, strict=True))


async def pages_agree(store: Store, f: Filter, model: Naive) -> None:
    """Page by page the same rows come, whatever lies where."""
    found: list[tuple[int, str, float | None]] = []
    after: tuple[int, str] | None = None
    while page := await read.observations(store, f, 0, 10**6, after=after, limit=2):
        found += [(row.end_s, row.series_uid.split(":")[1][-1], row.value) for row in page]
        after = page[-1].end_s, page[-1].series_uid
    assert found == model.at(None)


async def agrees(store: Store, example: int, model: Naive) -> None:
    f = Filter(stations=frozenset(f"{FEED}:{example}{key}" for key in KEYS))
    for as_of_s in (None, -1, *sorted({one[0] for line in model.lines.values() for one in line})):
        expected = model.at(as_of_s)
        assert await shown(store, f, as_of_s) == expected
        newest = {key: (end_s, value) for end_s, key, value in expected}
        latest = await read.latest(store, f, as_of_s=as_of_s)
        assert {
            row.series.station.station.key[-1]: (row.observation.end_s, row.observation.value) for row in latest
        } == newest
    arrays = await read.arrays(store, f, 0, 10**6)
    assert [(end_s, value) for _, end_s, value in told(arrays)] == [
        (end_s, value) for end_s, key, value in sorted(model.at(None), key=lambda row: (row[1], row[0]))
    ]
    past = await read.arrays(store, f, 0, 10**6, as_of_s=LAST_S // 2)
    assert sorted((end_s, value is None) for _, end_s, value in told(past)) == sorted(
        (end_s, value is None) for end_s, _, value in model.at(LAST_S // 2)
    )
    await pages_agree(store, f, model)
    for (key, end_s), line in model.lines.items():
        versions = await read.versions(store, a_series(f"{example}{key}").uid, end_s, end_s + 1)
        assert [(row.observation.received_s, row.observation.value) for row in versions] == [
            (one[0], one[2]) for one in line
        ]
        ends = [row.observation.superseded_s for row in versions]
        assert ends == [row.observation.received_s for row in versions[1:]] + [None]
        assert len({row.observation.revision for row in versions}) == len(versions)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_the_store_agrees_with_a_list_of_versions(
    kept: tuple[asyncio.Runner, Store], steps: list[tuple[str, object, int]]
) -> None:
    runner, store = kept
    example, model, done = next(_examples), Naive(), []

    async def play() -> None:
        for kind, what, received_s in steps:
            if kind == "pack":
                await compact(store, received_s)
                continue
            if kind == "take":
                done.append((len(done), what, received_s))
            elif not done:
                continue
            number, rows, at_s = done[-1] if kind == "take" else done[what % len(done)]  # type: ignore[operator]
            tally = await commit_batch(store, batch_of(example, number, rows, at_s), NO_AREAS)  # type: ignore[arg-type]
            assert tally.stored + tally.revised == model.take(rows, at_s, number)  # type: ignore[arg-type]
            assert tally.stored + tally.revised + tally.unchanged == len(rows)  # type: ignore[arg-type]
        await agrees(store, example, model)
        assert (await verify(store)).flaws == ()  # whatever came in whatever order, an honest store is found honest

    runner.run(play())


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=VALUES, then=VALUES, gap_s=st.integers(0, 5), packed=st.booleans())
def test_withdrawals_end_a_reading_and_keep_it(
    kept: tuple[asyncio.Runner, Store], first: float | None, then: float | None, gap_s: int, packed: bool
) -> None:
    runner, store = kept
    example = next(_examples)
    f = Filter(stations=frozenset({f"{FEED}:{example}a"}))

    async def play() -> None:
        await commit_batch(store, batch_of(example, 0, {("a", 0): first}, 1), NO_AREAS)
        if packed:
            await compact(store, 86400)
        taken_back = batch_of(example, 1, {}, 1 + gap_s)
        await withdraw(store, taken_back, {a_series(f"{example}a").uid: (0,)}, "fault")
        assert await shown(store, f, None) == []
        assert await read.latest(store, f) == []
        await commit_batch(store, batch_of(example, 2, {("a", 0): then}, 2 + gap_s), NO_AREAS)
        assert await shown(store, f, None) == [(0, "a", then)]
        assert await shown(store, f, 1) == ([(0, "a", first)] if gap_s else [])

    runner.run(play())


def test_after_all_that_the_store_is_sound(kept: tuple[asyncio.Runner, Store]) -> None:
    runner, store = kept
    assert runner.run(maintenance.check(store)) == []
