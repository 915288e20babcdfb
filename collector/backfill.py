"""Asking for the past, where a publisher keeps it under addresses made of time (`history` of a form). What was missed is then not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from collector.fetch import Fetcher
from collector.health import NOT_REACHED, Run
from collector.pipeline import Pipeline
from collector.plan import PlannedRequest, planned
from domain.clock import Clock
from domain.states import FeedState
from specs.feed import FeedSpec
from specs.loading import Table
from store import read
from store.write import finish_run

#: So many requests in a row that reach nobody end it.
_GIVE_UP_AFTER = 3


def past_requests(
    feed: FeedSpec, from_s: float, to_s: float, now_s: float, tables: Mapping[str, Table]
) -> tuple[PlannedRequest, ...]:
    """The requests for what `feed` gave between two times, oldest first, each address once; catalogues of stations come first.

    What lies further back than the publisher keeps is left out.
    """
    catalogues = {form.id for form in feed.forms if form.catalogue}
    found = {one.url: one for one in planned(feed, now_s, tables, whole=True) if one.form_id in catalogues}
    wanted = {one.url: one for one in _wanted(feed, from_s, to_s, now_s, tables)}
    return tuple((found | wanted).values()) if wanted else ()


def _wanted(
    feed: FeedSpec, from_s: float, to_s: float, now_s: float, tables: Mapping[str, Table]
) -> Iterator[PlannedRequest]:
    for form in feed.forms:
        if form.history is None:
            continue
        step_s = form.history.step_s
        at_s = max(from_s, now_s - form.history.keeps_s)
        at_s -= at_s % step_s
        while at_s < min(to_s, now_s) + step_s:
            yield from (one for one in planned(feed, min(at_s, now_s), tables, whole=True) if one.form_id == form.id)
            at_s += step_s


@dataclass(frozen=True, slots=True)
class Backfill:
    """Asks for the past of a feed, politely spaced, beside its ordinary polls."""

    fetcher: Fetcher
    pipeline: Pipeline
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    told: Callable[[PlannedRequest], None] = field(default=lambda _: None)

    async def run(self, feed: FeedSpec, requests: tuple[PlannedRequest, ...]) -> Run | None:
        """Ask in order; None when there was nothing to ask. The feed's state stays what its last poll made it: the past says nothing of now."""
        run: Run | None = None
        unreached = 0
        for number, one in enumerate(requests):
            if number:
                await self.sleep(feed.schedule.pause_s)
            self.told(one)
            fetched = await self.fetcher.fetch(one)
            run = run or self.pipeline.begin(feed, fetched.answer.requested_s)
            await self.pipeline.take(fetched, run)
            unreached = unreached + 1 if fetched.answer.failure in NOT_REACHED else 0
            if unreached >= _GIVE_UP_AFTER:
                break
        if run is not None:
            await self._end(feed, run, len(requests))
        return run

    async def _end(self, feed: FeedSpec, run: Run, wanted: int) -> None:
        health = (await read.feed_health(self.pipeline.store)).get(feed.id)
        before = health.state if health else FeedState.NEVER_RUN
        failed = ", ".join(f"{reason} {count}" for reason, count in sorted(run.gathered.failures.items()))
        run.state = before
        run.cause = f"backfill: {run.gathered.answered} of {wanted} requests{f' ({failed})' if failed else ''}"
        await finish_run(self.pipeline.store, run.uid, int(run.last_s), before, run.cause)
