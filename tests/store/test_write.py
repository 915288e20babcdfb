"""What a committed batch leaves behind, on both engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.readings import Sample, SampleResult, StationMark
from domain.reasons import Refusal
from domain.states import Censoring, FeedState
from store import read
from store.engine import Store, open_store
from store.rows import Filter
from store.write import commit_batch, finish_run, withdraw
from tests.databases import server_version
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series, a_station, readings

ALL = Filter()


async def everything(store: Store, **asked: object) -> list[tuple[str, int, float | None, int]]:
    rows = await read.observations(store, ALL, -(10**9), 10**10, limit=10_000, **asked)  # type: ignore[arg-type]
    return [(row.series_uid.split(":")[1], row.end_s, row.value, row.revision) for row in rows]


def test_postgresql_is_really_used(postgres_server: str) -> None:
    version = server_version(postgres_server)
    print(f"PostgreSQL {version}")
    assert int(version.split(".")[0]) >= 15


async def test_a_batch_is_stored_and_read_back(store: Store) -> None:
    tally = await commit_batch(
        store, a_batch([("2", 600, 0.05), ("1", 600, 0.041), ("1", 0, None)]), {f"{FEED}:1": ("JP-07", "sea-east")}
    )
    assert (tally.read, tally.stored, tally.unchanged, tally.revised) == (3, 3, 0, 0)
    rows = await read.observations(store, ALL, 0, 601)
    assert [(row.end_s, row.series_uid.split(":")[1], row.value, row.text) for row in rows] == [
        (0, "1", None, ""),
        (600, "1", 0.041, "0.041"),
        (600, "2", 0.05, "0.050"),
    ]
    assert rows[0].received_s == 1000
    assert rows[0].sha256 == f"{1000:064x}"
    found = await read.station(store, f"{FEED}:1")
    assert found is not None
    assert found.areas == ("JP-07", "sea-east")
    assert found.last_seen_s == 1000


async def test_the_same_batch_again_changes_nothing(store: Store) -> None:
    batch = a_batch([("1", 0, 0.04), ("1", 600, 0.05), ("2", 0, None)])
    await commit_batch(store, batch, NO_AREAS)
    tally = await commit_batch(store, batch, NO_AREAS)
    assert (tally.stored, tally.unchanged, tally.revised) == (0, 3, 0)
    run = await read.run(store, batch.run_uid)
    assert run is not None
    assert (run.read, run.stored, run.unchanged, len(run.answers)) == (3, 3, 0, 1)


async def test_a_changed_value_becomes_a_revision(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04), ("2", 0, 0.06)], 1000), NO_AREAS)
    tally = await commit_batch(store, a_batch([("1", 0, 0.05), ("2", 0, 0.06)], 2000), NO_AREAS)
    assert (tally.stored, tally.unchanged, tally.revised) == (0, 1, 1)
    assert await everything(store) == [("1", 0, 0.05, 2), ("2", 0, 0.06, 1)]
    assert await everything(store, as_of_s=1999) == [("1", 0, 0.04, 1), ("2", 0, 0.06, 1)]
    assert await everything(store, as_of_s=999) == []
    history = await read.versions(store, a_series("1").uid, 0, 1)
    assert [(row.observation.revision, row.observation.superseded_s, row.reason) for row in history] == [
        (1, 2000, "corrected"),
        (2, None, ""),
    ]


async def test_the_published_text_counts_as_content(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.4, 1)], 1000), NO_AREAS)
    tally = await commit_batch(store, a_batch([("1", 0, 0.4, 2)], 2000), NO_AREAS)
    assert tally.revised == 1
    kept = replace(readings([("1", 600, 0.5, -1)]), texts={0: "5.0E-01"})
    await commit_batch(store, a_batch(received_s=3000, harvest={"readings": kept}), NO_AREAS)
    assert [row.text for row in await read.observations(store, ALL, 0, 1000)] == ["0.40", "5.0E-01"]


async def test_an_older_archive_never_displaces_newer_knowledge(store: Store) -> None:
    first, second = a_batch([("1", 0, 0.04)], 1000), a_batch([("1", 0, 0.05)], 2000)
    await commit_batch(store, first, NO_AREAS)
    await commit_batch(store, second, NO_AREAS)
    for batch in (first, second, first):
        assert (await commit_batch(store, batch, NO_AREAS)).unchanged == 1
    between = await commit_batch(store, a_batch([("1", 0, 0.07)], 1500), NO_AREAS)
    assert between.revised == 1
    shown = {t: (await everything(store, as_of_s=t))[0][2] for t in (1000, 1499, 1500, 1999, 2000)}
    assert shown == {1000: 0.04, 1499: 0.04, 1500: 0.07, 1999: 0.07, 2000: 0.05}


async def test_one_key_twice_in_a_payload(store: Store) -> None:
    tally = await commit_batch(store, a_batch([("1", 0, 0.04), ("1", 0, 0.04), ("1", 0, 0.09)]), NO_AREAS)
    assert (tally.stored, tally.unchanged) == (1, 1)
    assert tally.refused == {"contradicts_in_payload": 1}
    assert await everything(store) == [("1", 0, 0.04, 1)]


async def test_a_changed_unit_is_refused_and_the_past_keeps_its_meaning(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04)], 1000), NO_AREAS)
    wrong = replace(readings([("1", 600, 40.0)]), series=(a_series("1", unit="nSv/h"),))
    tally = await commit_batch(store, a_batch(received_s=2000, harvest={"readings": wrong}), NO_AREAS)
    assert tally.refused == {"unknown_unit": 1}
    assert await everything(store) == [("1", 0, 0.04, 1)]


async def test_withdrawn_and_back_again(store: Store) -> None:
    await commit_batch(store, a_batch([("1", 0, 0.04), ("1", 600, 0.05)], 1000), NO_AREAS)
    await withdraw(store, a_batch(received_s=2000), {a_series("1").uid: (600,)}, "instrument fault")
    assert await everything(store) == [("1", 0, 0.04, 1)]
    assert len(await everything(store, as_of_s=1500)) == 2
    assert [row.observation.end_s for row in await read.latest(store, ALL)] == [0]
    assert (await commit_batch(store, a_batch([("1", 600, 0.05)], 1200), NO_AREAS)).unchanged == 1
    await commit_batch(store, a_batch([("1", 600, 0.06)], 3000), NO_AREAS)
    assert (await everything(store))[-1] == ("1", 600, 0.06, 2)


async def test_jitter_does_not_move_a_station_and_blanks_erase_nothing(store: Store) -> None:
    at = a_station("1", latitude_deg=35.1, longitude_deg=129.0, position_origin="published", names=(("ko", "부산"),))
    for received_s, latitude in ((1000, 35.1), (1600, 35.10004), (2200, None)):
        harvest = {"stations": (replace(at, latitude_deg=latitude, names=at.names if latitude else ()),)}
        await commit_batch(store, a_batch(received_s=received_s, harvest=harvest), NO_AREAS)
    row = await read.station(store, at.uid)
    assert row is not None
    assert row.station == at
    await commit_batch(
        store, a_batch(received_s=3000, harvest={"stations": (replace(at, latitude_deg=35.2),)}), NO_AREAS
    )
    row = await read.station(store, at.uid)
    assert row is not None
    assert row.station.latitude_deg == 35.2


async def test_marks_are_run_length(store: Store) -> None:
    uid = f"{FEED}:9"
    for received_s, marks in (
        (1000, (StationMark(uid, "missing"),)),
        (1600, (StationMark(uid, "missing"),)),
        (2200, ()),
    ):
        await commit_batch(
            store, a_batch(received_s=received_s, harvest={"marks": marks, "marks_complete": True}), NO_AREAS
        )
        row = await read.station(store, uid)
        assert row is not None
        assert row.mark == ("missing" if marks else "")
    async with store.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT first_seen_s, last_seen_s, open FROM station_marks")).all()
    assert [tuple(row) for row in rows] == [(1000, 2200, False)]


def a_sample(value: float, uid: str = "s1") -> Sample:
    result = SampleResult(
        "r1",
        f"{FEED}:1:x:sea_water:Cs-137",
        "Cs-137",
        "activity_concentration_in_water",
        "Bq/L",
        value,
        Censoring.BELOW,
        limit=0.001,
        text="0.0011",
        limit_text="約9",
        uncertainty=0.1,
        uncertainty_kind="not_stated",
        coverage_factor=2.0,
    )
    return Sample(
        uid, f"{FEED}:1", "sea_water", 0, 60, "2026/7/6 8:11", "minute", "Asia/Tokyo", True, results=(result,)
    )


async def test_samples_keep_their_revisions(store: Store) -> None:
    series = a_series("1", "activity_concentration_in_water", unit="Bq/L", analyte="Cs-137", medium="sea_water")
    series = replace(series, uid=f"{FEED}:1:x:sea_water:Cs-137")
    for received_s, value in ((1000, 1.0), (2000, 1.0), (3000, 2.0), (3000, 1.0)):
        harvest = {"stations": (a_station("1"),), "series": (series,), "samples": (a_sample(value),)}
        batch = a_batch(received_s=received_s if value == 2.0 else min(received_s, 2000), harvest=harvest)
        await commit_batch(store, batch, NO_AREAS)
    rows = await read.samples(store, Filter(media=frozenset({"sea_water"})), 0, 100)
    assert [(row.sample, row.revision) for row in rows] == [(a_sample(2.0), 2)]
    assert [row.sample for row in await read.samples(store, ALL, 0, 100, as_of_s=2500)] == [a_sample(1.0)]
    assert [row.revision for row in await read.sample_history(store, "s1")] == [1, 2]
    assert [row.series.uid for row in await read.series_list(store, ALL)] == [series.uid]


async def test_runs_and_clocks(store: Store) -> None:
    good = a_batch([("1", 0, 0.04)], 1000)
    await commit_batch(store, good, NO_AREAS)
    await finish_run(store, good.run_uid, 1010, FeedState.OK, "")
    bad = a_batch(received_s=1600)
    bad = replace(bad, answer=replace(bad.answer, status=0, sha256="", failure=Refusal.TIMEOUT, failure_detail="30 s"))
    await commit_batch(store, bad, NO_AREAS)
    await finish_run(store, bad.run_uid, 1610, FeedState.UNREAD, "timeout")
    health = (await read.feed_health(store))[FEED]
    assert (health.state, health.cause, health.last_try_s, health.last_success_s, health.last_new_s) == (
        FeedState.UNREAD,
        "timeout",
        1610,
        1000,
        1000,
    )
    assert health.last_run is not None
    assert health.last_run.uid == bad.run_uid
    assert [run.state for run in await read.runs(store, FEED)] == [FeedState.UNREAD, FeedState.OK]
    await finish_run(store, f"{FEED}@1970-01-01T01:00:00+00:00", 3700, FeedState.BLOCKED, "no key")
    assert (await read.runs(store, FEED))[0].started_s == 3600


async def test_latest_and_arrays(store: Store) -> None:
    await commit_batch(store, a_batch([("b", 0, 1.0), ("a", 600, 2.0), ("a", 0, 3.0)], 1000), NO_AREAS)
    await commit_batch(store, a_batch([("a", 1200, 4.0), ("b", 0, 9.0)], 2000), NO_AREAS)
    assert [(row.series.station.station.key, row.observation.value) for row in await read.latest(store, ALL)] == [
        ("a", 4.0),
        ("b", 9.0),
    ]
    assert [row.observation.value for row in await read.latest(store, ALL, as_of_s=1000)] == [2.0, 1.0]
    assert [row.observation.value for row in await read.latest(store, Filter(stations=frozenset({f"{FEED}:b"})))] == [
        9.0
    ]
    found = await read.arrays(store, ALL, 0, 1200)
    assert [row.series.uid.split(":")[1] for row in found.series] == ["a", "b"]
    assert found.index.tolist() == [0, 0, 1]
    assert np.array_equal(found.value, [3.0, 2.0, 9.0])
    assert found.received_s.tolist() == [1000, 1000, 2000]
    assert (await read.arrays(store, [], 0, 1200)).series == ()


async def test_pages_walk_everything_once(store: Store) -> None:
    await commit_batch(store, a_batch([(key, end_s, 1.0) for key in "dbac" for end_s in (0, 600)]), NO_AREAS)
    seen: list[tuple[int, str]] = []
    while page := await read.observations(store, ALL, 0, 601, after=seen[-1] if seen else None, limit=3):
        seen += [(row.end_s, row.series_uid) for row in page]
    assert seen == sorted(seen)
    assert len(set(seen)) == 8


async def test_a_failed_commit_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("store.write._record", broken)
        with pytest.raises(OSError, match="disk full"):
            await commit_batch(store, a_batch([("1", 0, 0.04)]), NO_AREAS)
    assert await read.stations(store, ALL) == []
    assert (await commit_batch(store, a_batch([("1", 0, 0.04)]), NO_AREAS)).stored == 1


async def test_another_process_sees_what_was_committed(store: Store) -> None:
    other = await open_store(store.url)
    try:
        await commit_batch(store, a_batch([("1", 0, 0.04)], 1000), NO_AREAS)
        assert len(await read.latest(other, ALL)) == 1
        tally = await commit_batch(other, a_batch([("1", 0, 0.04), ("2", 0, 0.1)], 2000), NO_AREAS)
        assert (tally.stored, tally.unchanged) == (1, 1)
        assert len(await read.latest(store, ALL)) == 2
    finally:
        await other.close()


async def test_memory_of_recent_hours_follows_every_process(store: Store) -> None:
    other = await open_store(store.url)
    f = Filter()

    async def both() -> list[list[float]]:
        return [(await read.arrays(one, f, 0, 10_000)).value.tolist() for one in (store, other)]

    try:
        await commit_batch(store, a_batch([(str(i), 600, 1.0) for i in range(100)], 1000), NO_AREAS)
        assert await both() == [[1.0] * 100] * 2
        await commit_batch(store, a_batch([("5", 1200, 2.0), ("5", 600, 3.0)], 2000), NO_AREAS)
        assert [sum(values) for values in await both()] == [104.0, 104.0]
        await commit_batch(other, a_batch([("7", 600, 11.0)], 3000), NO_AREAS)
        assert [sum(values) for values in await both()] == [114.0, 114.0]
        await commit_batch(other, a_batch([("7", 600, 12.0)], 3500), NO_AREAS)
        tally = await commit_batch(store, a_batch([("7", 600, 11.0)], 3600), NO_AREAS)
        assert tally.revised == 1
        tally = await commit_batch(store, a_batch([("7", 600, 11.0), ("8", 600, 1.0)], 4000), NO_AREAS)
        assert (tally.unchanged, tally.revised) == (2, 0)
        await withdraw(store, a_batch(received_s=5000), {a_series("7").uid: (600,)}, "fault")
        assert [sum(values) for values in await both()] == [103.0, 103.0]
        assert [len(await read.latest(one, f)) for one in (store, other)] == [99, 99]
    finally:
        await other.close()
