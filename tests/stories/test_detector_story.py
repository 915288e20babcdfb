"""The life of a detector's alert on a fake clock: every move of it, kills between any two steps, and the same step made again."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from alerting.records import Account, decoded
from analysis.detect_watch import Watch, digest_of, verdict_of
from domain.clock import VirtualClock
from specs.rule import DetectorNumbers, DetectorRule
from store import alerts, detector_states
from store.engine import open_store
from tests.stories.world import QUANTITY, RULES, STEP_S, T0, FakeConfig, World, feed

RULE = "test-detector"
HIGH = 160.0  # nobody measures rain here, so a shower is allowed for


def rules(**numbers):
    title = {"en": "Rise", "ja": "上昇", "ko": "상승", "zh": "升高"}
    rule = DetectorRule(
        id=RULE, version=1, kind="detector", title=title, quantities=(QUANTITY,), feeds=("jp-test",),
        parameters=DetectorNumbers(gauge_feeds=("jp-rain",), **numbers),
    )  # fmt: skip
    return (rule, *RULES)


def detecting(world, **numbers):
    world.config = FakeConfig(feeds=(feed("jp-test"),), rules=rules(**numbers))
    world.restart()
    return world


async def past(world, polls=54):
    """Enough polls for 48 readings of every station, twenty minutes apart; the watcher works now and then."""
    for number in range(polls):
        world.clock.advance_to(world.now + STEP_S)
        await world.poll(watch=number % 20 == 19)
    await world.watch()
    await settle(world)


@pytest.fixture(scope="session")
def with_a_past(tmp_path_factory):
    """A store file with the past in it, and the clock's time then: made once, copied for every test."""
    path = tmp_path_factory.mktemp("past") / "past.db"

    async def make():
        store = await open_store(f"sqlite+aiosqlite:///{path}")
        world = detecting(World(store, VirtualClock(float(T0))))
        await past(world)
        await store.close()
        return world.now

    return path, asyncio.run(make())


@pytest.fixture
async def world(with_a_past, tmp_path):
    """The small country after that past, a detector watching."""
    world, store = await copied(with_a_past, tmp_path / "w.db")
    yield world
    await store.close()


async def copied(with_a_past, path, **numbers):
    made, now_s = with_a_past
    shutil.copyfile(made, path)
    store = await open_store(f"sqlite+aiosqlite:///{path}")
    return detecting(World(store, VirtualClock(float(now_s))), **numbers), store


async def settle(world):
    """The minute that the watcher gives to batches on their way."""
    world.clock.advance_to(world.now + 61)
    await world.watch()


async def polled(world, values=None, **more):
    await world.poll(values, **more)
    await settle(world)


async def story(world):
    return [kind for kind, _ in await world.story(RULE)]


async def test_a_rise_is_unverified_grows_fires_and_ends_on_readings(world):
    assert await world.alerts(RULE) == []
    for _ in range(2):
        await polled(world, {"s1": HIGH})
    assert await story(world) == ["unverified"]
    (alert,) = await world.alerts(RULE)
    assert (alert.areas, alert.exercise, alert.level.value) == (("JP-18",), False, "unverified")
    up = dict.fromkeys(("s1", "s2", "s3"), HIGH)
    await polled(world, up)
    assert await story(world) == ["unverified", "firing"]
    await polled(world)
    assert (await story(world))[-1] == "firing"
    for _ in range(2):
        await polled(world)
    assert await story(world) == ["unverified", "firing", "resolved"]
    (alert,) = await world.alerts(RULE)
    events = await alerts.events(world.store, alert.uid, evidence=True)
    newer = [row for row in events[-1].evidence if row.value is not None and row.value < 60]
    assert len({row.series_uid for row in newer}) >= 2
    assert await world.alerts() == []  # the plain rule leaves these series to the detector


async def test_a_feed_that_a_detector_watches_is_kept_as_published_from_the_first_step_on(world):
    assert "jp-test" in world.watcher.history.watched
    world.restart()
    assert "jp-test" in world.watcher.history.watched


