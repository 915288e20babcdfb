"""The past of a feed: asked where it is kept, each address once, and without saying anything of how the feed does now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collector.backfill import Backfill, past_requests
from collector.pipeline import Pipeline
from domain.reasons import Refusal
from domain.states import FeedState
from store import read
from store.engine import Store
from tests.collector.operated import FORMS, NOW, Publisher, world
from tests.feeds.made import loaded
from tests.feeds.replayed import config, feed

DAY_S = 86_400
DAILY = FORMS.replace(
    'request: {url: "https://lab.example/rows.csv"}',
    'request: {url: "https://lab.example/{day}.csv", variables: {day: {format: "%Y%m%d"}}}\n    history: {keeps_s: 864000, step_s: 86400}',
)


@given(st.integers(0, 60), st.integers(0, 60))
def test_every_day_that_is_kept_is_asked_once_oldest_first(back: int, span: int) -> None:
    hko, now_s = feed("hk-hko-gamma"), datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
    asked = [
        one.url[-8:]
        for one in past_requests(hko, now_s - back * DAY_S, now_s - (back - span) * DAY_S, now_s, config().tables)
    ]
    assert asked == sorted(set(asked))
    assert len(asked) <= 28, "26 days are kept"
    assert all("20261004" <= day <= "20261031" for day in asked)


def test_a_publisher_that_keeps_nothing_is_not_asked() -> None:
    assert past_requests(feed("jp-nra-ramis"), NOW - DAY_S, NOW, NOW, config().tables) == ()


async def test_the_state_of_the_feed_stays_what_its_last_poll_made_it(sqlite_store: Store, tmp_path: Path) -> None:
    made = world(sqlite_store, tmp_path)
    made.config = loaded(tmp_path / "config", DAILY)
    daily, publisher = made.config.feeds[0], Publisher(failure=Refusal.CONNECTION)
    await made.guard().poller.poll(daily)
    before = (await read.feed_health(sqlite_store))[daily.id]

    async def no_pause(_: float) -> None: ...

    publisher.failure = None
    requests = past_requests(daily, NOW - 3 * DAY_S, NOW, NOW, {})
    filled = Backfill(publisher, Pipeline(sqlite_store, made.config, made.clock), made.clock, sleep=no_pause)  # type: ignore[arg-type]
    run = await filled.run(daily, requests)
    assert run
    assert (run.tally.read, run.tally.unchanged) == (3 * len(requests), 3 * len(requests))
    assert run.cause == f"backfill: {len(requests)} of {len(requests)} requests"
    after = (await read.feed_health(sqlite_store))[daily.id]
    assert after.state is before.state is FeedState.OK
    assert await filled.run(daily, ()) is None


async def test_a_publisher_that_is_not_there_ends_it(sqlite_store: Store, tmp_path: Path) -> None:
    made = world(sqlite_store, tmp_path)
    daily = loaded(tmp_path / "config", DAILY).feeds[0]
    publisher = Publisher(failure=Refusal.CONNECTION)

    async def no_pause(_: float) -> None: ...

    filled = Backfill(publisher, Pipeline(sqlite_store, made.config, made.clock), made.clock, sleep=no_pause)  # type: ignore[arg-type]
    run = await filled.run(daily, past_requests(daily, NOW - 9 * DAY_S, NOW, NOW, {}))
    assert len(publisher.asked) == 3
    assert run
    assert "connection 3" in run.cause
    assert run.state is FeedState.NEVER_RUN
