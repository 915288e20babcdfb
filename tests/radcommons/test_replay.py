"""A replay is the whole pipeline on another clock: complete, repeatable, and deterministic to the byte."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from alerting.evaluate import Watcher
from api.app import create_app
from api.settings import ApiSettings
from collector.archive import ArchiveReader
from collector.pipeline import Pipeline
from collector.recover import recover
from collector.replay import FeedMatcher, Replay, Replayed, placed
from domain.clock import VirtualClock
from domain.readings import Answer
from store import maintenance, read
from store.engine import Store, open_store
from store.rows import Filter
from tests.radcommons import made

QUESTIONS = [
    "/v1/", "/v1/sources", "/v1/feeds", "/v1/feeds/jp-nra-ramis/runs?limit=50", "/v1/stations?limit=500", "/v1/latest?limit=2000",
    "/v1/samples?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&limit=200", "/v1/regions/JP-44/summary", "/v1/regions/KR-26/summary",
    "/v1/observations?from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z&limit=5000", "/readyz",
]  # fmt: skip


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.archive(tmp_path_factory.mktemp("made") / "archive", polls=3)


async def replayed(store: Store, folder: Path, *, alerts: bool = False) -> tuple[Replayed, VirtualClock]:
    clock, config = VirtualClock(), made.config()
    watcher = Watcher(store, config, clock) if alerts else None
    replay = Replay(Pipeline(store, config, clock), clock, moved=watcher.step if watcher else None)
    return await replay.run(ArchiveReader([folder])), clock


async def answers(store: Store, clock: VirtualClock) -> dict[str, bytes]:
    app = create_app(store, made.config(), ApiSettings(), clock)
    async with TestClient(TestServer(app)) as client:
        found = {}
        for question in QUESTIONS:
            response = await client.get(question)
            assert response.status in (200, 503), (question, await response.text())
            found[question] = await response.read()
    return found


async def test_the_same_archive_twice_gives_the_same_bytes_from_every_answer(captures: Path, tmp_path: Path) -> None:
    given = []
    for name in ("one", "two"):
        store = await open_store(f"sqlite+aiosqlite:///{tmp_path / name}.db")
        _, clock = await replayed(store, captures, alerts=True)
        given.append(await answers(store, clock))
        await store.close()
    assert given[0] == given[1]
    assert len(given[0]["/v1/latest?limit=2000"]) > 10_000


async def test_replaying_into_a_full_store_changes_nothing(store: Store, captures: Path) -> None:
    first, clock = await replayed(store, captures)
    before = await answers(store, clock)
    second, clock = await replayed(store, captures)
    assert await answers(store, clock) == before
    assert {feed: count.tally.stored for feed, count in second.feeds.items()} == dict.fromkeys(first.feeds, 0)
    assert await maintenance.check(store) == []


async def test_everything_of_every_feed_arrives(captures: Path, sqlite_copy: str) -> None:
    store = await open_store(sqlite_copy)
    result, _ = await replayed(store, captures)
    counted = {feed: (count.answers, count.runs, dict(count.states)) for feed, count in result.feeds.items()}
    assert counted["jp-nra-ramis"] == (12, 3, {"partial": 3})  # 282 of the 4,442 stations that the real feed has
    assert counted["kr-khnp-radiorate"] == (6, 3, {"partial": 3})
    assert counted["tw-nusc-gamma"] == (3, 3, {"ok": 3})
    assert counted["jp-orbs-sea"][:2] == (3, 3)
    assert not any(count.tally.refused for count in result.feeds.values())
    assert not result.of_no_feed
    found = await read.latest(
        store, Filter(feeds=frozenset({"jp-nra-ramis"}), quantities=frozenset({"air_dose_rate_as_published"}))
    )
    assert len(found) == 282
    assert not any(row.series.series.exercise for row in found)
    await store.close()


async def test_answers_that_reached_only_the_archive_are_recovered(
    captures: Path, sqlite_copy: str, tmp_path: Path
) -> None:
    store = await open_store(sqlite_copy)
    part = made.archive(tmp_path / "part", polls=3)
    index = (part / "captures.jsonl").read_text().splitlines(keepends=True)
    (part / "captures.jsonl").write_text("".join(index[:-7]))  # killed in the middle of the third poll
    await replayed(store, part)
    before = await maintenance.stats(store)
    await recover(store, made.config(), ArchiveReader([captures]))
    after = await maintenance.stats(store)
    assert after.rows["answers"] == len(ArchiveReader([captures]))
    assert after.rows["readings"] > before.rows["readings"]
    assert await maintenance.check(store) == []
    await store.close()


async def test_a_fresh_store_is_not_filled_from_an_old_archive_behind_the_operators_back(
    captures: Path, sqlite_copy: str
) -> None:
    store = await open_store(sqlite_copy)
    await recover(store, made.config(), ArchiveReader([captures]))
    assert (await maintenance.stats(store)).rows["answers"] == 0
    await store.close()


def answer(url: str, at_s: float) -> Answer:
    return Answer("", "GET", url, at_s, at_s, 200)


def test_captures_are_grouped_into_the_polls_that_made_them() -> None:
    config = made.config()
    a, b = made.RAMIS[:2]
    stranger = "https://elsewhere.example/x"
    asked = [(a, 0), (stranger, 0), (b, 2), (made.TAIWAN[0], 3), (a, 300), (b, 302), (b, 400), (a, 1100), (b, 1101)]
    strangers: Counter[str] = Counter()
    found = placed([answer(url, float(at)) for url, at in asked], FeedMatcher(config), strangers)
    ramis = [(one.position, one.opens, one.ends) for one in found if one.feed.id == "jp-nra-ramis"]
    assert ramis == [
        (0, True, False), (2, False, True), (4, True, False), (5, False, True), (6, True, True), (7, True, False), (8, False, True),
    ]  # fmt: skip
    assert strangers == {"https://elsewhere.example": 1}


async def test_the_clock_moves_between_captures_so_that_silence_is_noticed(sqlite_copy: str, tmp_path: Path) -> None:
    store = await open_store(sqlite_copy)
    seen: list[float] = []
    clock = VirtualClock()

    async def look() -> None:
        seen.append(clock.now_s() - made.START_S)

    folder = made.archive(tmp_path / "sparse", polls=2, step_s=3600, urls=made.TAIWAN)
    await Replay(Pipeline(store, made.config(), clock), clock, moved=look, tick_s=600).run(ArchiveReader([folder]))
    assert seen == [0, 600, 1200, 1800, 2400, 3000, 3600]
    await store.close()


async def test_archives_that_lie_years_apart_take_a_bounded_number_of_looks(sqlite_copy: str, tmp_path: Path) -> None:
    store = await open_store(sqlite_copy)
    looks: list[float] = []
    clock = VirtualClock()

    async def look() -> None:
        looks.append(clock.now_s())

    twelve_years = 12 * 365 * 86_400
    folder = made.archive(tmp_path / "years", polls=2, step_s=twelve_years, urls=made.TAIWAN)
    await Replay(Pipeline(store, made.config(), clock), clock, moved=look, tick_s=600).run(ArchiveReader([folder]))
    assert len(looks) <= 302
    assert clock.now_s() == made.START_S + twelve_years
    await store.close()
