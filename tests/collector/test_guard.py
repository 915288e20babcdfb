"""Pauses, breakers and politeness: obeyed at every poll, and not forgotten at a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.guard import OPEN_AFTER, floor_s, wait_s
from domain.reasons import Refusal
from domain.states import FeedState
from store import feed_controls, read
from store.engine import Store
from store.feed_controls import Pause, Validator
from tests.collector.operated import NOW, URL, World, world


@pytest.fixture
def made(sqlite_store: Store, tmp_path: Path) -> World:
    return world(sqlite_store, tmp_path)


async def test_a_paused_feed_is_not_asked_and_shows_as_paused(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    await feed_controls.pause(made.store, Pause(feed.id, "Kim", int(NOW), "they asked"))
    assert await guard.poll(feed) is None
    run, why = await guard.poll_now(feed)
    assert run is None
    assert "paused" in why
    assert made.publisher.asked == []
    assert (await read.feed_health(made.store))[feed.id].state is FeedState.PAUSED
    await feed_controls.resume(made.store, feed.id, "Kim", int(NOW))
    assert await guard.poll(feed)
    assert (await read.feed_health(made.store))[feed.id].state is FeedState.OK


async def test_a_publisher_that_fails_again_and_again_is_asked_less_often_also_after_a_restart(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    made.publisher.failure = Refusal.CONNECTION
    for _ in range(OPEN_AFTER):
        assert await guard.poll(feed)
        made.clock.advance_to(made.clock.now_s() + feed.schedule.every_s)
    assert await guard.poll(feed) is None, "it is open"
    again = made.guard()
    await again.load()
    assert await again.poll(feed) is None, "it is open after the restart too"
    health = (await read.feed_health(made.store))[feed.id]
    assert health.state is FeedState.BLOCKED
    assert "3 polls failed in a row, asked again from 2026-" in health.cause
    made.publisher.failure = None
    made.clock.advance_to(made.clock.now_s() + wait_s(OPEN_AFTER, feed.schedule.every_s))
    run = await again.poll(feed)
    assert run
    assert run.state is FeedState.LATE, "the publisher is there again, with what it had"
    assert await feed_controls.breakers(made.store) == {}


async def test_an_answer_that_cannot_be_read_opens_no_breaker(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    made.publisher.failure = Refusal.BAD_COMPRESSION
    for _ in range(OPEN_AFTER + 1):
        assert await guard.poll(feed)
        made.clock.advance_to(made.clock.now_s() + feed.schedule.every_s)
    assert await feed_controls.breakers(made.store) == {}


async def test_retry_after_outlives_a_restart(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    made.publisher.failure, made.publisher.quiet_s = Refusal.BLOCKED, NOW + 5000
    await guard.poll(feed)
    again = made.guard()
    await again.load()
    made.clock.advance_to(NOW + 4999)
    assert await again.poll(feed) is None
    made.clock.advance_to(NOW + 5000)
    assert await again.poll(feed)


async def test_a_poll_by_hand_is_polite(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    assert feed.schedule.every_s == 900
    assert (await guard.poll_now(feed))[0]
    made.clock.advance_to(NOW + 899)
    run, why = await guard.poll_now(feed)
    assert run is None
    assert "may be asked again in 2 s" in why
    made.clock.advance_to(NOW + 900)
    assert (await guard.poll_now(feed))[0]
    assert len(made.publisher.asked) == 2


async def test_a_restart_does_not_ask_a_volunteer_twice_in_a_quarter_of_an_hour(made: World) -> None:
    feed = made.config.feeds[0]
    assert await made.guard().poll(feed)
    made.clock.advance_to(NOW + 700)
    again = made.guard()
    assert await again.poll(feed) is None
    assert "asked a moment ago" in (await again.poll_now(feed))[1]
    made.clock.advance_to(NOW + 890)
    assert await again.poll(feed), "its turn by the clock, give or take some seconds"


async def test_what_is_unchanged_at_the_publisher_is_known_after_a_restart_until_the_file_changes(made: World) -> None:
    guard, feed = made.guard(), made.config.feeds[0]
    await guard.poll(feed)
    assert await feed_controls.validators(made.store) == [Validator("GET", URL, '"1"', "")]
    again = made.guard()
    await again.load()
    assert made.publisher.remembered == [Validator("GET", URL, '"1"', "")]
    await again.forget([feed.id])
    assert made.publisher.forgotten == {feed.id}
    assert await feed_controls.validators(made.store) == []


@given(st.integers(0, 60), st.integers(60, 86_400))
def test_the_wait_grows_with_failures_and_never_beyond_reason(failures: int, every_s: int) -> None:
    wait = wait_s(failures, every_s)
    assert wait == 0 if failures < OPEN_AFTER else every_s <= wait <= max(every_s, 3600)
    assert wait <= wait_s(failures + 1, every_s)
    assert floor_s(every_s) <= max(60, every_s)
