"""When feeds are polled: one APScheduler job per feed, spread over its period; what is missed is counted, never silent.

The job store is in memory on purpose: the scheduler's own database store is synchronous and blocks the loop for seconds.
What must outlive a restart (last answer, last success) stands in our own tables.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from collector.metrics import Metrics
from specs.feed import FeedSpec

log = structlog.get_logger(__name__)

_EVENTS = {EVENT_JOB_MISSED: "missed", EVENT_JOB_MAX_INSTANCES: "overrun", EVENT_JOB_ERROR: "error"}
Poll = Callable[[FeedSpec], Awaitable[object]]


def first_delay_s(feed_id: str, period_s: float, *, at_most_s: float = 30.0) -> float:
    """Seconds until a feed's first poll: the same for every start, different for every feed, so that they never fire together."""
    spread = min(period_s, at_most_s)
    return zlib.crc32(feed_id.encode()) % 1000 / 1000 * spread


class Scheduler:
    """Polls every enabled feed on its schedule. `speed` shortens the periods of a rehearsal on a faster clock."""

    def __init__(
        self, poll: Poll, metrics: Metrics, *, speed: float = 1.0, now_s: Callable[[], float] = time.time
    ) -> None:
        self._poll, self._metrics, self._speed, self._now_s = poll, metrics, speed, now_s
        self._last_s: dict[str, float] = {}
        self._running: set[asyncio.Task[object]] = set()
        self._periods: dict[str, float] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60}
        )
        self._scheduler.add_listener(self._count, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin to fire."""
        self._scheduler.start()

    def configure(self, feeds: Iterable[FeedSpec]) -> None:
        """Make the jobs be those of `feeds`: new ones added, changed ones rescheduled, vanished ones removed, others untouched."""
        wanted = {feed.id: feed for feed in feeds if feed.enabled}
        for gone in self._periods.keys() - wanted.keys():
            self._scheduler.remove_job(gone)
            del self._periods[gone]
            self._last_s.pop(gone, None)
        for feed in wanted.values():
            self._schedule(feed)

    async def stop(self, *, deadline_s: float = 10.0) -> None:
        """Fire no more, let running polls end within `deadline_s`, then cancel what is left.

        The library's own shutdown cancels running polls at once, in the middle of a commit if need be.
        """
        self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=deadline_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    def next_due(self) -> dict[str, datetime]:
        """When each feed will be polled next."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if job.next_run_time}

    def _schedule(self, feed: FeedSpec) -> None:
        period_s = max(1.0, feed.schedule.every_s / self._speed)
        known = self._periods.get(feed.id)
        self._periods[feed.id] = period_s
        if known == period_s:
            self._scheduler.modify_job(feed.id, args=(feed,))
            return
        start = datetime.now(UTC) + timedelta(seconds=first_delay_s(feed.id, period_s))
        self._scheduler.add_job(
            self._run, IntervalTrigger(seconds=period_s, start_date=start, timezone=UTC), args=(feed,), id=feed.id,
            misfire_grace_time=max(60, int(period_s)), replace_existing=True,
        )  # fmt: skip

    async def _run(self, feed: FeedSpec) -> None:
        self._count_merged(feed.id)
        task: asyncio.Task[object] = asyncio.ensure_future(self._poll(feed))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await task
        except asyncio.CancelledError:
            log.warning("poll cut off by the end of the program", feed=feed.id)

    def _count_merged(self, feed_id: str) -> None:
        """Count the polls that fell out since the last one (a suspended machine, a blocked loop).

        The library merges them into one when they are coalesced, without an event.
        """
        now_s = self._now_s()
        before_s = self._last_s.get(feed_id, now_s)
        self._last_s[feed_id] = now_s
        missed = round((now_s - before_s) / self._periods.get(feed_id, 1.0)) - 1
        if missed > 0:
            self._metrics.jobs.labels(feed_id, "missed").inc(missed)
            log.error("polls were missed", feed=feed_id, missed=missed)

    def _count(self, event: JobEvent) -> None:
        what = _EVENTS[event.code]
        self._metrics.jobs.labels(event.job_id, what).inc()
        error = getattr(event, "exception", None)
        log.error("poll did not go as planned", feed=event.job_id, what=what, exc_info=error)