async def test_silence_makes_stale_and_only_readings_end_it(world):
    for _ in range(2):
        await polled(world, {"s1": HIGH})
    others = [key for key in world.stations if key != "s1"]
    for _ in range(17):
        await polled(world, only=others)
    assert await story(world) == ["unverified", "stale"]
    await polled(world, {"s1": HIGH})
    assert await story(world) == ["unverified", "stale", "returned"]
    await world.silence(5 * 3600, every=1800)
    assert (await story(world))[-1] == "stale"
    for _ in range(3):
        await polled(world)
    assert (await story(world))[-1] == "resolved"
    assert (await story(world)).count("resolved") == 1


async def test_a_correction_cancels_and_what_the_detector_still_holds_is_no_news(world):
    await polled(world, {"s1": HIGH})
    await polled(world, {"s1": HIGH})
    (alert,) = await world.alerts(RULE)
    ends = [row.end_s for row in (await alerts.events(world.store, alert.uid, evidence=True))[0].evidence]
    for end in ends:
        await world.correct("s1", end, 50.0)
    assert (await story(world))[-1] == "cancelled"
    for _ in range(4):
        await polled(world)
    assert (await story(world)).count("unverified") == 1


async def test_a_smaller_correction_amends(world):
    await polled(world, {"s1": HIGH})
    await polled(world, {"s1": HIGH})
    (alert,) = await world.alerts(RULE)
    (event,) = await alerts.events(world.store, alert.uid, evidence=True)
    await world.correct("s1", event.evidence[-1].end_s, 150.0)
    assert await story(world) == ["unverified", "amended"]
    for _ in range(3):
        await polled(world)
    assert (await story(world))[-1] == "resolved"


@pytest.mark.parametrize("state_polls", [5])
async def test_killed_at_any_poll_it_goes_on_as_if_nothing_had_been(world, state_polls):
    detecting(world, state_polls=state_polls)
    up = [{}, {"s1": HIGH}, {"s1": HIGH}, {"s1": HIGH, "s2": HIGH, "s3": HIGH}, {}, {}, {}, {}]
    for values in up:
        world.restart()
        await world.poll(values)
        world.restart()
        await settle(world)
    assert await story(world) == ["unverified", "firing", "resolved"]


async def test_the_step_of_every_event_is_made_again_byte_for_byte(world):
    for values in ({"s1": HIGH}, {"s1": HIGH}, {"s1": HIGH, "s2": HIGH, "s3": HIGH}, {}, {}, {}):
        await polled(world, values)
    (alert,) = await world.alerts(RULE)
    checked = 0
    for event in await alerts.events(world.store, alert.uid):
        step = decoded(event.document, Account).step
        kept = await detector_states.by_digest(world.store, step.state_before)
        assert digest_of(kept.state) == step.state_before
        assert kept.pinned
        watch = Watch.restore(kept.state)
        poll = await poll_again(world, watch, step)
        assert poll.digest() == step.inputs
        assert verdict_of(watch.step(poll)) == step.verdict
        assert digest_of(watch.save()) == step.state_after
        checked += 1
    assert checked == 3


async def poll_again(world, watch, step):
    from alerting.detection import sources_of
    from analysis.detect_feed import OLDEST_S, RAIN, RAIN_BACK_S, newest_of, poll_of, rain_of
    from store import read
    from store.rows import Filter

    at_s, sources = step.at_s, sources_of(rules()[0], exercise=False)
    found = await read.arrays(
        world.store, Filter(feeds=frozenset({step.feed_id})), at_s - OLDEST_S, at_s + 1, as_of_s=at_s
    )
    wet = await read.arrays(
        world.store, Filter(feeds=frozenset(sources.gauge_feeds), quantities=RAIN), at_s - RAIN_BACK_S, at_s + 1, as_of_s=at_s
    )  # fmt: skip
    rain = rain_of(watch.stations, wet, sources, at_s)
    return poll_of(watch.uids, watch.given_s, newest_of(found, at_s), rain, at_s)
