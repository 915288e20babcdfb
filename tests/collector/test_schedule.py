"""The schedule: spread starts, no silent misses, hot changes, an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from collector.metrics import Metrics
from collector.schedule import Scheduler, first_delay_s
from specs.feed import FeedSpec
from specs.loading import load_config
from tests.conftest import ROOT

FEEDS = tuple(feed for feed in load_config(ROOT / "config").feeds if feed.enabled)


def again_every(feed: FeedSpec, every_s: int) -> FeedSpec:
    return feed.model_copy(update={"schedule": feed.schedule.model_copy(update={"every_s": every_s})})


def count(registry: CollectorRegistry, feed: str, event: str) -> float:
    return registry.get_sample_value("radcommons_jobs_total", {"feed": feed, "event": event}) or 0.0


class Polls:
    """Polls that last until they are let go."""

    def __init__(self) -> None:
        self.started, self.go, self.ended = asyncio.Event(), asyncio.Event(), 0

    async def __call__(self, feed: FeedSpec) -> None:
        self.started.set()
        await self.go.wait()
        self.ended += 1


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - the library has no event to wait for
            await asyncio.sleep(0.001)


def fire(scheduler: Scheduler, feed: FeedSpec) -> None:
    scheduler._scheduler.modify_job(feed.id, next_run_time=datetime.now(UTC))


async def test_a_poll_that_runs_over_is_not_started_twice_and_that_is_counted() -> None:
    registry, polls = CollectorRegistry(), Polls()
    scheduler = Scheduler(polls, Metrics(registry))
    scheduler.configure(FEEDS[:1])
    scheduler.start()
    fire(scheduler, FEEDS[0])
    await polls.started.wait()
    fire(scheduler, FEEDS[0])
    await until(lambda: count(registry, FEEDS[0].id, "overrun") == 1)
    polls.go.set()
    await scheduler.stop()
    assert polls.ended == 1


async def test_polls_that_fell_out_are_counted_though_they_are_merged_into_one() -> None:
    async def poll(_: FeedSpec) -> None: ...

    registry, now = CollectorRegistry(), [1000.0]
    scheduler = Scheduler(poll, Metrics(registry), now_s=lambda: now[0])
    feed = again_every(FEEDS[0], 600)
    scheduler.configure([feed])
    for moment, missed in ((1000.0, 0), (1600.0, 0), (1600.0 + 6 * 600, 5), (1600.0 + 7 * 600, 5)):
        now[0] = moment
        await scheduler._run(feed)
        assert count(registry, feed.id, "missed") == missed


async def test_an_unexpected_error_is_counted_and_the_next_poll_is_due() -> None:
    async def fails(_: FeedSpec) -> None:
        raise RuntimeError("a bug")

    registry = CollectorRegistry()
    scheduler = Scheduler(fails, Metrics(registry))
    scheduler.configure(FEEDS[:1])
    scheduler.start()
    fire(scheduler, FEEDS[0])
    await until(lambda: count(registry, FEEDS[0].id, "error") == 1)
    assert scheduler.next_due()[FEEDS[0].id] > datetime.now(UTC)
    await scheduler.stop()


async def test_stopping_lets_running_polls_end_first() -> None:
    polls = Polls()
    scheduler = Scheduler(polls, Metrics())
    scheduler.configure(FEEDS[:1])
    scheduler.start()
    fire(scheduler, FEEDS[0])
    await polls.started.wait()
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    polls.go.set()
    await stopping
    assert polls.ended == 1


async def test_a_poll_that_will_not_end_is_cut_off_at_the_deadline() -> None:
    polls = Polls()
    scheduler = Scheduler(polls, Metrics())
    scheduler.configure(FEEDS[:1])
    scheduler.start()
    fire(scheduler, FEEDS[0])
    await polls.started.wait()
    await scheduler.stop(deadline_s=0.0)
    assert polls.ended == 0


async def test_a_new_configuration_touches_only_what_changed() -> None:
    scheduler = Scheduler(Polls(), Metrics())
    scheduler.configure(FEEDS[:3])
    scheduler.start()
    before = scheduler.next_due()
    first, second = FEEDS[:2]
    scheduler.configure([first, again_every(second, 77), FEEDS[3]])
    after = scheduler.next_due()
    assert after.keys() == {first.id, second.id, FEEDS[3].id}
    assert after[first.id] == before[first.id]
    job = scheduler._scheduler.get_job(second.id)
    assert job.trigger.interval == timedelta(seconds=77)
    scheduler.configure([first.model_copy(update={"enabled": False})])
    assert scheduler.next_due() == {}
    await scheduler.stop()


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.id)
def test_first_polls_are_spread_and_soon(feed: FeedSpec) -> None:
    assert 0 <= first_delay_s(feed.id, feed.schedule.every_s) <= 30


def test_feeds_do_not_fire_together_after_a_restart() -> None:
    delays = sorted(first_delay_s(feed.id, feed.schedule.every_s) for feed in FEEDS)
    assert len(set(delays)) == len(FEEDS)
