"""One poll of one feed: its requests in order, politely spaced, each answer through the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from collector.fetch import Fetcher
from collector.health import Run
from collector.pipeline import Pipeline
from collector.plan import planned
from domain.clock import Clock
from domain.reasons import Refusal
from specs.feed import FeedSpec


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls feeds with one fetcher through one pipeline; `sleep` is passed in so that tests need not wait."""

    fetcher: Fetcher
    pipeline: Pipeline
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def poll(self, feed: FeedSpec) -> Run | None:
        """Ask everything that is due of `feed`; None when nothing is. Stops at once when the publisher says no."""
        requests = planned(feed, self.clock.now_s(), self.pipeline.config.tables)
        if not requests:
            return None
        run: Run | None = None
        for number, request in enumerate(requests):
            if number:
                await self.sleep(feed.schedule.pause_s)
            fetched = await self.fetcher.fetch(request)
            run = run or self.pipeline.begin(feed, fetched.answer.requested_s)
            await self.pipeline.take(fetched, run)
            self.fetcher.committed(fetched.answer)
            if fetched.answer.failure is Refusal.BLOCKED:
                break
        if run:
            await self.pipeline.finish(run, planned=len(requests))
        return run
