"""The rehearsal: real feed files read the invented publishers without a refusal, and everything from it is marked as an exercise."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.settings import ApiSettings
from collector.fetch import Fetcher
from collector.pipeline import Pipeline
from collector.poll import Poller
from domain.clock import VirtualClock
from radcommons.rehearsal.clock import RehearsalClock
from radcommons.rehearsal.play import _LIMITS, AnySecret
from radcommons.rehearsal.publishers import Publishers
from radcommons.rehearsal.upstream import PREFIX, REHEARSED, as_exercise, upstream
from radcommons.rehearsal.world import HOUR_S, World, posts_in
from store import read
from store.engine import Store, open_store
from store.rows import Filter
from tests.radcommons import made

START_S = 1_786_700_400.0
PLUME_S = START_S + 30 * HOUR_S


@pytest.fixture(scope="module")
def world() -> World:
    return World(START_S, PLUME_S)


async def polled(store: Store, clock: VirtualClock, publishers: Publishers, times_s: list[float]) -> None:
    async def no_pause(_: float) -> None: ...

    async with upstream(publishers, clock) as address, Fetcher(_LIMITS, clock, secrets=AnySecret()) as fetcher:
        config = as_exercise(made.config(), address)
        poller = Poller(fetcher, Pipeline(store, config, clock), clock, sleep=no_pause)
        for time_s in times_s:
            clock.advance_to(time_s)
            for feed in config.feeds:
                await poller.poll(feed)


async def test_every_feed_is_read_without_a_refusal_and_marked_everywhere_until_one_dies(
    sqlite_copy: str, world: World
) -> None:
    store, clock = await open_store(sqlite_copy), VirtualClock(START_S)
    publishers = Publishers.of(world, made.config().geography, dies_s=START_S + 9 * HOUR_S)
    await polled(store, clock, publishers, [START_S + 6 * HOUR_S, START_S + 8 * HOUR_S])
    health = await read.feed_health(store)
    assert {feed: row.state.value for feed, row in health.items()} == dict.fromkeys(
        (PREFIX + feed for feed in REHEARSED), "ok"
    )
    assert not any(row.last_run and row.last_run.refused for row in health.values())
    await every_mark(store, clock)
    await polled(store, clock, publishers, [START_S + 9.5 * HOUR_S])
    assert (await read.feed_health(store))["exercise-hk-hko-gamma"].state.value == "blocked"
    await polled(store, clock, publishers, [START_S + 11 * HOUR_S])
    after = {feed: row.state.value for feed, row in (await read.feed_health(store)).items()}
    assert after.pop("exercise-hk-hko-gamma") == "unread"
    assert set(after.values()) == {"ok"}
    await store.close()


async def every_mark(store: Store, clock: VirtualClock) -> None:
    latest = await read.latest(store, Filter())
    assert {row.series.series.feed_id for row in latest} == {
        PREFIX + feed for feed in REHEARSED if "quakes" not in feed and "orbs" not in feed
    }
    assert all(row.series.station.exercise and row.series.series.uid.startswith(PREFIX) for row in latest)
    samples = await read.samples(store, Filter(), 0, 2**40)
    assert samples
    assert all(row.station.exercise for row in samples)
    app = create_app(store, as_exercise(made.config(), "http://127.0.0.1:9"), ApiSettings(), clock)
    async with TestClient(TestServer(app)) as client:
        for path in ("/v1/", "/v1/feeds", "/v1/latest?limit=3", "/v1/regions/JP-44/summary", "/v1/stations?limit=2"):
            answer = await (await client.get(path)).json()
            assert answer.get("exercise") or all(
                feed["exercise"] for feed in answer.get("feeds", [{"exercise": False}])
            ), path


def test_only_addresses_of_the_simulated_upstream_are_asked() -> None:
    config = as_exercise(made.config(), "http://127.0.0.1:1234")
    urls = [form.request.url for feed in config.feeds for form in feed.forms]
    assert len(config.feeds) == len(REHEARSED)
    assert all(url.startswith("http://127.0.0.1:1234/") for url in urls)
    assert all(feed.exercise and feed.namespace.startswith(PREFIX) for feed in config.feeds)


def test_it_rains_and_readings_rise_and_fade(world: World) -> None:
    posts = posts_in(made.config().geography, "JP-", 3)
    hours = np.arange(6, 27)
    doses = np.array([world.dose_nsv_h(posts, START_S + hour * HOUR_S) for hour in hours])
    rises = doses - posts.background_nsv_h
    assert 8 < rises.max() < 90
    assert np.quantile(rises, 0.3) < 2
    wet = world.rain_mm_h(posts.latitude_deg, posts.longitude_deg, START_S + 12 * HOUR_S)
    assert (wet == 0).any()
    assert (wet > 1).any()


def test_the_plume_is_small_local_and_passes(world: World) -> None:
    posts = posts_in(made.config().geography, "JP-", 3, crowded=("JP-43", "JP-44"))
    before, during, after = (world.dose_nsv_h(posts, PLUME_S + shift * HOUR_S) for shift in (-1.0, 1.0, 8.0))
    high = during - before > 100
    assert 3 <= high.sum() <= 25
    assert {posts.regions[i] for i in np.flatnonzero(high)} <= {"JP-40", "JP-43", "JP-44", "JP-45"}
    assert (after - before < 60).all()


def test_what_a_publisher_says_about_a_time_never_changes(world: World) -> None:
    posts = posts_in(made.config().geography, "TW-", 2)
    assert (world.dose_nsv_h(posts, PLUME_S) == world.dose_nsv_h(posts, PLUME_S)).all()


def test_the_fast_clock_catches_up_with_the_real_one_and_never_overtakes_it() -> None:
    real = VirtualClock(10_000.0)
    clock = RehearsalClock(real, 1_000.0)
    real.advance_to(11_000.0)
    assert clock.now_s() == 1_000.0
    clock.run(speed=60.0)
    seen = []
    for moment in (11_000.0, 11_010.0, 11_100.0, 11_500.0):
        real.advance_to(moment)
        seen.append(clock.now_s())
    assert seen == [1_000.0, 1_600.0, 7_000.0, 11_500.0]


async def test_a_stranger_is_not_answered(world: World) -> None:
    publishers = Publishers.of(world, made.config().geography, dies_s=PLUME_S)
    reply = await asyncio.to_thread(publishers.answer, "example.org", "/", {}, START_S)
    assert reply.status == 404
