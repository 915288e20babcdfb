"""Between the clock and a publisher: what is paused is not asked, what fails again and again is asked less often, and both outlive a restart."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from collector.fetch import Fetcher
from collector.health import Run
from collector.plan import recognise
from collector.poll import Poller
from domain.clock import Clock
from domain.states import FeedState
from specs.feed import FeedSpec
from specs.request import Moment
from store import feed_controls, read
from store.engine import Store
from store.feed_controls import BreakerRow, Validator
from store.write import finish_run

log = structlog.get_logger(__name__)

#: So many polls in a row that reach nobody open the breaker.
OPEN_AFTER = 3
_LONGEST_S = 3600
_MOST_PERIODS = 6
#: A volunteer service is never asked more often than this, by nobody's hand; others may be asked a minute after the last poll.
_VOLUNTEER_S = 900
LEAST_S = 60.0
#: A poll by the clock may come this share of the floor after the last one: its turn wavers by the seconds that the first answer took.
_BY_THE_CLOCK = 0.8


def wait_s(failures: int, every_s: int) -> int:
    """How long a feed is left alone after so many failed polls in a row: 0 below OPEN_AFTER, then doubling, at most six periods or an hour."""
    if failures < OPEN_AFTER:
        return 0
    doubled = every_s * (1 << min(failures - OPEN_AFTER + 1, 10))
    return max(every_s, min(doubled, every_s * _MOST_PERIODS, _LONGEST_S))


def floor_s(every_s: int, least_s: float = LEAST_S) -> float:
    """The least time between two polls of a feed, also when an operator asks for one by hand."""
    return _VOLUNTEER_S if every_s >= _VOLUNTEER_S else least_s


@dataclass(slots=True)
class Guard:
    """Polls a feed unless it is paused, left alone, or being polled already. One per collector."""

    poller: Poller
    fetcher: Fetcher
    store: Store
    clock: Clock
    least_s: float = LEAST_S
    _breakers: dict[str, BreakerRow] = field(default_factory=dict)
    _last_s: dict[str, float] = field(default_factory=dict)
    _busy: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def load(self) -> None:
        """Take up what was known before the last stop: open breakers, and what publishers called unchanged."""
        self._breakers = await feed_controls.breakers(self.store)
        self.fetcher.remember(await feed_controls.validators(self.store))

    async def poll(self, feed: FeedSpec) -> Run | None:
        """A poll by the clock. After a restart it waits its turn: a volunteer service may have been asked a minute ago."""
        if feed.id in await feed_controls.pauses(self.store):
            return None
        self._breakers = await feed_controls.breakers(self.store)  # another collector may have had this feed before
        breaker = self._breakers.get(feed.id)
        if breaker is not None and self.clock.now_s() < breaker.until_s:
            return None
        if await self._to_wait_s(feed) > (1 - _BY_THE_CLOCK) * floor_s(feed.schedule.every_s, self.least_s):
            return None
        return await self._poll(feed)

    async def poll_now(self, feed: FeedSpec) -> tuple[Run | None, str]:
        """A poll by hand: the run, or why there is none. Breakers are passed by, politeness is not."""
        if feed.id in await feed_controls.pauses(self.store):
            return None, f"{feed.id} is paused; resume it first"
        if self._busy[feed.id].locked():
            return None, f"{feed.id} is being polled at this moment; look at /v1/feeds/{feed.id}/runs"
        wait = await self._to_wait_s(feed)
        if wait > 0:
            return None, f"{feed.id} was asked a moment ago; its publisher may be asked again in {int(wait) + 1} s"
        run = await self._poll(feed)
        return run, "" if run else f"no request of {feed.id} is due"

    async def forget(self, feed_ids: Iterable[str]) -> None:
        """Ask these feeds in full again, because their files changed."""
        ids = set(feed_ids)
        self.fetcher.forget(ids)
        await feed_controls.forget_validators(self.store, ids)

    async def _to_wait_s(self, feed: FeedSpec) -> float:
        """Until the publisher may be asked again; the store knows of polls by programs that have ended."""
        health = (await read.feed_health(self.store)).get(feed.id)
        stored_s = health.last_run.started_s if health and health.last_run else 0
        last_s = max(self._last_s.get(feed.id, 0.0), stored_s)
        return last_s + floor_s(feed.schedule.every_s, self.least_s) - self.clock.now_s()

    async def _poll(self, feed: FeedSpec) -> Run | None:
        async with self._busy[feed.id]:
            self._last_s[feed.id] = self.clock.now_s()
            run = await self.poller.poll(feed)
            if run is not None:
                await self._note(feed, run)
                await self._keep_validators(feed)
            return run

    async def _note(self, feed: FeedSpec, run: Run) -> None:
        before = self._breakers.get(feed.id)
        failures = 0 if run.state is not FeedState.BLOCKED else (before.failures if before else 0) + 1
        now_s = self.clock.now_s()
        asked_for = max((self.fetcher.quiet_until_s(form.request.url) for form in feed.forms), default=0.0)
        until_s = int(max(now_s + wait_s(failures, feed.schedule.every_s), asked_for)) if failures else 0
        row = BreakerRow(feed.id, failures, until_s, run.cause)
        if failures or before is not None:
            await feed_controls.set_breaker(self.store, row)
        if not failures:
            self._breakers.pop(feed.id, None)
            return
        self._breakers[feed.id] = row
        if until_s > now_s + feed.schedule.every_s:
            cause = f"{run.cause}; {failures} polls failed in a row, asked again from {_clock_text(until_s)}"
            await finish_run(self.store, run.uid, int(run.last_s or now_s), run.state or FeedState.BLOCKED, cause)
            log.warning("feed is left alone", feed=feed.id, failures=failures, until=_clock_text(until_s))

    async def _keep_validators(self, feed: FeedSpec) -> None:
        """An address made of the time of asking is never asked again: what its server said of it is not worth keeping."""
        fresh = [one for one in self.fetcher.taken_validators(feed.id) if not _of_a_moment(feed, one)]
        if fresh:
            await feed_controls.keep_validators(self.store, feed.id, fresh)


def _of_a_moment(feed: FeedSpec, one: Validator) -> bool:
    found = recognise(feed, one.method, one.url)
    return found is None or any(isinstance(variable, Moment) for variable in found[0].request.variables.values())


def _clock_text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
